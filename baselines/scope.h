/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a baseline covers, and how strictly: rows of kind and pattern
 * (scope.def has the default and says what patterns mean). A baseline carries
 * its own, so that a check asks exactly what was answered for.
 */
#ifndef BASELINES_SCOPE_H
#define BASELINES_SCOPE_H

#include "scan/walk.h"

/* SCOPE_KIND(name, word) */
#define SCOPE_KINDS                      \
	SCOPE_KIND(ROOT, "root")         \
	SCOPE_KIND(SKIP, "skip")         \
	SCOPE_KIND(ROTATES, "rotates")   \
	SCOPE_KIND(VOLATILE, "volatile") \
	SCOPE_KIND(GROWS, "grows")       \
	SCOPE_KIND(KEEP, "keep")         \
	SCOPE_KIND(SECRET, "secret")

enum scope_kind {
#define SCOPE_KIND(name, word) SCOPE_##name,
	SCOPE_KINDS
#undef SCOPE_KIND
		SCOPE_KIND_COUNT
};

#define SCOPE_ROWS_MAX 4096u

struct scope_row {
	enum scope_kind kind;
	struct view pattern; /* with a NUL behind it */
	struct view name;    /* its last component, likewise */
};

/* Zero-initialise; scope_free. */
struct scope {
	struct scope_row *v;
	size_t n, cap;
	struct walk_root *roots; /* by scope_roots */
	size_t n_roots;
	struct walk_mounts *mounts; /* likewise, for the walk */
	uint64_t patience_ns;	    /* with a file server; 0 = a minute */
	/* The rows that concern the folder asked about last. */
	struct buf dir;
	bool dir_known;
	uint16_t *active;
	size_t n_active;
	struct arena arena, root_arena;
};

const char *scope_kind_word(enum scope_kind);
bool scope_kind_of(struct view word, enum scope_kind *);

/* All return 0, or -1 with errno. */
int scope_add(struct scope *, enum scope_kind, struct view pattern);
int scope_add_default(struct scope *, bool roots);
/* A path of the command line as a root: made absolute, its folder without
 * links. What a link leads to is another. ENOENT if it does not exist. */
int scope_add_path(struct scope *, const char *path);
/* The same of what may have been there: that it and folders are gone is no
 * error. Of a link, itself alone. */
int scope_add_gone_path(struct scope *, const char *path);
/* The roots that exist now, none in another; also those without '*' that do
 * not. Folders on the way to a '*' are resolved. */
int scope_roots(struct scope *);
void scope_free(struct scope *);

/* Is there a row of that kind for the entry? Cheap when asked folder by
 * folder. */
bool
scope_is(struct scope *, enum scope_kind, struct view dir, struct view name);
/* For walk_options.choose. */
enum walk_choice
scope_choose(void *scope, struct view dir, struct view name, uint32_t type);
bool scope_at_or_below(struct view path, struct view root);
/* Is the path a root, or below one? */
bool scope_covers(const struct scope *, struct view path);

#endif
