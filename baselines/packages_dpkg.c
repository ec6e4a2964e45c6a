/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dpkg's database (dpkg(1), deb-md5sums(5), update-alternatives(1)), and what
 * Debian's helper programs note. */
#include <stdlib.h>

#include "baselines/packages_inside.h"

/* Links that follow one alternative. */
#define SLAVES_MAX 1000u

#define DPKG "var/lib/dpkg/"

/* ---- who owns what --------------------------------------------------- */

/* NAME.list, or NAME:ARCH.list where several may be installed. */
static void
read_list(struct packages *p, struct view file, struct view text, void *ctx)
{
	struct buf merged = { 0 };
	struct view stem, line;
	ssize_t colon;
	uint32_t id;

	(void)ctx;
	stem = view_sub(file, 0, file.n - 5);
	colon = view_find(stem, ':');
	id = packages_add(
		p, colon > 0 ? view_sub(stem, 0, (size_t)colon) : stem, stem);
	while (view_next_split(&text, '\n', &line))
		if (line.n > 2) /* "/." is the root */
			packages_own(p, packages_merged(p, line, &merged), id);
	buf_free(&merged);
}

static void
add_conffile(struct packages *p, struct view path, struct view hex)
{
	uint8_t md5[MD5_BYTES];

	if (packages_md5(hex, md5))
		sums_add(p, &p->conffiles, path, md5);
}

/* A paragraph each: "Package:", "Status: WANT FLAG STATE", and "Conffiles:"
 * with lines of " PATH MD5 [obsolete]". */
static void
read_status(struct packages *p)
{
	struct buf text = { 0 };
	struct view rest, line, path, hex;
	uint32_t id = NO_PACKAGE;
	bool inside = false;

	packages_read(p, DPKG "status", &text);
	rest = buf_view(&text);
	while (view_next_split(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[0] == ' ') {
			line = view_trim(line);
			if (inside && view_next_split(&line, ' ', &path) &&
			    view_next_split(&line, ' ', &hex))
				add_conffile(p, path, hex);
			continue;
		}
		inside = view_eq(line, VIEW("Conffiles:"));
		if (view_starts(line, VIEW("Package: ")))
			id = packages_named(
				p, view_trim(view_sub(line, 9, SIZE_MAX)),
				true);
		else if (view_starts(line, VIEW("Status: ")) &&
			 id != NO_PACKAGE)
			p->v[id].installed |=
				view_ends(line, VIEW(" installed"));
	}
	buf_free(&text);
}

/* ucf(1): "MD5  PATH" of what it put there, "PACKAGE PATH". */
static void
read_ucf(struct packages *p)
{
	struct buf text = { 0 };
	struct view rest, line, package;

	packages_read(p, "var/lib/ucf/hashfile", &text);
	rest = buf_view(&text);
	while (view_next_split(&rest, '\n', &line))
		if (line.n > 34)
			add_conffile(p, view_trim(view_sub(line, 33, SIZE_MAX)),
				     view_sub(line, 0, 32));
	packages_read(p, "var/lib/ucf/registry", &text);
	rest = buf_view(&text);
	while (view_next_split(&rest, '\n', &line))
		if (view_next_split(&line, ' ', &package) && line.n > 0)
			packages_put(p, view_trim(line),
				     packages_named(p, package, true),
				     OWNER_PATH);
	buf_free(&text);
}

/* Groups of three lines: from, to, the package that diverts, ":" = none. The
 * owner of `from` has its file at `to`. */
static void
read_diversions(struct packages *p)
{
	struct buf text = { 0 }, m1 = { 0 }, m2 = { 0 };
	struct view rest, from, to, by;

	packages_read(p, DPKG "diversions", &text);
	rest = buf_view(&text);
	while (view_next_split(&rest, '\n', &from) &&
	       view_next_split(&rest, '\n', &to) &&
	       view_next_split(&rest, '\n', &by)) {
		const struct owner *o =
			packages_find(p, packages_merged(p, from, &m1));

		if (o != NULL)
			packages_put(p, packages_merged(p, to, &m2), o->package,
				     o->flags);
		if (by.n > 1)
			packages_put(p, packages_merged(p, from, &m1),
				     packages_named(p, by, true), OWNER_PATH);
	}
	buf_free(&text);
	buf_free(&m1);
	buf_free(&m2);
}

/* ---- links that helper programs make --------------------------------- */

static void
add_link(struct packages *p, struct view path, uint32_t by)
{
	struct buf merged = { 0 };

	path = packages_merged(p, path, &merged);
	if (path.n > 1 && path.p[0] == '/' && packages_find(p, path) == NULL)
		packages_put(p, path, by, OWNER_LINK | OWNER_PATH);
	buf_free(&merged);
}

