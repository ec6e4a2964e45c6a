/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of digests, their signatures, and which was in force last. */
#include "fim/signed.h"

#include "fim/in_force.h"
#include "scan/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_CHARS 64u

struct entry {
	struct view name; /* relative to the folder */
	struct view hex;
	bool used;
};

struct signed_set {
	struct buf folder, list, real; /* paths, each with a NUL; the last one
					* without links */
	struct buf text;	       /* of the list */
	struct entry *v;	       /* sorted by name */
	size_t n;
	bool whole; /* a folder, not one file of it */
	uint64_t signed_s;
	struct buf digest; /* of the list, hex */
};

static int
fault(const struct signed_set *s, struct err *err, const char *why)
{
	return err_add(err, (struct place){ .file = s->list.p }, "%s", why);
}

/* ---- the list --------------------------------------------------------- */

static int
compare_entries(const void *a, const void *b)
{
	return view_cmp(((const struct entry *)a)->name,
			((const struct entry *)b)->name);
}

/* "HEX  name", or "HEX *name"; sha256sum's backslash says that the name has
 * bytes which no rule file's has. */
static bool
read_line(struct view line, struct entry *e)
{
	*e = (struct entry){ .hex = view_sub(line, 0, HEX_CHARS) };
	if (line.n < HEX_CHARS + 3 || line.p[HEX_CHARS] != ' ' ||
	    (line.p[HEX_CHARS + 1] != ' ' && line.p[HEX_CHARS + 1] != '*'))
		return false;
	e->name = view_sub(line, HEX_CHARS + 2, line.n);
	if (view_starts(e->name, VIEW("./")))
		e->name = view_sub(e->name, 2, e->name.n);
	return e->name.n > 0;
}

static int
read_entries(struct signed_set *s, struct err *err)
{
	struct view rest = buf_view(&s->text), line;
	struct entry *v;

	while (view_next_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		v = reallocarray(s->v, s->n + 1, sizeof(*v));
		if (v == NULL)
			return fault(s, err, "out of memory");
		s->v = v;
		if (!read_line(line, &v[s->n++]))
			return fault(s, err,
				     "is no list of digests as sha256sum "
				     "writes it");
	}
	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), compare_entries);
	return 0;
}

static int
read_list(struct signed_set *s, struct err *err)
{
	int fd = open(s->list.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
					 O_NONBLOCK);
	uint8_t digest[32];
	int rc = -1;

	if (fd < 0)
		return fault(s, err,
			     errno == ENOENT
				     ? "is missing: the rules are not signed"
				     : strerror(errno));
	rc = fd_read_all(fd, SIGNED_LIST_MAX_BYTES, &s->text);
	close(fd);
	if (rc != 0)
		return fault(s, err, strerror(errno));
	digest_sha256(buf_view(&s->text), digest);
	buf_hex(&s->digest, digest, 32);
	return 0;
}

static int
verify(struct signed_set *s, const struct sign_keys *keys, struct err *err)
{
	struct sign_result result = { 0 };
	enum sign_verdict verdict =
		sign_verify_read(s->list.p, buf_view(&s->text), keys, &result);
	int rc = 0;

	if (verdict != SIGN_GOOD)
		rc = fault(s, err, sign_verdict_sentence(verdict));
	else if (!in_force_time(result.trusted, &s->signed_s))
		rc = fault(s, err,
			   "has no time in its signature's trusted comment "
			   "(\"timestamp:\", as minisign writes it)");
	sign_result_free(&result);
	return rc;
}

/* ---- which was in force ---------------------------------------------- */

static struct in_force
in_force(const struct signed_set *s)
{
	return (struct in_force){ .action = "rules",
				  .key = "folder",
				  .name = s->real.p,
				  .signed_s = s->signed_s,
				  .sha256 = buf_view(&s->digest) };
}

static int
check_newest(const struct signed_set *s, const char *state, struct err *err)
{
	struct in_force now = in_force(s);

	switch (in_force_check(&now, state, err)) {
	case IN_FORCE_NEWEST:
		return 0;
	case IN_FORCE_TURNED_BACK:
		return fault(s, err,
			     "was turned back: a list that was signed later "
			     "has been in force here");
	case IN_FORCE_BROKEN:
	case IN_FORCE_UNREADABLE:
		break;
	}
	return -1;
}

