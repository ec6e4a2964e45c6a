/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live tests of the fanotify sensor: acts of child processes in the small host
 * of tests/live/sandbox, and what the sensor says of them.
 */
#ifndef TESTS_LIVE_FAN_HARNESS_H
#define TESTS_LIVE_FAN_HARNESS_H

#include "fim/fan.h"

struct heard {
	enum event_kind kind;
	enum attribution attribution;
	enum file_node node;
	uint32_t pid;
	bool has_pidfd;
	struct view path, old_path, aliases, scope;
	uint64_t time_ns;
	uint32_t maker_pid;
	int opened; /* errno of open_file, 0 = that object */
};

struct host {
	struct sensor *s;
	struct watchset ws;
	struct heard *v;
	size_t n, cap;
	struct arena arena;
	uint64_t act_ns;  /* how long the last act took */
	bool open_files;  /* try open_file on each event */
	unsigned slow_us; /* the consumer takes so long for an event */
};

extern unsigned harness_failed;

void check(bool ok, const char *what);

/* A sensor over these patterns (NULL ends; "=path" is a configured one). */
void host_open(struct host *, const struct fan_options *,
	       const char *const *patterns);
void host_close(struct host *);
/* Forgets what was said. */
void host_clear(struct host *);
/* Reads until nothing has come for so long. */
void host_pump(struct host *, int quiet_ms);
/* Runs the act in a child, reading meanwhile, till it ends and nothing has come
 * for a while; its pid. */
uint32_t host_run(struct host *, void (*act)(void *), void *ctx);
/* The same for shell commands; the pid is the shell's. */
uint32_t host_sh(struct host *, const char *commands);

/* For an act, and for shell commands: goes on when nothing has come for a
 * while, however far behind the reader was. */
void settle(void);
#define SETTLE "echo >&8; read settled <&9; "
/* The table of mounts may be looked at by time. */
#define SETTLE_MOUNTS "sleep 0.4; " SETTLE

/* Somebody may be looking into it just now, the sensor itself for one. */
#define UMOUNT(place)                                                        \
	"i=0; until umount -n " place "; do i=$((i + 1)); test $i -le 200; " \
	"sleep 0.05; done; "

/* Shell commands before a test, unobserved. */
void prepare(const char *commands);

/* How many such events; NULL path = any. */
size_t said_count(const struct host *, enum event_kind, const char *path);
const struct heard *
said_find(const struct host *, enum event_kind, const char *path);
bool
said_by(const struct host *, enum event_kind, const char *path, uint32_t pid);
bool said_rename(const struct host *, const char *old_path, const char *path);
bool has_alias(const struct heard *, const char *name);
void host_dump(const struct host *);

void test_acts(void);
void test_places(void);
void test_links(void);
void test_load(void);
void measure_cost(void);

#endif
