/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk: order, completeness, attributes, and everything that is odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "scan/scan.h"
#include "scan/walk.h"

struct fixture {
	char folder[64];
	int fd;
	struct buf seen; /* "path fault\n" of every entry */
	struct walk_options o;
	struct walk_root root;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-walk-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->fd = open(f->folder, O_RDONLY | O_DIRECTORY);
	f->root.path = view_of(f->folder);
	f->o = (struct walk_options){
		.roots = &f->root, .n_roots = 1, .threads = 2, .most = WALK_ALL
	};
	*state = f;
	return 0;
}

/* Without recursion or paths: some tests nest deeper than either allows. */
static void
remove_all(int dirfd)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (fchdir(dirfd) == 0)
			execlp("find", "find", ".", "-mindepth", "1", "-delete",
			       NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	remove_all(f->fd);
	close(f->fd);
	rmdir(f->folder);
	buf_free(&f->seen);
	free(f);
	return 0;
}

static void
put_file(int dirfd, const char *name, struct view content)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, content), 0);
	close(fd);
}

/* The whole walk into `seen`, each path without the folder; count. */
static size_t
walk_all(struct fixture *f)
{
	size_t skip = strlen(f->folder), n = 0;
	struct walk *w = walk_open(&f->o);
	struct walk_entry *e;
	enum walk_verdict v;

	assert_non_null(w);
	buf_clear(&f->seen);
	while ((v = walk_next(w, &e)) == WALK_ENTRY) {
		buf_put(&f->seen, view_sub(e->dir, skip, SIZE_MAX));
		buf_printf(&f->seen, "/%s", e->name.p);
		if (e->fault != WALK_FINE)
			buf_printf(&f->seen, " %s", walk_fault_word(e->fault));
		buf_putc(&f->seen, '\n');
		n++;
	}
	assert_int_equal(v, WALK_END);
	buf_putc(&f->seen, '\0');
	walk_close(w);
	return n;
}

/* One entry by its name; what it points to is copied into `keep`. */
static struct walk_entry
walk_one(struct fixture *f, const char *name, struct buf *keep)
{
	struct walk *w = walk_open(&f->o);
	struct walk_entry *e, found = { 0 };

	while (walk_next(w, &e) == WALK_ENTRY) {
		if (!view_eq(e->name, view_of(name)))
			continue;
		found = *e;
		buf_clear(keep);
		buf_put(keep, e->target);
		buf_put(keep, e->xattrs);
		found.target = view_sub(buf_view(keep), 0, e->target.n);
		found.xattrs = view_sub(buf_view(keep), e->target.n, SIZE_MAX);
	}
	walk_close(w);
	return found;
}

static void
test_order(void **state)
{
	struct fixture *f = *state;
	int sub;

	mkdirat(f->fd, "b", 0755);
	mkdirat(f->fd, "b.d", 0755);
	sub = openat(f->fd, "b", O_RDONLY);
	mkdirat(sub, "z", 0755);
	put_file(sub, "z/1", VIEW_NONE);
	put_file(sub, "y", VIEW_NONE);
	put_file(sub, "zz", VIEW_NONE);
	close(sub);
	put_file(f->fd, "b.d/x", VIEW_NONE);
	put_file(f->fd, "a", VIEW_NONE);
	put_file(f->fd, "b-", VIEW_NONE);
	put_file(f->fd, "\xff", VIEW_NONE);
	put_file(f->fd, "line\nfeed", VIEW_NONE);
	walk_all(f);
	assert_string_equal(
		strchr(f->seen.p, '\n') + 1,
		"/a\n/b\n/b-\n/b.d\n/line\nfeed\n/\xff\n/b/y\n/b/z\n/b/zz\n"
		"/b/z/1\n/b.d/x\n");
}

