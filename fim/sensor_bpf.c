/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process and network sensor: loads the kernel programs, drains their
 * ring. The ring is the sensor's own memory in the sense of sensor.h: `fetch`
 * notes how far it is filled, `deliver` hands on what lies before that mark.
 */
#include "fim/sensor_bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Generated; does not compile under our own warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "fim/bpf/tocsin.skel.h"
#pragma GCC diagnostic pop

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define LOCKDOWN_PATH "/sys/kernel/security/lockdown"

#define MISSED_PERIOD_NS NS_PER_SEC
#define LIST_PERIOD_NS (200 * NS_PER_MS)

struct sensor {
	struct tocsin_bpf *skel;
	struct ring ring;
	struct hooks hooks;
	struct translator translator;
	const struct event_sink *sink; /* during deliver */
	uint64_t missed, missed_ns;    /* runs that were missed; when counted */
	struct buf tasks;	       /* after a loss: who ran at that time */
	bool listed;		       /* `tasks` waits to be delivered */
	uint64_t listed_ns, next_list_ns;
};

/* ---- opening --------------------------------------------------------- */

/* libbpf would print. Its first warning explains a failure better than the
 * error number does; one text for all, as its hook is. */
static char libbpf_said[160];

static PRINTF_LIKE(2, 0) int keep_warning(enum libbpf_print_level level,
					  const char *format, va_list args)
{
	if (level == LIBBPF_WARN && libbpf_said[0] == '\0') {
		vsnprintf(libbpf_said, sizeof(libbpf_said), format, args);
		libbpf_said[strcspn(libbpf_said, "\n")] = '\0';
	}
	return 0;
}

static bool
lockdown_hides_memory(void)
{
	char text[128];
	FILE *f = fopen(LOCKDOWN_PATH, "re");
	size_t n = f ? fread(text, 1, sizeof(text), f) : 0;

	if (f)
		fclose(f);
	return view_search((struct view){ text, n }, VIEW("[confidentiality]"),
			   0) >= 0;
}

static int
say(struct err *err, const char *text, int error)
{
	if (error == 0)
		return err_add(err, (struct place){ 0 }, "%s", text);
	return err_add(err, (struct place){ 0 }, "%s: %s", text,
		       strerror(error));
}

/* Why this host cannot, before libbpf says it in its own words. */
static int
check_host(struct err *err)
{
	if (access(BTF_PATH, R_OK) != 0)
		return say(err,
			   "this kernel has no BTF (" BTF_PATH "), which the "
			   "bpf sensor needs",
			   errno);
	if (lockdown_hides_memory())
		return say(err,
			   "kernel lockdown is at \"confidentiality\", which "
			   "keeps BPF programs from reading kernel memory",
			   0);
	return 0;
}

static int
say_load(struct err *err, int error)
{
	if (error == EPERM || error == EACCES)
		return say(err,
			   "loading BPF programs is not permitted: needs root, "
			   "or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN",
			   error);
	return say(err, libbpf_said[0] ? libbpf_said : "loading BPF programs",
		   error);
}

static void
env_first(struct tocsin_bpf__rodata *rodata, size_t i, const char *name)
{
	struct view v = view_of(name);
	char first[8] = { 0 }, mask[8] = { 0 };

	for (size_t k = 0; k < sizeof(first) && k <= v.n; k++) {
		first[k] = k < v.n ? v.p[k] : '=';
		mask[k] = (char)0xff;
	}
	memcpy((void *)&rodata->env_first[i], first, sizeof(first));
	memcpy((void *)&rodata->env_mask[i], mask, sizeof(mask));
}

static struct tocsin_bpf *
skel_open(const struct sensor_config *config)
{
	struct tocsin_bpf *skel = tocsin_bpf__open();
	int cpus = libbpf_num_possible_cpus();
	size_t names = config->n_env_names;

	if (skel == NULL || cpus < 1)
		goto fail;
	if (names > WIRE_ENV_NAMES)
		names = WIRE_ENV_NAMES;
	skel->rodata->max_args = config->max_args;
	skel->rodata->n_env_names = (uint32_t)names;
	for (size_t i = 0; i < names; i++)
		env_first(skel->rodata, i, config->env_names[i]);
	if (bpf_map__set_max_entries(skel->maps.exec_scratch, (uint32_t)cpus) !=
	    0)
		goto fail;
	return skel;
fail:
	tocsin_bpf__destroy(skel);
	return NULL;
}

/* Leaves out the programs of a type that this kernel may refuse. */
static void
skel_without(struct tocsin_bpf *skel, enum bpf_prog_type type)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, skel->obj) if (bpf_program__type(p) ==
						       type)
		bpf_program__set_autoload(p, false);
}

