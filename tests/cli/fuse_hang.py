"""usage: fuse_hang.py MOUNTPOINT never|read

A file system that stops answering, spoken by hand on /dev/fuse (linux/fuse.h): `never` answers nothing behind the first handshake;
`read` holds a directory with the file `log`, answers its first megabyte and then no read any more. Prints "mounted" when it is.
Ends when it is killed; what waits for it is then told that there is no connection.
"""
import ctypes
import os
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, INIT, OPENDIR, READDIR, RELEASEDIR = 1, 2, 3, 14, 15, 18, 26, 27, 28, 29
GETXATTR, LISTXATTR, FLUSH, READDIRPLUS, STATX = 22, 23, 25, 44, 52
ROOT, LOG, SIZE, ANSWERED = 1, 2, 8 << 20, 1 << 20

mountpoint, mode = sys.argv[1:]
fd = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
if libc.mount(b"hang", mountpoint.encode(), b"fuse.hang", 0, options) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))


def attributes(node):
    size, kind = (0, 0o040755) if node == ROOT else (SIZE, 0o100644)
    return struct.pack("<QQQQQQIIIIIIIIII", node, size, (size + 511) // 512, 1700000000, 1700000000, 1700000000, 0, 0, 0, kind, 1, 0, 0,
                       0, 4096, 0)


def answer(unique, payload=b"", error=0):
    os.write(fd, struct.pack("<IiQ", 16 + len(payload), -error, unique) + payload)


def directory(offset):
    names = [(ROOT, b".", 4), (ROOT, b"..", 4), (LOG, b"log", 8)]
    out = b""
    for number, (node, name, kind) in enumerate(names):
        if number >= offset:
            entry = struct.pack("<QQII", node, number + 1, len(name), kind) + name
            out += entry + b"\0" * (-len(entry) % 8)
    return out


first = True
while True:
    request = os.read(fd, 1 << 20)
    length, opcode, unique, node = struct.unpack_from("<IIQQ", request)
    body = request[40:length]
    if opcode == INIT:
        answer(unique, struct.pack("<IIIIHHIIHHIIHHIIII", 7, 31, 131072, 0, 16, 12, 131072, 1, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0)[:64])
        print("mounted", flush=True)
    elif mode == "never":
        continue
    elif opcode == LOOKUP:
        if body.rstrip(b"\0") == b"log":
            answer(unique, struct.pack("<QQQQII", LOG, 0, 3600, 3600, 0, 0) + attributes(LOG))
        else:
            answer(unique, error=2)
    elif opcode == GETATTR:
        answer(unique, struct.pack("<QII", 3600, 0, 0) + attributes(node))
    elif opcode in (OPEN, OPENDIR):
        answer(unique, struct.pack("<QII", 0, 1 if opcode == OPEN else 0, 0))
    elif opcode == READDIR:
        answer(unique, directory(struct.unpack_from("<QQ", body)[1]))
    elif opcode == READ:
        offset, size = struct.unpack_from("<QQI", body)[1:]
        if offset + size <= ANSWERED:
            answer(unique, b"x" * size)
    elif opcode != FORGET:
        answer(unique, error=38)
