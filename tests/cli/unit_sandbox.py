"""The sandbox of a systemd service, for a machine where no systemd runs: unit_sandbox.py UNIT command | run [WITHOUT-OPTION…]

command prints the words of ExecStart=, each with a NUL behind it. run does what systemd would do with these settings, as far as they
matter for what a program can see and do: ProtectSystem=strict, ReadWritePaths=, CapabilityBoundingSet=, NoNewPrivileges=,
SystemCallFilter=, RestrictAddressFamilies=, RestrictNamespaces=, MemoryDenyWriteExecute=, LockPersonality=, RestrictRealtime=,
RestrictSUIDSGID=, UMask=; then it executes the command, without the options that are named (with their value, if one is written as
--option=). It runs in a mount namespace of its own (unshare -m). Any other setting that restricts is an error: this file must know it.
"""
import ctypes
import errno
import os
import re
import subprocess
import sys
import tempfile

KNOWN = {
    "Description", "RequiresMountsFor", "Type", "ExecStart", "SuccessExitStatus", "TimeoutStartSec", "UMask", "Nice", "CPUWeight",
    "IOWeight", "IOSchedulingClass", "LimitMEMLOCK", "ProtectSystem", "ReadWritePaths", "NoNewPrivileges", "CapabilityBoundingSet",
    "SystemCallFilter", "SystemCallErrorNumber", "SystemCallArchitectures", "RestrictAddressFamilies", "RestrictNamespaces",
    "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute", "ProtectControlGroups",
}


def settings(path):
    found = {}
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        if not line or line[0] in "#;[":
            continue
        key, value = line.split("=", 1)
        assert key in KNOWN, f"{key}= is not known to the sandbox of the tests"
        found.setdefault(key, []).append(value)
    return found


def words(text, variables):
    """systemd.syntax(7): quotes, backslashes, then specifiers, then variables."""
    result, word, quote, i = [], None, None, 0
    while i < len(text):
        c = text[i]
        if c == "\\":
            i += 1
            word = (word or "") + text[i]
        elif quote:
            if c == quote:
                quote = None
            else:
                word += c
        elif c in "\"'":
            quote, word = c, word or ""
        elif c.isspace():
            if word is not None:
                result.append(word)
            word = None
        else:
            word = (word or "") + c
        i += 1
    assert not quote, "a quote is open"
    if word is not None:
        result.append(word)
    for n, word in enumerate(result):
        assert not re.search(r"(?<!%)(%%)*%(?!%)", word), f"a specifier: {word}"
        word = word.replace("%%", "%")
        if variables and n > 0:
            assert not re.search(r"(?<!\$)(\$\$)*\$(?!\$)", word), f"a variable: {word}"
            word = word.replace("$$", "$")
        result[n] = word
    return result


def calls(names):
    result = set()
    for name in names:
        assert not name.startswith("~"), "a list of what is refused"
        if name.startswith("@"):
            text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
            result |= calls(line.strip() for line in text.splitlines()[1:] if line.strip() and line.strip()[0] != "#")
        else:
            result.add(name)
    return result


PROGRAM = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#endif
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
/* A call with an argument that decides: `count` statements follow, with the argument loaded, and end with the number loaded again. */
#define WITH(call, arg, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, (count) + 1), LOAD(args[arg])
#define AGAIN LOAD(nr)
#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)
#define IF_SET(bits) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1)
#define IF(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID)

static const struct sock_filter filter[] = {
	LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0), REFUSE,
	AGAIN,
	/* MemoryDenyWriteExecute */
	WITH(mmap, 2, 4), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC), IF(PROT_WRITE | PROT_EXEC), REFUSE, AGAIN,
	WITH(mprotect, 2, 3), IF_SET(PROT_EXEC), REFUSE, AGAIN,
	WITH(pkey_mprotect, 2, 3), IF_SET(PROT_EXEC), REFUSE, AGAIN,
	WITH(shmat, 2, 3), IF_SET(0100000), REFUSE, AGAIN,
	/* RestrictAddressFamilies */
	FAMILIES
	/* RestrictNamespaces=net */
	WITH(clone, 0, 3), IF_SET(NAMESPACES), REFUSE, AGAIN,
	WITH(unshare, 0, 3), IF_SET(NAMESPACES), REFUSE, AGAIN,
	WITH(setns, 1, 5), IF(0), REFUSE, IF_SET(NAMESPACES), REFUSE, AGAIN,
	IF(SYS_clone3), RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	/* LockPersonality, RestrictRealtime, RestrictSUIDSGID */
	WITH(personality, 0, 4), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 1, 0), REFUSE, AGAIN,
	WITH(sched_setscheduler, 1, 7), IF(1), REFUSE, IF(2), REFUSE, IF(6), REFUSE, AGAIN,
	WITH(fchmod, 1, 3), IF_SET(06000), REFUSE, AGAIN,
	WITH(fchmodat, 2, 3), IF_SET(06000), REFUSE, AGAIN,
	ALLOWED
	REFUSE,
};