/* The verifier stops with EAGAIN where a signal waits, and libbpf tries no more
 * than five times. */
#define LOAD_TRIES 8

/* A positive errno, or 0. */
static int
skel_try(const struct sensor_config *config, int without,
	 struct tocsin_bpf **out)
{
	struct tocsin_bpf *skel = skel_open(config);
	int error;

	if (skel == NULL)
		return ENOMEM;
	if (without >= 1)
		skel_without(skel, BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
	if (without >= 2 || !hooks_have_modules())
		bpf_program__set_autoload(skel->progs.on_module, false);
	error = -tocsin_bpf__load(skel);
	if (error == 0)
		*out = skel;
	else
		tocsin_bpf__destroy(skel);
	return error;
}

/* All programs, or those without cgroups, or without modules as well. NULL and
 * errno. */
static struct tocsin_bpf *
skel_load(const struct sensor_config *config)
{
	struct tocsin_bpf *skel = NULL;
	int error = 0;

	for (int without = 0; without <= 2 && skel == NULL; without++) {
		int tries = 0;

		do
			error = skel_try(config, without, &skel);
		while (error == EAGAIN && ++tries < LOAD_TRIES);
		if (error == EPERM)
			break;
	}
	errno = error;
	return skel;
}

/* Runs a program once, in our own context. */
static int
run_here(const struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts) != 0)
		return -1;
	if (opts.retval == 1)
		return 0;
	errno = EFAULT;
	return -1;
}

static int
number_of(const char *name)
{
	uint64_t n;

	return view_to_u64(view_of(name), &n) && n <= INT_MAX ? (int)n : -1;
}

/* Shows the kernel programs the fanotify queues of this process, as far as
 * they are open by now (waiting.h). /proc tells which descriptors they are. */
static void
find_groups(struct sensor *s)
{
	struct view fanotify = VIEW("anon_inode:[fanotify]");
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[64];

	s->skel->bss->n_fanotify_groups = 0; /* found again after a restart */
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target));

		if (n < 0 ||
		    !view_eq((struct view){ target, (size_t)n }, fanotify))
			continue;
		s->skel->bss->fanotify_fd = number_of(entry->d_name);
		run_here(s->skel->progs.on_group);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
bpf_close(struct sensor *s)
{
	if (s == NULL)
		return;
	hooks_detach(&s->hooks);
	ring_close(&s->ring);
	buf_free(&s->tasks);
	tocsin_bpf__destroy(s->skel);
	free(s);
}

/* Everything after loading. -1 and errno. */
static int
bpf_start(struct sensor *s)
{
	/* The level of our pid namespace is nowhere else to be read. */
	if (run_here(s->skel->progs.on_self) < 0)
		return -1;
	/* What the kernel programs keep there is nothing to a child of ours. */
	madvise(s->skel->bss, (size_t)sysconf(_SC_PAGESIZE), MADV_DONTFORK);
	if (ring_open(&s->ring, bpf_map__fd(s->skel->maps.ring),
		      bpf_map__max_entries(s->skel->maps.ring)) < 0)
		return -1;
	return hooks_attach(&s->hooks, s->skel->obj);
}

static struct sensor *
bpf_open(const struct sensor_config *config, struct err *err)
{
	struct sensor *s;

	libbpf_set_print(keep_warning);
	libbpf_said[0] = '\0';
	if (check_host(err) < 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		say(err, "opening the bpf sensor", ENOMEM);
		return NULL;
	}
	s->translator.config = config;
	s->skel = skel_load(config);
	if (s->skel == NULL) {
		say_load(err, errno);
		bpf_close(s);
		return NULL;
	}
	if (bpf_start(s) < 0) {
		say(err, "attaching BPF programs", errno);
		bpf_close(s);
		return NULL;
	}
	return s;
}

/* ---- draining -------------------------------------------------------- */

static int
bpf_fd(const struct sensor *s)
{
	return s->ring.epoll_fd;
}

static int
read_tasks(struct sensor *s, struct buf *tasks)
{
	struct bpf_link *link;
	int fd, r;

	link = bpf_program__attach_iter(s->skel->progs.on_task, NULL);
	if (link == NULL)
		return -1;
	fd = bpf_iter_create(bpf_link__fd(link));
	r = fd < 0 ? -1 : seed_read(fd, tasks);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return r;
}

/* Who runs now, before the ring is marked: what the list shows and the ring
 * tells as well has been told by the time the list is delivered. */
