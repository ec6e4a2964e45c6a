/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To be preloaded (ld.so(8), LD_PRELOAD): one call of the program fails.
 *
 *	STRIKE_CALL	alloc, read, write, sync, open, rename, truncate, folder
 *			or mmap: see `calls`
 *	STRIKE_AT	which of these calls, from 1; 0 = none, they are counted
 *	STRIKE_WITH	the error's number; 0 = a short read or write of a byte
 *	STRIKE_STAYS	1 = all calls from that one on
 *	STRIKE_MARK	a file: 1 in its first byte when it has happened, how
 *			many calls there were in bytes 8 to 15. Shared by all
 *			threads and forked children, which count together
 *	STRIKE_HIDE	1 = the host's root folder cannot be opened by itself:
 *			its packages are not looked at, and not counted
 *
 * Memory is glibc's, with functions in front of it. System calls are caught in
 * the kernel, by a seccomp filter that makes a signal of them, so that it does
 * not matter which library makes them or how. The handler makes the call again
 * from an address that the filter lets through. What the dynamic linker did
 * before is not seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum call {
	NONE,
	ALLOC,
	READ,
	WRITE,
	SYNC,
	OPEN,
	RENAME,
	TRUNCATE,
	FOLDER,
	MMAP,
	CALLS
};
static const char *const names[CALLS] = {
	[ALLOC] = "alloc",   [READ] = "read",	      [WRITE] = "write",
	[SYNC] = "sync",     [OPEN] = "open",	      [RENAME] = "rename",
	[FOLDER] = "folder", [TRUNCATE] = "truncate", [MMAP] = "mmap",
};

/* Those that take a count of bytes third can do less than they were asked. */
static const struct {
	enum call call;
	long number;
	bool moves_bytes;
} calls[] = {
	{ READ, SYS_read, true },	    { READ, SYS_pread64, true },
	{ READ, SYS_readv, false },	    { READ, SYS_getdents64, false },
	{ READ, SYS_readlinkat, false },    { WRITE, SYS_write, true },
	{ WRITE, SYS_pwrite64, true },	    { WRITE, SYS_writev, false },
	{ SYNC, SYS_fsync, false },	    { SYNC, SYS_fdatasync, false },
	{ SYNC, SYS_syncfs, false },	    { OPEN, SYS_openat, false },
	{ OPEN, SYS_openat2, false },	    { RENAME, SYS_renameat2, false },
	{ RENAME, SYS_linkat, false },	    { TRUNCATE, SYS_ftruncate, false },
	{ TRUNCATE, SYS_fallocate, false }, { FOLDER, SYS_mkdirat, false },
	{ FOLDER, SYS_unlinkat, false },    { MMAP, SYS_mmap, false },
#ifdef SYS_open /* not on newer machines */
	{ OPEN, SYS_open, false },	    { READ, SYS_readlink, false },
	{ RENAME, SYS_rename, false },	    { RENAME, SYS_link, false },
	{ FOLDER, SYS_mkdir, false },	    { FOLDER, SYS_unlink, false },
	{ FOLDER, SYS_rmdir, false },
#endif
#ifdef SYS_renameat
	{ RENAME, SYS_renameat, false },
#endif
};
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

/* No command that is struck works for so long; one that waits for ever ends. */
#define HANGS_AFTER_S 60

struct mark {
	_Atomic char struck;
	_Atomic uint64_t count;
};

static enum call wanted = NONE;
static unsigned long at;
static int with;
static bool stays, hides;
static struct mark nowhere, *mark = &nowhere;

/* libseccomp 2.5.4 crashes where memory is out (db_col_transaction_start, the
 * copy of a rule): whoever uses it cannot help that, so it gets what it asks.
 */
static uintptr_t spared_from, spared_to;

static int
find_spared(struct dl_phdr_info *object, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	if (strstr(object->dlpi_name, "/libseccomp.so") == NULL)
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		spared_from = object->dlpi_addr + part->p_vaddr;
		spared_to = spared_from + part->p_memsz;
	}
	return 1;
}

static bool
strikes(enum call call)
{
	uint64_t n;

	if (call != wanted)
		return false;
	n = atomic_fetch_add(&mark->count, 1) + 1;
	if (at == 0 || (stays ? n < at : n != at))
		return false;
	mark->struck = '1';
	return true;
}

/* ---- memory ---------------------------------------------------------- */

