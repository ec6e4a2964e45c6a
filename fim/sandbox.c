/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of giving up. */
#include "fim/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int
sandbox_close_others(int first)
{
	long last = sysconf(_SC_OPEN_MAX);

	/* close_range(2), of kernel 5.9. */
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
	for (int fd = first; fd < last; fd++)
		close(fd);
	return 0;
}

/* ---- files ----------------------------------------------------------- */

/* linux/landlock.h of a current kernel; what Debian 12 has is older. */
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_REG (1ull << 8)
#define FS_TRUNCATE (1ull << 14)
#define FS_OF_FILES (FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define SCOPE_ABSTRACT_SOCKET (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)
#define RULE_PATH_BENEATH 1
#define ASK_VERSION 1u

struct ruleset {
	uint64_t fs, net, scoped;
};
struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* All kinds of access to files that this kernel can tell apart. */
static uint64_t
known_access(int version)
{
	if (version >= 5)
		return (1ull << 16) - 1; /* ioctl on devices */
	if (version >= 3)
		return (1ull << 15) - 1; /* truncate */
	return version == 2 ? (1ull << 14) - 1 : (1ull << 13) - 1;
}

static uint64_t
access_bits(unsigned access, bool folder)
{
	uint64_t bits = FS_READ_FILE | FS_READ_DIR;

	if (access & SANDBOX_WRITE)
		bits |= FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG |
			FS_REMOVE_FILE;
	return folder ? bits : bits & FS_OF_FILES;
}

static int
add_path(int ruleset, uint64_t known, const struct sandbox_path *p)
{
	struct path_rule rule = { .fd = open(p->path, O_PATH | O_CLOEXEC) };
	struct stat st;
	int result;

	if (rule.fd < 0)
		return (p->access & SANDBOX_OPTIONAL) && errno == ENOENT ? 0
									 : -1;
	result = fstat(rule.fd, &st);
	if (result == 0) {
		rule.allowed =
			known & access_bits(p->access, S_ISDIR(st.st_mode));
		result = (int)syscall(SYS_landlock_add_rule, ruleset,
				      RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.fd);
	return result;
}

static int
restrict_self(int ruleset, uint64_t known, const struct sandbox_path *paths,
	      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (add_path(ruleset, known, &paths[i]) != 0)
			return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

int
sandbox_paths(const struct sandbox_path *paths, size_t n)
{
	int version =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
	struct ruleset all = { 0 };
	int fd, result;

	if (version < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 1 : -1;
	all.fs = known_access(version);
	if (version >= 6)
		all.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd < 0)
		return -1;
	result = restrict_self(fd, all.fs, paths, n);
	close(fd);
	return result;
}

/* ---- user and capabilities ------------------------------------------- */

int
sandbox_become(const char *user)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		if (errno == 0)
			errno = ENOENT;
		return -1;
	}
	if (setgroups(0, NULL) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0)
		return -1;
	return setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid);
}

int
sandbox_drop(void)
{
	return sandbox_keep(0);
}

int
sandbox_keep(uint64_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct v[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, v) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		v[i].permitted &= (uint32_t)(caps >> (32 * i));
		v[i].effective = v[i].permitted;
		v[i].inheritable = 0;
	}
	/* The bounding set needs CAP_SETPCAP; no_new_privs does as much. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(caps >> cap & 1) &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	    syscall(SYS_capset, &head, v) != 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* ---- system calls ---------------------------------------------------- */

static const struct {
	unsigned group;
	const char *name;
} calls[] = {
#define CALL(group, name) { SANDBOX_##group, #name },
#include "fim/sandbox.def"
#undef CALL
};

static int
deny_by_name(scmp_filter_ctx ctx, const char *name, int error)
{
	int number = seccomp_syscall_resolve_name(name);
	int result;

	if (number == __NR_SCMP_ERROR)
		return 0;
	result = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)error), number,
				  0);
	/* -EDOM: this architecture has no such call. */
	return result == -EDOM ? 0 : result;
}

/* A thread is asked for with CLONE_THREAD; s390 has the flags second. */
static int
deny_clone(scmp_filter_ctx ctx)
{
#ifdef __s390x__
	struct scmp_arg_cmp process =
		SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
#else
	struct scmp_arg_cmp process =
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
#endif

	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				process);
}

/* abort() and cancelled threads signal their own process. */
static int
deny_tgkill(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp other = { .arg = 0,
				      .op = SCMP_CMP_NE,
				      .datum_a = (scmp_datum_t)getpid() };

	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
				other);
}

/* Signal 0 only asks whether there is such a process. */
static int
deny_kill(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp real = { .arg = 1, .op = SCMP_CMP_NE };

	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
				real);
}

