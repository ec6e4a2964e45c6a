/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One act on this host, as a sensor translated it from a kernel record. A
 * sensor looks nothing up: what it does not know stays zero or empty, and
 * enrich (enrich.c) completes it.
 *
 * All views are borrowed and valid during the call that delivers the event.
 * Pids, uids and gids are those of Tocsin's own pid and user namespaces. Times
 * are CLOCK_BOOTTIME.
 */
#ifndef FIM_EVENT_H
#define FIM_EVENT_H

#include "scan/base.h"

/* What sensors see. */
enum role { ROLE_PROCESSES, ROLE_FILES, ROLE_MESSAGES, ROLES };

enum event_kind {
#define EVENT(kind, action, category, type, aliases) EVENT_##kind,
#include "fim/events.def"
#undef EVENT
	EVENT_KINDS
};

const char *event_action(enum event_kind);   /* ECS event.action, "" */
const char *event_category(enum event_kind); /* ECS event.category, "" */
const char *event_type(enum event_kind);     /* ECS event.type, "" */
bool event_is_log(enum event_kind);	     /* carries an event_log */
const char *event_aliases(enum event_kind);
/* What began when the thing came that a scan finds: CREATE of SNAPSHOT, EXEC
 * of ALREADY_RUNNING, else the kind itself. */
enum event_kind event_beginning(enum event_kind);

/* A process over pid reuse: task_struct.start_boottime of the thread group's
 * leader does not change on exec. start_ns 0 = only the pid is known. */
struct proc_key {
	uint32_t pid;
	uint64_t start_ns;
};

#define ID_UNKNOWN UINT32_MAX
#define EXIT_CODE_UNKNOWN INT32_MIN

/* cred(7): real, effective, saved; capabilities as bit sets. */
struct event_creds {
	uint32_t uid, euid, suid;
	uint32_t gid, egid, sgid;
	uint64_t cap_permitted, cap_effective;
};

/* Process state carried by EXEC, FORK, ALREADY_RUNNING and the changes. */
struct event_proc {
	struct proc_key parent; /* real_parent's leader at that moment */
	uint32_t pgid, sid;
	struct proc_key session; /* the session leader, if it could be read */
	uint32_t tty_major, tty_minor; /* 0, 0 = no controlling terminal */
	struct event_creds creds;
	bool kthread;
	bool container;		 /* its pid namespace is below Tocsin's */
	uint64_t pid_ns, mnt_ns; /* inode numbers; 0 = not known */
	/* By a scan: the views that leave it out, each followed by NUL. */
	struct view hidden_from;
};

/* What execve was asked and what it made of it: EXEC, ALREADY_RUNNING. */
struct event_exec {
	struct view given;  /* path given to execve, not resolved; "" unknown */
	struct view image;  /* path of the file that runs (the interpreter's
			     * for a script), as the mount tree names it */
	struct view interp; /* bprm->interp: "/bin/sh" for a script, else as
			     * given */
	struct view comm;
	struct view args; /* argv, each item followed by NUL */
	uint32_t argc;	  /* real count, also past the cap */
	struct view env;  /* chosen NAME=value items, each followed by NUL */
	struct view cwd;
	uint64_t inode;
	uint32_t dev_major, dev_minor, nlink; /* nlink 0 = memfd or deleted */
	/* It was gone before anybody could look: nothing but `comm` is known,
	 * perhaps. */
	bool missing;
	/* Which of descriptors 0–2 are sockets (bit n), of any family. */
	uint32_t socket_fds;
	uint64_t stdio_inode[3]; /* of descriptors 0–2; 0 = not known */
	bool replaced; /* by a scan: another file has the image's name now */
};

enum net_proto { NET_TCP = 6, NET_UDP = 17 }; /* IANA numbers */

/* CONNECT, ACCEPT, DISCONNECT: the socket of the acting process. */
struct event_net {
	uint16_t family; /* AF_INET, AF_INET6 */
	uint8_t proto;	 /* IANA */
	bool inherited;	 /* found on descriptor 0–2 at exec, not made now */
	bool ingress;	 /* the peer began it */
	bool undirected; /* who began it is not known */
	uint8_t local[16], remote[16];	  /* network order; 4 or 16 bytes */
	uint16_t local_port, remote_port; /* host order; 0 = not known */
	uint64_t cookie;		  /* sock_gen_cookie; 0 = not known */
};

enum file_node { NODE_UNKNOWN, NODE_FILE, NODE_DIR };

