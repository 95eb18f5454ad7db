# What VESTIGE_STATIC changes in the search for libraries: archives instead of shared objects. tools/build-static uses it and
# checks what was linked.
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)

# What the archives need themselves and a shared object would have brought along. Only what is really called: what else libgit2
# and libarchive refer to (networks, XML, other formats) is refused by archiver/static/.
function(vst_static_needs target)
  foreach(name ${ARGN})
    find_library(STATIC_${name} ${name} REQUIRED)
    list(APPEND paths ${STATIC_${name}})
  endforeach()
  set_property(TARGET ${target} APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${paths})
endfunction()

# Called behind the search: every library that was found gets what it needs.
function(vst_static_complete)
  vst_static_needs(PkgConfig::ARCHIVE bz2 lzma lz4 z)
  vst_static_needs(PkgConfig::GCRYPT gpg-error)
  vst_static_needs(PkgConfig::GIT2 pcre2-8 mbedcrypto z)
  vst_static_needs(PkgConfig::SQLITE3 m)
endfunction()
