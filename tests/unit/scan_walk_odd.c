/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk over what is odd, and over what changes under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "scan/scan.h"
#include "scan/walk.h"
#include "scan/walk_mounts.h"
#include "tests/unit/run_help.h"

#define ENTRIES_MAX 600u

struct seen {
	char name[256];
	struct walk_entry e; /* its views are not valid any more */
	size_t n_xattrs;
	bool has_large;
};

struct fixture {
	char folder[64];
	int fd;
	struct walk_options o;
	struct walk_root root;
	struct seen seen[ENTRIES_MAX];
	size_t n;
	/* What `choose` does to a name while it is listed. */
	const char *victim;
	void (*strike)(struct fixture *);
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-odd-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->fd = open(f->folder, O_RDONLY | O_DIRECTORY);
	f->root.path = view_of(f->folder);
	f->o = (struct walk_options){
		.roots = &f->root, .n_roots = 1, .threads = 2, .most = WALK_ALL
	};
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	RUN("rm", "-rf", "--", f->folder);
	close(f->fd);
	free(f);
	return 0;
}

static void
put_file(int dirfd, const char *name, const char *content)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, view_of(content)), 0);
	close(fd);
}

static void
walk_all(struct fixture *f)
{
	struct walk *w = walk_open(&f->o);
	struct walk_entry *e;
	enum walk_verdict v;

	assert_non_null(w);
	f->n = 0;
	while ((v = walk_next(w, &e)) == WALK_ENTRY) {
		struct view rest = e->xattrs;
		struct walk_xattr x;
		struct seen *s = &f->seen[f->n++];

		assert_true(f->n < ENTRIES_MAX);
		*s = (struct seen){ .e = *e };
		snprintf(s->name, sizeof(s->name), "%s", e->name.p);
		while (walk_next_xattr(&rest, &x)) {
			s->n_xattrs++;
			s->has_large |= x.is_digest;
		}
	}
	assert_int_equal(v, WALK_END);
	walk_close(w);
}

static const struct seen *
find(struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->seen[i].name, name) == 0)
			return &f->seen[i];
	return NULL;
}

/* Every byte that a name may have, and names as long as they may be. */
static void
test_names(void **state)
{
	struct fixture *f = *state;
	char name[NAME_MAX + 1];
	uint8_t digest[32];

	for (int c = 1; c < 256; c++) {
		snprintf(name, sizeof(name), "x%cy", c);
		if (c != '/')
			put_file(f->fd, name, name);
	}
	for (int i = 0; i < 3; i++) {
		memset(name, "\n\033\xff"[i], NAME_MAX);
		name[NAME_MAX] = '\0';
		put_file(f->fd, name, name);
	}
	walk_all(f);
	assert_int_equal(f->n, 1 + 254 + 3);
	for (size_t i = 1; i < f->n; i++) {
		const struct seen *s = &f->seen[i];

		assert_int_equal(s->e.fault, WALK_FINE);
		digest_sha256(view_of(s->name), digest);
		assert_memory_equal(s->e.sha256, digest, 32);
		assert_true(i == 1 || view_cmp(view_of(f->seen[i - 1].name),
					       view_of(s->name)) < 0);
	}
}

/* A path of 4,096 bytes, one that is longer, and one past our own limit. */
static void
test_long_paths(void **state)
{
	struct fixture *f = *state;
	struct buf path = { 0 };
	char name[NAME_MAX + 1];
	int fd = dup(f->fd), next, again;
	struct stat one, two;

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	buf_puts(&path, f->folder);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY);
		close(fd);
		fd = next;
		put_file(fd, "file", "x");
		buf_putc(&path, '/');
		buf_puts(&path, name);
		if (path.n > 2 * PATH_MAX && path.n < 2 * PATH_MAX + 300) {
			again = walk_open_folder(buf_view(&path));
			assert_true(again >= 0);
			assert_int_equal(fstat(fd, &one), 0);
			assert_int_equal(fstat(again, &two), 0);
			assert_int_equal(one.st_ino, two.st_ino);
			close(again);
		}
	}
	close(fd);
	buf_free(&path);
	walk_all(f);
	/* As deep as 64 KiB of path allow, and then a notice. */
	assert_int_equal(f->seen[f->n - 1].e.fault, WALK_TOO_DEEP);
	assert_true(f->n > 2 * 250);
	for (size_t i = 0; i + 1 < f->n; i++)
		assert_int_equal(f->seen[i].e.fault, WALK_FINE);
}

/* No link, not even one above, makes a piece of a path. */
static void
test_no_links(void **state)
{
	struct fixture *f = *state;
	char path[128];

	mkdirat(f->fd, "real", 0755);
	put_file(f->fd, "real/inside", "x");
	assert_int_equal(symlinkat("real", f->fd, "link"), 0);
	assert_int_equal(symlinkat("circle", f->fd, "circle"), 0);
	snprintf(path, sizeof(path), "%s/link", f->folder);
	assert_int_equal(walk_open_folder(view_of(path)), -1);
	walk_all(f);
	assert_int_equal(f->n, 5);
	assert_true(S_ISLNK(find(f, "link")->e.mode));
	assert_int_equal(find(f, "circle")->e.fault, WALK_FINE);
}

static void
test_hard_links(void **state)
{
	struct fixture *f = *state;
	char name[16];

	put_file(f->fd, "one", "the same");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		assert_int_equal(linkat(f->fd, "one", f->fd, name, 0), 0);
	}
	walk_all(f);
	assert_int_equal(f->n, 102);
	for (size_t i = 1; i < f->n; i++) {
		assert_int_equal(f->seen[i].e.nlink, 101);
		assert_memory_equal(f->seen[i].e.sha256,
				    find(f, "one")->e.sha256, 32);
	}
}

