/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of packages*.c and evidence*.c: the tables that are read from the
 * package databases, and one change that is looked at. */
#ifndef BASELINES_PACKAGES_INSIDE_H
#define BASELINES_PACKAGES_INSIDE_H

#include <pthread.h>

#include "baselines/packages.h"

#define MD5_BYTES 16
#define NO_PACKAGE UINT32_MAX
#define PACKAGES_MAX 65000u

/* What is known of a path besides its owner. */
enum owner_flags {
	OWNER_LINK = 1 << 0, /* a link made by a helper program: it may lead to
			      * any package's file */
	OWNER_SHARED = 1 << 1, /* of several packages: a folder, mostly */
	OWNER_PATH = 1 << 2    /* a path, not a name or a pair */
};

struct owner {
	uint64_t hash; /* 0 = free */
	uint32_t package;
	uint32_t flags;
};

/* A digest that a package records for a path. */
struct sum {
	uint64_t hash;
	uint8_t md5[MD5_BYTES];
};

struct sums {
	struct sum *v; /* sorted by hash */
	size_t n, cap;
};

struct package {
	struct view name, stem; /* info/STEM.list; "" = only a name */
	bool installed;
	bool sums_read;
	struct sums sums;
};

/* A time in which a package was changed, both ends included. */
struct operation {
	uint64_t from_ns, to_ns;
	uint32_t package;
};

#define MENTION_BITS 12
#define MENTION_PARTS (1u << MENTION_BITS)

/* A path that a package's script names. */
struct mention {
	uint64_t hash;
	uint32_t package;
};

/* One of the lists of accounts as the baseline has it. */
struct remembered {
	bool known;
	struct view text; /* or packages_lines of the shadow files */
};

#define ACCOUNT_FILES 4

struct packages {
	int root;  /* folder, or -1 */
	bool host; /* it is "/" */
	bool loaded, merged /* /bin is a link to usr/bin */;
	bool failed;	  /* memory was out */
	bool loading;	  /* by this thread, which has all of it until it is */
	pthread_t loader; /* joined: the members below and `loaded` */
	struct package *v;
	size_t n, cap;
	uint64_t noted;		     /* by packages_note, the last one */
	struct owner *owners;	     /* open addressing */
	size_t n_owners, owners_cap; /* a power of two */
	struct sums conffiles;
	struct operation *operations;
	size_t n_operations, operations_cap;
	struct rpm_file *rpm; /* sorted */
	size_t n_rpm, rpm_cap;
	bool mentions_read;
	struct mention *mentions; /* sorted */
	size_t n_mentions, mentions_cap;
	/* Where those begin whose hash has these first bits. */
	uint32_t mention_at[MENTION_PARTS + 1];
	struct remembered accounts[ACCOUNT_FILES];
	struct buf answer; /* of packages_owner */
	/* Of the folder asked about last: who is near what is in it. */
	struct buf near_dir;
	bool near_known;
	bool near_alike; /* no path in it is known by itself */
	uint32_t near_package;
	struct arena arena;
};

/* ---- tables (packages.c) --------------------------------------------- */

/* Reads the databases unless that is done, or waits until it is. */
void packages_load(struct packages *);

uint64_t packages_hash(struct view path);
/* NULL: nobody's. */
const struct owner *packages_find(const struct packages *, struct view path);
const struct owner *packages_find_hash(const struct packages *, uint64_t);
/* A path's owner; a second package shares it. */
void packages_own(struct packages *, struct view path, uint32_t package);
/* Whatever it was before. */
void packages_put(struct packages *, struct view path, uint32_t package,
		  uint32_t flags);
uint32_t packages_add(struct packages *, struct view name, struct view stem);
/* That something is known of a path: of which folders that is so. */
void packages_note(struct packages *, struct view path);
bool packages_noted(const struct packages *, struct view folder);
/* The package of that name; made if need be, or NO_PACKAGE. */
uint32_t packages_named(struct packages *, struct view name, bool make);
/* The path as a merged /usr has it; `out` may be used for it. */
struct view
packages_merged(const struct packages *, struct view path, struct buf *out);
/* That link may lead to that target. */
void packages_pair(struct packages *, struct view link, struct view target,
		   uint32_t by);
bool packages_has_pair(const struct packages *, struct view link,
		       struct view target);
bool packages_md5(struct view hex, uint8_t out[MD5_BYTES]);
/* The whole of a file, by a path below the root; no link out of it. */
bool packages_read(const struct packages *, const char *path, struct buf *text);
int packages_open_below(const struct packages *, struct view path, int flags);
void sums_add(struct packages *, struct sums *, struct view path,
	      const uint8_t md5[MD5_BYTES]);
