/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owners and modes of files, folders and links. */
#include "fim/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* MAXSYMLINKS, include/linux/namei.h */

/* ---- whom --------------------------------------------------------------- */

static bool
knows_uid(const struct trust *t, uid_t uid)
{
	for (size_t i = 0; i < t->n_uids; i++)
		if (t->uids[i] == uid)
			return true;
	return false;
}

static bool
knows_gid(const struct trust *t, gid_t gid)
{
	for (size_t i = 0; i < t->n_gids; i++)
		if (t->gids[i] == gid)
			return true;
	return false;
}

static void
add_uid(struct trust *t, uid_t uid)
{
	if (!knows_uid(t, uid) && t->n_uids < TRUST_IDS_MAX)
		t->uids[t->n_uids++] = uid;
}

static void
add_holder(struct trust *t, const struct stat *st)
{
	add_uid(t, st->st_uid);
	if ((st->st_mode & S_IWGRP) && !(st->st_mode & S_ISVTX) &&
	    !knows_gid(t, st->st_gid) && t->n_gids < TRUST_IDS_MAX)
		t->gids[t->n_gids++] = st->st_gid;
}

void
trust_read(struct trust *t)
{
	char path[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	struct stat st;

	*t = (struct trust){ 0 };
	add_uid(t, 0);
	add_uid(t, geteuid());
	if (n <= 0)
		return;
	path[n] = '\0';
	while (stat(path, &st) == 0) {
		add_holder(t, &st);
		slash = strrchr(path, '/');
		if (slash == NULL || slash == path)
			return;
		*slash = '\0';
	}
}

/* ---- what ---------------------------------------------------------------- */

/* `path` with what is wrong; mode bits of a link say nothing. */
static int
check_stat(const struct trust *t, const struct stat *st, struct view path,
	   struct err *err)
{
	struct buf name = { 0 };
	struct place at = { .file = "" };
	int rc = 0;

	buf_put(&name, path);
	buf_putc(&name, '\0');
	if (!name.failed)
		at.file = name.p;
	if (!knows_uid(t, st->st_uid))
		rc = err_add(err, at,
			     "belongs to user %u, who could change what is "
			     "believed here: give it to root",
			     (unsigned)st->st_uid);
	else if (!S_ISLNK(st->st_mode) &&
		 ((st->st_mode & S_IWOTH) ||
		  ((st->st_mode & S_IWGRP) && !knows_gid(t, st->st_gid))) &&
		 !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
		rc = err_add(err, at,
			     "may be written by others than its owner (mode "
			     "%04o): chmod go-w",
			     (unsigned)(st->st_mode & 07777));
	buf_free(&name);
	return rc;
}

int
trust_check_fd(const struct trust *t, int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_add(err, (struct place){ .file = path },
			       "cannot be examined: %s", strerror(errno));
	return check_stat(t, &st, view_of(path), err);
}

/* ---- the way ------------------------------------------------------------- */

struct way {
	const struct trust *trust;
	struct err *err;
	struct buf done;  /* "" or "/a/b": real, checked */
	struct buf ahead; /* what is left */
	int folder;	  /* `done`, O_PATH */
	int links;
};

static int
enter(struct way *w, int fd)
{
	close(w->folder);
	w->folder = fd;
	return 0;
}

static int
to_root(struct way *w)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_add(w->err, (struct place){ .file = "/" },
			       "cannot be examined: %s", strerror(errno));
	buf_clear(&w->done);
	if (w->folder >= 0)
		close(w->folder);
	w->folder = fd;
	return trust_check_fd(w->trust, fd, "/", w->err);
}

/* A link: what it says stands before what was left. */
static int
take_link(struct way *w, int fd)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(fd, "", text, sizeof(text));
	struct buf ahead = { 0 };

	if (n <= 0 || (size_t)n == sizeof(text) || ++w->links > LINKS_MAX)
		return 1;
	buf_put(&ahead, (struct view){ text, (size_t)n });
	buf_putc(&ahead, '/');
	buf_put(&ahead, buf_view(&w->ahead));
	buf_free(&w->ahead);
	w->ahead = ahead;
	return text[0] == '/' ? to_root(w) : 0;
}

static int
take_up(struct way *w)
{
	ssize_t slash = view_rfind(buf_view(&w->done), '/');
	int fd = openat(w->folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 1;
	w->done.n = slash > 0 ? (size_t)slash : 0;
	return enter(w, fd);
}

/* 0 go on, 1 there is nothing (more) to check, -1 refused. */
static int
take_name(struct way *w, struct view name)
{
	char text[NAME_MAX + 1];
	size_t before = w->done.n;
	struct stat st;
	int fd, rc;

	if (name.n > NAME_MAX)
		return 1;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	fd = openat(w->folder, text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		if (fd >= 0)
			close(fd);
		return 1; /* whoever opens it says why */
	}
	buf_putc(&w->done, '/');
	buf_put(&w->done, (struct view){ text, name.n });
	rc = check_stat(w->trust, &st, buf_view(&w->done), w->err);
	if (rc == 0 && S_ISDIR(st.st_mode))
		return enter(w, fd);
	if (rc == 0 && S_ISLNK(st.st_mode)) {
		w->done.n = before;
		rc = take_link(w, fd);
	} else if (rc == 0) {
		rc = 1;
	}
	close(fd);
	return rc;
}

static int
step(struct way *w)
{
	struct buf ahead = w->ahead;
	struct view rest = buf_view(&ahead), name;
	int rc;

	if (!view_next_split(&rest, '/', &name))
		return 1;
	w->ahead = (struct buf){ 0 };
	buf_put(&w->ahead, rest);
	if (name.n == 0 || view_eq(name, VIEW(".")))
		rc = 0;
	else if (view_eq(name, VIEW("..")))
		rc = take_up(w);
	else
		rc = take_name(w, name);
	buf_free(&ahead);
	return rc;
}

int
trust_check_path(const struct trust *t, const char *path, struct err *err)
{
	struct way w = { .trust = t, .err = err, .folder = -1 };
	char cwd[PATH_MAX];
	int rc = to_root(&w);

	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) != NULL) {
		buf_puts(&w.ahead, cwd);
		buf_putc(&w.ahead, '/');
	}
	buf_puts(&w.ahead, path);
	while (rc == 0) {
		if (w.done.failed || w.ahead.failed)
			rc = err_add(err, (struct place){ .file = path },
				     "out of memory");
		else
			rc = step(&w);
	}
	if (w.folder >= 0)
		close(w.folder);
	buf_free(&w.done);
	buf_free(&w.ahead);
	return rc < 0 ? -1 : 0;
}
