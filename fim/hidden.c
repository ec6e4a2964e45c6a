/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views of /proc, compared. */
#include "fim/hidden.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SMALL_MAX_BYTES 65536u
#define CGROUP_DEPTH_MAX 64
#define CGROUP_MAX_BYTES (4u << 20)
#define PID_LIMIT (1u << 22) /* include/linux/threads.h: PID_MAX_LIMIT */

/* Pids as bits. */
struct set {
	uint64_t *bits;
	uint32_t max; /* pids below this */
};

struct search {
	const struct hidden_places *places;
	int proc;	    /* the folder */
	struct set listing; /* what the kernel lists */
	struct set readdir; /* what the C library does */
	struct set known;   /* what anything else knows */
	struct set members; /* of cgroups */
	struct hidden *found;
	size_t n_found, cap;
};

/* ---- sets ------------------------------------------------------------ */

static int
set_make(struct set *s, uint32_t max)
{
	s->max = max;
	s->bits = calloc(max / 64 + 1, sizeof(*s->bits));
	return s->bits == NULL ? -1 : 0;
}

static void
set_add(struct set *s, uint64_t pid)
{
	if (pid < s->max)
		s->bits[pid / 64] |= 1ull << pid % 64;
}

static bool
set_has(const struct set *s, uint32_t pid)
{
	return pid < s->max && (s->bits[pid / 64] >> pid % 64 & 1) != 0;
}

static void
set_clear(struct set *s)
{
	memset(s->bits, 0, (s->max / 64 + 1) * sizeof(*s->bits));
}

/* ---- reading --------------------------------------------------------- */

static bool
read_small(int dir, const char *name, struct buf *text)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc;

	buf_clear(text);
	if (fd < 0)
		return false;
	rc = fd_read_all(fd, SMALL_MAX_BYTES, text);
	close(fd);
	return rc == 0 && !text->failed;
}

/* Fourth field of /proc/PID/stat; the second may hold anything. */
static uint32_t
parent_of(int proc, uint32_t pid)
{
	char name[32];
	struct buf text = { 0 };
	struct view rest, word;
	uint64_t parent = 0;

	snprintf(name, sizeof(name), "%u/stat", pid);
	if (read_small(proc, name, &text)) {
		ssize_t end = view_rfind(buf_view(&text), ')');

		rest = view_sub(buf_view(&text), (size_t)(end + 4), SIZE_MAX);
		if (end < 0 || !view_next_split(&rest, ' ', &word) ||
		    !view_to_u64(word, &parent) || parent > INT32_MAX)
			parent = 0;
	}
	buf_free(&text);
	return (uint32_t)parent;
}

static int
take_listing(int dir, struct set *s)
{
	size_t n;
	uint32_t *v = proc_list(dir, &n);

	if (v == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		set_add(s, v[i]);
	free(v);
	return 0;
}

static int
take_readdir(struct search *x)
{
	DIR *dir = opendir(x->places->proc);
	struct dirent *e;
	uint64_t pid;

	if (dir == NULL)
		return -1;
	while ((e = readdir(dir)) != NULL)
		if (view_to_u64(view_of(e->d_name), &pid))
			set_add(&x->readdir, pid);
	closedir(dir);
	return 0;
}

static void
take_members(struct search *x, int dir)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct buf text = { 0 };
	struct view rest, line;
	uint64_t pid;

	if (fd < 0)
		return;
	if (fd_read_all(fd, CGROUP_MAX_BYTES, &text) == 0) {
		rest = buf_view(&text);
		while (view_next_split(&rest, '\n', &line))
			if (view_to_u64(line, &pid) && pid > 0)
				set_add(&x->members, pid);
	}
	buf_free(&text);
	close(fd);
}

