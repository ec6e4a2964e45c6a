/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packages' maintainer scripts (deb-postinst(5)), and their files for
 * systemd-tmpfiles(8), speak of. */
#include <stdlib.h>

#include "baselines/packages_inside.h"

#define MENTIONS_MAX (2u << 20)
#define INFO "var/lib/dpkg/info/"

struct shipped {
	const char *folder;
	void (*read)(struct packages *, struct view text, uint32_t package);
};

static const char *const suffixes[] = { ".preinst", ".postinst", ".prerm",
					".postrm",  ".config",	 NULL };

static bool
path_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("/._+@:%~-", c));
}

static void
add_mention(struct packages *p, uint64_t hash, uint32_t package)
{
	if (p->n_mentions == p->mentions_cap) {
		size_t cap = p->mentions_cap > 0 ? 2 * p->mentions_cap : 4096;
		struct mention *v =
			cap > MENTIONS_MAX
				? NULL
				: reallocarray(p->mentions, cap, sizeof(*v));

		if (v == NULL) {
			p->failed = true;
			return;
		}
		p->mentions = v;
		p->mentions_cap = cap;
	}
	p->mentions[p->n_mentions++] = (struct mention){ hash, package };
}

static void
add_path(struct packages *p, struct view path, uint32_t package)
{
	struct buf merged = { 0 };

	while (path.n > 1 && strchr("/.:", path.p[path.n - 1]) != NULL)
		path.n--;
	if (path.n >= 4) {
		path = packages_merged(p, path, &merged);
		packages_note(p, path);
		add_mention(p, packages_hash(path), package);
	}
	buf_free(&merged);
}

/* Does a path begin at `at`, nothing before it that could be a part? dpkg's own
 * root is none. */
static bool
begins(struct view text, size_t at)
{
	struct view before = view_sub(text, 0, at);
	char c = at > 0 ? text.p[at - 1] : ' ';

	return text.p[at] == '/' &&
	       ((!path_byte(c) && c != '}' && c != '*' && c != ')') ||
		view_ends(before, VIEW("${DPKG_ROOT}")) ||
		view_ends(before, VIEW("${DPKG_ROOT:-}")) ||
		view_ends(before, VIEW("$DPKG_ROOT")));
}

/* Words that are whole absolute paths. */
static void
read_mentions(struct packages *p, struct view text, uint32_t package)
{
	size_t at = 0;

	while (at < text.n) {
		size_t end = at;

		if (!begins(text, at)) {
			at++;
			continue;
		}
		while (end < text.n && path_byte(text.p[end]))
			end++;
		/* "/etc/$x" names no path; "/etc/x*" does, among others. */
		if (end == text.n || strchr("$?[{`", text.p[end]) == NULL) {
			bool all = end < text.n && text.p[end] == '*' &&
				   text.p[end - 1] == '/';

			if (!all)
				add_path(p, view_sub(text, at, end - at),
					 package);
		}
		at = end;
	}
}

static bool
name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static uint64_t
account_hash(struct view name)
{
	return hash_mix(packages_hash(name), 'u');
}

/* Each word of a text that could be the name of an account. */
static void
read_accounts(struct packages *p, struct view text, uint32_t package)
{
	size_t at = 0;

	while (at < text.n) {
		size_t end = at;

		while (end < text.n && name_byte(text.p[end]))
			end++;
		if (end - at >= 2 && end - at <= 32)
			add_mention(p,
				    account_hash(view_sub(text, at, end - at)),
				    package);
		at = end + 1;
	}
}