static void
list_again(struct sensor *s)
{
	uint64_t now_ns = clock_boot_ns();

	if (!s->translator.relist || s->listed || now_ns < s->next_list_ns)
		return;
	s->translator.relist = false;
	s->listed_ns = now_ns;
	buf_clear(&s->tasks);
	s->listed = read_tasks(s, &s->tasks) == 0;
	/* Where losses follow each other, one list does for many. */
	s->next_list_ns = now_ns + LIST_PERIOD_NS;
	if (!s->listed)
		s->translator.relist = true;
}

static int
bpf_fetch(struct sensor *s)
{
	bool lost = (uint32_t)s->skel->bss->lost != s->translator.lost_seen;

	list_again(s);
	return ring_mark(&s->ring) || lost || s->listed;
}

static void
take_record(void *ctx, const void *record, size_t n)
{
	struct sensor *s = ctx;

	translate_record(&s->translator, record, n, s->sink);
}

/* The kernel does not run a program inside of itself: not when a packet
 * arrives just while the same program looks at another socket. It counts that
 * (bpf_prog_info.recursion_misses, since 5.12). */
static uint64_t
count_missed(const struct sensor *s)
{
	struct bpf_program *p;
	uint64_t missed = 0;

	bpf_object__for_each_program(p, s->skel->obj)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t n = sizeof(info);
		int fd = bpf_program__fd(p);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &n) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}

static void
tell_missed(struct sensor *s, const struct event_sink *sink)
{
	uint64_t now_ns = clock_boot_ns(), missed;

	if (now_ns - s->missed_ns < MISSED_PERIOD_NS)
		return;
	s->missed_ns = now_ns;
	missed = count_missed(s);
	if (missed != s->missed)
		translate_missed(&s->translator, missed - s->missed, now_ns,
				 sink);
	s->missed = missed;
}

/* If more has been lost meanwhile there will be another one, perhaps again and
 * again: what this one shows is true all the same. */
static void
tell_list(struct sensor *s, const struct event_sink *sink)
{
	struct event bound = { .kind = EVENT_LIST_BEGIN,
			       .role = ROLE_PROCESSES,
			       .time_ns = s->listed_ns,
			       .pidfd = -1 };

	s->listed = false;
	sink->take(sink->ctx, &bound);
	seed_tell(&s->translator, buf_view(&s->tasks), EVENT_RUNNING, sink);
	bound.kind = EVENT_LIST_END;
	bound.incomplete = s->translator.relist;
	sink->take(sink->ctx, &bound);
	buf_free(&s->tasks);
}

static void
bpf_deliver(struct sensor *s, const struct event_sink *sink)
{
	uint32_t lost = (uint32_t)s->skel->bss->lost;

	s->sink = sink;
	/* What was lost shows in the next record; there may be none. */
	if (ring_drain(&s->ring, take_record, s))
		translate_loss(&s->translator, lost, clock_boot_ns(), sink);
	s->sink = NULL;
	if (s->listed)
		tell_list(s, sink);
	tell_missed(s, sink);
}

static int
bpf_seed(struct sensor *s, const struct event_sink *sink)
{
	struct buf tasks = { 0 };
	int r;

	find_groups(s);
	r = read_tasks(s, &tasks);
	if (r == 0)
		seed_tell(&s->translator, buf_view(&tasks),
			  EVENT_ALREADY_RUNNING, sink);
	buf_free(&tasks);
	return r;
}

static void
bpf_status(const struct sensor *s, struct sensor_status *out)
{
	memset(out, 0, sizeof(*out));
	out->events = s->translator.events;
	out->lost = s->translator.lost;
	out->queued = ring_queued(&s->ring);
	hooks_describe(&s->hooks, out->detail, sizeof(out->detail));
}

void
sensor_bpf_probe(struct probe *p)
{
	const struct sensor_config config = { .max_args = 4096 };
	struct err err = { 0 };
	struct sensor *s = bpf_open(&config, &err);

	p->works = s != NULL;
	if (s != NULL)
		hooks_describe(&s->hooks, p->why, sizeof(p->why));
	else
		snprintf(p->why, sizeof(p->why), "%.*s",
			 err.n ? (int)err.v[0].message.n : 0,
			 err.n ? err.v[0].message.p : "");
	bpf_close(s);
	err_free(&err);
}

const struct sensor_ops sensor_bpf = {
	.name = "bpf",
	.open = bpf_open,
	.close = bpf_close,
	.fd = bpf_fd,
	.fetch = bpf_fetch,
	.deliver = bpf_deliver,
	.seed = bpf_seed,
	.status = bpf_status,
};
