/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file sensors from inside. What they share is in fan_sensor.c (opening,
 * reading, delivering), fan_take.c (acts to records), fan_tree.h (which
 * directories) and fan_list.c (what changed, by looking). Where acts are
 * learned they say themselves: sensor_fan.c by fanotify, sensor_inot.c by
 * inotify, sensor_look.c by nothing but looking.
 *
 * Acts come in fanotify's words; inotify's are the same bits.
 */
#ifndef FIM_FAN_H
#define FIM_FAN_H

#include "fim/fan_batch.h"

#include <sys/fanotify.h>

/* include/uapi/linux/fanotify.h of Linux 5.17. */
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif

/* Tests try older kernels' ways and small limits. */
struct fan_options {
	bool no_rename;	    /* as before Linux 5.17 */
	bool no_pidfd;	    /* as before Linux 5.15 */
	bool no_mount_mark; /* as before Linux 6.14 */
	bool no_openat2;    /* as before Linux 5.6 */
	bool short_queue;   /* 16,384 events, fs.fanotify.max_queued_events */
	size_t max_dirs;    /* 0 = FAN_DIRS_MAX */
};

/*
 * What is there, for who remembers it (repair.h): all names of the watched
 * directories, listed at start and after a loss, and each file once more some
 * time after it was told of. Names are looked at first, and told when all has
 * been read that was in the queue by then: of what had happened before the look
 * nothing is left to come. Of such a name some acts have been told of by now
 * (`touched`); what else is new of it was not told, which is for the other side
 * to judge.
 *
 * After a loss nobody knows whether what was told of a name was its last act:
 * until the queue was read to the end that it had when the loss became known,
 * what is in `touched` counts only of files that have not changed since they
 * were told of.
 */
struct fan_survey {
	bool on;     /* somebody remembers */
	bool wanted; /* a list is to begin */
	bool active; /* it has */
	bool hurry;  /* the end is near: nothing waits */
	/* Losses follow each other for so long that waiting for their end
	 * would hide what happens meanwhile: the list is told as it is, what
	 * was told of a name does not count, and there will be another. */
	bool blind;
	/* Ids of the directories to list, each behind its length. */
	struct buf ids;
	size_t at;		 /* the next one in it */
	struct buf id;		 /* of the one that is being listed … */
	int listfd;		 /* … and open here; -1 = none */
	bool looked;		 /* something waits to be told, perhaps here: */
	struct fan_batch held;	 /* looked at, to be told … */
	uint64_t mark;		 /* … when so many events were taken */
	struct fan_keep touched; /* told of, to be refreshed */
	struct fan_dir *dir;	 /* whose descriptor is open */
	int dirfd;
	bool failed; /* memory was out: what was listed is worth nothing */
	uint64_t watchset;  /* watchset_hash() of the tree's */
	uint64_t losses;    /* known by now, with a new list to come */
	uint64_t loss_ns;   /* when the first without a list came; 0 = none */
	uint64_t loss_mark; /* events taken when all before the last are */
	uint64_t pause_ns;  /* no new list before that: memory was out */
};

struct inot; /* sensor_inot.c's */

/* How acts are learned. Errors: -1 and errno. */
struct fan_source {
	/* Sets source_fd, if there is something to poll, and the masks. */
	int (*open)(struct sensor *);
	void (*close)(struct sensor *);
	/* For the tree (fan_tree.h); ctx is the sensor. */
	int (*mark)(void *sensor, struct fan_dir *, int fd, uint64_t mask);
	void (*unmark)(void *sensor, struct fan_dir *, int at);
	/* Takes what there is: 1 when that was all, 0 at a bound. `*bytes`
	 * grows with what was read. */
	int (*read)(struct sensor *, size_t *bytes);
	/* A queued event has at least so many bytes, as FIONREAD counts, and
	 * so many may wait here already. */
	size_t event_bytes, n_ahead;
	/* Once a fetch, after reading. May be NULL. */
	void (*tick)(struct sensor *);
	/* Events were lost and the tree has been walked again. May be NULL. */
	void (*relist)(struct sensor *);
	/* For people: why it cannot be opened; how it works. */
	int (*explain)(struct err *, int error);
	void (*describe)(const struct sensor *, struct buf *);
};