static int
add_rules(scmp_filter_ctx ctx, unsigned groups)
{
	int result = deny_by_name(ctx, "clone3", ENOSYS);

	for (size_t i = 0; result == 0 && i < ARRAY_LEN(calls); i++)
		if (groups & calls[i].group)
			result = deny_by_name(ctx, calls[i].name, EPERM);
	if (result == 0 && (groups & SANDBOX_FORK))
		result = deny_clone(ctx);
	if (result == 0 && (groups & SANDBOX_SIGNAL))
		result = deny_tgkill(ctx);
	if (result == 0 && (groups & SANDBOX_SIGNAL))
		result = deny_kill(ctx);
	return result;
}

/* Loads it for all threads and frees it; libseccomp sets no_new_privs. */
static int
load_filter(scmp_filter_ctx ctx, int result)
{
	if (result == 0)
		result = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (result == 0)
		result = seccomp_load(ctx);
	seccomp_release(ctx);
	if (result == 0)
		return 0;
	errno = -result;
	return -1;
}

static scmp_filter_ctx
new_filter(uint32_t action)
{
	scmp_filter_ctx ctx = seccomp_init(action);

	if (ctx == NULL)
		errno = ENOMEM;
	return ctx;
}

int
sandbox_deny(unsigned groups)
{
	scmp_filter_ctx ctx = new_filter(SCMP_ACT_ALLOW);

	return ctx == NULL ? -1 : load_filter(ctx, add_rules(ctx, groups));
}

/* ---- the engine ------------------------------------------------------ */

static const char *const engine_calls[] = {
#define CALL(name) #name,
#include "fim/engine.def"
#undef CALL
};

static int
allow_if(scmp_filter_ctx ctx, const char *name, struct scmp_arg_cmp when)
{
	int number = seccomp_syscall_resolve_name(name);

	return number == __NR_SCMP_ERROR
		       ? 0
		       : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, 1,
						&when);
}

/* fcntl(2) can send signals (F_SETOWN, F_SETSIG, O_ASYNC) and keep writers
 * waiting (F_SETLEASE): only what files need. */
static int
allow_fcntl(scmp_filter_ctx ctx, const char *name)
{
	static const int commands[] = { F_GETFD,	F_SETFD, F_GETFL,
					F_GETLK,	F_SETLK, F_SETLKW,
					F_DUPFD_CLOEXEC };
	int number = seccomp_syscall_resolve_name(name), result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_LEN(commands); i++)
		result = allow_if(
			ctx, name,
			SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i], 0));
	if (result == 0 && number != __NR_SCMP_ERROR)
		result = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, number, 2,
			SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0),
			SCMP_A2(SCMP_CMP_MASKED_EQ, O_ASYNC, 0));
	return result;
}

static int
allow_some(scmp_filter_ctx ctx)
{
	/* PROT_EXEC is bit 2 of the third argument. */
	struct scmp_arg_cmp data = { .arg = 2,
				     .op = SCMP_CMP_MASKED_EQ,
				     .datum_a = PROT_EXEC };
	struct scmp_arg_cmp asks = { .arg = 1,
				     .op = SCMP_CMP_EQ,
				     .datum_b = 0 };
	struct scmp_arg_cmp itself = { .arg = 0,
				       .op = SCMP_CMP_EQ,
				       .datum_a = (scmp_datum_t)getpid(),
				       .datum_b = 0 };
	int result = allow_if(ctx, "mmap", data);

	if (result == 0)
		result = allow_if(ctx, "mmap2", data);
	if (result == 0)
		result = allow_if(ctx, "mprotect", data);
	if (result == 0)
		result = allow_if(ctx, "kill", asks);
	if (result == 0)
		result = allow_if(ctx, "tgkill", itself);
	/* stdio asks whether it writes to a terminal. */
	if (result == 0)
		result =
			allow_if(ctx, "ioctl", SCMP_A1(SCMP_CMP_EQ, TCGETS, 0));
	if (result == 0)
		result = allow_fcntl(ctx, "fcntl");
	if (result == 0)
		result = allow_fcntl(ctx, "fcntl64");
	return result == -EDOM ? 0 : result;
}

int
sandbox_engine(void)
{
	scmp_filter_ctx ctx = new_filter(SCMP_ACT_ERRNO(EPERM));
	int result = 0;

	if (ctx == NULL)
		return -1;
	for (size_t i = 0; result == 0 && i < ARRAY_LEN(engine_calls); i++) {
		int number = seccomp_syscall_resolve_name(engine_calls[i]);

		if (number != __NR_SCMP_ERROR)
			result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number,
						  0);
		if (result == -EDOM) /* not on this architecture */
			result = 0;
	}
	if (result == 0)
		result = allow_some(ctx);
	return load_filter(ctx, result);
}