int main(int argc, char **argv)
{
	const struct sock_fprog program = {sizeof filter / sizeof *filter, (struct sock_filter *)filter};
	(void)argc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return perror("seccomp"), 125;
	execv(argv[1], argv + 1);
	return perror(argv[1]), 125;
}
"""


def build_filter(unit, directory):
    numbers = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-xc", "/dev/null"], check=True, capture_output=True, text=True).stdout
    here = set(re.findall(r"^#define SYS_(\w+) ", numbers, re.M))
    allowed = "".join(f"\tALLOW({name}),\n" for name in sorted(calls(" ".join(unit["SystemCallFilter"]).split()) & here))
    families = " ".join(unit["RestrictAddressFamilies"]).split()
    jumps = "".join(f"BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, {name}, {len(families) - n}, 0), " for n, name in enumerate(families))
    families = f"\tWITH(socket, 0, {len(families) + 2}), {jumps}REFUSE, AGAIN,\n"
    assert unit["RestrictNamespaces"] == ["net"] and unit["SystemCallErrorNumber"] == ["EPERM"]
    source = os.path.join(directory, "filter.c")
    open(source, "w", encoding="utf-8").write(PROGRAM.replace("\tALLOWED\n", allowed).replace("\tFAMILIES\n", families))
    program = os.path.join(directory, "filter")
    subprocess.run(["cc", "-O", "-o", program, source], check=True)
    return program


MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_RELATIME = 1, 2, 4, 8, 32, 1024, 2048, 4096, 1 << 21
FLAGS = {"nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC, "noatime": MS_NOATIME, "nodiratime": MS_NODIRATIME, "relatime": MS_RELATIME}


def mount(libc, source, target, flags):
    if libc.mount(source and source.encode(), target.encode(), None, flags, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)


def protect(unit):
    assert unit["ProtectSystem"] == ["strict"]
    libc = ctypes.CDLL(None, use_errno=True)
    writable = words(" ".join(unit["ReadWritePaths"]), False)
    for path in writable:
        mount(libc, path, path, MS_BIND)
    for line in open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape"):
        fields = line.split()
        path = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        if path in writable or re.match(r"/(dev|proc|sys)(/|$)", path):
            continue
        flags = sum(FLAGS.get(option, 0) for option in fields[5].split(","))
        try:
            mount(libc, None, path, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINVAL, errno.EACCES):  # another mount lies over it
                raise


def main():
    unit = settings(sys.argv[1])
    command = words(unit["ExecStart"][0], True)
    if sys.argv[2] == "command":
        sys.stdout.write("".join(word + "\0" for word in command))
        return
    for option in sys.argv[3:]:
        at = command.index(option.rstrip("=")) if option.rstrip("=") in command else None
        if at is not None:
            del command[at : at + (2 if option.endswith("=") else 1)]
    directory = tempfile.mkdtemp(dir=os.path.dirname(os.path.abspath(sys.argv[1])))
    filter_program = build_filter(unit, directory)
    capabilities = " ".join(unit["CapabilityBoundingSet"]).split()
    bounding = ",".join(["-all"] + ["+" + name.removeprefix("CAP_").lower() for name in capabilities])
    protect(unit)
    os.umask(int(unit["UMask"][0], 8))
    os.chdir("/")
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    environment.update({key: value for key, value in os.environ.items() if key.startswith("SANDBOX_") or key == "VESTIGE_CLOCK"})
    arguments = ["setpriv", "--no-new-privs", "--bounding-set", bounding, filter_program] + command
    os.execvpe("setpriv", arguments, environment)


main()
