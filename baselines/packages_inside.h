/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of packages*.c: the tables that are read from dpkg's database. */
#ifndef BASELINES_PACKAGES_INSIDE_H
#define BASELINES_PACKAGES_INSIDE_H

#include "baselines/packages.h"

#define MD5_BYTES 16

/* What is known of a path besides its owner. */
enum owner_flags {
	OWNER_LINK = 1 << 0 /* a link made by a helper program: it may lead to
			     * any package's file */
};

struct owner {
	uint64_t hash; /* 0 = free */
	uint32_t package;
	uint32_t flags;
};

struct conffile {
	uint64_t hash;
	uint8_t md5[MD5_BYTES];
};

struct packages {
	int admin; /* folder, or -1 */
	struct view *names;
	size_t n_names, names_cap;
	struct owner *owners;
	size_t n_owners, cap;	    /* a power of two */
	struct conffile *conffiles; /* sorted by hash */
	size_t n_conffiles, conffiles_cap;
	bool merged; /* /bin is a link to usr/bin */
	bool failed; /* memory was out */
	struct arena arena;
};

uint64_t packages_hash(struct view path);
const struct owner *packages_find(const struct packages *, struct view path);
/* The path as a merged /usr has it; `out` may be used for it. */
struct view
packages_merged(const struct packages *, struct view path, struct buf *out);
/* May that link lead there? */
bool packages_has_pair(const struct packages *, struct view link,
		       struct view target);
bool packages_md5(struct view hex, uint8_t out[MD5_BYTES]);
/* The whole of a file of the database. */
bool packages_read(int dir, const char *name, struct buf *text);
int packages_conffile_cmp(const void *, const void *);

#endif
