/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and folders of rules. A path that the user names may be a symbolic
 * link; inside a folder links are reported and not followed, because who can
 * place a link need not be who may write rules.
 */
#include "rules/load.h"

#include "rules/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

struct walk {
	struct load_file *file;
	load_reader *reader;
	unsigned files;
};

static bool
has_extension(struct view name, const char *const *extensions)
{
	struct view e = path_extension(name);

	for (; *extensions != NULL; extensions++)
		if (view_eq(e, view_of(*extensions)))
			return true;
	return false;
}

static bool
is_yaml(struct view name)
{
	static const char *const yaml[] = { "yml", "yaml", NULL };

	return has_extension(name, yaml);
}

static bool
is_json(struct view name)
{
	static const char *const json[] = { "json", "ndjson", "jsonl", NULL };

	return has_extension(name, json);
}

static int
cannot(struct load_file *f, const char *what, int error)
{
	return err_add(f->err, (struct place){ .file = f->path },
		       "cannot %s: %s", what, strerror(error));
}

/* ---- one file -------------------------------------------------------- */

static int
read_text(struct load_file *f, int fd, struct buf *text)
{
	size_t max =
		is_yaml(view_of(f->path)) ? LOAD_MAX_YAML_BYTES : DOC_MAX_BYTES;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return cannot(f, "read", errno);
	if (!S_ISREG(st.st_mode))
		return err_add(f->err, (struct place){ .file = f->path },
			       "is not a regular file");
	if (fd_read_all(fd, max, text) == 0)
		return 0;
	if (errno == EFBIG)
		return err_add(f->err, (struct place){ .file = f->path },
			       "is larger than %zu bytes", max);
	return cannot(f, "read", errno);
}

void
rules_set_guard(struct rules *r, const struct rules_guard *guard)
{
	r->guard = guard != NULL ? *guard : (struct rules_guard){ 0 };
}

static bool
guard_file(struct load_file *f, int fd, struct view text)
{
	const struct rules_guard *g = &f->rules->guard;

	if (g->file == NULL || g->file(g->ctx, fd, f->path, text, f->err) == 0)
		return true;
	f->refused = true;
	return false;
}

static bool
guard_folder(struct load_file *f, int fd)
{
	const struct rules_guard *g = &f->rules->guard;

	if (g->folder == NULL || g->folder(g->ctx, fd, f->path, f->err) == 0)
		return true;
	f->refused = true;
	return false;
}

/* Takes the descriptor. -1: the file as a whole could not be read. */
static int
read_file(struct walk *w, int fd)
{
	struct load_file *f = w->file;
	struct buf text = { 0 };
	int result;

	result = read_text(f, fd, &text);
	if (result == 0 && !guard_file(f, fd, buf_view(&text)))
		result = -1;
	close(fd);
	if (result == 0) {
		f->text = buf_view(&text);
		/* A byte order mark says nothing in UTF-8. */
		if (view_starts(f->text, VIEW("\xef\xbb\xbf")))
			f->text = view_sub(f->text, 3, f->text.n);
		result = w->reader(f);
		w->files++;
	}
	arena_reset(f->arena);
	buf_free(&text);
	return result;
}

/* ---- a folder -------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* Names in a folder, sorted; hidden ones left out. Takes the descriptor. */
static ssize_t
list_names(int fd, char ***out)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	char **names = NULL, **more;
	size_t n = 0;
	int error;

	if (dir == NULL) {
		close(fd);
		return -1;
	}
	while ((errno = 0, e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (n == LOAD_MAX_FILES) {
			errno = E2BIG;
			break;
		}
		more = reallocarray(names, n + 1, sizeof(*names));
		if (more == NULL)
			break;
		names = more;
		names[n] = strdup(e->d_name);
		if (names[n] == NULL)
			break;
		n++;
	}
	error = errno;
	closedir(dir);
	if (error != 0) {
		free_names(names, n);
		errno = error;
		return -1;
	}
	if (n > 0)
		qsort(names, n, sizeof(*names), compare_names);
	*out = names;
	return (ssize_t)n;
}

static void walk_folder(struct walk *, int fd, unsigned depth);

