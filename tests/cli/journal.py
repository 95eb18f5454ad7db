"""Journals for tests: export streams to feed to systemd-journal-remote, and changes to the files that it makes.

  journal.py stream FIRST COUNT         entries FIRST to FIRST+COUNT-1: ten to a boot, three units in turn, some with binary fields
  journal.py renumber FILE MORE         adds MORE to each entry's sequence number
  journal.py wipe-entry FILE NUMBER     zeroes an entry object
  journal.py wipe-boot FILE NUMBER      zeroes the boot of an entry
  journal.py wipe-data FILE TEXT        zeroes the object that holds this text
"""
import struct, sys


def binary(name, value):
    return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def stream(first, count):
    out = sys.stdout.buffer
    for i in range(first, first + count):
        unit = [b"ssh.service", b"cron.service", b"web.service"][i % 3]
        out.write(b"__CURSOR=x\n__REALTIME_TIMESTAMP=%d\n" % (1700000000000000 + i * 1000000))
        out.write(b"__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\n" % (1000000 + i * 1000000, 0xB001 + i // 10))
        out.write(b"_SYSTEMD_UNIT=%s\n_PID=%d\nPRIORITY=6\nMESSAGE=message number %d\n" % (unit, 100 + i, i))
        if i % 10 == 5:
            out.write(binary(b"BLOB", bytes(range(256))))
        if i % 10 == 6:
            out.write(binary(b"LINES", b"one\ntwo\n\n__CURSOR=forged\nthree\n"))
        if i % 10 == 7:
            out.write(binary(b"BIG", b"A" * 100000 + b"\n" + b"B" * 70000))
        if i % 10 == 8:
            out.write(b"EMPTY=\nTEXT=tab\there, \xc3\xa4\nTEXT=again\n" + binary(b"INVALID", b"\xff\xfe"))
        out.write(b"\n")


def entries(data):
    compact = struct.unpack_from("<I", data, 12)[0] & 16
    count, array = struct.unpack_from("<Q", data, 152)[0], struct.unpack_from("<Q", data, 176)[0]
    width = 4 if compact else 8
    while count > 0:
        size, following = struct.unpack_from("<QQ", data, array + 8)
        for i in range(min(count, (size - 24) // width)):
            yield struct.unpack_from("<I" if compact else "<Q", data, array + 24 + i * width)[0]
            count -= 1
        array = following


def change(path, what):
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        what(data)
        f.seek(0)
        f.write(data)


def renumber(data, more):
    for at in list(entries(data)):
        struct.pack_into("<Q", data, at + 16, struct.unpack_from("<Q", data, at + 16)[0] + more)
    for at in (160, 168):
        struct.pack_into("<Q", data, at, struct.unpack_from("<Q", data, at)[0] + more)


def wipe_entry(data, number):
    at = list(entries(data))[number]
    data[at : at + 64] = bytes(64)


def wipe_boot(data, number):
    at = list(entries(data))[number]
    data[at + 40 : at + 56] = bytes(16)


def wipe_data(data, text):
    found = data.index(text) // 8 * 8
    while not (data[found] == 1 and found + struct.unpack_from("<Q", data, found + 8)[0] > data.index(text)):
        found -= 8
    data[found : found + 64] = bytes(64)


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "stream":
        stream(int(arguments[0]), int(arguments[1]))
    elif command == "renumber":
        change(arguments[0], lambda data: renumber(data, int(arguments[1])))
    elif command == "wipe-entry":
        change(arguments[0], lambda data: wipe_entry(data, int(arguments[1])))
    elif command == "wipe-boot":
        change(arguments[0], lambda data: wipe_boot(data, int(arguments[1])))
    elif command == "wipe-data":
        change(arguments[0], lambda data: wipe_data(data, arguments[1].encode()))
    else:
        sys.exit(__doc__)
