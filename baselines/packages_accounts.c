/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounts that packages add (passwd(5), group(5), shadow(5), gshadow(5)), and
 * the copies NAME- that the tools leave.
 *
 * Line by line against what the baseline had. New are system accounts alone:
 * a number of their own from 1 to 999, no password, no shell unless the script
 * says which, a name that a package's script or sysusers.d(5) file speaks of.
 * Groups may get such members. Anything else, and all of the file stands out.
 *
 * Of the shadow files the baseline has each line's name and digest.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "baselines/packages_inside.h"
#include "scan/scan.h"

#define TEXT_MAX_BYTES (16u << 20)
#define LINES_MAX 100000u
#define FIELDS_MAX 9
#define SYSTEM_ID_MAX 999u

enum account_file { PASSWD, GROUP, SHADOW, GSHADOW };

static const char *const account_files[ACCOUNT_FILES] = {
	[PASSWD] = "/etc/passwd",
	[GROUP] = "/etc/group",
	[SHADOW] = "/etc/shadow",
	[GSHADOW] = "/etc/gshadow",
};

static struct view
field(struct view line, int at)
{
	struct view item = VIEW_NONE;

	for (int i = 0; i <= at; i++)
		if (!view_next_split(&line, ':', &item))
			return VIEW_NONE;
	return item;
}

/* ---- what the baseline had ------------------------------------------- */

#define LINE_DIGEST_BYTES 16

static int
which_file(struct view path)
{
	for (int i = 0; i < ACCOUNT_FILES; i++)
		if (view_eq(path, view_of(account_files[i])))
			return i;
	return -1;
}

static void
line_digest(struct view line, uint8_t sha256[32])
{
	digest_sha256(line, sha256);
}

void
packages_lines(const struct walk_entry *e, struct buf *out)
{
	struct buf path = { 0 }, text = { 0 };
	struct view rest, line;
	uint8_t sha256[32];
	int which = -1;

	buf_clear(out);
	if (view_eq(e->dir, VIEW("/etc"))) {
		change_path(&path, e->dir, e->name);
		which = which_file(buf_view(&path));
	}
	if (which >= SHADOW && packages_content(e, TEXT_MAX_BYTES, &text)) {
		rest = buf_view(&text);
		while (view_next_split(&rest, '\n', &line)) {
			line_digest(line, sha256);
			buf_put(out, field(line, 0));
			buf_putc(out, '\0');
			buf_put(out, (struct view){ (const char *)sha256,
						    LINE_DIGEST_BYTES });
		}
	}
	buf_free(&path);
	buf_free(&text);
	if (out->failed)
		buf_clear(out);
}

/* The part of the digest that is kept of that name's line; VIEW_NONE. */
static struct view
line_kept(struct view lines, struct view name)
{
	while (lines.n > 0) {
		ssize_t end = view_find(lines, '\0');
		struct view one, digest;

		if (end < 0)
			break;
		one = view_sub(lines, 0, (size_t)end);
		digest = view_sub(lines, (size_t)end + 1, LINE_DIGEST_BYTES);
		lines = view_sub(lines, (size_t)end + 1 + LINE_DIGEST_BYTES,
				 SIZE_MAX);
		if (view_eq(one, name))
			return digest;
	}
	return VIEW_NONE;
}

static bool
line_is(struct view line, struct view digest)
{
	uint8_t sha256[32];

	line_digest(line, sha256);
	return digest.n == LINE_DIGEST_BYTES &&
	       memcmp(sha256, digest.p, LINE_DIGEST_BYTES) == 0;
}

static void
remember(struct packages *p, struct remembered *r, struct view text)
{
	r->text = arena_copy(&p->arena, text);
	r->known = text.n == 0 || r->text.p != NULL;
}

int
packages_remember(struct packages *p, struct baseline *b,
		  struct objects *objects)
{
	for (int i = 0; i < ACCOUNT_FILES; i++) {
		const struct baseline_item *item;
		struct buf text = { 0 };
		int rc = baseline_find(b, view_of(account_files[i]), &item);

		if (rc < 0)
			return -1;
		if (rc == 0 || !item->e.has_digest)
			continue;
		if (i >= SHADOW)
			remember(p, &p->accounts[i], item->lines);
		else if (objects != NULL &&
			 objects_get(objects, item->e.sha256, &text) == 0)
			remember(p, &p->accounts[i], buf_view(&text));
		buf_free(&text);
	}
	baseline_rewind(b);
	return 0;
}

/* ---- lists of lines -------------------------------------------------- */

struct line {
	struct view text, name;
};

struct lines {
	struct line *v; /* sorted by name */
	size_t n;
};

static int
line_cmp(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return view_cmp(x->name, y->name);
}

/* False when memory is out, or a name is there twice. */
static bool
lines_read(struct lines *l, struct view text)
{
	struct view line;
	size_t cap = 0;

	*l = (struct lines){ 0 };
	while (view_next_split(&text, '\n', &line)) {
		if (l->n == cap) {
			struct line *v;

			cap = cap > 0 ? 2 * cap : 64;
			v = cap > LINES_MAX
				    ? NULL
				    : reallocarray(l->v, cap, sizeof(*v));
			if (v == NULL)
				return false;
			l->v = v;
		}
		l->v[l->n++] = (struct line){ line, field(line, 0) };
	}
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), line_cmp);
	for (size_t i = 1; i < l->n; i++)
		if (view_eq(l->v[i - 1].name, l->v[i].name))
			return false;
	return true;
}