/* Takes over `fd`. */
static void
take_cgroups(struct search *x, int fd, int depth)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	take_members(x, dirfd(dir));
	while (depth < CGROUP_DEPTH_MAX && (e = readdir(dir)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			take_cgroups(x,
				     openat(dirfd(dir), e->d_name,
					    O_RDONLY | O_DIRECTORY |
						    O_NOFOLLOW | O_CLOEXEC),
				     depth + 1);
	closedir(dir);
}

static void
take_all_members(struct search *x)
{
	set_clear(&x->members);
	take_cgroups(
		x, open(x->places->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		0);
}

/* ---- what else knows ------------------------------------------------- */

/* EPERM is an answer, too. */
static bool
answers(uint32_t pid)
{
	return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

static void
take_known(struct search *x)
{
	for (uint32_t pid = 1; pid < x->known.max; pid++) {
		uint32_t parent;

		if (answers(pid) || set_has(&x->members, pid))
			set_add(&x->known, pid);
		if (!set_has(&x->listing, pid))
			continue;
		parent = parent_of(x->proc, pid);
		if (parent > 0)
			set_add(&x->known, parent);
	}
	/* Without this: what is hidden from lookups only is known as well. */
	if (x->places->own_proc >= 0)
		take_listing(x->places->own_proc, &x->known);
}

/* A leader that lives: it has a pidfd that is not at its end, or its cgroup
 * says so (a thread is no member of its own). */
static bool
lives(const struct search *x, uint32_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool alive;

	if (fd < 0)
		return set_has(&x->members, pid);
	alive = poll(&p, 1, 0) == 0;
	close(fd);
	return alive;
}

/* ---- comparing ------------------------------------------------------- */

static unsigned
missing_by_name(struct search *x, uint32_t pid)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	char name[16];
	long fd;

	snprintf(name, sizeof(name), "%u", pid);
	fd = syscall(SYS_openat2, x->proc, name, &how, sizeof(how));
	if (fd >= 0) {
		close((int)fd);
		return 0;
	}
	if (errno == EXDEV)
		return 1u << HIDDEN_MOUNT;
	return errno == ENOENT ? 1u << HIDDEN_LOOKUP : 0;
}

static unsigned
missing(struct search *x, uint32_t pid)
{
	unsigned views = missing_by_name(x, pid);

	if (!set_has(&x->listing, pid))
		views |= 1u << HIDDEN_LISTING;
	if (!set_has(&x->readdir, pid))
		views |= 1u << HIDDEN_READDIR;
	return views;
}

static int
suspect(struct search *x, uint32_t pid, unsigned views)
{
	if (x->n_found == x->cap) {
		size_t cap = x->cap > 0 ? 2 * x->cap : 64;
		struct hidden *v = reallocarray(x->found, cap, sizeof(*v));

		if (v == NULL)
			return -1;
		x->found = v;
		x->cap = cap;
	}
	x->found[x->n_found++] = (struct hidden){ pid, views };
	return 0;
}

/* Of those who live: most that are missing are threads, or have ended. */
static int
find_suspects(struct search *x)
{
	for (uint32_t pid = 1; pid < x->known.max; pid++) {
		unsigned views;

		if (!set_has(&x->known, pid) && !set_has(&x->listing, pid))
			continue;
		views = missing(x, pid);
		if (views != 0 && lives(x, pid) && suspect(x, pid, views) != 0)
			return -1;
	}
	return 0;
}

static int
take_views(struct search *x)
{
	set_clear(&x->listing);
	set_clear(&x->readdir);
	if (take_listing(x->proc, &x->listing) != 0)
		return -1;
	return take_readdir(x);
}

/* They lived before this second look at the views; do they after it? */
static int
confirm(struct search *x)
{
	size_t n = 0;

	if (x->n_found == 0)
		return 0;
	if (take_views(x) != 0)
		return -1;
	for (size_t i = 0; i < x->n_found; i++)
		x->found[i].views &= missing(x, x->found[i].pid);
	take_all_members(x);
	for (size_t i = 0; i < x->n_found; i++)
		if (x->found[i].views != 0 && lives(x, x->found[i].pid))
			x->found[n++] = x->found[i];
	x->n_found = n;
	return 0;
}

static int
search(struct search *x)
{
	take_all_members(x);
	if (take_views(x) != 0)
		return -1;
	take_known(x);
	if (find_suspects(x) != 0)
		return -1;
	return confirm(x);
}

/* ---- the whole ------------------------------------------------------- */

static uint32_t
kernels_limit(int proc)
{
	struct buf text = { 0 };
	uint64_t max = 0;

	if (read_small(proc, "sys/kernel/pid_max", &text))
		view_to_u64(view_trim(buf_view(&text)), &max);
	buf_free(&text);
	return max > 1 && max <= PID_LIMIT ? (uint32_t)max : PID_LIMIT;
}

/* Does /proc leave out what others run? Then only who may trace anything sees
 * all of it: CAP_SYS_PTRACE, 19. */
static bool
is_restricted(const struct search *x)
{
	struct buf text = { 0 };
	struct view rest, line;
	bool restricted = false, may_trace = true;

	read_small(x->proc, "self/mountinfo", &text);
	rest = buf_view(&text);
	while (view_next_split(&rest, '\n', &line))
		restricted |= view_search(line, VIEW(" /proc "), 0) > 0 &&
			      view_search(line, VIEW("hidepid="), 0) > 0;
	read_small(x->proc, "self/status", &text);
	rest = buf_view(&text);
	while (view_next_split(&rest, '\n', &line))
		if (view_starts(line, VIEW("CapEff:\t")))
			may_trace =
				(strtoull(line.p + 8, NULL, 16) >> 19 & 1) != 0;
	buf_free(&text);
	return restricted && !may_trace;
}

/* Does it show this process under its own pid, and to us all others? */
static int
check_proc(const struct search *x)
{
	char self[16], pid[16];
	ssize_t n = readlinkat(x->proc, "self", self, sizeof(self) - 1);

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (n >= 0) {
		self[n] = '\0';
		errno = ENOTSUP;
		if (strcmp(self, pid) != 0)
			return -1;
	}
	errno = EPERM;
	return is_restricted(x) ? -1 : 0;
}

int
hidden_find(const struct hidden_places *given, struct hidden **v, size_t *n)
{
	struct hidden_places places = *given;
	struct search x = { .places = &places };
	uint32_t max = places.pid_max;
	int rc = -1;

	*v = NULL;
	*n = 0;
	if (places.proc == NULL)
		places.proc = "/proc";
	if (places.cgroup == NULL)
		places.cgroup = "/sys/fs/cgroup";
	x.proc = open(places.proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (x.proc < 0)
		return -1;
	if (max == 0)
		max = kernels_limit(x.proc);
	if (set_make(&x.listing, max) == 0 && set_make(&x.readdir, max) == 0 &&
	    set_make(&x.known, max) == 0 && set_make(&x.members, max) == 0 &&
	    take_listing(x.proc, &x.listing) == 0 && check_proc(&x) == 0)
		rc = search(&x);
	if (rc == 0) {
		*v = x.found;
		*n = x.n_found;
	} else {
		free(x.found);
	}
	free(x.listing.bits);
	free(x.readdir.bits);
	free(x.known.bits);
	free(x.members.bits);
	close(x.proc);
	return rc;
}

void
hidden_put(unsigned views, struct buf *out)
{
	static const char *const words[] = {
#define HIDDEN_VIEW(name, word) word,
		HIDDEN_VIEWS
#undef HIDDEN_VIEW
	};

	for (unsigned i = 0; i < HIDDEN_VIEW_COUNT; i++) {
		if (!(views & 1u << i))
			continue;
		buf_puts(out, words[i]);
		buf_putc(out, '\0');
	}
}