/* One link of a group: LINK leads to /etc/alternatives/NAME. The latter. */
static struct view
add_alternative_link(struct packages *p, struct view name, struct view link,
		     uint32_t by)
{
	struct buf path = { 0 };
	struct view kept;

	buf_puts(&path, "/etc/alternatives/");
	buf_put(&path, name);
	kept = arena_copy(&p->arena, buf_view(&path));
	buf_free(&path);
	add_link(p, kept, by);
	add_link(p, link, by);
	packages_pair(p, link, kept, by);
	return kept;
}

struct alternatives {
	struct view links[SLAVES_MAX + 1];
	size_t n;
	int64_t best;
};

/* The candidates: path, priority, a path for each slave. Where the choice is
 * automatic, the best may be pointed to; what an administrator chose is
 * nobody's doing but hers. */
static void
read_candidates(struct packages *p, struct alternatives *a, struct view text,
		bool add, uint32_t by)
{
	struct view path, line;
	int64_t priority;

	while (view_next_split(&text, '\n', &path) && path.n > 0 &&
	       view_next_split(&text, '\n', &line) &&
	       view_to_i64(line, &priority)) {
		bool best = add && priority == a->best;

		if (!add && priority > a->best)
			a->best = priority;
		if (best)
			packages_pair(p, a->links[0], path, by);
		for (size_t i = 1; i < a->n; i++)
			if (view_next_split(&text, '\n', &line) && best)
				packages_pair(p, a->links[i], line, by);
	}
}

/* alternatives/NAME: "auto" or "manual", the link, pairs of slave's name and
 * link, an empty line, the candidates. */
static void
read_alternative(struct packages *p, struct view name, struct view text,
		 void *ctx)
{
	struct alternatives a = { .best = INT64_MIN };
	uint32_t by = *(const uint32_t *)ctx;
	struct view state, line, slave;

	if (!view_next_split(&text, '\n', &state) ||
	    !view_next_split(&text, '\n', &line))
		return;
	a.links[a.n++] = add_alternative_link(p, name, line, by);
	while (view_next_split(&text, '\n', &slave) && slave.n > 0 &&
	       a.n < ARRAY_LEN(a.links) && view_next_split(&text, '\n', &line))
		a.links[a.n++] = add_alternative_link(p, slave, line, by);
	if (!view_eq(state, VIEW("auto")))
		return;
	read_candidates(p, &a, text, false, by);
	read_candidates(p, &a, text, true, by);
}

/* NAME.dsh-also: the links that enabling NAME made; their folders as well. */
static void
read_enabled(struct packages *p, struct view name, struct view text, void *ctx)
{
	uint32_t by = *(const uint32_t *)ctx;
	struct view line;

	name.n -= sizeof(".dsh-also") - 1;
	while (view_next_split(&text, '\n', &line)) {
		add_link(p, line, by);
		add_link(p, path_directory(line), by);
		packages_pair(p, line, name, by);
	}
}

static void
read_helpers(struct packages *p)
{
	uint32_t by = packages_named(p, VIEW("update-alternatives"), true);

	packages_each(p, DPKG "alternatives", ENDINGS(""), read_alternative,
		      &by);
	by = packages_named(p, VIEW("deb-systemd-helper"), true);
	packages_each(p, "var/lib/systemd/deb-systemd-helper-enabled",
		      ENDINGS(".dsh-also"), read_enabled, &by);
	packages_each(p, "var/lib/systemd/deb-systemd-user-helper-enabled",
		      ENDINGS(".dsh-also"), read_enabled, &by);
}

void
dpkg_read(struct packages *p)
{
	packages_each(p, DPKG "info", ENDINGS(".list"), read_list, NULL);
	read_status(p);
	read_diversions(p);
	read_ucf(p);
	sums_sort(&p->conffiles);
	read_helpers(p);
}

/* ---- digests --------------------------------------------------------- */

/* "MD5  path", the path without its first slash. */
static void
read_sums(struct packages *p, struct sums *s, struct view text)
{
	struct buf full = { 0 }, merged = { 0 };
	uint8_t md5[MD5_BYTES];
	struct view line;

	while (view_next_split(&text, '\n', &line)) {
		if (line.n < 35 || !packages_md5(view_sub(line, 0, 32), md5))
			continue;
		buf_clear(&full);
		buf_putc(&full, '/');
		buf_put(&full, view_sub(line, 34, SIZE_MAX));
		if (!full.failed)
			sums_add(p, s,
				 packages_merged(p, buf_view(&full), &merged),
				 md5);
	}
	buf_free(&full);
	buf_free(&merged);
}

const struct sums *
dpkg_sums(struct packages *p, uint32_t package)
{
	struct package *k = &p->v[package];
	struct buf path = { 0 }, text = { 0 };

	if (k->sums_read || k->stem.n == 0)
		return &k->sums;
	k->sums_read = true;
	buf_puts(&path, DPKG "info/");
	buf_put(&path, k->stem);
	buf_printf(&path, ".md5sums%c", 0);
	if (!path.failed && packages_read(p, path.p, &text))
		read_sums(p, &k->sums, buf_view(&text));
	sums_sort(&k->sums);
	buf_free(&path);
	buf_free(&text);
	return &k->sums;
}