/* glibc's own, by the names that it gives them for this. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static void *
no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* Does the memory fail that is asked for from there? */
static bool
fails(const void *caller)
{
	uintptr_t from = (uintptr_t)caller;

	return !(from >= spared_from && from < spared_to) && strikes(ALLOC);
}
#define CALLER __builtin_return_address(0)

void *
malloc(size_t n)
{
	return fails(CALLER) ? no_memory() : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails(CALLER) ? no_memory() : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return n > 0 && fails(CALLER) ? no_memory() : __libc_realloc(p, n);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return no_memory();
	return realloc(p, bytes);
}

void *
aligned_alloc(size_t alignment, size_t n)
{
	return strikes(ALLOC) ? no_memory() : __libc_memalign(alignment, n);
}

int
posix_memalign(void **out, size_t alignment, size_t n)
{
	if (strikes(ALLOC))
		return ENOMEM;
	*out = __libc_memalign(alignment, n);
	return *out == NULL ? ENOMEM : 0;
}

/* ---- system calls ---------------------------------------------------- */

/* Makes a system call, at the one place where the filter lets it through. */
long strike_call(long number, const uint64_t args[6]);
extern const char strike_place[];

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
__asm__(".text\n.globl strike_call, strike_place\n"
	".hidden strike_call, strike_place\n"
	"strike_call:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %r11\n"
	"	mov (%r11), %rdi\n"
	"	mov 8(%r11), %rsi\n"
	"	mov 16(%r11), %rdx\n"
	"	mov 24(%r11), %r10\n"
	"	mov 32(%r11), %r8\n"
	"	mov 40(%r11), %r9\n"
	"	syscall\n"
	"strike_place:\n"
	"	ret\n");

static void
read_args(const ucontext_t *u, uint64_t args[6])
{
	static const int registers[] = { REG_RDI, REG_RSI, REG_RDX,
					 REG_R10, REG_R8,  REG_R9 };

	for (int i = 0; i < 6; i++)
		args[i] = (uint64_t)u->uc_mcontext.gregs[registers[i]];
}

static void
give_result(ucontext_t *u, long result)
{
	u->uc_mcontext.gregs[REG_RAX] = result;
}
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
__asm__(".text\n.globl strike_call, strike_place\n"
	".hidden strike_call, strike_place\n"
	"strike_call:\n"
	"	mov x8, x0\n"
	"	mov x9, x1\n"
	"	ldp x0, x1, [x9]\n"
	"	ldp x2, x3, [x9, 16]\n"
	"	ldp x4, x5, [x9, 32]\n"
	"	svc 0\n"
	"strike_place:\n"
	"	ret\n");

static void
read_args(const ucontext_t *u, uint64_t args[6])
{
	for (int i = 0; i < 6; i++)
		args[i] = u->uc_mcontext.regs[i];
}

static void
give_result(ucontext_t *u, long result)
{
	u->uc_mcontext.regs[0] = (uint64_t)result;
}
#else
#error "registers of this machine are not known"
#endif

/* As baselines/ opens the folder below which packages are. */
static bool
is_root_folder(long number, const uint64_t args[6])
{
	return number == SYS_openat &&
	       (args[2] & (O_PATH | O_NOFOLLOW)) == O_PATH &&
	       strcmp((const char *)args[1], "/") == 0;
}

/* Only what moves bytes is interrupted or does less; and what the program says
 * of its failure is heard. */
static bool
can_fail(size_t i, const uint64_t args[6])
{
	if ((with == 0 || with == EINTR) && !calls[i].moves_bytes)
		return false;
	return calls[i].call != WRITE || args[0] != STDERR_FILENO;
}

static long
judge(long number, uint64_t args[6])
{
	size_t i = 0;

	if (hides && is_root_folder(number, args))
		return -ENOENT;
	while (i < N_CALLS && calls[i].number != number)
		i++;
	if (i == N_CALLS || !can_fail(i, args) || !strikes(calls[i].call))
		return strike_call(number, args);
	if (with != 0)
		return -with;
	if (args[2] > 1)
		args[2] = 1;
	return strike_call(number, args);
}

/* rt_sigprocmask(2), but for SIGSYS, which must never wait: a signal that the
 * kernel forces and that is blocked ends the program. The mask that counts is
 * the one that the handler returns to. */
