/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fanotify sensor has translated and not yet delivered. Internal to
 * it. A record's strings lie in one block of bytes; a batch holds the blocks
 * of many records, a kept record has its own.
 *
 * Three things are kept back for a moment. Files met while listing a new
 * directory: their real event, which names the process, may still come.
 * Creations whose maker has not closed the file yet: a few milliseconds, so
 * that who looks finds what was written. And modifications: they are told
 * once, when the file is closed, or after a second when nobody closes it
 * (truncate(2) has no close).
 */
#ifndef FIM_FAN_BATCH_H
#define FIM_FAN_BATCH_H

#include "fim/fan_tree.h"
#include "fim/sensor.h"

struct fan_record {
	enum event_kind kind;
	enum file_node node;
	enum attribution attribution;
	uint32_t pid;
	uint32_t maker_pid; /* of who made the directory, when pid is 0 */
	int pidfd;	    /* -1 = none */
	uint64_t time_ns, read_ns;
	bool flag;     /* LOSS: again; LIST_DIR, LIST_END: incomplete */
	uint32_t seen; /* 1 + index in the batch's `seen`; 0 = none */
	uint32_t acts; /* ACT_… */
	size_t at;     /* the block: directory's id, object's id, … */
	uint32_t dir_n, target_n, path_n, old_n, aliases_n;
	const struct buf *bytes; /* where the block lies */
};

struct fan_batch {
	struct fan_record *v;
	size_t n, cap;
	size_t delivered; /* the first so many; they stay for open_file */
	struct buf bytes;
	struct event_seen *seen;
	size_t n_seen, seen_cap;
	int *pidfds; /* closed with it */
	size_t n_pidfds, pidfds_cap;
};

/* A record on its way: where it happened and who did it. */
struct fan_act {
	enum event_kind kind;
	enum file_node node;
	enum attribution attribution;
	uint32_t pid;
	int pidfd;
	uint64_t time_ns, read_ns;
	struct fan_dir *dir;
	struct view name, target;
	struct fan_dir *old_dir; /* RENAME; may be NULL */
	struct view old_name;
};

struct fan_kept {
	struct fan_kept *next, *prev; /* by age */
	struct fan_kept *chain;	      /* same bucket */
	uint64_t hash;
	uint64_t since_ns;
	/* fan_survey.c: its records, when it was touched first, and whether
	 * events were lost since. */
	size_t looked, n_looked;
	uint64_t first_ns;
	bool doubted;
	struct fan_record r;
	struct buf bytes;
};

#define FAN_KEEP_BUCKETS 4096u
struct fan_keep {
	struct fan_kept *first, *last, *spare;
	struct fan_kept *buckets[FAN_KEEP_BUCKETS];
	size_t n, max, n_spare;
};

/* False when nobody asked for it, or memory is out (`failed`). */
bool fan_act_write(struct fan_tree *, const struct fan_act *,
		   struct fan_record *, struct buf *bytes);
/* `seen` of the event is the caller's to set. */
void fan_record_event(const struct fan_record *, struct event *);
struct view fan_record_dir(const struct fan_record *);
struct view fan_record_target(const struct fan_record *);
struct view fan_record_path(const struct fan_record *);

/* Room for one more record, zeroed; NULL when memory is out. */
struct fan_record *fan_batch_add(struct fan_batch *);
/* A copy for the batch's record number `at`. */
void fan_batch_see(struct fan_batch *, size_t at, const struct event_seen *);
/* A copy of a record of another batch, or NULL. */
struct fan_record *
fan_batch_copy(struct fan_batch *, const struct fan_batch *, size_t at);
/* The event of record number `at`. */
void fan_batch_event(const struct fan_batch *, size_t at, struct event *);
/* The batch closes it. Gives it back, or -1 when it had to be closed now. */
int fan_batch_own(struct fan_batch *, int pidfd);
void fan_batch_clear(struct fan_batch *);
/* Clears it if all of it has been delivered. */
void fan_batch_forget(struct fan_batch *);
void fan_batch_free(struct fan_batch *);

/* Key of a kept record: one object under one name. */
uint64_t
fan_keep_hash(struct view dir_id, struct view name, struct view target);
/* A free entry, filled by the caller, then put in. NULL when full. */
struct fan_kept *fan_keep_new(struct fan_keep *);
void fan_keep_put(struct fan_keep *, struct fan_kept *);
void fan_keep_return(struct fan_keep *, struct fan_kept *);
/* The next with this hash after `from` (NULL: the first). */
struct fan_kept *fan_keep_find(const struct fan_keep *, uint64_t hash,
			       const struct fan_kept *from);
void fan_keep_take(struct fan_keep *, struct fan_kept *);
/* Copies its record to the batch, and the entry back to the spare ones. */
bool fan_keep_emit(struct fan_keep *, struct fan_kept *, struct fan_batch *);
void fan_keep_free(struct fan_keep *);

#endif