/* As many as the file system takes, and one larger than is kept. */
static void
test_xattrs(void **state)
{
	struct fixture *f = *state;
	static char large[WALK_XATTR_VALUE_MAX + 1];
	char name[200];
	size_t set = 0;
	int fd;

	put_file(f->fd, "many", "x");
	fd = openat(f->fd, "many", O_RDONLY);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "user.%0180d", i);
		if (fsetxattr(fd, name, "v", 1, 0) != 0)
			break;
		set++;
	}
	close(fd);
	if (set == 0) {
		print_message("SKIPPED: this file system takes no extended "
			      "attributes: %s\n",
			      strerror(errno));
		skip();
	}
	put_file(f->fd, "large", "x");
	fd = openat(f->fd, "large", O_RDONLY);
	bool is_large = fsetxattr(fd, "user.x", large, sizeof(large), 0) == 0;
	close(fd);
	walk_all(f);
	/* All, or it says so. */
	assert_true(find(f, "many")->n_xattrs == set ||
		    find(f, "many")->e.fault == WALK_XATTRS);
	assert_true(find(f, "many")->n_xattrs > 0);
	assert_int_equal(find(f, "large")->has_large, is_large);
	assert_true(find(f, "many")->e.has_digest);
}

/* ---- changing --------------------------------------------------------- */

static enum walk_choice
choose_and_strike(void *ctx, struct view dir, struct view name, uint32_t type)
{
	struct fixture *f = ctx;

	(void)dir, (void)type;
	if (f->victim != NULL && view_eq(name, view_of(f->victim)))
		f->strike(f);
	return WALK_ALL;
}

static void
remove_it(struct fixture *f)
{
	if (unlinkat(f->fd, f->victim, 0) != 0)
		unlinkat(f->fd, f->victim, AT_REMOVEDIR);
}

static void
make_it_a_pipe(struct fixture *f)
{
	remove_it(f);
	assert_int_equal(mkfifoat(f->fd, f->victim, 0600), 0);
}

static void
make_it_a_link(struct fixture *f)
{
	remove_it(f);
	assert_int_equal(symlinkat("/etc", f->fd, f->victim), 0);
}

/* Between its listing and the look at it. */
static void
test_changed_meanwhile(void **state)
{
	static const struct {
		void (*strike)(struct fixture *);
		bool folder;
		enum walk_fault fault;
		mode_t type;
	} cases[] = {
		{ remove_it, false, WALK_VANISHED, 0 },
		{ remove_it, true, WALK_VANISHED, 0 },
		{ make_it_a_pipe, false, WALK_FINE, S_IFIFO },
		{ make_it_a_pipe, true, WALK_FINE, S_IFIFO },
		{ make_it_a_link, false, WALK_FINE, S_IFLNK },
		{ make_it_a_link, true, WALK_FINE, S_IFLNK },
	};
	struct fixture *f = *state;

	f->o.choose = choose_and_strike;
	f->o.ctx = f;
	put_file(f->fd, "other", "x");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->victim = "victim";
		f->strike = cases[i].strike;
		remove_it(f);
		if (cases[i].folder)
			mkdirat(f->fd, "victim", 0755);
		else
			put_file(f->fd, "victim", "x");
		walk_all(f);
		/* Itself, the folder, another; nothing of /etc, no notice. */
		assert_int_equal(f->n, 3);
		assert_int_equal(find(f, "victim")->e.fault, cases[i].fault);
		assert_int_equal(find(f, "victim")->e.mode & S_IFMT,
				 cases[i].type);
		assert_int_equal(find(f, "other")->e.fault, WALK_FINE);
	}
}

/* Not even by root's own name: as somebody else. */
static void
test_unreadable(void **state)
{
	struct fixture *f = *state;
	pid_t pid;
	int status;

	put_file(f->fd, "closed", "x");
	mkdirat(f->fd, "locked", 0755);
	put_file(f->fd, "locked/inside", "x");
	assert_int_equal(fchmodat(f->fd, "closed", 0, 0), 0);
	assert_int_equal(fchmodat(f->fd, "locked", 0, 0), 0);
	assert_int_equal(fchmod(f->fd, 0755), 0);
	pid = fork();
	if (pid == 0) {
		bool ok;

		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		walk_all(f);
		/* The file, and the folder's own entry, and that nothing of
		 * what it has was covered. */
		ok = f->n == 4 &&
		     find(f, "closed")->e.fault == WALK_UNREADABLE &&
		     find(f, "closed")->e.has_stat &&
		     find(f, "")->e.fault == WALK_UNREADABLE &&
		     find(f, "")->e.error == EACCES;
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fchmodat(f->fd, "locked", 0755, 0), 0);
}

/* ---- mounts ----------------------------------------------------------- */

static void
test_mounts(void **state)
{
	struct walk_mounts *m = walk_mounts_read();

	(void)state;
	assert_non_null(m);
	assert_int_equal(walk_mounts_at(m, VIEW("/proc"))->kind,
			 WALK_MOUNT_VIRTUAL);
	assert_true(walk_mounts_of(m, VIEW("/proc/self/x")) ==
		    walk_mounts_at(m, VIEW("/proc")));
	assert_null(walk_mounts_at(m, VIEW("/proc/")));
	assert_non_null(walk_mounts_below(m, VIEW("/")));
	assert_null(walk_mounts_below(m, VIEW("/pro")));
	assert_null(walk_mounts_below(m, VIEW("/nowhere")));
	walk_mounts_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_paths, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_no_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hard_links, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_xattrs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_meanwhile, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup,
						teardown),
		cmocka_unit_test(test_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