/* One name of a folder; f->path is its whole path. */
static void
walk_entry(struct walk *w, int dirfd, const char *name, unsigned depth)
{
	struct load_file *f = w->file;
	bool wanted = is_yaml(view_of(name)) || is_json(view_of(name));
	struct stat st;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		f->unread++;
		cannot(f, "read", errno);
		return;
	}
	if (!S_ISDIR(st.st_mode) && !wanted)
		return;
	fd = openat(dirfd, name, OPEN_FLAGS | O_NOFOLLOW);
	if (fd < 0) {
		f->unread++;
		if (errno == ELOOP)
			err_add(f->err, (struct place){ .file = f->path },
				"is a symbolic link; links inside a folder "
				"are not followed");
		else
			cannot(f, "open", errno);
		return;
	}
	if (S_ISDIR(st.st_mode))
		walk_folder(w, fd, depth + 1);
	else if (read_file(w, fd) != 0)
		f->unread++;
}

static void
walk_names(struct walk *w, int fd, char **names, size_t n, unsigned depth)
{
	struct load_file *f = w->file;
	const char *folder = f->path;
	const char *slash = view_ends(view_of(folder), VIEW("/")) ? "" : "/";
	char *path;

	/* One that is refused is the end: what follows from its lack is not
	 * what anybody wants to know. */
	for (size_t i = 0; i < n && !f->refused; i++) {
		if (asprintf(&path, "%s%s%s", folder, slash, names[i]) < 0) {
			f->unread++;
			cannot(f, "read", ENOMEM);
			continue;
		}
		f->path = path;
		walk_entry(w, fd, names[i], depth);
		f->path = folder;
		free(path);
	}
}

/* Takes the descriptor. */
static void
walk_folder(struct walk *w, int fd, unsigned depth)
{
	struct load_file *f = w->file;
	char **names = NULL;
	int copy = -1; /* list_names closes its own */
	ssize_t n = -1;

	if (!guard_folder(f, fd)) {
		close(fd);
		return;
	}
	if (depth >= LOAD_MAX_DEPTH || w->files >= LOAD_MAX_FILES) {
		err_add(f->err, (struct place){ .file = f->path },
			"too many folders or files below it");
	} else {
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		n = copy >= 0 ? list_names(copy, &names) : -1;
		if (n < 0)
			cannot(f, "list", errno);
	}
	if (n < 0)
		f->unread++;
	else
		walk_names(w, fd, names, (size_t)n, depth);
	free_names(names, n > 0 ? (size_t)n : 0);
	close(fd);
}

/* ---- a path ---------------------------------------------------------- */

/* A rule uses the named lists of the lists.yml beside it, also when it is
 * loaded alone. */
static void
read_lists_beside(struct walk *w)
{
	struct load_file *f = w->file;
	const char *own = f->path;
	struct view name = path_name(view_of(own));
	char *path;
	int fd;

	if (view_eq(name, VIEW("lists.yml")) ||
	    asprintf(&path, "%.*slists.yml", (int)(strlen(own) - name.n), own) <
		    0)
		return;
	fd = open(path, OPEN_FLAGS);
	if (fd >= 0) {
		f->path = path;
		if (read_file(w, fd) != 0)
			f->unread++;
		f->path = own;
	}
	free(path);
}

static int
walk_named_file(struct walk *w, int fd)
{
	struct view path = view_of(w->file->path);

	if (!is_yaml(path) && !is_json(path)) {
		close(fd);
		return err_add(w->file->err,
			       (struct place){ .file = w->file->path },
			       "is no rule file: its name must end in .yml, "
			       ".yaml, .json or .ndjson");
	}
	if (w->reader == rulefile_read && is_yaml(path))
		read_lists_beside(w);
	if (w->file->refused) {
		close(fd);
		return -1;
	}
	return read_file(w, fd);
}

int
load_path(struct load_file *f, load_reader *reader)
{
	struct walk w = { .file = f, .reader = reader };
	struct arena arena = { 0 };
	struct stat st;
	int fd, result = 0;

	f->arena = &arena;
	fd = open(f->path, OPEN_FLAGS);
	if (fd < 0)
		return cannot(f, "open", errno);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		walk_folder(&w, fd, 0);
	else
		result = walk_named_file(&w, fd);
	arena_free(&arena);
	f->rules->n_unread += f->unread;
	return result == 0 && !f->refused ? (int)(f->broken + f->unread) : -1;
}

int
rules_load_path(struct rules *r, const char *path, struct err *err)
{
	struct load_file f = { .rules = r, .err = err, .path = path };

	return load_path(&f, rulefile_read);
}

int
rules_load_exceptions(struct rules *r, const char *path, struct err *err)
{
	struct load_file f = { .rules = r, .err = err, .path = path };

	return load_path(&f, exceptions_read);
}