struct sensor {
	const struct fan_source *source;
	struct fan_tree *tree;
	struct fan_options options;
	int source_fd, epoll_fd, timer_fd;
	int mount_fd; /* mount events; -1 = poll mountinfo_fd by time */
	int mountinfo_fd;
	uint64_t full_mask, light_mask;
	bool has_rename, has_target, has_pidfd;
	bool anonymous;		   /* nobody says who */
	int32_t self;		   /* Tocsin's own pid */
	const pid_t *also_self[2]; /* sensor.h, also_ours */
	char *buf;
	struct fan_batch batch;
	struct fan_keep found, young, dirty;
	struct fan_survey survey;
	uint64_t now_ns;    /* when the read in work began … */
	uint64_t end_ns;    /* … and when it had ended */
	uint64_t timer_ns;  /* when the timer is set to go off; 0 = never */
	uint64_t mounts_ns; /* when mounts were last looked at */
	/* Wakeups are moderated while events keep coming. */
	uint64_t read_ns;
	unsigned busy_reads;
	bool muted;
	size_t max_pidfds;
	/* The process of the event before, within one read. */
	int32_t last_pid;
	int last_pidfd;
	bool unread; /* the last read ended at a bound: more may be here */
	bool rescan; /* events were lost */
	bool full;   /* the limit on directories has been told */
	uint64_t events, lost, stray;
	uint64_t taken;	 /* from the queue */
	uint64_t losses; /* after which a list is wanted */
	/* Looking: how many directories, when next, how long it takes. */
	size_t n_polled;
	uint64_t poll_ns, look_ns, took_ns;
	struct inot *inot;
};

struct sensor *fan_open(const struct sensor_config *,
			const struct fan_options *, struct err *);

/* fan_survey.c. */
struct fan_act fan_act_at(const struct sensor *, enum event_kind,
			  struct fan_dir *, struct view name, bool dir);
/* The record of one name; false when memory is out (`failed` of its bytes), or
 * nobody asked for it. */
bool fan_put_name(struct sensor *, struct fan_batch *, const struct fan_act *);
/* A record of a path alone. */
bool fan_put_path(struct sensor *, struct fan_batch *, enum event_kind,
		  struct view path);
void fan_survey_open(struct sensor *);
void fan_survey_close(struct sensor *);
/* A list is wanted by who knows nothing of what was told before. */
void fan_survey_want(struct sensor *);
/* After reading, `drained` = to the end: events were lost; may be the time for
 * a new list. */
void fan_survey_lost(struct sensor *, bool drained);
/* Looks at more names when those before have been told. To be followed by more
 * reading when it says so, by what is in the queue now. */
bool fan_survey_look(struct sensor *, bool busy);
/* Tells them, if that time has come. */
void fan_survey_tell(struct sensor *, bool drained);
/* When it has something to do, boot time; 0 = nothing. */
uint64_t fan_survey_due(const struct sensor *);
/* fan_touched.c. */
/* More of them are not kept: the next list tells the others again. */
#define FAN_TOUCHED_MAX 32768u
/* This name was acted upon, ACT_…, whether or not anybody is told. */
void
fan_touch(struct sensor *, struct fan_dir *, struct view name, uint32_t acts);
/* `path`: its name for rules. NULL: it was not. */
struct fan_kept *fan_touched_find(struct fan_survey *, struct view dir_id,
				  struct view name, struct view path);
void fan_touched_drop(struct fan_survey *, struct fan_kept *);
/* Nothing that was looked at is told. */
void fan_held_drop(struct fan_survey *);
/* Looks at those whose time it is. `busy`: there is more to do. */
void fan_touched_look(struct sensor *, bool busy);
void fan_touched_close(struct fan_survey *); /* the directory in work */
uint64_t fan_touched_due(const struct fan_survey *);
bool fan_is_dir(struct sensor *, int fd, const struct fan_dir *);

/* fan_sensor.c: the calls of struct sensor_ops. */
struct sensor *fan_open_source(const struct fan_source *,
			       const struct sensor_config *,
			       const struct fan_options *, struct err *);
