/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has changed since a baseline: a merge of the sorted walk with the
 * sorted baseline, delivered change by change in memory that grows with
 * neither.
 */
#ifndef BASELINES_COMPARE_H
#define BASELINES_COMPARE_H

#include "baselines/baseline.h"
#include "baselines/scope.h"

/* CHANGE_ATTRIBUTE(name, word). Inode and change time are kept for quick
 * checks and differ wherever a file was put back: they are no change of their
 * own. A folder's size, links and times change with what is in it, which is
 * told for itself. */
#define CHANGE_ATTRIBUTES                              \
	CHANGE_ATTRIBUTE(TYPE, "type")                 \
	CHANGE_ATTRIBUTE(MODE, "mode")                 \
	CHANGE_ATTRIBUTE(OWNER, "owner")               \
	CHANGE_ATTRIBUTE(GROUP, "group")               \
	CHANGE_ATTRIBUTE(SIZE, "size")                 \
	CHANGE_ATTRIBUTE(MTIME, "mtime")               \
	CHANGE_ATTRIBUTE(LINKS, "links")               \
	CHANGE_ATTRIBUTE(TARGET, "target")             \
	CHANGE_ATTRIBUTE(DEVICE, "device")             \
	CHANGE_ATTRIBUTE(SHA256, "sha256")             \
	CHANGE_ATTRIBUTE(ACL, "acl")                   \
	CHANGE_ATTRIBUTE(CAPABILITIES, "capabilities") \
	CHANGE_ATTRIBUTE(LABEL, "selinux")             \
	CHANGE_ATTRIBUTE(XATTRS, "xattrs")             \
	CHANGE_ATTRIBUTE(FLAGS, "flags")

enum change_attribute {
#define CHANGE_ATTRIBUTE(name, word) CHANGE_##name,
	CHANGE_ATTRIBUTES
#undef CHANGE_ATTRIBUTE
		CHANGE_ATTRIBUTE_COUNT
};

enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED };

/* Borrowed for the call that gets it. */
struct change {
	enum change_kind kind;
	struct view dir, name;	      /* NUL behind the name */
	unsigned attributes;	      /* of CHANGED: 1 << change_attribute */
	const struct walk_entry *old; /* NULL if ADDED */
	const struct walk_entry *now; /* NULL if REMOVED */
	struct view package;	      /* that owned it, by the baseline */
	/* Filled in by who knows packages: one that accounts for the change,
	 * or "", and by what evidence (a word of evidence.def). */
	struct view explained;
	const char *evidence;
};

struct compare_totals {
	uint64_t files;		 /* seen now */
	uint64_t bytes;		 /* of content, read now */
	uint64_t baseline_files; /* passed in the baseline */
	uint64_t added, removed, changed, uncovered;
};

struct compare {
	struct baseline *baseline;
	struct scope *scope; /* with scope_roots */
	unsigned threads;    /* as walk_options */
	bool quick;	     /* read only what seems to differ */
	uint64_t max_bytes;
	void (*change)(void *ctx, const struct change *);
	/* What could not be compared: an entry or, without a name, all of a
	 * folder. */
	void (*uncovered)(void *ctx, const struct walk_entry *);
	/* Now and then; false stops. May be NULL. */
	bool (*progress)(void *ctx, const struct compare_totals *);
	void *ctx;
	struct compare_totals totals;
	bool stopped;
};

/* -1 with `err`. */
int compare_run(struct compare *, struct err *);

/* "/dir/name" */
void change_path(struct buf *out, struct view dir, struct view name);
const char *change_kind_word(enum change_kind);
const char *change_attribute_word(enum change_attribute);
/* A JSON object: kind, path, type, attributes (name, old, new), package,
 * explained. Bytes that are no UTF-8 are told as path_hex. */
void change_put_json(struct buf *out, const struct change *);
/* One line for people. */
void change_put_text(struct buf *out, const struct change *);
/* What was not covered, and why: a line for people, or a JSON object. */
void change_put_uncovered(struct buf *out, const struct walk_entry *);
void change_put_uncovered_json(struct buf *out, const struct walk_entry *);
/* The old or the new value of one attribute, as text. */
void change_put_value(struct buf *out, enum change_attribute,
		      const struct walk_entry *);
/* All that an entry has, as members of a JSON object; there is always "type".
 */
void change_put_entry_json(struct buf *out, const struct walk_entry *);
/* A digest of all attributes but size, times, links and content, as
 * change_put_value tells them; where values[attribute].p is set, of that text
 * instead (`values` may be NULL). */
void change_state(const struct walk_entry *,
		  const struct view values[CHANGE_ATTRIBUTE_COUNT],
		  uint8_t out[32]);
/* Which attributes differ, roles aside. */
unsigned
change_differences(const struct walk_entry *, const struct walk_entry *);

#endif