static void
test_roots(void **state)
{
	struct fixture *f = *state;
	struct walk_root roots[4];
	char paths[4][96];
	static const char *const names[] = { "d/two", "d.x", "d/one", "gone" };

	mkdirat(f->fd, "d", 0755);
	mkdirat(f->fd, "d/one", 0755);
	mkdirat(f->fd, "d/two", 0755);
	put_file(f->fd, "d/one/x", VIEW_NONE);
	put_file(f->fd, "d/two/y", VIEW_NONE);
	put_file(f->fd, "d/other", VIEW_NONE);
	put_file(f->fd, "d.x", VIEW_NONE);
	for (size_t i = 0; i < 4; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", f->folder,
			 names[i]);
		roots[i] = (struct walk_root){ .path = view_of(paths[i]) };
	}
	roots[0].alone = true;
	f->o.roots = roots;
	f->o.n_roots = 4;
	walk_all(f);
	assert_string_equal(f->seen.p, "/d.x\n/gone vanished\n/d/one\n/d/two\n"
				       "/d/one/x\n");
}

static void
test_path_cmp(void **state)
{
	static const char *const sorted[] = { "/",    "/a",   "/a/b", "/a/b/c",
					      "/a/c", "/a-b", "/a.b", "/aa" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
		for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
			int c = walk_path_cmp(view_of(sorted[i]),
					      view_of(sorted[j]));

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
		}
}

static void
test_attributes(void **state)
{
	static const char text[] = "What it says.\n";
	struct fixture *f = *state;
	struct view rest;
	struct walk_xattr x;
	struct walk_entry e;
	struct buf keep = { 0 };
	uint8_t digest[32];
	struct stat st;

	put_file(f->fd, "file", VIEW(text));
	assert_int_equal(fchmodat(f->fd, "file", 04711, 0), 0);
	assert_int_equal(linkat(f->fd, "file", f->fd, "zz", 0), 0);
	assert_int_equal(symlinkat("to/nowhere", f->fd, "link"), 0);
	e = walk_one(f, "file", &keep);
	assert_int_equal(fstatat(f->fd, "file", &st, 0), 0);
	digest_sha256(VIEW(text), digest);
	assert_int_equal(e.fault, WALK_FINE);
	assert_true(e.has_stat && e.has_digest && e.has_extra);
	assert_memory_equal(e.sha256, digest, 32);
	assert_int_equal(e.mode, S_IFREG | 04711);
	assert_int_equal(e.nlink, 2);
	assert_int_equal(e.inode, st.st_ino);
	assert_int_equal(e.size, sizeof(text) - 1);
	assert_true(e.mtime_ns == (uint64_t)st.st_mtim.tv_sec * NS_PER_SEC +
					  (uint64_t)st.st_mtim.tv_nsec);
	e = walk_one(f, "link", &keep);
	assert_true(view_eq(e.target, VIEW("to/nowhere")));
	assert_false(e.has_digest);
	if (setxattr(f->folder, "user.b", "two", 3, 0) != 0)
		skip();
	setxattr(f->folder, "user.a", "", 0, 0);
	e = walk_one(f, path_name(view_of(f->folder)).p, &keep);
	rest = e.xattrs;
	assert_true(walk_next_xattr(&rest, &x));
	assert_true(view_eq(x.name, VIEW("user.a")) && x.value.n == 0);
	assert_true(walk_next_xattr(&rest, &x));
	assert_true(view_eq(x.name, VIEW("user.b")));
	assert_true(view_eq(x.value, VIEW("two")));
	assert_false(walk_next_xattr(&rest, &x));
	buf_free(&keep);
}

static void
test_odd_files(void **state)
{
	struct fixture *f = *state;
	struct buf keep = { 0 };
	struct walk_entry e;
	int fd;

	assert_int_equal(mkfifoat(f->fd, "fifo", 0600), 0);
	e = walk_one(f, "fifo", &keep);
	assert_true(S_ISFIFO(e.mode) && e.fault == WALK_FINE);
	fd = openat(f->fd, "sparse", O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, 1ll << 40), 0);
	close(fd);
	e = walk_one(f, "sparse", &keep);
	assert_int_equal(e.fault, WALK_TOO_LARGE);
	assert_true(e.has_stat && !e.has_digest);
	put_file(f->fd, "large", VIEW("more than ten bytes"));
	f->o.max_bytes = 10;
	assert_int_equal(walk_one(f, "large", &keep).fault, WALK_TOO_LARGE);
	if (geteuid() == 0 && mknodat(f->fd, "null", S_IFCHR, 0x103) == 0) {
		e = walk_one(f, "null", &keep);
		assert_true(S_ISCHR(e.mode) && e.rdev == 0x103);
	}
	buf_free(&keep);
}