void fan_close(struct sensor *);
int fan_fd(const struct sensor *);
int fan_fetch(struct sensor *);
void fan_deliver(struct sensor *, const struct event_sink *);
int fan_open_file(struct sensor *, const struct event *);
int fan_seed(struct sensor *, const struct event_sink *);
/* All that is kept back is told, whatever it waits for. */
void fan_release(struct sensor *);
/* The tree as it is now: events were lost. */
void fan_find_way(struct sensor *);
void fan_relist(struct sensor *);
void fan_settle(struct sensor *);
int fan_rewatch(struct sensor *, const struct watchset *, struct err *);
void fan_status(const struct sensor *, struct sensor_status *);
/* All of them but what opens it, for a struct sensor_ops. */
#define FAN_SENSOR                                                      \
	.close = fan_close, .fd = fan_fd, .fetch = fan_fetch,           \
	.deliver = fan_deliver, .open_file = fan_open_file,             \
	.rewatch = fan_rewatch, .seed = fan_seed, .relist = fan_relist, \
	.settle = fan_settle, .status = fan_status
/* The sentence that a source's `explain` has. */
void fan_probe_failed(const struct fan_source *, int error, struct probe *);
/* Adds `fd` to what wakes the sensor. */
int fan_wake_by(struct sensor *, int fd);

/* fan_take.c. A process in a pid namespace outside ours has pid 0. */
struct fan_taken {
	uint64_t mask;		      /* FAN_… */
	enum attribution attribution; /* NONE: as the pid says */
	uint32_t pid;
	int pidfd;
	bool own;    /* Tocsin's: the tree follows, nobody is told */
	bool shared; /* the descriptor belongs to the batch by now */
	/* Ids of directories (and of the object), names in them. */
	struct view dir, name, target;
	struct view old_dir, old_name;
	bool has_dir, has_old;
};
void fan_take_act(struct sensor *, struct fan_taken *);
/* fan_parse.c: the ids, names and pidfd of an event from fanotify that lies at
 * `p`; the views point into it. */
void fan_parse(struct fan_taken *, const struct fanotify_event_metadata *,
	       const char *p);
/* What is told of it, ACT_…. */
uint32_t fan_acts(const struct fan_taken *);
/* One event from fanotify, which lies at `p`, checked to be within the
 * buffer; `meta` is its header. */
void fan_take(struct sensor *, const struct fanotify_event_metadata *meta,
	      const char *p);
/* fan_tree's callbacks. */
void fan_take_found(void *sensor, struct fan_dir *, int dirfd, struct view name,
		    bool is_dir);
void fan_take_full(void *sensor, struct fan_dir *);
/* A part of the stream is missing, of `scope`, because of `cause`. */
void fan_take_loss(struct sensor *, struct view scope, struct view cause,
		   bool again);

/* fan_list.c: directories whose content is remembered. */
/* What stands under a name, which ends with NUL; false and errno. */
bool fan_look_at(int fd, const char *name, struct event_seen *);
typedef void
fan_take_name(void *ctx, struct fan_dir *, int fd, struct view name);
/* Some more names of the open directory but "." and "..": 1, 0 at the end, -1
 * and errno. */
int fan_some_names(struct fan_dir *, int fd, fan_take_name *, void *ctx);
/* Remembers what is in it now; nothing is told. -1 when memory is out. */
int fan_listing_begin(struct fan_dir *, int fd);
/* This name was told of, whatever stands under it now. */
void fan_listing_note(struct fan_dir *, int fd, struct view name);
/* This name was told to be gone. Not during a round. */
void fan_listing_drop(struct fan_dir *, struct view name);
void fan_listing_free(struct fan_dir *);
/* Directory is `polled` from now on, or not any more. */
int fan_poll_begin(struct sensor *, struct fan_dir *, int fd);
void fan_poll_end(struct sensor *, struct fan_dir *);
/* Looks at the polled directories, or at all that are remembered, and takes
 * what differs as acts, marked with `how`. */
void fan_look_round(struct sensor *, bool all, enum attribution how);
/* Does so when it is time. */
void fan_look_in_time(struct sensor *);

#endif
