# Writes the files of a directory into a C source that defines archiver/built_in.h's table:
#   cmake -D FROM=DIRECTORY -D FILES=NAME;NAME;… -D TO=FILE.c -P embed.cmake
# The names are relative to FROM, sorted, and are the names in the table.
set(text "#include \"built_in.h\"\n\n")
set(table "")
set(number 0)
foreach(name IN LISTS FILES)
  file(READ "${FROM}/${name}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR length "${digits} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " hex "${hex}")
  # One byte more than there are, so that an empty file is an array as well.
  string(APPEND text "static const uint8_t file_${number}[] = {\n${hex}0x00};\n\n")
  string(APPEND table "\t{\"${name}\", file_${number}, ${length}},\n")
  math(EXPR number "${number} + 1")
endforeach()
string(APPEND text "const struct built_in_file built_in_files[] = {\n${table}\t{0},\n};\n"
  "const size_t built_in_file_count = ${number};\n")
file(WRITE "${TO}" "${text}")