/* A file larger than a block, and one of exactly a block. */
static void
test_large(void **state)
{
	struct fixture *f = *state;
	static char content[300000];
	struct buf keep = { 0 };
	uint8_t digest[32];

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i * 31 % 251);
	put_file(f->fd, "block", (struct view){ content, 131072 });
	put_file(f->fd, "more", (struct view){ content, sizeof(content) });
	digest_sha256((struct view){ content, 131072 }, digest);
	assert_memory_equal(walk_one(f, "block", &keep).sha256, digest, 32);
	digest_sha256((struct view){ content, sizeof(content) }, digest);
	assert_memory_equal(walk_one(f, "more", &keep).sha256, digest, 32);
	buf_free(&keep);
}

static void
test_many(void **state)
{
	struct fixture *f = *state;
	struct rusage before, after;
	char name[32];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		put_file(f->fd, name, VIEW_NONE);
	}
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(walk_all(f), 20001);
	getrusage(RUSAGE_SELF, &after);
#ifndef __SANITIZE_THREAD__ /* which remembers every access */
	assert_true(after.ru_maxrss - before.ru_maxrss < 8 << 10);
#endif
}

static unsigned
open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Far deeper than a path may be for a system call, and than descriptors. */
static void
test_deep(void **state)
{
	struct fixture *f = *state;
	int fd = dup(f->fd), next;
	unsigned before;

	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		put_file(fd, "z", VIEW_NONE);
		next = openat(fd, "d", O_RDONLY);
		close(fd);
		fd = next;
	}
	close(fd);
	before = open_descriptors();
	assert_int_equal(walk_all(f), 6001);
	assert_null(strchr(f->seen.p, ' ')); /* no faults */
	assert_int_equal(open_descriptors(), before);
}

static enum walk_choice
choose_not_d(void *ctx, struct view dir, struct view name, uint32_t type)
{
	(void)ctx, (void)dir, (void)type;
	return view_eq(name, VIEW("d")) ? WALK_SKIP : WALK_STAT;
}

static void
test_choose(void **state)
{
	struct fixture *f = *state;
	struct buf keep = { 0 };
	struct walk_entry e;

	mkdirat(f->fd, "d", 0755);
	put_file(f->fd, "d/x", VIEW_NONE);
	put_file(f->fd, "e", VIEW("e"));
	f->o.choose = choose_not_d;
	assert_int_equal(walk_all(f), 2);
	e = walk_one(f, "e", &keep);
	assert_true(e.has_stat && !e.has_digest && !e.has_extra);
	buf_free(&keep);
}

static void
test_close_early(void **state)
{
	struct fixture *f = *state;
	unsigned before = open_descriptors();
	struct walk_entry *e;
	struct walk *w;
	char name[32];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		put_file(f->fd, name, VIEW_NONE);
	}
	w = walk_open(&f->o);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(walk_next(w, &e), WALK_ENTRY);
	walk_close(w);
	assert_int_equal(open_descriptors(), before);
}

static void *
write_on(void *arg)
{
	int fd = *(int *)arg;

	while (pwrite(fd, "x", 1, 0) == 1)
		;
	return NULL;
}

static void
test_changing(void **state)
{
	struct fixture *f = *state;
	static char content[8 << 20];
	struct buf keep = { 0 };
	int fault = 0, fd;
	pthread_t writer;

	put_file(f->fd, "busy", (struct view){ content, sizeof(content) });
	fd = openat(f->fd, "busy", O_WRONLY);
	pthread_create(&writer, NULL, write_on, &fd);
	/* On a busy host the writer may not get its turn during one read, or
	 * not within another tick of the file system's clock. */
	for (unsigned i = 0; i < 100 && fault != WALK_CHANGING; i++)
		fault = (int)walk_one(f, "busy", &keep).fault;
	assert_int_equal(fault, WALK_CHANGING);
	pthread_cancel(writer);
	pthread_join(writer, NULL);
	close(fd);
	buf_free(&keep);
}

static void
digest_of(const struct walk_entry *e, uint8_t sha256[32])
{
	int fd = openat(e->dirfd, e->name.p, O_RDONLY | O_NOFOLLOW);
	struct buf content = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(fd_read_all(fd, 1u << 30, &content), 0);
	digest_sha256(buf_view(&content), sha256);
	buf_free(&content);
	close(fd);
}

