/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities, capabilities(7), and those of files. */
#ifndef SCAN_CAPABILITY_H
#define SCAN_CAPABILITY_H

#include "scan/base.h"

/* Their numbers are 0 to CAPABILITIES - 1: include/uapi/linux/capability.h of
 * Linux 5.9 to 6.18. */
#define CAPABILITIES 41u

const char *capability_name(unsigned number); /* "CAP_CHOWN" */

/* The value of the xattr security.capability: struct vfs_cap_data, versions 1
 * to 3, same header. Bit sets by number. */
struct file_capabilities {
	uint64_t permitted, inheritable;
	bool effective;
	uint32_t root; /* of the user namespace they count in; 0 = the host's */
};

/* False: not a value that the kernel takes. */
bool capability_of_file(struct view xattr, struct file_capabilities *);
/* As setcap(8) reads it: "cap_net_raw,cap_setuid=ep". */
void capability_put(struct buf *out, const struct file_capabilities *);

#endif
