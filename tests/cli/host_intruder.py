"""What an intruder does to a host (host_life.py), for what takes more than a shell.

  host_intruder.py cut-records FILE FROM COUNT     takes login records out, in place
  host_intruder.py zero-records FILE FROM COUNT    overwrites them with zeros
  host_intruder.py zero FILE OFFSET LENGTH         zeros in place
  host_intruder.py cut-lines FILE TEXT             takes the lines with TEXT out, in place: FILE is the same inode
  host_intruder.py replace FILE OLD NEW            bytes of the same length in place; the file keeps its modification time
"""
import os, sys

sys.dont_write_bytecode = True
RECORD = 384


def change(path, what):
    with open(path, "r+b") as f:
        data = what(f.read())
        f.seek(0)
        f.truncate()
        f.write(data)


def main():
    verb, path, *arguments = sys.argv[1:]
    if verb in ("cut-records", "zero-records"):
        at, size = (int(a) * RECORD for a in arguments)
        change(path, lambda data: data[:at] + (bytes(size) if verb[0] == "z" else b"") + data[at + size :])
    elif verb == "zero":
        at, size = map(int, arguments)
        change(path, lambda data: data[:at] + bytes(size) + data[at + size :])
    elif verb == "cut-lines":
        text = arguments[0].encode()
        with open(path, "rb") as f:
            assert text in f.read()
        change(path, lambda data: b"".join(line for line in data.splitlines(True) if text not in line))
    elif verb == "replace":
        st = os.stat(path)
        old, new = (a.encode() for a in arguments)
        assert len(old) == len(new)
        with open(path, "rb") as f:
            assert old in f.read()
        change(path, lambda data: data.replace(old, new, 1))
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


if __name__ == "__main__":
    main()
