/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening and inspecting files: every type, hostile sizes, and reads that
 * fail, are short, are interrupted, or find the file changed.
 */
#include "scan/scan.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- pread(2), in our hands ------------------------------------------ */

static struct {
	int calls;
	int fail_at;	  /* this call gives EIO */
	bool interrupted; /* every other call gives EINTR */
	size_t at_most;	  /* bytes a call, 0 = no limit */
	int grow_fd;	  /* a call appends a byte to this file */
	int shrink_at;	  /* before this call "f" is truncated */
} reads;

static int shrink(void);

static ssize_t
read_at(int fd, void *p, size_t n, off_t offset)
{
	reads.calls++;
	if (reads.calls == reads.fail_at) {
		errno = EIO;
		return -1;
	}
	if (reads.interrupted && reads.calls % 2 == 1) {
		errno = EINTR;
		return -1;
	}
	if (reads.grow_fd > 0)
		assert_int_equal(write(reads.grow_fd, "x", 1), 1);
	if (reads.calls == reads.shrink_at)
		assert_int_equal(shrink(), 0);
	if (reads.at_most > 0 && n > reads.at_most)
		n = reads.at_most;
	return syscall(SYS_pread64, fd, p, n, offset);
}

ssize_t
pread(int fd, void *p, size_t n, off_t offset)
{
	return read_at(fd, p, n, offset);
}

/* What pread is called as under _FORTIFY_SOURCE. */
ssize_t __pread_chk(int fd, void *p, size_t n, off_t offset, size_t room);

ssize_t
__pread_chk(int fd, void *p, size_t n, off_t offset, size_t room)
{
	assert_true(n <= room);
	return read_at(fd, p, n, offset);
}

/* ---- a directory of files -------------------------------------------- */

static struct arena arena;
static int dir = -1;
static char dir_path[] = "/tmp/tocsin-test-XXXXXX";

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir_path) == NULL)
		return -1;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int
cleanup(void **state)
{
	(void)state;
	close(dir);
	arena_free(&arena);
	return rmdir(dir_path);
}

static int
reset(void **state)
{
	(void)state;
	arena_reset(&arena);
	memset(&reads, 0, sizeof(reads));
	unlinkat(dir, "f", 0);
	return 0;
}

static void
put_file(const char *name, struct view content)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, content), 0);
	close(fd);
}

static int
shrink(void)
{
	int fd = openat(dir, "f", O_WRONLY), rc = ftruncate(fd, 1);

	close(fd);
	return rc;
}

#define EVERYTHING \
	(SCAN_KIND | SCAN_DIGEST | SCAN_ENTROPY | SCAN_PIDFILE | SCAN_UNIT)

/* Inspects "f" as if it had another name. */
static int
inspect_as(const char *name, unsigned want, const struct scan_limits *limits,
	   struct file_facts *out)
{
	int fd = scan_open(dir, "f"), rc, saved;