/* What nobody has changed for long is looked at once, after the reading; with
 * more than one block that goes on where the first one ended. */
static void
test_settled(void **state)
{
	static const struct walk_root bin = { .path = { "/usr/bin", 8 } };
	struct fixture *f = *state;
	unsigned small = 0, large = 0;
	struct walk_entry *e;
	struct walk *w;

	f->o.roots = &bin;
	w = walk_open(&f->o);
	while (small + large < 200 && walk_next(w, &e) == WALK_ENTRY) {
		uint8_t sha256[32];

		if (!S_ISREG(e->mode) || e->fault != WALK_FINE)
			continue;
		digest_of(e, sha256);
		assert_true(e->has_digest);
		assert_memory_equal(e->sha256, sha256, sizeof(sha256));
		small += e->size <= 128u << 10;
		large += e->size > 128u << 10;
	}
	walk_close(w);
	assert_true(small > 0 && large > 0);
}

/* A file whose opening is never allowed stands for a server that is gone. */
static void
test_hung(void **state)
{
	struct fixture *f = *state;
	struct walk *w;
	struct walk_entry *e;
	unsigned hung = 0, fine = 0;
	char path[128];
	int fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (fan < 0)
		skip();
	put_file(f->fd, "a", VIEW("a"));
	put_file(f->fd, "dead", VIEW("d"));
	put_file(f->fd, "z", VIEW("z"));
	snprintf(path, sizeof(path), "%s/dead", f->folder);
	assert_int_equal(
		fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM, -1, path), 0);
	f->o.patience_ns = NS_PER_SEC;
	f->o.threads = 1;
	w = walk_open(&f->o);
	while (walk_next(w, &e) == WALK_ENTRY) {
		hung += e->fault == WALK_HUNG;
		fine += e->fault == WALK_FINE;
	}
	walk_close(w);
	assert_int_equal(hung, 1);
	assert_int_equal(fine, 3);
	close(fan); /* lets it go on */
	usleep(100000);
}

/* One that hangs in the middle of a file wakes up when the walk has long been
 * closed, and reads on. */
static void
test_hung_late(void **state)
{
	static const char content[1 << 20];
	struct fixture *f = *state;
	struct walk_entry *e;
	struct walk *w;
	char path[128];
	unsigned hung = 0, before;
	int fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (fan < 0) {
		print_message("SKIPPED: nothing can be made to hang late: "
			      "fanotify with permission events: %s\n",
			      strerror(errno));
		skip();
	}
	put_file(f->fd, "dead", (struct view){ content, sizeof(content) });
	snprintf(path, sizeof(path), "%s/dead", f->folder);
	assert_int_equal(
		fanotify_mark(fan, FAN_MARK_ADD, FAN_ACCESS_PERM, -1, path), 0);
	f->o.patience_ns = 50 * NS_PER_MS;
	f->o.threads = 1;
	w = walk_open(&f->o);
	before = open_descriptors();
	while (walk_next(w, &e) == WALK_ENTRY)
		hung += e->fault == WALK_HUNG;
	walk_close(w);
	assert_int_equal(hung, 1);
	close(fan);
	/* What it had open it closes, and then there is nothing left of it. */
	for (unsigned i = 0; i < 500 && open_descriptors() >= before; i++)
		usleep(10000);
	assert_true(open_descriptors() < before);
}

static void
test_mounts(void **state)
{
	static const struct walk_root proc = { .path = { "/proc", 5 } };
	struct fixture *f = *state;
	struct walk_entry *e;
	struct walk *w;

	f->o.roots = &proc;
	w = walk_open(&f->o);
	assert_int_equal(walk_next(w, &e), WALK_ENTRY);
	assert_true(view_eq(e->name, VIEW("proc")));
	assert_int_equal(walk_next(w, &e), WALK_ENTRY);
	assert_true(view_eq(e->dir, VIEW("/proc")));
	assert_int_equal(e->fault, WALK_FOREIGN);
	assert_int_equal(walk_next(w, &e), WALK_END);
	walk_close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roots, setup, teardown),
		cmocka_unit_test(test_path_cmp),
		cmocka_unit_test_setup_teardown(test_attributes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_odd_files, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_choose, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_early, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_changing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hung, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hung_late, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_mounts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