static const struct line *
lines_find(const struct lines *l, struct view name)
{
	struct line key = { .name = name };

	return l->n == 0 ? NULL
			 : bsearch(&key, l->v, l->n, sizeof(key), line_cmp);
}

/* ---- one look -------------------------------------------------------- */

struct accounts {
	struct packages *p;
	struct view text;    /* of the file that has changed */
	struct lines lines;  /* its */
	struct lines old[2]; /* passwd, group: as the baseline has them */
	struct lines now[2]; /* and as they are */
	struct buf now_text[2];
	const struct lines *numbers; /* no two with the same, in these */
};

static bool
is_system(struct view number)
{
	uint64_t id;

	return view_to_u64(number, &id) && id > 0 && id <= SYSTEM_ID_MAX;
}

static bool
is_locked(struct view password)
{
	return view_eq(password, VIEW("x")) || view_eq(password, VIEW("!")) ||
	       view_eq(password, VIEW("*")) || view_eq(password, VIEW("!*")) ||
	       view_eq(password, VIEW("!!"));
}

/* Nobody else has that number. */
static bool
is_unique(const struct lines *l, struct view number)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += view_eq(field(l->v[i].text, 2), number);
	return n == 1;
}

static bool
shell_fits(struct packages *p, uint32_t package, struct view shell)
{
	static const char *const harmless[] = { "/usr/sbin/nologin",
						"/sbin/nologin", "/bin/false",
						"/usr/bin/false" };
	struct buf merged = { 0 };
	bool found;

	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		if (view_eq(shell, view_of(harmless[i])))
			return true;
	found = shell.n > 1 &&
		packages_mention(p, package,
				 packages_merged(p, shell, &merged)) !=
			NO_PACKAGE;
	buf_free(&merged);
	return found;
}

static bool
new_user(struct accounts *a, struct view line)
{
	uint32_t package = packages_account(a->p, NO_PACKAGE, field(line, 0));

	return package != NO_PACKAGE && is_locked(field(line, 1)) &&
	       is_system(field(line, 2)) &&
	       is_unique(a->numbers, field(line, 2)) &&
	       shell_fits(a->p, package, field(line, 6)) &&
	       field(line, 7).p == NULL;
}

/* A user that a package puts into that group. */
static bool
new_member(struct accounts *a, struct view group, struct view user)
{
	const struct line *l = lines_find(&a->now[PASSWD], user);

	return l != NULL && is_system(field(l->text, 2)) &&
	       packages_account_pair(a->p, group, user);
}

static bool
has_member(struct view members, struct view wanted)
{
	struct view one;

	while (view_next_split(&members, ',', &one))
		if (view_eq(one, wanted))
			return true;
	return false;
}

static bool
new_members(struct accounts *a, struct view line, struct view before)
{
	struct view members = field(line, 3), one;

	while (view_next_split(&members, ',', &one))
		if (one.n > 0 && !has_member(before, one) &&
		    !new_member(a, field(line, 0), one))
			return false;
	return true;
}

static bool
new_group(struct accounts *a, struct view line)
{
	return packages_account(a->p, NO_PACKAGE, field(line, 0)) !=
		       NO_PACKAGE &&
	       is_locked(field(line, 1)) && is_system(field(line, 2)) &&
	       is_unique(a->numbers, field(line, 2)) &&
	       new_members(a, line, VIEW_NONE) && field(line, 4).p == NULL;
}

/* Members may come as above, and go with their accounts. */
static bool
changed_group(struct accounts *a, struct view old, struct view line)
{
	struct view members = field(old, 3), one;

	if (!view_eq(field(old, 1), field(line, 1)) ||
	    !view_eq(field(old, 2), field(line, 2)) ||
	    field(line, 4).p != NULL || !new_members(a, line, members))
		return false;
	while (view_next_split(&members, ',', &one))
		if (one.n > 0 && !has_member(field(line, 3), one) &&
		    lines_find(&a->now[PASSWD], one) != NULL)
			return false;
	return true;
}

static bool
line_fits(struct accounts *a, enum account_file which, const struct line *l)
{
	const struct line *old = lines_find(&a->old[which], l->name);

	if (old != NULL)
		return view_eq(old->text, l->text) ||
		       (which == GROUP && changed_group(a, old->text, l->text));
	return which == PASSWD ? new_user(a, l->text) : new_group(a, l->text);
}

/* passwd, group */
static bool
open_file_fits(struct accounts *a, enum account_file which)
{
	a->numbers = &a->lines;
	for (size_t i = 0; i < a->lines.n; i++)
		if (!line_fits(a, which, &a->lines.v[i]))
			return false;
	for (size_t i = 0; i < a->old[which].n; i++) {
		const struct line *l = &a->old[which].v[i];

		if (lines_find(&a->lines, l->name) == NULL &&
		    (!is_system(field(l->text, 2)) ||
		     packages_account(a->p, NO_PACKAGE, l->name) != NO_PACKAGE))
			return false;
	}
	return true;
}