/* CREATE … ATTRIBUTES, NAME_ACT (basename in `path`). */
struct event_file {
	struct view path;     /* under the name that the rules use */
	struct view old_path; /* RENAME; "" when it came from outside */
	/* Other names of the same place (/run/x for /var/run/x), each followed
	 * by NUL; rules may use any of them. */
	struct view aliases;
	enum file_node node;
	/* CREATE of pid 0: who made the directory around it. Made by the same
	 * process only if that is known to have acted on this name as well
	 * (NAME_ACT); 0 = unknown. */
	uint32_t maker_pid;
	/* For the sensor that delivered it: how to open the file again. */
	const void *handle;
};

/* What was told of a name since the ledger has heard of it last. */
enum {
	ACT_CREATE = 1,
	ACT_RENAME = 2, /* to it, or away from it */
	ACT_DELETE = 4,
	ACT_MODIFY = 8,
	ACT_ATTRIBUTES = 16,
	ACT_ALL = 31
};

/* What stands under a name, statx(2). */
struct event_seen {
	uint64_t ino, size;
	uint64_t born_ns; /* 0 = not known */
	uint64_t written_ns, changed_ns;
	uint32_t dev_major, dev_minor;
	uint32_t mode, uid, gid, nlink;
};

/* LOAD_MODULE. */
struct event_module {
	struct view name;
	/* struct module's: bits of include/linux/panic.h, TAINT_*. */
	uint64_t taints;
	bool from_file; /* finit_module(2), else init_module(2) */
};

enum outcome { OUTCOME_NONE, OUTCOME_SUCCESS, OUTCOME_FAILURE };

/* What a message says, as far as it was understood (messages.def). */
enum said {
#define SAID(id, name, class) SAID_##id,
#include "fim/messages.def"
	SAID_COUNT
};

/* A message of the system's log. */
struct event_log {
	struct view message;
	struct view program; /* who says so, as far as that can be trusted */
	struct view said[SAID_COUNT]; /* p NULL: not said */
	enum outcome outcome;
	bool audit;   /* a record of the audit subsystem */
	int priority; /* syslog(3), 0–7; -1 = not known */
	int facility; /* syslog(3) >> 3; -1 = not known */
};

/* How sure the process is. */
enum attribution {
	ATTRIBUTION_NONE,	 /* in doubt */
	ATTRIBUTION_KERNEL,	 /* named by the kernel with the event */
	ATTRIBUTION_LOST,	 /* found by looking: its event came before the
				  * watch, or was lost */
	ATTRIBUTION_OFFLINE,	 /* happened while Tocsin was not running */
	ATTRIBUTION_POLLED,	 /* found by looking from time to time */
	ATTRIBUTION_UNAVAILABLE, /* this sensor cannot say who */
	/* Nothing has happened: a scan looks at what is there. Rules for its
	 * beginning apply as well. */
	ATTRIBUTION_SCAN,
};

struct event {
	enum event_kind kind;
	enum attribution attribution;
	bool truncated; /* a string was longer than the stated cap */
	/* EXIT: file events of this process that are read later than this are
	 * all named by a NAME_ACT before it. */
	bool told;
	uint64_t time_ns;
	/* File events: `time_ns` is when the read that brought it began, this
	 * when it had ended. 0 = not known. */
	uint64_t read_ns;
	struct proc_key key; /* the acting process; pid 0 = unknown */
	int pidfd;	     /* of it, borrowed; -1 = none */
	int32_t exit_code;   /* EXIT: wait(2) status, raw, or unknown */
	/* LOSS: how many, at least, of what and why, for people. */
	uint64_t lost;
	struct view scope, cause;
	enum role role; /* LOSS, LIST_… */
	bool again;	/* LOSS: what is there will be listed */
	/* LIST_DIR: it could not be listed, or not to its end. LIST_END: more
	 * was lost meanwhile, and there will be another list. */
	bool incomplete;
	/* LIST_BEGIN of files: watchset_hash() of what is listed. */
	uint64_t watchset;
	/* LISTED: NULL = there, and more is not known. REFRESHED: NULL =
	 * nothing is there. */
	const struct event_seen *seen;
	uint32_t acts; /* LISTED, REFRESHED: what has been told, ACT_… */
	struct event_seen seen_here; /* what `seen` may point to (frame.h) */
	struct event_proc proc;
	struct event_exec exec;
	struct event_net net;
	struct event_file file;
	const struct event_module *module; /* LOAD_MODULE, else NULL */
	const struct event_log *log;	   /* event_is_log, else NULL */
};

#endif