	assert_true(fd >= 0);
	rc = scan_fd(fd, view_of(name), want, limits, &arena, out);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

static void
check_digest(const struct file_facts *f, struct view content)
{
	uint8_t want[32];

	assert_true(f->has_digest);
	digest_sha256(content, want);
	assert_memory_equal(f->sha256, want, sizeof(want));
}

/* ---- regular files --------------------------------------------------- */

static void
test_regular(void **state)
{
	struct file_facts f;
	uint64_t now;

	(void)state;
	put_file("f", VIEW("#!/bin/sh -e\ntrue\n"));
	assert_int_equal(inspect_as("f", EVERYTHING, NULL, &f), 0);
	assert_string_equal(file_type_name(f.st.st_mode), "file");
	assert_int_equal(f.st.st_mode & 07777, 0640);
	assert_int_equal(f.st.st_size, 18);
	assert_false(f.changed || f.truncated);
	assert_int_equal(f.kind, CONTENT_SCRIPT);
	assert_true(view_eq(f.interpreter, VIEW("/bin/sh")));
	assert_int_equal(f.header_n, 16);
	assert_memory_equal(f.header, "#!/bin/sh -e\ntru", 16);
	check_digest(&f, VIEW("#!/bin/sh -e\ntrue\n"));
	assert_true(f.has_entropy && f.entropy > 3 && f.entropy < 4);
	assert_false(f.pidfile.judged || f.unit.is_unit || f.elf.valid);
	now = clock_wall_ns();
	if (f.birth_ns != 0) /* not every file system knows */
		assert_true(f.birth_ns > now - 60 * NS_PER_SEC &&
			    f.birth_ns <= now + NS_PER_SEC);
}

/* Hostile files are opened with every precaution. */
static void
test_open_flags(void **state)
{
	int fd, flags;

	(void)state;
	put_file("f", VIEW("abc"));
	fd = scan_open(dir, "f");
	flags = fcntl(fd, F_GETFL);
	assert_int_equal(flags & O_ACCMODE, O_RDONLY);
	assert_true(flags & O_NONBLOCK);
	assert_true(flags & O_NOATIME); /* it is ours */
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void
test_small(void **state)
{
	struct file_facts f;

	(void)state;
	put_file("f", VIEW_NONE);
	assert_int_equal(inspect_as("x.pid", EVERYTHING, NULL, &f), 0);
	assert_int_equal(f.kind, CONTENT_EMPTY);
	assert_int_equal(f.header_n, 0);
	check_digest(&f, VIEW_NONE);
	assert_true(f.has_entropy && f.entropy == 0);
	assert_true(f.pidfile.judged && !f.pidfile.valid);

	put_file("f", VIEW("7"));
	assert_int_equal(inspect_as("x.pid", EVERYTHING, NULL, &f), 0);
	assert_int_equal(f.kind, CONTENT_TEXT);
	assert_int_equal(f.header_n, 1);
	assert_true(f.pidfile.valid);
	assert_int_equal(f.pidfile.pid, 7);
	assert_int_equal(inspect_as("x.txt", EVERYTHING, NULL, &f), 0);
	assert_false(f.pidfile.judged);
}

/* Only what is asked for is read. */
static void
test_frugal(void **state)
{
	struct file_facts f;
	int fd;

	(void)state;
	put_file("f", VIEW("1\n"));
	fd = openat(dir, "f", O_WRONLY);
	assert_int_equal(ftruncate(fd, 10 << 20), 0);
	close(fd);
	assert_int_equal(inspect_as("f.pid", 0, NULL, &f), 0);
	assert_int_equal(inspect_as("f", SCAN_PIDFILE | SCAN_UNIT, NULL, &f),
			 0);
	assert_int_equal(reads.calls, 0);
	assert_int_equal(inspect_as("f", SCAN_KIND, NULL, &f), 0);
	assert_true(reads.calls <= 2);
	assert_int_equal(f.kind, CONTENT_DATA);
	assert_false(f.has_digest || f.has_entropy);
}

static void
test_limits(void **state)
{
	const struct scan_limits limits = { .max_bytes = 300000 };
	char *content = calloc(1, 300001);
	struct file_facts f;
	int fd;

	(void)state;
	assert_non_null(content);
	memset(content, 'a', 300001);
	put_file("f", (struct view){ content, 300000 });
	assert_int_equal(inspect_as("f", EVERYTHING, &limits, &f), 0);
	assert_false(f.truncated);
	check_digest(&f, (struct view){ content, 300000 });
	put_file("f", (struct view){ content, 300001 });
	assert_int_equal(inspect_as("f", EVERYTHING, &limits, &f), 0);
	assert_true(f.truncated);
	assert_false(f.has_digest || f.has_entropy);
	assert_int_equal(f.kind, CONTENT_TEXT);
	free(content);

	/* A terabyte of nothing costs one block. */
	put_file("f", VIEW("#!/bin/sh\n"));
	fd = openat(dir, "f", O_WRONLY);
	if (ftruncate(fd, (off_t)1 << 40) == 0) {
		reads.calls = 0;
		assert_int_equal(inspect_as("f", EVERYTHING, NULL, &f), 0);
		assert_true(reads.calls <= 2);
		assert_true(f.truncated && !f.has_digest && !f.has_entropy);
		assert_int_equal(f.kind, CONTENT_SCRIPT);
		assert_int_equal(f.st.st_size, (off_t)1 << 40);
	}
	close(fd);
}

static void
test_unit_limits(void **state)
{
	const struct scan_limits limits = { .max_unit_bytes = 20 };
	struct view text = VIEW("[Service]\nUser=root\nExecStart=/x\n");
	struct file_facts f;

	(void)state;
	put_file("f", text);
	assert_int_equal(inspect_as("x.service", SCAN_UNIT, NULL, &f), 0);
	assert_int_equal(f.unit.n_exec, 1);
	assert_false(f.unit.truncated);
	assert_int_equal(inspect_as("x.service", SCAN_UNIT, &limits, &f), 0);
	assert_true(f.unit.is_unit && f.unit.truncated);
	assert_int_equal(f.unit.n_exec, 0);
	assert_true(view_eq(f.unit.user, VIEW("root")));
	assert_int_equal(inspect_as("x.service", EVERYTHING, &limits, &f), 0);
	assert_true(f.unit.truncated && f.has_digest);
	assert_int_equal(f.unit.n_exec, 0);
}

/* A program header table behind the first block is fetched. */
static void
test_far_elf_table(void **state)
{
	size_t n = 200000;
	char *content = calloc(1, n + sizeof(Elf64_Phdr));
	Elf64_Phdr interp = { .p_type = PT_INTERP };
	Elf64_Ehdr e = { .e_ident = ELFMAG,
			 .e_type = ET_EXEC,
			 .e_machine = EM_AARCH64,
			 .e_version = EV_CURRENT,
			 .e_phoff = n,
			 .e_ehsize = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1 };
	struct file_facts f;

	(void)state;
	assert_non_null(content);
	e.e_ident[EI_CLASS] = ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	e.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(content, &e, sizeof(e));
	memcpy(content + n, &interp, sizeof(interp));
	put_file("f", (struct view){ content, n + sizeof(interp) });
	assert_int_equal(inspect_as("f", SCAN_KIND, NULL, &f), 0);
	assert_int_equal(f.kind, CONTENT_ELF);
	assert_true(f.elf.valid && f.elf.dynamic);
	assert_string_equal(f.elf.type, "EXEC");
	assert_string_equal(f.elf.architecture, "aarch64");
	assert_int_equal(inspect_as("f", EVERYTHING, NULL, &f), 0);
	assert_true(f.elf.dynamic && f.has_digest);

	put_file("f", (struct view){ content, n + sizeof(interp) - 1 });
	assert_int_equal(inspect_as("f", SCAN_KIND, NULL, &f), 0);
	assert_true(f.elf.valid && !f.elf.dynamic);

	/* Overlapping the end of the first block. */
	e.e_phoff = (128 << 10) - 20;
	memcpy(content, &e, sizeof(e));
	memcpy(content + e.e_phoff, &interp, sizeof(interp));
	put_file("f", (struct view){ content, n });
	assert_int_equal(inspect_as("f", SCAN_KIND, NULL, &f), 0);
	assert_true(f.elf.dynamic);
	free(content);
}

static void
test_own_program(void **state)
{
	struct file_facts f;
	int fd = scan_open(AT_FDCWD, "/bin/true");

	(void)state;
	if (fd < 0) { /* a symbolic link somewhere on the way is fine */
		skip();
	}
	assert_int_equal(
		scan_fd(fd, VIEW("true"), EVERYTHING, NULL, &arena, &f), 0);
	close(fd);
	if (S_ISLNK(f.st.st_mode))
		skip();
	assert_int_equal(f.kind, CONTENT_ELF);
	assert_true(f.elf.valid && f.elf.dynamic && f.elf.entrypoint > 0);
	assert_true(f.entropy > 1 && f.entropy < 8);
}

/* ---- reads that go wrong --------------------------------------------- */

static struct view
long_text(void)
{
	static char text[400000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i * i % 23);
	return (struct view){ text, sizeof(text) };
}

static void
test_short_and_interrupted_reads(void **state)
{
	struct file_facts f;

	(void)state;
	put_file("f", long_text());
	reads.interrupted = true;
	reads.at_most = 777;
	assert_int_equal(inspect_as("f", EVERYTHING, NULL, &f), 0);
	assert_true(reads.calls > 1000);
	check_digest(&f, long_text());
	assert_int_equal(f.kind, CONTENT_TEXT);
}

/* The Nth read fails, until none does. */
static void
test_failing_reads(void **state)
{
	struct file_facts f;
	int n, failed = 0;

	(void)state;
	put_file("f", long_text());
	for (n = 1;; n++) {
		reads.calls = 0;
		reads.fail_at = n;
		if (inspect_as("f", EVERYTHING, NULL, &f) == 0)
			break;
		failed++;
		assert_int_equal(errno, EIO);
		assert_false(f.has_digest || f.has_entropy);
		assert_int_equal(f.st.st_size, 400000);
		assert_int_equal(f.kind,
				 n == 1 ? CONTENT_UNKNOWN : CONTENT_TEXT);
	}
	assert_true(failed >= 4);
	check_digest(&f, long_text());
}

static void
test_changing(void **state)
{
	const struct scan_limits limits = { .max_bytes = 10000 };
	struct file_facts f;

	(void)state;
	/* It grows with every read: what was there at the start counts. */
	put_file("f", long_text());
	reads.grow_fd = openat(dir, "f", O_WRONLY | O_APPEND);
	assert_int_equal(inspect_as("f", EVERYTHING, NULL, &f), 0);
	assert_true(f.changed && !f.truncated);
	check_digest(&f, long_text());
	assert_int_equal(f.st.st_size, 400000);
	/* The same from nothing, where no size says when to stop. */
	put_file("f", VIEW_NONE);
	assert_int_equal(inspect_as("f", EVERYTHING, &limits, &f), 0);
	assert_true(f.changed && f.truncated);
	assert_false(f.has_digest || f.has_entropy);
	assert_int_equal(f.kind, CONTENT_TEXT);
	put_file("f", VIEW_NONE);
	assert_int_equal(inspect_as("f.service", EVERYTHING, NULL, &f), 0);
	assert_true(f.changed && f.truncated && f.unit.truncated);
	assert_true(reads.calls < 2 << 20);
	close(reads.grow_fd);
}

/* It shrinks between two reads. */
static void
test_shrinking(void **state)
{
	struct file_facts f;

	(void)state;
	put_file("f", long_text());
	reads.shrink_at = 2;
	assert_int_equal(inspect_as("f", EVERYTHING, NULL, &f), 0);
	assert_true(f.changed);
	assert_int_equal(f.st.st_size, 400000);
	check_digest(&f, view_sub(long_text(), 0, 128 << 10));
}

/* ---- everything else ------------------------------------------------- */

/* "f" is of that type, its descriptor cannot be read, nothing blocks. */
static void
check_other(const char *type, struct file_facts *f)
{
	char byte;
	int fd = scan_open(dir, "f");

	assert_true(fd >= 0);
	assert_int_equal(
		scan_fd(fd, VIEW("f.pid"), EVERYTHING, NULL, &arena, f), 0);
	assert_string_equal(file_type_name(f->st.st_mode), type);
	assert_int_equal(f->kind, CONTENT_UNKNOWN);
	assert_false(f->has_digest || f->has_entropy || f->pidfile.judged);
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, EBADF);
	close(fd);
}

static void
test_symlink(void **state)
{
	struct file_facts f;

	(void)state;
	assert_int_equal(symlinkat("/no such\nplace", dir, "f"), 0);
	check_other("symlink", &f);
	assert_true(view_eq(f.target, VIEW("/no such\nplace")));
}

static void
test_fifo(void **state)
{
	struct file_facts f;
	int fd;

	(void)state;
	assert_int_equal(mkfifoat(dir, "f", 0600), 0);
	check_other("fifo", &f);
	/* No reader was there for a writer to meet, not even for a moment:
	 * such a one would still be there now. */
	fd = scan_open(dir, "f");
	assert_int_equal(openat(dir, "f", O_WRONLY | O_NONBLOCK), -1);
	assert_int_equal(errno, ENXIO);
	close(fd);
}

static void
test_socket(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct file_facts f;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/f", dir_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	check_other("socket", &f);
	close(fd);
}

static void
test_directory_and_device(void **state)
{
	struct file_facts f;
	int fd = scan_open(AT_FDCWD, dir_path);

	(void)state;
	assert_int_equal(scan_fd(fd, VIEW("d"), EVERYTHING, NULL, &arena, &f),
			 0);
	assert_string_equal(file_type_name(f.st.st_mode), "dir");
	assert_true(fcntl(fd, F_GETFL) & O_PATH);
	close(fd);
	fd = scan_open(AT_FDCWD, "/dev/zero");
	assert_true(fd >= 0);
	assert_int_equal(scan_fd(fd, VIEW("z"), EVERYTHING, NULL, &arena, &f),
			 0);
	assert_string_equal(file_type_name(f.st.st_mode), "char_device");
	assert_true(fcntl(fd, F_GETFL) & O_PATH);
	close(fd);
	assert_string_equal(file_type_name(S_IFBLK), "block_device");
	assert_string_equal(file_type_name(0), "unknown");
}

static void
test_errors(void **state)
{
	struct file_facts f;
	int fd;

	(void)state;
	assert_int_equal(scan_open(dir, "f"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(scan_fd(-1, VIEW("f"), EVERYTHING, NULL, &arena, &f),
			 -1);
	assert_int_equal(errno, EBADF);
	/* not readable, but its attributes are given */
	put_file("f", VIEW("abc"));
	fd = openat(dir, "f", O_PATH);
	assert_int_equal(scan_fd(fd, VIEW("f"), EVERYTHING, NULL, &arena, &f),
			 -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(f.st.st_size, 3);
	close(fd);
	/* gone from its directory, still open */
	fd = scan_open(dir, "f");
	assert_int_equal(unlinkat(dir, "f", 0), 0);
	assert_int_equal(scan_fd(fd, VIEW("f"), EVERYTHING, NULL, &arena, &f),
			 0);
	assert_int_equal(f.st.st_nlink, 0);
	check_digest(&f, VIEW("abc"));
	close(fd);
}

/* Sizes of /proc are 0, its content is not. */
static void
test_proc(void **state)
{
	struct file_facts f;
	int fd = scan_open(AT_FDCWD, "/proc/self/status");

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(
		scan_fd(fd, VIEW("status"), EVERYTHING, NULL, &arena, &f), 0);
	close(fd);
	assert_int_equal(f.st.st_size, 0);
	assert_int_equal(f.kind, CONTENT_TEXT);
	assert_memory_equal(f.header, "Name:", 5);
	assert_true(f.has_digest && f.entropy > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_regular, reset),
		cmocka_unit_test_teardown(test_open_flags, reset),
		cmocka_unit_test_teardown(test_small, reset),
		cmocka_unit_test_teardown(test_frugal, reset),
		cmocka_unit_test_teardown(test_limits, reset),
		cmocka_unit_test_teardown(test_unit_limits, reset),
		cmocka_unit_test_teardown(test_far_elf_table, reset),
		cmocka_unit_test_teardown(test_own_program, reset),
		cmocka_unit_test_teardown(test_short_and_interrupted_reads,
					  reset),
		cmocka_unit_test_teardown(test_failing_reads, reset),
		cmocka_unit_test_teardown(test_changing, reset),
		cmocka_unit_test_teardown(test_shrinking, reset),
		cmocka_unit_test_teardown(test_symlink, reset),
		cmocka_unit_test_teardown(test_fifo, reset),
		cmocka_unit_test_teardown(test_socket, reset),
		cmocka_unit_test_teardown(test_directory_and_device, reset),
		cmocka_unit_test_teardown(test_errors, reset),
		cmocka_unit_test_teardown(test_proc, reset),
	};

	return cmocka_run_group_tests(tests, setup, cleanup);
}
