/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose configuration is read: its owner, its way, its signature. The text is
 * read once, and what was verified is what is parsed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/config_rows.h"
#include "fim/keys.h"
#include "fim/trust.h"
#include "scan/scan.h"

struct loading {
	struct config *config;
	struct place file;
	struct err *err;
	struct sign_keys keys; /* n = 0: no signature is asked for */
	struct buf text;
};

static enum exit_code
fault(struct loading *l, enum exit_code code, const char *why)
{
	err_add(l->err, l->file, "%s", why);
	return code;
}

/* ---- owner and way --------------------------------------------------- */

/* Whoever may write the configuration may switch Tocsin off. */
static int
check_owner(int fd, struct place place, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_add(err, place, "cannot be examined: %s",
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_add(err, place, "is not a regular file");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_add(err, place,
			       "belongs to user %u; it must belong "
			       "to root",
			       (unsigned)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_add(err, place,
			       "may be written by others than its "
			       "owner (mode %04o)",
			       (unsigned)(st.st_mode & 07777));
	return 0;
}

/* Its folders, too: root's configuration decides over others. */
static int
check_way(const char *path, struct err *err)
{
	struct trust trust;

	if (geteuid() != 0)
		return 0;
	trust_read(&trust);
	return trust_check_path(&trust, path, err);
}

/* ---- the keys -------------------------------------------------------- */

static enum exit_code
read_keys(struct loading *l, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (check_way(paths[i], l->err) != 0)
			return EXIT_CONFIG;
	return keys_read(&l->keys, paths, n, SIGN_PINNED, l->err);
}

/* The one beside the file, if it is there; what cannot be told is not "no". */
static enum exit_code
read_beside(struct loading *l)
{
	struct view path = view_of(l->file.file);
	struct buf name = { 0 };
	enum exit_code code = EXIT_NOTHING;
	const char *names[1];
	struct stat st;

	if (view_rfind(path, '/') >= 0) {
		buf_put(&name, path_directory(path));
		buf_putc(&name, '/');
	}
	buf_puts(&name, CONFIG_KEY_NAME);
	buf_putc(&name, '\0');
	names[0] = name.p;
	if (name.failed)
		code = fault(l, EXIT_IO, "out of memory");
	else if (lstat(name.p, &st) == 0 ||
		 (errno != ENOENT && errno != ENOTDIR))
		code = read_keys(l, names, 1);
	buf_free(&name);
	return code;
}

/* ---- the signature --------------------------------------------------- */

static enum exit_code
take_signature(struct loading *l, const struct sign_result *result)
{
	struct config_origin *origin = &l->config->origin;
	struct buf id = { 0 };

	if (!in_force_time(result->trusted, &origin->signed_s))
		return fault(l, EXIT_TAMPERED,
			     "has no time in its signature's trusted comment "
			     "(\"timestamp:\", as minisign writes it)");
	sign_id_text(result->id, &id);
	origin->signed_by = arena_copy(&l->config->arena, buf_view(&id));
	buf_free(&id);
	return origin->signed_by.n > 0 ? EXIT_NOTHING
				       : fault(l, EXIT_IO, "out of memory");
}

static enum exit_code
verify(struct loading *l)
{
	struct sign_result result = { 0 };
	enum sign_verdict verdict;
	enum exit_code code;

	if (l->keys.n == 0)
		return EXIT_NOTHING;
	verdict = sign_verify_read(l->file.file, buf_view(&l->text), &l->keys,
				   &result);
	if (verdict == SIGN_GOOD)
		code = take_signature(l, &result);
	else
		code = fault(l, EXIT_TAMPERED, sign_verdict_sentence(verdict));
	sign_result_free(&result);
	return code;
}

static enum exit_code
note_origin(struct loading *l)
{
	struct config_origin *origin = &l->config->origin;
	char *real = realpath(l->file.file, NULL);
	struct buf hex = { 0 };
	uint8_t digest[32];

	digest_sha256(buf_view(&l->text), digest);
	buf_hex(&hex, digest, sizeof(digest));
	origin->path = arena_copy(&l->config->arena, view_of(real));
	origin->sha256 = arena_copy(&l->config->arena, buf_view(&hex));
	buf_free(&hex);
	free(real);
	return origin->path.n > 0 && origin->sha256.n > 0
		       ? EXIT_NOTHING
		       : fault(l, EXIT_IO, "cannot be told by its full name");
}

/* ---- the file -------------------------------------------------------- */

static enum exit_code
read_open(struct loading *l, int fd)
{
	enum exit_code code;

	if (check_owner(fd, l->file, l->err) != 0)
		return EXIT_CONFIG;
	if (fd_read_all(fd, CONFIG_MAX_BYTES, &l->text) != 0) {
		err_add(l->err, l->file, "cannot be read: %s", strerror(errno));
		return EXIT_CONFIG;
	}
	code = verify(l);
	if (code == EXIT_NOTHING)
		code = note_origin(l);
	if (code == EXIT_NOTHING &&
	    config_read(l->config, l->file.file, buf_view(&l->text), l->err))
		code = EXIT_CONFIG;
	return code;
}

/* Without a file the defaults are in force, which nobody has signed. */
static enum exit_code
not_there(struct loading *l, bool named)
{
	if (l->keys.n > 0)
		return fault(l, EXIT_TAMPERED,
			     "is missing, and a signed one is asked for");
	if (!named)
		return EXIT_NOTHING;
	return fault(l, EXIT_CONFIG, "cannot be opened: No such file");
}

static enum exit_code
read_file(struct loading *l, bool named)
{
	enum exit_code code;
	int fd = open(l->file.file,
		      O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return not_there(l, named);
	if (fd < 0) {
		err_add(l->err, l->file, "cannot be opened: %s",
			strerror(errno));
		return EXIT_CONFIG;
	}
	code = read_open(l, fd);
	close(fd);
	return code;
}

/* Above the state folder links are followed, once, as /var may be one: SQLite
 * takes none anywhere in a path where it is to take none at its end
 * (SQLITE_OPEN_NOFOLLOW). */
static void
resolve_state(struct config *c, const struct options *o)
{
	struct view given = view_of(config_state(c, o)), name;
	struct buf path = { 0 };
	char *folder, *real;

	while (given.n > 1 && given.p[given.n - 1] == '/')
		given.n--;
	name = path_name(given);
	given = path_directory(given);
	if (given.n == 0 || name.n == 0 || view_eq(name, VIEW(".")) ||
	    view_eq(name, VIEW("..")))
		return;
	folder = strndup(given.p, given.n);
	real = folder != NULL ? realpath(folder, NULL) : NULL;
	if (real != NULL && !view_eq(view_of(real), given)) {
		buf_printf(&path, "%s/", strcmp(real, "/") != 0 ? real : "");
		buf_put(&path, name);
		if (!path.failed) /* else as it is spelled */
			c->state_folder =
				arena_copy(&c->arena, buf_view(&path));
	}
	free(real);
	free(folder);
	buf_free(&path);
}

enum exit_code
config_load(struct config *c, const struct options *o, struct err *err)
{
	struct loading l = {
		.config = c,
		.file = { .file = o->config != NULL ? o->config : CONFIG_PATH },
		.err = err,
	};
	enum exit_code code;

	if (config_read_defaults(c, err) != 0 ||
	    check_way(l.file.file, err) != 0)
		return EXIT_CONFIG;
	if (o->config_keys.n > 0)
		code = read_keys(&l, o->config_keys.v, o->config_keys.n);
	else
		code = read_beside(&l);
	if (code == EXIT_NOTHING)
		code = read_file(&l, o->config != NULL);
	if (code == EXIT_NOTHING)
		resolve_state(c, o);
	free((void *)l.keys.v);
	buf_free(&l.text);
	return code;
}

const char *
config_state(const struct config *c, const struct options *o)
{
	if (c->state_folder.n > 0)
		return c->state_folder.p;
	return o->state != NULL ? o->state : c->state.p;
}

/* ---- which was in force ---------------------------------------------- */

static struct in_force
in_force(const struct config *c)
{
	return (struct in_force){ .action = "configuration",
				  .key = "file",
				  .name = c->origin.path.p ?: "",
				  .signed_s = c->origin.signed_s,
				  .sha256 = c->origin.sha256 };
}

enum exit_code
config_check_newest(const struct config *c, const char *state, struct err *err)
{
	struct in_force now = in_force(c);

	switch (in_force_check(&now, state, err)) {
	case IN_FORCE_NEWEST:
		return EXIT_NOTHING;
	case IN_FORCE_TURNED_BACK:
		err_add(err, (struct place){ .file = now.name },
			"was turned back: a configuration that was signed "
			"later has been in force here");
		break;
	case IN_FORCE_BROKEN:
		break;
	case IN_FORCE_UNREADABLE:
		return EXIT_STATE;
	}
	return EXIT_TAMPERED;
}

int
config_record(const struct config *c, const char *state, bool *dropped,
	      struct err *err)
{
	struct in_force now = in_force(c);

	*dropped = false;
	if (c->origin.path.n == 0)
		return 0;
	return in_force_record(&now, state, dropped, err);
}
