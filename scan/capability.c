/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/capability.h"

#include <ctype.h>
#include <endian.h>
#include <linux/capability.h>

static const char *const names[CAPABILITIES] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

const char *
capability_name(unsigned number)
{
	return names[number];
}

static uint32_t
word(struct view v, size_t i)
{
	uint32_t le;

	memcpy(&le, v.p + i * sizeof(le), sizeof(le));
	return le32toh(le);
}

/* Words: magic with flags, then permitted and inheritable once or twice, then
 * in version 3 the root user's id. */
bool
capability_of_file(struct view v, struct file_capabilities *caps)
{
	uint32_t magic, version;
	bool wide;

	if (v.n < sizeof(uint32_t))
		return false;
	magic = word(v, 0);
	version = magic & VFS_CAP_REVISION_MASK;
	wide = version != VFS_CAP_REVISION_1;
	if (!(version == VFS_CAP_REVISION_1 && v.n == XATTR_CAPS_SZ_1) &&
	    !(version == VFS_CAP_REVISION_2 && v.n == XATTR_CAPS_SZ_2) &&
	    !(version == VFS_CAP_REVISION_3 && v.n == XATTR_CAPS_SZ_3))
		return false;
	caps->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
	caps->permitted = word(v, 1) | (wide ? (uint64_t)word(v, 3) << 32 : 0);
	caps->inheritable =
		word(v, 2) | (wide ? (uint64_t)word(v, 4) << 32 : 0);
	caps->root = version == VFS_CAP_REVISION_3 ? word(v, 5) : 0;
	return true;
}

static void
put_name(struct buf *out, unsigned number)
{
	if (number >= CAPABILITIES) {
		buf_printf(out, "%u", number);
		return;
	}
	for (const char *p = names[number]; *p != '\0'; p++)
		buf_putc(out, (char)tolower((unsigned char)*p));
}

/* Those that are in both sets, or in one of them. */
static void
put_clause(struct buf *out, uint64_t set, bool effective, const char *flags,
	   const char **space)
{
	const char *comma = "";

	if (set == 0)
		return;
	buf_puts(out, *space);
	for (unsigned i = 0; i < 64; i++) {
		if ((set >> i & 1) == 0)
			continue;
		buf_puts(out, comma);
		put_name(out, i);
		comma = ",";
	}
	buf_printf(out, "=%s%s", effective ? "e" : "", flags);
	*space = " ";
}

void
capability_put(struct buf *out, const struct file_capabilities *caps)
{
	uint64_t p = caps->permitted, i = caps->inheritable;
	const char *space = "";

	put_clause(out, p & i, caps->effective, "ip", &space);
	put_clause(out, p & ~i, caps->effective, "p", &space);
	put_clause(out, i & ~p, caps->effective, "i", &space);
	if (caps->root != 0)
		buf_printf(out, "%s[rootid=%u]", space, caps->root);
}
