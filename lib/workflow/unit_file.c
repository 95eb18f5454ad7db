#include "vestige/unit_file.h"

#include <limits.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/text.h"

/* ---- what a unit file can carry ---- */

static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return vst_utf8_valid(text, strlen(text));
}

static int check_path(const char *what, const char *path, struct vst_err *err)
{
	if (path[0] != '/')
		return vst_err_set(err, VST_EUSAGE, "%s: not an absolute path", what);
	if (!is_plain(path) || strlen(path) >= PATH_MAX)
		return vst_err_set(err, VST_EUSAGE,
		        "%s: a unit file cannot carry this path: control characters, no UTF-8, or too long",
		        what);
	return 0;
}

static bool is_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.-";
	size_t len = strlen(name);

	return len > 0 && len <= VST_UNIT_NAME_MAX && strspn(name, allowed) == len && name[0] != '.' &&
	       name[0] != '-';
}

/* Of a calendar: systemd.time(7) needs no more than this, and none of it has a meaning for the unit file's
 * own syntax. */
static bool is_calendar(const char *text)
{
	static const char allowed[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 *,-/:.~_+";
	size_t len = strlen(text);

	return len > 0 && len <= VST_UNIT_VALUE_MAX && strspn(text, allowed) == len && text[0] != ' ';
}

static int check_value(const char *option, const char *text, struct vst_err *err)
{
	if (text && (!is_plain(text) || text[0] == '\0' || strlen(text) > VST_UNIT_VALUE_MAX))
		return vst_err_set(
		        err, VST_EUSAGE, "%s: empty, too long, or with control characters", option);
	return 0;
}

int vst_unit_check(const struct vst_unit_plan *plan, struct vst_err *err)
{
	int rc;

	if (!is_name(plan->name))
		return vst_err_set(err, VST_EUSAGE,
		        "--name: a unit's name has letters, digits, ':', '_', '.' and '-', at most %d of "
		        "them",
		        VST_UNIT_NAME_MAX);
	if (!is_calendar(plan->calendar))
		return vst_err_set(err, VST_EUSAGE,
		        "--calendar: no calendar expression of systemd.time(7), such as *-*-* 03:40:00");
	if ((rc = check_path("the program", plan->program, err)) != 0 ||
	        (rc = check_path("the case", plan->case_dir, err)) != 0 ||
	        (rc = check_value("--full-every", plan->full_every, err)) != 0 ||
	        (rc = check_value("--keep", plan->keep, err)) != 0)
		return rc;
	if (plan->metrics && (rc = check_path("--metrics", plan->metrics, err)) != 0)
		return rc;
	if (strchr(plan->policy, '/'))
		return check_path("--policy", plan->policy, err);
	return check_value("--policy", plan->policy, err);
}

/* ---- quoting ---- */

/* Needs no quotes in any of the places where we write words. */
static bool is_bare(const char *text)
{
	static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@+=:,./-";

	return *text && strspn(text, bare) == strlen(text);
}

static void quoted(struct vst_buf *out, const char *text, bool dollars)
{
	bool quotes = !is_bare(text);

	if (quotes)
		vst_buf_byte(out, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			vst_buf_byte(out, '\\');
		else if (*p == '%' || (*p == '$' && dollars))
			vst_buf_byte(out, (uint8_t)*p);
		vst_buf_byte(out, (uint8_t)*p);
	}
	if (quotes)
		vst_buf_byte(out, '"');
}

void vst_unit_word(struct vst_buf *out, const char *text, bool is_program)
{
	quoted(out, text, !is_program);
}

void vst_unit_path(struct vst_buf *out, const char *text)
{
	quoted(out, text, false);
}

void vst_unit_mark(const char *case_dir, struct vst_buf *out)
{
	vst_buf_text(out, VST_UNIT_MARK);
	vst_buf_text(out, case_dir);
	vst_buf_byte(out, '\n');
}

/* ---- the service ---- */

static void option(struct vst_buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	vst_buf_printf(out, " %s ", name);
	vst_unit_word(out, value, false);
}

static void command(const struct vst_unit_plan *plan, struct vst_buf *out)
{
	vst_buf_text(out, "ExecStart=");
	vst_unit_word(out, plan->program, true);
	option(out, "-C", plan->case_dir);
	option(out, "snapshot", plan->policy);
	vst_buf_text(out, " --incremental");
	option(out, "--full-every", plan->full_every);
	option(out, "--keep", plan->keep);
	option(out, "--metrics", plan->metrics);
	option(out, "--reason", "scheduled");
	vst_buf_byte(out, '\n');
}

static void writable(const struct vst_unit_plan *plan, struct vst_buf *out)
{
	const char *slash = plan->metrics ? strrchr(plan->metrics, '/') : NULL;

	vst_buf_text(out, "ReadWritePaths=");
	vst_unit_path(out, plan->case_dir);
	if (slash) {
		struct vst_buf dir = VST_BUF_INIT;

		vst_buf_bytes(
		        &dir, plan->metrics, slash == plan->metrics ? 1 : (size_t)(slash - plan->metrics));
		vst_buf_byte(out, ' ');
		vst_unit_path(out, vst_buf_cstr(&dir));
		if (vst_buf_check(&dir, NULL) != 0)
			out->failed = true;
		vst_buf_free(&dir);
	}
	vst_buf_byte(out, '\n');
}

static const char manners[] =
        "# 3: sealed, but an item was denied, failed or cut by a limit; the exhibit says which.\n"
        "SuccessExitStatus=3\n"
        "TimeoutStartSec=infinity\n"
        "UMask=0077\n"
        "\n"
        "# Nobody who works on this host should notice it.\n"
        "Nice=19\n"
        "CPUWeight=idle\n"
        "IOWeight=1\n"
        "IOSchedulingClass=idle\n"
        "# Keys are kept in memory that is not swapped out.\n"
        "LimitMEMLOCK=64M\n"
        "\n"
        "# ---- What it may do. ----\n"
        "\n"
        "# Everything is read, the case alone is written.\n"
        "ProtectSystem=strict\n";

static const char capabilities[] =
        "NoNewPrivileges=yes\n"
        "\n"
        "# DAC_READ_SEARCH  files and directories of everybody, whatever their mode\n"
        "# FOWNER           reading without leaving a time of access (O_NOATIME)\n"
        "# SYS_PTRACE       programs, open files, maps, environments of all processes\n"
        "# SYS_ADMIN        sockets of other network namespaces (setns), deleted files\n"
        "#                  that are mapped (/proc/PID/map_files), BPF programs by\n"
        "#                  number, trusted.* attributes\n"
        "# NET_ADMIN        rules of nf_tables and of the old packet filter\n"
        "# NET_RAW          the socket that the old packet filter is asked through\n"
        "# SYSLOG           addresses of kernel modules, code of BPF programs as loaded\n"
        "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_FOWNER CAP_SYS_PTRACE CAP_SYS_ADMIN CAP_NET_ADMIN "
        "CAP_NET_RAW CAP_SYSLOG\n";

static const char writes_as_owner[] =
        "# DAC_OVERRIDE     the case or the directory of the metrics is not root's\n"
        "CapabilityBoundingSet=CAP_DAC_OVERRIDE\n";

static const char restrictions[] =
        "\n"
        "# bpf is for the list of BPF programs, mincore tells whether reading a file\n"
        "# would push others out of memory. What is not listed fails with EPERM.\n"
        "SystemCallFilter=@system-service bpf mincore\n"
        "SystemCallErrorNumber=EPERM\n"
        "SystemCallArchitectures=native\n"
        "# INET for databases and the old packet filter, NETLINK for sockets and rules.\n"
        "RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6\n"
        "# It enters network namespaces that are there, and makes none.\n"
        "RestrictNamespaces=net\n"
        "RestrictRealtime=yes\n"
        "RestrictSUIDSGID=yes\n"
        "LockPersonality=yes\n"
        "MemoryDenyWriteExecute=yes\n"
        "ProtectControlGroups=yes\n"
        "\n"
        "# ---- What is left out, because it would hide or change evidence. ----\n"
        "#\n"
        "# PrivateTmp             /tmp and /var/tmp are where intruders work\n"
        "# ProtectHome            so are homes: keys, histories, shells' files\n"
        "# ProtectProc, ProcSubset, PrivatePIDs\n"
        "#                        hide processes, and what the kernel says of itself\n"
        "# PrivateDevices         hides what lies in /dev, and /dev/shm\n"
        "# PrivateNetwork, PrivateIPC\n"
        "#                        hide the host's sockets, packet filter and queues\n"
        "# PrivateUsers           takes the capabilities above away\n"
        "# ProtectKernelModules   hides /usr/lib/modules\n"
        "# ProtectKernelTunables  hides /proc/kallsyms, by which hidden modules are found\n"
        "# ProtectKernelLogs      takes CAP_SYSLOG away\n"
        "# ProtectHostname, ProtectClock\n"
        "#                        another host name space; for the clock, see the next.\n"
        "#                        The filter allows neither to be set.\n"
        "# DevicePolicy, IPAddressDeny, RestrictFileSystems\n"
        "#                        load BPF programs, which the snapshot would then find\n"
        "# DynamicUser, User      it must read everything\n";

void vst_unit_service(const struct vst_unit_plan *plan, struct vst_buf *out)
{
	vst_unit_mark(plan->case_dir, out);
	vst_buf_printf(out,
	        "# Made by `vestige schedule` (man vestige), which makes it anew; a drop-in is kept: "
	        "systemctl edit "
	        "%s.service\n"
	        "[Unit]\n"
	        "Description=Vestige snapshot (%s)\n"
	        "RequiresMountsFor=",
	        plan->name, plan->name);
	vst_unit_path(out, plan->case_dir);
	vst_buf_text(out, "\n\n[Service]\nType=oneshot\n");
	command(plan, out);
	vst_buf_text(out, manners);
	writable(plan, out);
	vst_buf_text(out, capabilities);
	if (plan->writes_as_owner)
		vst_buf_text(out, writes_as_owner);
	vst_buf_text(out, restrictions);
}

/* ---- the timer ---- */

void vst_unit_timer(const struct vst_unit_plan *plan, struct vst_buf *out)
{
	vst_unit_mark(plan->case_dir, out);
	vst_buf_printf(out,
	        "[Unit]\n"
	        "Description=Vestige snapshots, timed (%s)\n"
	        "\n"
	        "[Timer]\n"
	        "OnCalendar=%s\n"
	        "# After a night that was slept through, as soon as the host is up.\n"
	        "Persistent=true\n"
	        "# Many hosts with one calendar do not all read at the same minute; each keeps\n"
	        "# to its own, so that a missed night shows.\n"
	        "RandomizedDelaySec=15min\n"
	        "FixedRandomDelay=true\n"
	        "AccuracySec=1min\n"
	        "\n"
	        "[Install]\n"
	        "WantedBy=timers.target\n",
	        plan->name, plan->calendar);
}