/* ---- shadow, gshadow ------------------------------------------------- */

/* A line of gshadow as it was before its group got new members; which ones
 * those are, the two group files say. */
static void
put_old_gshadow(struct accounts *a, struct view line, struct buf *out)
{
	const struct line *old = lines_find(&a->old[GROUP], field(line, 0));

	for (int i = 0; i < 3; i++) {
		buf_put(out, field(line, i));
		buf_putc(out, ':');
	}
	buf_put(out, old != NULL ? field(old->text, 3) : field(line, 3));
}

/* Was it not there before, and is it as it may be? */
static bool
came(struct accounts *a, enum account_file which, struct view line, bool *fits)
{
	enum account_file with = which == SHADOW ? PASSWD : GROUP;
	struct view name = field(line, 0);
	const struct line *now = lines_find(&a->now[with], name);

	if (lines_find(&a->old[with], name) != NULL)
		return false;
	*fits = now != NULL && is_locked(field(line, 1)) &&
		line_fits(a, with, now) &&
		(which == SHADOW || new_members(a, line, VIEW_NONE));
	return true;
}

/* A name whose line went, its account with it. */
static bool
went(struct accounts *a, enum account_file which, struct view name)
{
	enum account_file with = which == SHADOW ? PASSWD : GROUP;
	const struct line *old = lines_find(&a->old[with], name);

	return lines_find(&a->lines, name) != NULL ||
	       (old != NULL && is_system(field(old->text, 2)) &&
		lines_find(&a->now[with], name) == NULL);
}

static bool
closed_line_fits(struct accounts *a, enum account_file which, struct view line)
{
	struct view kept =
		line_kept(a->p->accounts[which].text, field(line, 0));
	struct buf old = { 0 };
	bool fits = false;

	if (kept.n == 0)
		return came(a, which, line, &fits) && fits;
	if (line_is(line, kept))
		return true;
	if (which == GSHADOW) {
		const struct line *now =
			lines_find(&a->now[GROUP], field(line, 0));

		put_old_gshadow(a, line, &old);
		fits = !old.failed && line_is(buf_view(&old), kept) &&
		       now != NULL && line_fits(a, GROUP, now) &&
		       new_members(a, line, field(now->text, 3));
	}
	buf_free(&old);
	return fits;
}

static bool
closed_file_fits(struct accounts *a, enum account_file which)
{
	struct view lines = a->p->accounts[which].text;

	a->numbers = &a->now[which == SHADOW ? PASSWD : GROUP];
	for (size_t i = 0; i < a->lines.n; i++)
		if (!closed_line_fits(a, which, a->lines.v[i].text))
			return false;
	while (lines.n > 0) {
		ssize_t end = view_find(lines, '\0');

		if (end < 0 || !went(a, which, view_sub(lines, 0, (size_t)end)))
			return false;
		lines = view_sub(lines, (size_t)end + 1 + LINE_DIGEST_BYTES,
				 SIZE_MAX);
	}
	return true;
}

/* ---- all of it ------------------------------------------------------- */

static bool
accounts_open(struct accounts *a)
{
	for (int i = PASSWD; i <= GROUP; i++) {
		const struct remembered *r = &a->p->accounts[i];

		if (!r->known ||
		    !packages_read(a->p, account_files[i], &a->now_text[i]) ||
		    !lines_read(&a->old[i], r->text) ||
		    !lines_read(&a->now[i], buf_view(&a->now_text[i])))
			return false;
	}
	return lines_read(&a->lines, a->text);
}

static void
accounts_close(struct accounts *a)
{
	for (int i = PASSWD; i <= GROUP; i++) {
		free(a->old[i].v);
		free(a->now[i].v);
		buf_free(&a->now_text[i]);
	}
	free(a->lines.v);
}

uint32_t
evidence_accounts(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	struct accounts a = { .p = x->p };
	struct view path = x->path;
	struct buf text = { 0 };
	uint32_t package = NO_PACKAGE;
	size_t at = 0;
	int which;

	if (e == NULL || !S_ISREG(e->mode) || (e->mode & 07133) != 0)
		return NO_PACKAGE;
	if (view_ends(path, VIEW("-")))
		path.n--;
	which = which_file(path);
	if (which < 0 || !x->p->accounts[which].known ||
	    (package = packages_next_at(x->p, e->ctime_ns, &at)) ==
		    NO_PACKAGE ||
	    !packages_content(e, TEXT_MAX_BYTES, &text))
		goto out;
	a.text = buf_view(&text);
	if (!accounts_open(&a) ||
	    !(which <= GROUP
		      ? open_file_fits(&a, (enum account_file)which)
		      : closed_file_fits(&a, (enum account_file)which)) ||
	    !explaining_plain(x, package))
		package = NO_PACKAGE;
	accounts_close(&a);
	buf_free(&text);
	return package;
out:
	buf_free(&text);
	return NO_PACKAGE;
}
