"""A host that lives: a root directory in which a day passes at each call, by the tools that do it on a real one where they can be had
(logrotate, dpkg, useradd, systemd-journal-remote), else by writing what they write.

  host_life.py DIR birth BEGIN     DIR/root as it is at BEGIN (seconds since the epoch, a midnight UTC); host_clock.so lies in DIR
  host_life.py DIR day             lives until the next night, and prints the time of its snapshot
  host_life.py DIR settle [AGO]    what was changed by hand since was changed AGO seconds (60) before that snapshot
  host_life.py DIR quiet           a day on which nothing but the clockwork of the host writes, and no log is rotated
  host_life.py DIR tool COMMAND…   runs a tool of the host, ten minutes before that snapshot
  host_life.py DIR jump AUDIT JOURNAL  so many numbers of audit events and journal entries are of what never reached the disk

Times. The days lie in the future: what bears a time of today was made just now by a tool, and gets the time of the simulated day. The
modification time is set in the file itself. Birth and change of an inode cannot be set by anybody; DIR/times says what they would have
been, and host_clock.so has statx(2) say so. Times that a tool set on purpose (touch, tar, gzip, dpkg) stay.
"""
import ctypes, lzma, os, pathlib, pickle, random, re, shutil, sqlite3, struct, subprocess, sys, time

sys.dont_write_bytecode = True
DAY, NIGHT = 86400, 9000  # the snapshot is taken at 02:30 UTC
NS = 10**9
REMOTE = "/lib/systemd/systemd-journal-remote"
MACHINE = "0123456789abcdef0123456789abcdef"
FEWER_HOURS, MORE_HOURS = 12, 23  # days on which the clocks go back, and forward again: Morocco's in Ramadan
REBOOTS = {5: 90, 11: 75, 19: 5 * 3600, 26: 120}  # day: seconds off; on day 19 the power fails
NO_TRAFFIC = {8, 9, 20}


class Statx(ctypes.Structure):
    _fields_ = [("head", ctypes.c_uint8 * 80), ("btime", ctypes.c_int64), ("btime_ns", ctypes.c_uint32), ("rest", ctypes.c_uint8 * 164)]


libc = ctypes.CDLL(None, use_errno=True)


def birth_of(path):
    """ns; 0: this file system has none."""
    found = Statx()
    if libc.statx(-100, os.fsencode(path), 0x100, 0xFFF, ctypes.byref(found)) != 0:
        return 0
    has = struct.unpack_from("<I", bytes(found.head), 0)[0] & 0x800
    return found.btime * NS + found.btime_ns if has else 0