static long
change_mask(ucontext_t *u, const uint64_t args[6])
{
	const uint64_t *set = (const uint64_t *)args[1];
	uint64_t *old = (uint64_t *)args[2], mask, given;

	memcpy(&mask, &u->uc_sigmask, sizeof(mask));
	if (old != NULL)
		*old = mask;
	if (set == NULL)
		return 0;
	given = *set & ~(1ull << (SIGSYS - 1));
	if (args[0] == SIG_BLOCK)
		mask |= given;
	else if (args[0] == SIG_UNBLOCK)
		mask &= ~given;
	else
		mask = given;
	memcpy(&u->uc_sigmask, &mask, sizeof(mask));
	return 0;
}

static void
on_call(int signal, siginfo_t *info, void *context)
{
	uint64_t args[6];

	(void)signal;
	read_args(context, args);
	if (info->si_syscall == SYS_rt_sigprocmask)
		give_result(context, change_mask(context, args));
	else
		give_result(context, judge(info->si_syscall, args));
}

static void
stop(const char *why)
{
	static const char head[] = "strike: ";
	uint64_t one[6] = { 2, (uintptr_t)head, sizeof(head) - 1 };
	uint64_t two[6] = { 2, (uintptr_t)why, strlen(why) };
	uint64_t end[6] = { 99 };

	strike_call(SYS_write, one);
	strike_call(SYS_write, two);
	strike_call(SYS_exit_group, end);
}

#define LOAD(member)                                            \
	(struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
				      offsetof(struct seccomp_data, member))
#define LOAD_HIGH(member)                          \
	(struct sock_filter)                       \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
			 offsetof(struct seccomp_data, member) + 4)
#define RETURN(what) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, what)
#define UNLESS(value, skip)                                      \
	(struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, \
				      (uint32_t)(value), 0, skip)

/* Calls of the wanted kind from anywhere else become signals. */
static void
catch_calls(void)
{
	uint64_t place = (uintptr_t)strike_place;
	struct sock_filter f[2 * N_CALLS + 18];
	struct sock_fprog program = { .filter = f };
	struct sigaction act = { .sa_sigaction = on_call,
				 .sa_flags = SA_SIGINFO | SA_NODEFER };
	unsigned short n = 0;

	f[n++] = LOAD(arch);
	f[n++] = UNLESS(MACHINE, 5);
	f[n++] = LOAD(instruction_pointer);
	f[n++] = UNLESS(place, 4);
	f[n++] = LOAD_HIGH(instruction_pointer);
	f[n++] = UNLESS(place >> 32, 2);
	f[n++] = RETURN(SECCOMP_RET_ALLOW);
	f[n++] = RETURN(SECCOMP_RET_ALLOW);
	f[n++] = LOAD(nr);
	f[n++] = UNLESS(SYS_rt_sigprocmask, 1);
	f[n++] = RETURN(SECCOMP_RET_TRAP);
	for (size_t i = 0; i < N_CALLS; i++) {
		if (calls[i].call != wanted &&
		    !(hides && calls[i].number == SYS_openat))
			continue;
		f[n++] = UNLESS(calls[i].number, 1);
		f[n++] = RETURN(SECCOMP_RET_TRAP);
	}
	f[n++] = RETURN(SECCOMP_RET_ALLOW);
	program.len = n;
	if (sigaction(SIGSYS, &act, NULL) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		stop("no filter\n");
}

/* ---- begin ----------------------------------------------------------- */

static unsigned long
number(const char *name)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtoul(text, NULL, 10);
}

static void
open_mark(void)
{
	const char *path = getenv("STRIKE_MARK");
	int fd = path == NULL ? -1
			      : open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(*mark)) == 0)
		p = mmap(NULL, sizeof(*mark), PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		stop("no mark\n");
	close(fd);
	mark = p;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *call = getenv("STRIKE_CALL");
	enum call found = NONE;

	at = number("STRIKE_AT");
	with = (int)number("STRIKE_WITH");
	stays = number("STRIKE_STAYS") != 0;
	hides = number("STRIKE_HIDE") != 0;
	for (int i = 1; call != NULL && i < CALLS; i++)
		if (strcmp(call, names[i]) == 0)
			found = (enum call)i;
	if (found == NONE)
		stop("no such call\n");
	open_mark();
	dl_iterate_phdr(find_spared, NULL);
	unsetenv("LD_PRELOAD");
	alarm(HANGS_AFTER_S);
	wanted = found;
	if (wanted != ALLOC || hides)
		catch_calls();
}
