/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories worth watching: derived from what the loaded rules test in
 * file.path and file.directory, and from the configuration. A pure value; the
 * file sensors expand it against the real tree and follow that as it changes.
 *
 * A pattern such as "/home/" "*" "/.config/systemd/user/" "*" becomes the
 * components home, *, .config, systemd, user, everything below included. A *
 * inside the path stands for one component (or a part of one); at the end it
 * covers the whole subtree, because * in a rule matches slashes too.
 */
#ifndef FIM_WATCHSET_H
#define FIM_WATCHSET_H

#include "rules/rules.h"

struct watch {
	/* Absolute, no trailing slash; components may contain * and ?. The
	 * last component is the file's own pattern unless `recursive`. */
	struct view path;
	bool recursive;
	bool from_config;
	struct view rule; /* id of the first rule that wants it, or "" */
};

struct watchset {
	struct watch *v; /* sorted by path, nothing covered twice */
	size_t n;
	struct arena arena;
};

/* `file_path` is the schema's id of file.path. `extra` are the configured
 * paths (a directory means all below it). -1 and errno when memory is out;
 * patterns that name no place ("*.pid") are counted in `*vague`. */
int watchset_derive(struct watchset *, const struct rules *, int file_path,
		    const struct view *extra, size_t n_extra, size_t *vague);
/* The same for a scan: those of rules as well that ask for snapshots only,
 * which nobody needs to wait for. */
int watchset_derive_scan(struct watchset *, const struct rules *, int file_path,
			 const struct view *extra, size_t n_extra);
/* Of one rule, snapshots or not. */
int watchset_derive_rule(struct watchset *, const struct rules *,
			 const struct rule *, int file_path, size_t *vague);
void watchset_free(struct watchset *);

/* The steps of watchset_derive, for who has patterns of its own: any number
 * of add, then one seal. Adding copies. 0, 1 for a pattern that names no
 * place, -1 and errno. */
int
watchset_add_pattern(struct watchset *, struct view pattern, struct view rule);
/* The same of file.directory: the files right in the directories. */
int watchset_add_directory(struct watchset *, struct view pattern,
			   struct view rule);
/* Does a pattern of either name a place? */
bool watchset_is_place(struct view pattern);
/* A configured path: the file itself, or the directory and all below. */
int watchset_add_path(struct watchset *, struct view path);
/* One of another set, as it is. */
int watchset_add(struct watchset *, const struct watch *);
void watchset_seal(struct watchset *);

/* Does the name of one component match? * and ? only. Case counts between
 * literals, not when a wildcard is involved: too much is harmless. */
bool watch_component_matches(struct view pattern, struct view name);
bool watch_component_wild(struct view pattern);
/* The same without regard to case, for a file's own pattern. */
bool watch_file_matches(struct view pattern, struct view name);

/* Would the file at this path be told of? Under the name that rules use. */
bool watchset_covers(const struct watchset *, struct view path);
/* Tells one set from another. */
uint64_t watchset_hash(const struct watchset *);

void watchset_format(const struct watchset *, struct buf *out);

#endif