class Host:
    def __init__(self, directory, begin):
        self.directory, self.begin, self.day = pathlib.Path(directory).resolve(), begin, 0
        self.root = self.directory / "root"
        self.random = random.Random(4711)
        self.fractions = random.Random(4712)  # of these there are more or less, as directories are read
        self.now = begin - DAY + NIGHT
        self.born = time.time_ns()
        self.inodes = {}  # inode: [birth, said, change, said]
        self.changed = {}  # inode: when we ourselves wrote to it
        self.serial, self.audit_day = 1, 0
        self.journal, self.journal_next, self.journal_id = [], 1, None
        self.boot, self.booted = 0xB001, self.now
        self.versions = {}
        self.offline = []  # from, to: nothing is written

    # ---- time ----

    def offset(self, t):
        day = (t - self.begin) / DAY
        return 0 if FEWER_HOURS <= day < MORE_HOURS else 3600

    def iso(self, t):
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t + self.offset(t))) + ".%06d+0%d:00" % (
            self.random.randrange(10**6),
            self.offset(t) // 3600,
        )

    def bsd(self, t):
        return time.strftime("%b %e %H:%M:%S", time.gmtime(t + self.offset(t)))

    def access_time(self, t):
        return time.strftime("%d/%b/%Y:%H:%M:%S ", time.gmtime(t + self.offset(t))) + "+0%d00" % (self.offset(t) // 3600)

    def ns(self, t):
        return int(t) * NS + self.fractions.randrange(1, NS)

    def settle(self, t=None):
        """What was changed since the last call gets the time t (the present)."""
        t = self.now if t is None else t
        seen, records = {}, []
        for directory, _, files in os.walk(self.root, topdown=False):
            for name in [*files, "."]:
                path = os.path.join(directory, name) if name != "." else directory
                st = os.lstat(path)
                if st.st_ino in seen:
                    continue
                if self.born <= st.st_mtime_ns < self.begin * NS - DAY * NS:
                    os.utime(path, ns=(self.ns(t), self.ns(t)), follow_symlinks=False)
                    st = os.lstat(path)
                known, birth = self.inodes.get(st.st_ino), birth_of(path)
                when = self.changed.get(st.st_ino, 0) or self.ns(t)
                if not known or known[0] != birth:
                    known = [birth, self.ns(t) if st.st_ino not in self.changed else min(when, st.st_mtime_ns), 0, 0]
                if known[2] != st.st_ctime_ns:
                    known = [birth, known[1], st.st_ctime_ns, max(when, known[1])]
                seen[st.st_ino] = known
        self.inodes, self.changed = seen, {}
        for inode in sorted(seen):
            records.append(struct.pack("<5q", inode, *seen[inode]))
        (self.directory / "times").write_bytes(b"".join(records))

    # ---- files ----

    def path(self, name):
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def dated(self, path, t):
        when = self.ns(t)
        os.utime(path, ns=(when, when))
        self.changed[os.stat(path).st_ino] = when

    def append(self, name, data, t, mode=0o640):
        path = self.path(name)
        is_new = not path.exists()
        with open(path, "ab") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        if is_new:
            path.chmod(mode)
        self.dated(path, t)

    def write(self, name, data, t, mode=None):
        """In place."""
        path = self.path(name)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        if mode is not None:
            path.chmod(mode)
        self.dated(path, t)

    def save(self, name, data, t, mode=0o644, backup=None):
        """As an editor does: a new file takes the name of the old one."""
        path = self.path(name)
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(data if isinstance(data, bytes) else data.encode())
        fresh.chmod(mode)
        self.dated(fresh, t)
        if backup and path.exists():
            os.replace(path, str(path) + backup)
        os.replace(fresh, path)

    def environment(self, t):
        zone = "MAR-1" if self.offset(t) else "UTC"
        return {**os.environ, "VESTIGE_CLOCK": str(int(t)), "LD_PRELOAD": str(self.directory / "host_clock.so"), "TZ": zone}

    def run(self, t, *command, check=True):
        """A tool of the host's, at time t."""
        self.now = t
        self.settle()
        done = subprocess.run([str(c) for c in command], env=self.environment(t), capture_output=True)
        if check and done.returncode != 0:
            sys.exit("%s: %d: %s%s" % (command, done.returncode, done.stdout.decode(), done.stderr.decode()))
        self.settle()

    # ---- packages ----

    def package(self, name, version, files, conffiles=(), t=0):
        """files: {path: (content, mode)}; installs or upgrades."""
        build = self.directory / "build" / name
        shutil.rmtree(build, ignore_errors=True)
        (build / "DEBIAN").mkdir(parents=True)
        (build / "DEBIAN/control").write_text(
            "Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: for a test\n" % (name, version)
        )
        if conffiles:
            (build / "DEBIAN/conffiles").write_text("".join(c + "\n" for c in conffiles))
        sums = ""
        for file, (content, mode) in files.items():
            path = build / file.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            path.chmod(mode)
            made = 1700000000 + len(self.versions) * 100000
            os.utime(path, (made, made))
        if any(f not in conffiles for f in files):
            sums = subprocess.run(
                ["md5sum", *[f.lstrip("/") for f in files if f not in conffiles]], cwd=build, capture_output=True, text=True, check=True
            ).stdout
            (build / "DEBIAN/md5sums").write_text(sums)
        deb = build.with_suffix(".deb")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", build, deb], check=True, capture_output=True)
        was = self.versions.get(name, "<none>")
        self.versions[name] = version
        self.dpkg(t, "upgrade" if was != "<none>" else "install", "%s:all %s %s" % (name, was, version), "--force-confold", "-i", deb)

    def dpkg(self, t, word, what, *arguments):
        log = self.path("/var/log/dpkg.log")
        stamp = lambda at: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + self.offset(at)))
        self.append("/var/log/apt/history.log", "\nStart-Date: %s\nCommandline: apt-get %s\n" % (stamp(t - 3), word), t - 3, 0o644)
        self.write("/var/log/apt/eipp.log.xz", lzma.compress(("Request: EDSP 0.5\n%s %s %d\n" % (word, what, t)).encode()), t - 2, 0o644)
        self.run(t, "dpkg", "--root=%s" % self.root, "--log=%s" % log, "--force-unsafe-io", "--force-script-chrootless", *arguments)
        self.append("/var/log/apt/term.log", "\nLog started: %s\n%s %s\nLog ended: %s\n" % (stamp(t - 1), word, what, stamp(t)), t, 0o640)
        self.append("/var/log/apt/history.log", "%s: %s\nEnd-Date: %s\n" % (word.title(), what, stamp(t + 1)), t + 1, 0o644)

    def tool(self, version, t):
        files = {
            "/usr/bin/tool": ("tool %s\n" % version, 0o755),
            "/usr/bin/tool-su": ("set-id %s\n" % version, 0o4755),
            "/usr/bin/tool-mail": ("set-gid %s\n" % version, 0o2755),
            "/usr/lib/libtool.so.1": ("library %s\n" % version, 0o644),
            "/etc/tool/tool.conf": ("# of %s\nlevel = info\n" % version.split(".")[0], 0o644),
            "/usr/lib/systemd/system/tool.service": ("[Service]\nExecStart=/usr/bin/tool\n# %s\n" % version, 0o644),
            "/etc/cron.d/tool": ("0 4 * * * root /usr/bin/tool # %s\n" % version.split(".")[0], 0o644),
            "/etc/cron.daily/tool": ("#!/bin/sh\n/usr/bin/tool daily\n", 0o755),
            "/etc/pam.d/tool": ("@include common-auth\n", 0o644),
        }
        conffiles = ["/etc/tool/tool.conf", "/etc/cron.d/tool", "/etc/cron.daily/tool", "/etc/pam.d/tool"]
        for i in range(20):
            files["/usr/bin/tool-%d" % i] = ("part %d of %s\n" % (i, version if i % 3 else "1"), 0o755)
        self.package("tool", version, files, conffiles, t)
        self.save("/etc/ld.so.cache", "cache of %s\n" % version, t)

    def kernel(self, version, t):
        modules = {"/usr/lib/modules/%s/kernel/m%d.ko" % (version, i): ("module %d of %s\n" % (i, version), 0o644) for i in range(6)}
        self.package("linux-image-" + version, "1", {**modules, "/boot/vmlinuz-" + version: ("kernel %s\n" % version, 0o644)}, (), t)
        self.write("/usr/lib/modules/%s/modules.dep" % version, "made by depmod\n", t)
        self.save("/boot/initrd.img-" + version, "initrd of %s at %d\n" % (version, t), t)

    # ---- what is logged ----

    def syslog(self, t, program, text, auth=False):
        self.append("/var/log/syslog", "%s host %s: %s\n" % (self.iso(t), program, text), t)
        if auth:
            self.append("/var/log/auth.log", "%s host %s: %s\n" % (self.bsd(t), program, text), t)
        self.journal.append((t, program.split("[")[0], text))

    def cron(self, t):
        pid = self.random.randrange(1000, 30000)
        self.syslog(t, "CRON[%d]" % pid, "(root) CMD (/usr/bin/tool)")
        self.append("/var/log/cron.log", "%s host CRON[%d]: (root) CMD (/usr/bin/tool)\n" % (self.bsd(t), pid), t)
        self.append(
            "/var/log/auth.log", "%s host CRON[%d]: pam_unix(cron:session): session opened for user root(uid=0)\n" % (self.bsd(t), pid), t + 1
        )
        self.audit(t, "USER_START", 'pid=%d uid=0 auid=4294967295 msg=\'op=PAM:session_open acct="root" res=success\'' % pid)
        self.audit(t, "USER_END", 'pid=%d uid=0 auid=4294967295 msg=\'op=PAM:session_close acct="root" res=success\'' % pid)

    def audit(self, t, kind, text):
        """The kernel's events overtake each other on their way to the daemon."""
        ms, lines = self.random.randrange(900), []
        for serial in (self.serial, self.serial + 1):
            lines.append("type=%s msg=audit(%d.%03d:%d): %s\n" % (kind, t, ms + serial % 3, serial, text))
            lines.append("type=PROCTITLE msg=audit(%d.%03d:%d): proctitle=746F6F6C\n" % (t, ms + serial % 3, serial))
        self.serial += 2
        if self.serial % 5 == 0:
            lines = lines[2:] + lines[:2]
        self.append("/var/log/audit/audit.log", "".join(lines), t, 0o600)
        log = self.path("/var/log/audit/audit.log")
        if log.stat().st_size > 150000:  # max_log_file_action = rotate
            for i in range(4, 0, -1):
                name = log.with_name("audit.log.%d" % (i - 1)) if i > 1 else log
                if name.exists():
                    os.replace(name, log.with_name("audit.log.%d" % i))
            log.with_name("audit.log.1").chmod(0o400)
            self.append("/var/log/audit/audit.log", "", t, 0o600)

    def web(self, t):
        self.append(
            "/var/log/nginx/access.log",
            '192.0.2.%d - - [%s] "GET /%d HTTP/1.1" 200 %d "-" "browser"\n'
            % (self.random.randrange(1, 250), self.access_time(t), self.random.randrange(99), self.random.randrange(9999)),
            t,
        )
        if self.random.random() < 0.1:
            self.append(
                "/var/log/nginx/error.log",
                time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(t + self.offset(t))) + " [error] 7#7: *1 open() failed (2: No such file)\n",
                t,
            )

    def app(self, t):
        level = self.random.choice(["INFO", "INFO", "WARN", "DEBUG"])
        self.append("/var/log/app/app.log", "%s %s request handled\n" % (self.iso(t), level), t)
        if level == "WARN":
            self.append("/var/log/app/worker.log", "%s slow: %s\n" % (self.iso(t), "x" * self.random.randrange(10, 400)), t)

    # ---- logins ----

    def utmp(self, kind, pid, line, user, host, t):
        return struct.pack(
            "<hxxi32s4s32s256shhiii16s20x", kind, pid, line.encode(), line.encode()[-4:], user.encode(), host.encode(), 0, 0, 0, t, 7, b""
        )

    def session(self, name, uid, t, length, key=None):
        pid, line = self.random.randrange(2000, 30000), "pts/%d" % self.random.randrange(5)
        home = "/root" if uid == 0 else "/home/" + name
        yield t, lambda: (
            self.syslog(t, "sshd[%d]" % pid, "Accepted publickey for %s from 192.0.2.7 port 50000 ssh2" % name, True),
            self.append("/var/log/wtmp", self.utmp(7, pid, line, name, "192.0.2.7", t), t, 0o664),
            self.lastlog(uid, line, t),
            self.write("/run/utmp", self.utmp(2, 0, "~", "reboot", "", self.booted) + self.utmp(7, pid, line, name, "192.0.2.7", t), t),
            self.audit(t, "USER_LOGIN", 'pid=%d uid=0 auid=%d msg=\'op=login acct="%s" res=success\'' % (pid, uid, name)),
        )
        end = t + length
        yield end, lambda: (
            self.append("/var/log/wtmp", self.utmp(8, pid, line, "", "", end), end),
            self.append(home + "/.bash_history", "ls\nless /var/log/syslog\nexit\n", end, 0o600),
            self.syslog(end, "sshd[%d]" % pid, "pam_unix(sshd:session): session closed for user " + name, True),
            key and self.append(home + "/.ssh/authorized_keys", key, end - 60, 0o600),
        )

    def lastlog(self, uid, line, t):
        path = self.path("/var/log/lastlog")
        with open(path, "r+b" if path.exists() else "w+b") as f:
            f.seek(292 * uid)
            f.write(struct.pack("<i32s256s", t, line.encode(), b"192.0.2.7"))
        self.dated(path, t)

    def failed(self, t):
        self.append("/var/log/btmp", self.utmp(6, 4000, "ssh:notty", "admin", "198.51.100.9", t), t, 0o660)
        self.syslog(t, "sshd[4000]", "Failed password for invalid user admin from 198.51.100.9 port 4 ssh2", True)

    # ---- the journal ----

    def flush_journal(self, rotate=None, user=False):
        from journal import entries

        directory = self.path("/var/log/journal/%s/system.journal" % MACHINE).parent
        path = directory / ("user-1000.journal" if user else "system.journal")
        batch, self.journal = self.journal, []
        if batch:
            stream = "".join(
                "__CURSOR=x\n__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nSYSLOG_IDENTIFIER=%s\nPRIORITY=6\nMESSAGE=%s\n\n"
                % (t * 10**6 + i, max(t - self.booted, 0) * 10**6 + 10**6 + i, self.boot, program, text)
                for i, (t, program, text) in enumerate(sorted(batch))
            ).encode()
            is_new = not path.exists()
            subprocess.run([REMOTE, "-o", path, "-"], input=stream, check=True, stderr=subprocess.DEVNULL, env=self.environment(self.now))
            with open(path, "r+b") as f:
                data = bytearray(f.read())
                if self.journal_id is None:
                    self.journal_id = bytes(data[72:88])
                data[72:88] = self.journal_id
                places = list(entries(data))
                for at in places[-len(batch) :]:
                    struct.pack_into("<Q", data, at + 16, self.journal_next)
                    self.journal_next += 1
                struct.pack_into("<Q", data, 160, struct.unpack_from("<Q", data, places[-1] + 16)[0])
                if is_new:
                    struct.pack_into("<Q", data, 168, struct.unpack_from("<Q", data, places[0] + 16)[0])
                f.seek(0)
                f.write(data)
            self.dated(path, max(batch)[0])
        path = directory / "system.journal"
        if rotate and path.exists():
            with open(path, "r+b") as f:
                head = f.read(208)
                f.seek(16)
                f.write(b"\x02" if rotate == "archive" else b"\x01")
            self.changed[os.stat(path).st_ino] = self.ns(self.now)
            os.utime(path, ns=(self.ns(self.now), self.ns(self.now)))
            if rotate == "archive":
                name = "system@%s-%016x-%016x.journal" % (self.journal_id.hex(), *struct.unpack_from("<Q", head, 168), *struct.unpack_from("<Q", head, 184))
            else:  # the power failed: journald finds it online, and sets it aside
                name = "system@%016x-%016x.journal~" % (int(self.now) * 10**6, self.random.getrandbits(64))
            os.replace(path, directory / name)
            archives = sorted(directory.glob("system@*"), key=lambda p: struct.unpack_from("<Q", p.read_bytes()[:208], 168))
            for old in archives[:-2]:  # vacuum
                old.unlink()

    # ---- a start of the host ----

    def reboot(self, t, off):
        clean = off < 3600
        if clean:
            self.syslog(t, "systemd[1]", "Reached target reboot.target - System Reboot.")
            self.append("/var/log/wtmp", self.utmp(1, 0, "~~", "shutdown", "6.1.0", t), t)
            self.append("/var/log/audit/audit.log", "type=DAEMON_END msg=audit(%d.100:%d): op=terminate res=success\n" % (t, 9000 + self.day), t)
            self.append("/var/log/syslog", '%s host rsyslogd: [origin software="rsyslogd"] exiting on signal 15.\n' % self.iso(t), t)
        self.now = t
        self.settle()
        self.flush_journal("archive" if clean else "aside")
        t += off
        if not clean:
            self.append("/var/log/syslog", bytes(700), t)  # ext4 knew the length, and had not written the data
        self.now = self.booted = t
        self.boot += 1
        self.serial = 1
        dmesg = self.path("/var/log/dmesg")
        if dmesg.exists():
            for i in range(3, 0, -1):
                old = dmesg.with_name("dmesg.%d.gz" % i)
                if old.exists():
                    os.replace(old, dmesg.with_name("dmesg.%d.gz" % (i + 1)))
            if dmesg.with_name("dmesg.0").exists():
                subprocess.run(["gzip", "-9n", dmesg.with_name("dmesg.0")], check=True)
                os.replace(dmesg.with_name("dmesg.0.gz"), dmesg.with_name("dmesg.1.gz"))
            os.replace(dmesg, dmesg.with_name("dmesg.0"))
        lines = ["[    %d.%06d] device %d is ready" % (i / 9, self.random.randrange(10**6), i) for i in range(60)]
        self.write("/var/log/dmesg", "\n".join(lines) + "\n", t, 0o640)
        self.write("/var/log/boot.log", "started at %d\n" % t, t)
        for line in ["Linux version 6.1.0 (debian)", *lines[:20]]:
            self.append("/var/log/syslog", "%s host kernel: %s\n" % (self.iso(t), line), t)
            self.append("/var/log/kern.log", "%s host kernel: %s\n" % (self.bsd(t), line), t)
            self.journal.append((t, "kernel", line))
        self.append("/var/log/wtmp", self.utmp(2, 0, "~", "reboot", "6.1.0", t), t)
        self.write("/run/utmp", self.utmp(2, 0, "~", "reboot", "6.1.0", t), t)
        self.append("/var/log/audit/audit.log", "type=DAEMON_START msg=audit(%d.200:%d): op=start res=success\n" % (t + 1, 5000 + self.day), t + 1)
        self.write("/var/lib/systemd/random-seed", self.random.randbytes(512), t)

    # ---- a day ----

    def birth(self):
        t = self.now
        for directory in ("usr/bin", "usr/sbin", "usr/lib", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "run", "root/.ssh"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        for link in ("bin", "sbin", "lib"):
            (self.root / link).symlink_to("usr/" + link)
        for name in ("status", "available"):
            self.write("/var/lib/dpkg/" + name, "", t)
        passwd = ["root:x:0:0:root:/root:/bin/bash", "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin"]
        passwd += ["www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin", "alice:x:1000:1000::/home/alice:/bin/bash"]
        passwd += ["bob:x:1001:1001::/home/bob:/bin/bash"]
        self.write("/etc/passwd", "\n".join(passwd) + "\n", t, 0o644)
        shadow = "root:*:19700:0:99999:7:::\ndaemon:*:19700:0:99999:7:::\nwww-data:*:19700:0:99999:7:::\n"
        shadow += "alice:$y$j9T$abc$def:19700:0:99999:7:::\nbob:$y$j9T$ghi$jkl:19700:0:99999:7:::\n"
        self.write("/etc/shadow", shadow, t, 0o640)
        self.write("/etc/group", "root:x:0:\ndaemon:x:1:\nsudo:x:27:alice\nwww-data:x:33:\nutmp:x:43:\nalice:x:1000:\nbob:x:1001:\n", t)
        self.write("/etc/gshadow", "root:*::\ndaemon:*::\nsudo:*::alice\nwww-data:!::\nutmp:*::\nalice:!::\nbob:!::\n", t, 0o640)
        self.write("/etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nENCRYPT_METHOD YESCRYPT\n", t)
        self.write("/etc/sudoers", "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n", t, 0o440)
        self.write("/etc/hosts", "127.0.0.1 localhost\n", t)
        self.write("/etc/crontab", "SHELL=/bin/sh\n17 * * * * root run-parts /etc/cron.hourly\n", t)
        for i in range(12):
            self.write("/etc/app/part%d.conf" % i, "part = %d\n" % i, t)
            self.write("/var/www/page%d.html" % i, "<p>%d</p>\n" % i, t)
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%043d alice@desk\n"
        self.write("/home/alice/.ssh/authorized_keys", key % 1, t, 0o600)
        self.write("/root/.ssh/authorized_keys", key % 2, t, 0o600)
        for home in ("/root", "/home/alice", "/home/bob"):
            self.write(home + "/.bashrc", "alias ll='ls -l'\n", t)
        rotate = self.directory / "logrotate.conf"
        rotate.write_text(ROTATE.replace("/var/log/", str(self.root) + "/var/log/"))
        rotate.chmod(0o644)
        self.write("/etc/logrotate.d/host", ROTATE, t)
        os.chmod(self.root / "var/log", 0o755)
        self.settle()
        self.tool("1.0", t)
        self.kernel("6.1.0-1", t)
        self.reboot(t + 60, 60)

    def events(self, start, end, quiet):
        day, rng = self.day, self.random
        for t in range(start // 1200 * 1200 + 1200, end, 1200):
            yield t + 1, lambda t=t: self.cron(t + 1)
        for t in range(start + 500, end, 1700):
            yield t, lambda t=t: self.app(t)
        for t in range(start + 700, end, 2500):  # NTP: the clock of some lines is seconds behind that of those before
            yield t, lambda t=t: self.syslog(t - (3 if t % 3 == 0 else 0), "systemd[1]", "Started tool.service - Tool.")
        if not quiet and day not in NO_TRAFFIC:
            for t in sorted(rng.randrange(start, end) for _ in range(90)):
                yield t, lambda t=t: self.web(t)
            for t in sorted(rng.randrange(start, end) for _ in range(5)):
                yield t, lambda t=t: self.failed(t)
            morning = start + 5 * 3600 + rng.randrange(3600)
            grown = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%043d alice@laptop\n" % 77
            yield from self.session("alice", 1000, morning, 20000, grown if day == 6 else None)
            if day % 3 == 0:
                yield from self.session("bob", 1001, morning + 4000, 9000)
            if day % 4 == 1:
                yield from self.session("root", 0, morning + 9000, 600)
        midnight = start - NIGHT + DAY - self.offset(start)
        if not quiet:
            yield midnight + 420, lambda: self.rotate(midnight + 420)
        noon = start + 8 * 3600
        yield noon, lambda: self.database(noon)
        if not quiet:
            for at, work in self.work(noon):
                yield at, lambda at=at, work=work: work(at)
        if day in REBOOTS and not quiet:
            yield noon + 14000, lambda: self.reboot(noon + 14000, REBOOTS[day])

    def rotate(self, t):
        late = self.path("/var/log/nginx/access.log")
        inode = os.stat(late).st_ino if late.exists() else None
        self.run(t, "logrotate", "-s", self.directory / "logrotate.status", self.directory / "logrotate.conf")
        for path in late.parent.iterdir():  # a worker that has not opened the new file yet
            if path.stat().st_ino == inode and path != late:
                self.append(str(path.relative_to(self.root)), '192.0.2.1 - - [%s] "GET /late HTTP/1.1" 200 5 "-" "b"\n' % self.access_time(t + 9), t + 9)
        if self.day % 9 == 4:
            self.flush_journal("archive")

    def database(self, t):
        path = self.path("/var/lib/app/app.db")
        with sqlite3.connect(path) as db:
            db.execute("create table if not exists t (n, text)")
            db.executemany("insert into t values (?, ?)", [(i, "row %d" % (i * t)) for i in range(20)])
        db.close()
        self.dated(path, t)
        self.save("/etc/resolv.conf", "nameserver 192.0.2.%d\n" % (self.day % 3 + 1), t)
        self.append("/var/lib/dhcp/dhclient.leases", "lease { renew %d; }\n" % t, t)

    def work(self, t):
        """What people do here, by days."""
        day = self.day
        if day in (3, 10, 17, 24):
            yield t, lambda at: self.tool("1.%d" % day if day < 17 else "2.%d" % day, at)
        if day == 7:
            yield t, self.new_package
        if day == 14:
            yield t, lambda at: self.kernel("6.1.0-2", at)
        if day == 13:
            yield t, self.new_user
        if day == 18:
            yield t, self.new_password
        if day == 15:
            yield t, lambda at: self.save("/etc/app/part3.conf", "part = 3\nmore = yes\n", at, backup="~")
        if day == 16:
            yield t, self.restore
        if day == 21:
            yield t, lambda at: self.save("/var/spool/cron/crontabs/alice", "0 5 * * * /home/alice/report\n", at, 0o600)
            yield t + 60, lambda at: self.save("/etc/sudoers.d/backup", "alice ALL=(root) NOPASSWD: /usr/bin/tool-1\n", at, 0o440)
        if day == 22:
            yield t, lambda at: self.dpkg(at, "purge", "netping:all 1.0 <none>", "-P", "netping")
        if day == 25:
            yield t, lambda at: self.append("/var/log/app/app.log", "DEBUG: every step is logged from here on\n" * 300, at)
        if day == 27:
            yield t, lambda at: self.save("/root/.vimrc", "set number\n", at)

    def new_package(self, t):
        ping = {"/usr/bin/netping": ("ping\n", 0o4755), "/usr/bin/netcap": ("cap\n", 0o755), "/etc/cron.weekly/netping": ("#!/bin/sh\n", 0o755)}
        self.package("netping", "1.0", ping, ["/etc/cron.weekly/netping"], t)
        try:  # as its script does: cap_net_raw+ep
            os.setxattr(self.path("/usr/bin/netcap"), "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
        except OSError:
            pass
        self.settle()

    def new_user(self, t):
        self.run(t, "useradd", "--prefix", self.root, "--create-home", "--shell", "/bin/bash", "carol", check=False)
        if "carol" not in self.path("/etc/passwd").read_text():
            sys.exit("useradd added nobody")
        self.syslog(t, "useradd[77]", "new user: name=carol, UID=1002", True)

    def new_password(self, t):
        shadow = self.path("/etc/shadow").read_text()
        self.save("/etc/shadow-", shadow, t - 1, 0o640)
        self.save("/etc/shadow", re.sub(r"bob:[^:]*:\d+", "bob:$y$j9T$new$word:%d" % (t // DAY), shadow), t, 0o640)

    def restore(self, t):
        """Back from a copy, with its times."""
        copy, path = self.directory / "copy", self.path("/etc/app/part5.conf")
        shutil.copy2(path, copy)
        self.write("/etc/app/part5.conf", "part = broken\n", t - 300)
        shutil.copy2(copy, path)
        self.changed[os.stat(path).st_ino] = self.ns(t)

    def live(self, quiet=False):
        start = self.begin + (self.day - 1) * DAY + NIGHT
        self.day += 1
        end = start + DAY
        off_until = 0
        for t, what in sorted(self.events(start, end, quiet), key=lambda e: e[0]):
            if t < off_until:
                continue
            self.now = t
            what()
            off_until = max(off_until, self.booted)
        self.now = end - 60
        self.flush_journal()
        self.settle()
        self.now = end


ROTATE = """/var/log/syslog /var/log/kern.log {
	daily
	rotate 7
	compress
	delaycompress
	missingok
	notifempty
}
/var/log/auth.log /var/log/cron.log {
	weekly
	rotate 4
	compress
	delaycompress
	missingok
	notifempty
}
/var/log/nginx/*.log {
	daily
	rotate 5
	dateext
	compress
	delaycompress
	missingok
	notifempty
	create 0640 root root
	sharedscripts
}
/var/log/app/app.log {
	daily
	rotate 3
	compress
	copytruncate
	missingok
	notifempty
}
/var/log/app/worker.log {
	size 3k
	rotate 2
	missingok
}
/var/log/dpkg.log {
	monthly
	rotate 12
	compress
	delaycompress
	missingok
	notifempty
	create 644 root root
}
/var/log/apt/term.log /var/log/apt/history.log {
	rotate 12
	monthly
	compress
	missingok
	notifempty
}
/var/log/wtmp /var/log/btmp {
	missingok
	monthly
	create 0664 root root
	rotate 1
}
"""


def main():
    directory, verb, *arguments = sys.argv[1:]
    state = pathlib.Path(directory, "state")
    if verb == "birth":
        host = Host(directory, int(arguments[0]))
        host.birth()
    else:
        host = pickle.loads(state.read_bytes())
    if verb in ("day", "quiet"):
        host.live(verb == "quiet")
        print(host.now)
    elif verb == "jump":
        host.serial += int(arguments[0])
        host.journal_next += int(arguments[1])
    elif verb == "tool":
        host.run(host.now - 600, *arguments)
    elif verb == "settle":
        host.settle(host.now - int(arguments[0] if arguments else 60))
    state.write_bytes(pickle.dumps(host))


if __name__ == "__main__":
    main()