static bool
adds_accounts(struct view text)
{
	static const char *const words[] = { "adduser",	 "addgroup", "useradd",
					     "groupadd", "usermod",  "gpasswd",
					     "sysusers" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (view_search(text, view_of(words[i]), 0) >= 0)
			return true;
	return false;
}

static void
on_script(struct packages *p, struct view name, struct view text, void *ctx)
{
	ssize_t colon;
	uint32_t package;

	(void)ctx;
	name.n -= path_extension(name).n + 1;
	colon = view_find(name, ':');
	if (colon > 0)
		name.n = (size_t)colon;
	package = packages_named(p, name, false);
	if (package == NO_PACKAGE)
		return;
	read_mentions(p, text, package);
	if (adds_accounts(text))
		read_accounts(p, text, package);
}

/* What a package ships for one of systemd's tools. */
static void
on_shipped(struct packages *p, struct view name, struct view text, void *ctx)
{
	const struct shipped *s = ctx;
	struct buf path = { 0 };
	uint32_t package = NO_PACKAGE;

	buf_printf(&path, "/%s/", s->folder);
	buf_put(&path, name);
	if (!path.failed)
		package = packages_verified(p, buf_view(&path), NULL);
	buf_free(&path);
	if (package != NO_PACKAGE)
		s->read(p, text, package);
}

static int
mention_cmp(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;

	if (x->hash != y->hash)
		return (x->hash > y->hash) - (x->hash < y->hash);
	return (x->package > y->package) - (x->package < y->package);
}

static size_t
part_of(uint64_t hash)
{
	return (size_t)(hash >> (64 - MENTION_BITS));
}

static void
index_mentions(struct packages *p)
{
	size_t part = 0;

	for (size_t i = 0; i < p->n_mentions; i++)
		while (part <= part_of(p->mentions[i].hash))
			p->mention_at[part++] = (uint32_t)i;
	while (part <= MENTION_PARTS)
		p->mention_at[part++] = (uint32_t)p->n_mentions;
}

void
packages_load_mentions(struct packages *p)
{
	struct shipped tmpfiles = { "usr/lib/tmpfiles.d", read_mentions },
		       sysusers = { "usr/lib/sysusers.d", read_accounts };

	if (p->mentions_read)
		return;
	p->mentions_read = true;
	packages_each(p, "var/lib/dpkg/info", suffixes, on_script, NULL);
	packages_each(p, tmpfiles.folder, ENDINGS(".conf"), on_shipped,
		      &tmpfiles);
	packages_each(p, sysusers.folder, ENDINGS(".conf"), on_shipped,
		      &sysusers);
	if (p->n_mentions > 1)
		qsort(p->mentions, p->n_mentions, sizeof(*p->mentions),
		      mention_cmp);
	index_mentions(p);
}

/* The first of that hash, or where it would be. */
static size_t
first_mention(struct packages *p, uint64_t hash)
{
	size_t low, high;

	packages_load_mentions(p);
	low = p->mention_at[part_of(hash)];
	high = p->mention_at[part_of(hash) + 1];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->mentions[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t
find_mention(struct packages *p, uint32_t package, uint64_t hash)
{
	size_t low = first_mention(p, hash);

	for (; low < p->n_mentions && p->mentions[low].hash == hash; low++)
		if (package == NO_PACKAGE ||
		    p->mentions[low].package == package)
			return p->mentions[low].package;
	return NO_PACKAGE;
}

uint32_t
packages_mention(struct packages *p, uint32_t package, struct view path)
{
	return find_mention(p, package, packages_hash(path));
}

uint32_t
packages_next_mention(struct packages *p, struct view path, size_t *at)
{
	uint64_t hash = packages_hash(path);
	size_t i = first_mention(p, hash) + (*at)++;

	return i < p->n_mentions && p->mentions[i].hash == hash
		       ? p->mentions[i].package
		       : NO_PACKAGE;
}

uint32_t
packages_account(struct packages *p, uint32_t package, struct view name)
{
	return find_mention(p, package, account_hash(name));
}

bool
packages_account_pair(struct packages *p, struct view group, struct view user)
{
	uint64_t hash = account_hash(user);
	size_t at = first_mention(p, hash);

	for (; at < p->n_mentions && p->mentions[at].hash == hash; at++)
		if (packages_account(p, p->mentions[at].package, group) !=
		    NO_PACKAGE)
			return true;
	return false;
}

void
packages_each_script(struct packages *p, uint32_t package,
		     bool (*each)(struct view, void *), void *ctx)
{
	struct buf path = { 0 }, text = { 0 };
	bool more = p->v[package].stem.n > 0;

	for (size_t i = 0; suffixes[i] != NULL && more; i++) {
		buf_clear(&path);
		buf_puts(&path, INFO);
		buf_put(&path, p->v[package].stem);
		buf_printf(&path, "%s%c", suffixes[i], 0);
		if (!path.failed && packages_read(p, path.p, &text))
			more = each(buf_view(&text), ctx);
	}
	buf_free(&path);
	buf_free(&text);
}

static bool
is_program(struct view path)
{
	struct view dir = path_directory(path);

	return view_eq(dir, VIEW("/usr/bin")) ||
	       view_eq(dir, VIEW("/usr/sbin")) || view_eq(dir, VIEW("/bin")) ||
	       view_eq(dir, VIEW("/sbin"));
}

bool
packages_calls(struct packages *p, uint32_t package, uint32_t other)
{
	struct buf path = { 0 }, list = { 0 }, merged = { 0 };
	struct view rest, line;
	bool found = false;

	buf_puts(&path, INFO);
	buf_put(&path, p->v[other].stem);
	buf_printf(&path, ".list%c", 0);
	if (!path.failed && p->v[other].stem.n > 0)
		packages_read(p, path.p, &list);
	rest = buf_view(&list);
	while (!found && view_next_split(&rest, '\n', &line)) {
		const struct owner *o;

		line = packages_merged(p, line, &merged);
		o = packages_find(p, line);
		if (o == NULL || o->package != other ||
		    (o->flags & OWNER_SHARED) != 0)
			continue;
		found = packages_mention(p, package, line) != NO_PACKAGE ||
			(is_program(line) &&
			 packages_script_has(p, package, path_name(line)));
	}
	buf_free(&path);
	buf_free(&list);
	buf_free(&merged);
	return found;
}