int
signed_record(const struct signed_set *s, const char *state, struct err *err)
{
	struct in_force now = in_force(s);

	return in_force_record(&now, state, NULL, err);
}

/* ---- a set ------------------------------------------------------------ */

static int
find_folder(struct signed_set *s, const char *path, struct err *err)
{
	struct stat st;
	char *real;

	if (stat(path, &st) != 0)
		return err_add(err, (struct place){ .file = path }, "%s",
			       strerror(errno));
	s->whole = S_ISDIR(st.st_mode);
	if (s->whole)
		buf_puts(&s->folder, path);
	else if (strchr(path, '/') != NULL)
		buf_put(&s->folder, path_directory(view_of(path)));
	else
		buf_putc(&s->folder, '.');
	while (s->folder.n > 1 && s->folder.p[s->folder.n - 1] == '/')
		s->folder.n--;
	buf_put(&s->list, buf_view(&s->folder));
	buf_puts(&s->list, "/" SIGNED_LIST);
	buf_putc(&s->list, '\0');
	buf_putc(&s->folder, '\0');
	real = s->folder.failed ? NULL : realpath(s->folder.p, NULL);
	buf_puts(&s->real, real);
	buf_putc(&s->real, '\0');
	free(real);
	if (s->list.failed || s->folder.failed || s->real.n < 2)
		return err_add(err, (struct place){ .file = path }, "%s",
			       strerror(errno));
	return 0;
}

struct signed_set *
signed_open(const char *path, const struct sign_keys *keys, const char *state,
	    struct err *err)
{
	struct signed_set *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_add(err, (struct place){ .file = path }, "out of memory");
		return NULL;
	}
	if (find_folder(s, path, err) == 0 && read_list(s, err) == 0 &&
	    verify(s, keys, err) == 0 && check_newest(s, state, err) == 0 &&
	    read_entries(s, err) == 0)
		return s;
	signed_free(s);
	return NULL;
}

static struct entry *
find(const struct signed_set *s, struct view name)
{
	struct entry key = { .name = name };

	return s->n == 0 ? NULL
			 : bsearch(&key, s->v, s->n, sizeof(*s->v),
				   compare_entries);
}

int
signed_check(struct signed_set *s, const char *path, struct view text,
	     struct err *err)
{
	struct view folder = { s->folder.p, s->folder.n - 1 };
	struct view name = view_of(path);
	struct place at = { .file = path };
	struct buf hex = { 0 };
	uint8_t digest[32];
	struct entry *e;
	bool same;

	if (view_starts(name, folder))
		name = view_sub(name, folder.n, name.n);
	while (view_starts(name, VIEW("/")))
		name = view_sub(name, 1, name.n);
	e = find(s, name);
	if (e == NULL)
		return err_add(err, at, "is not in the signed list %s",
			       s->list.p);
	digest_sha256(text, digest);
	buf_hex(&hex, digest, 32);
	same = view_eq(buf_view(&hex), e->hex);
	buf_free(&hex);
	e->used = true;
	return same ? 0
		    : err_add(err, at, "is not what was signed in %s",
			      s->list.p);
}

static bool
is_rule_file(struct view name)
{
	static const char *const extensions[] = { "yml", "yaml", "json",
						  "ndjson", "jsonl" };
	struct view e = path_extension(name);

	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (view_eq(e, view_of(extensions[i])))
			return true;
	return false;
}

int
signed_complete(const struct signed_set *s, struct err *err)
{
	for (size_t i = 0; s->whole && i < s->n; i++)
		if (!s->v[i].used && is_rule_file(s->v[i].name))
			return err_add(err, (struct place){ .file = s->list.p },
				       "names %.*s, which is missing",
				       (int)s->v[i].name.n, s->v[i].name.p);
	return 0;
}

void
signed_free(struct signed_set *s)
{
	if (s == NULL)
		return;
	buf_free(&s->folder);
	buf_free(&s->list);
	buf_free(&s->real);
	buf_free(&s->text);
	buf_free(&s->digest);
	free(s->v);
	free(s);
}