void sums_sort(struct sums *);
bool
sums_have(const struct sums *, struct view path, const uint8_t md5[MD5_BYTES]);
/* Each file of a folder below the root whose name ends in one of the suffixes.
 */
#define ENDINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
void packages_each(struct packages *, const char *folder,
		   const char *const *suffixes,
		   void (*each)(struct packages *, struct view name,
				struct view text, void *ctx),
		   void *ctx);

/* ---- dpkg (packages_dpkg.c, packages_log.c, packages_scripts.c) ------- */

void dpkg_read(struct packages *);
const struct sums *dpkg_sums(struct packages *, uint32_t package);
void dpkg_read_log(struct packages *);
/* Was that package (NO_PACKAGE = any) changed at that time? */
bool
packages_changed_at(const struct packages *, uint32_t package, uint64_t ns);
/* Is that before the log begins, so that it cannot tell? */
bool packages_before_log(const struct packages *, uint64_t ns);
/* The next package after *at that was; start with 0. NO_PACKAGE at the end. */
uint32_t packages_next_at(const struct packages *, uint64_t ns, size_t *at);
/* Reads what scripts say, unless that is done. */
void packages_load_mentions(struct packages *);
/* Does a script of the package (NO_PACKAGE = any) name the path? Says which
 * package. */
uint32_t
packages_mention(struct packages *, uint32_t package, struct view path);
/* Does a script of the first name a file of the second, or run a program of
 * it? */
bool packages_calls(struct packages *, uint32_t package, uint32_t other);
/* The next package, after *at, one of whose scripts names the path; start with
 * 0. NO_PACKAGE at the end. */
uint32_t packages_next_mention(struct packages *, struct view path, size_t *at);
/* Each script of a package; false from `each` stops. */
void packages_each_script(struct packages *, uint32_t package,
			  bool (*each)(struct view text, void *ctx), void *ctx);

/* Does a script of the package that adds accounts, or its sysusers.d(5) file,
 * have that name, or both? Says which package. */
uint32_t
packages_account(struct packages *, uint32_t package, struct view name);
bool
packages_account_pair(struct packages *, struct view group, struct view user);
/* Does a script of the package have that word? */
bool packages_script_has(struct packages *, uint32_t package, struct view word);
/* The Python source that a path of bytecode is of; false if it is none. */
bool packages_python_source(struct view path, struct buf *out);

/* ---- rpm (packages_rpm.c) -------------------------------------------- */

struct rpm_file;
void rpm_read(struct packages *);

/* ---- evidence -------------------------------------------------------- */

struct explaining {
	struct packages *p;
	const struct change *c;
	struct view path;
	const struct owner *owner; /* of the path, or NULL */
	bool has_md5, md5_tried;
	uint8_t md5[MD5_BYTES];
	struct buf target, merged; /* scratch: where a link leads */
};

/* The package, or NO_PACKAGE. */
#define EVIDENCE(function, word, verified, sentence) \
	uint32_t evidence_##function(struct explaining *);
#include "baselines/evidence.def"
#undef EVIDENCE

/* MD5 of the content that the walk has seen. */
bool explaining_md5(struct explaining *);
/* Is it changed in content only, or new with nothing special about it: mode,
 * owner, ACL, capabilities, flags? What is special is believed to be the
 * package's if the inode was last changed while the package was. */
bool explaining_plain(struct explaining *, uint32_t package);
/* The content that the walk has seen; false if it is another by now. */
bool packages_content(const struct walk_entry *, size_t max, struct buf *out);
/* Is that regular file what its package records? `st` of what was read. */
struct stat;
uint32_t
packages_verified(struct packages *, struct view path, struct stat *st);
/* Where a link leads, by its words alone. */
void packages_resolve(struct view dir, struct view target, struct buf *out);
/* Does the package say that it makes something there: by its script's words,
 * by a folder that is its own, by a program that its script runs? One that is
 * gone cannot; then, if the baseline knew of another. */
bool packages_says_so(struct explaining *, uint32_t package);
/* The path that a path leads to in the end, links followed; false if nowhere.
 */
bool packages_end(struct packages *, struct view path, struct buf *out);
/* The owner of what a path leads to in the end, links followed; false if
 * nobody's. */
bool packages_final(struct packages *, struct view path, struct owner *out);

#endif
