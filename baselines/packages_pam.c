/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/pam.d/common-*, which pam-auth-update(8) makes of the templates
 * /usr/share/pam/common-* and the packages' profiles in
 * /usr/share/pam-configs. Each rule that the file has now must be one of the
 * template or of a profile, which must be what their packages record; numbers
 * to jump ("success=2") are pam-auth-update's to count.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/packages_inside.h"

#define PAM_MAX_BYTES (1u << 20)
#define TEMPLATES "/usr/share/pam/"
#define PROFILES "/usr/share/pam-configs/"
#define RULES_MAX 4096u

/* Rules as "CONTROL MODULE ARGUMENTS", in one form. */
struct rules {
	struct view *v;
	size_t n;
	struct arena arena;
	bool failed;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One space where there is white space; the number or "end" of a jump as N. */
static void
put_form(struct buf *out, struct view rule)
{
	for (size_t i = 0; i < rule.n; i++) {
		char c = rule.p[i];

		if (is_blank(c)) {
			if (out->n > 0 && out->p[out->n - 1] != ' ')
				buf_putc(out, ' ');
			continue;
		}
		buf_putc(out, c);
		if (c != '=')
			continue;
		if (view_starts(view_sub(rule, i + 1, 3), VIEW("end"))) {
			buf_putc(out, 'N');
			i += 3;
		}
		while (i + 1 < rule.n && rule.p[i + 1] >= '0' &&
		       rule.p[i + 1] <= '9') {
			if (out->p[out->n - 1] == '=')
				buf_putc(out, 'N');
			i++;
		}
	}
}

static void
add_rule(struct rules *r, struct view rule)
{
	struct buf form = { 0 };
	struct view *v;

	put_form(&form, view_trim(rule));
	v = form.failed || r->n == RULES_MAX
		    ? NULL
		    : reallocarray(r->v, r->n + 1, sizeof(*v));
	if (v == NULL) {
		r->failed = true;
	} else {
		r->v = v;
		r->v[r->n++] = arena_copy(&r->arena, buf_view(&form));
	}
	buf_free(&form);
}

static bool
has_rule(const struct rules *r, struct view rule)
{
	struct buf form = { 0 };
	bool found = false;

	put_form(&form, view_trim(rule));
	for (size_t i = 0; i < r->n && !found && !form.failed; i++)
		found = view_eq(r->v[i], buf_view(&form));
	buf_free(&form);
	return found;
}

/* "TYPE rest"; false for comments and empty lines. */
static bool
split_type(struct view line, struct view *type, struct view *rest)
{
	size_t n = 0;

	line = view_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return false;
	while (n < line.n && !is_blank(line.p[n]))
		n++;
	*type = view_sub(line, 0, n);
	*rest = view_sub(line, n, SIZE_MAX);
	return true;
}

static void
add_template(struct rules *r, struct view text)
{
	struct view line, type, rest;

	while (view_next_split(&text, '\n', &line))
		if (split_type(line, &type, &rest) && type.p[0] != '$')
			add_rule(r, view_trim(line));
}

/* Fields "NAME:" with indented lines; those of "KIND:", "KIND-Initial:" and the
 * like. */
static void
add_profile(struct rules *r, struct view text, struct view kind,
	    struct view type)
{
	struct buf rule = { 0 };
	bool inside = false;
	struct view line;

	while (view_next_split(&text, '\n', &line)) {
		if (line.n > 0 && !is_blank(line.p[0])) {
			struct view rest = view_sub(line, kind.n, SIZE_MAX);

			inside = view_starts(line, kind) &&
				 (view_eq(rest, VIEW(":")) ||
				  view_eq(rest, VIEW("-Final:")) ||
				  view_eq(rest, VIEW("-Initial:")) ||
				  view_eq(rest, VIEW("-Initial-Final:")));
			continue;
		}
		if (!inside || view_trim(line).n == 0)
			continue;
		buf_clear(&rule);
		buf_put(&rule, type);
		buf_putc(&rule, ' ');
		buf_put(&rule, view_trim(line));
		if (!rule.failed)
			add_rule(r, buf_view(&rule));
	}
	buf_free(&rule);
}

struct kind {
	const char *file, *type, *field;
};

struct reading {
	struct rules rules;
	const struct kind *kind;
};

static void
on_profile(struct packages *p, struct view name, struct view text, void *ctx)
{
	struct reading *r = ctx;
	struct buf path = { 0 };

	buf_puts(&path, PROFILES);
	buf_put(&path, name);
	if (!path.failed &&
	    packages_verified(p, buf_view(&path), NULL) != NO_PACKAGE)
		add_profile(&r->rules, text, view_of(r->kind->field),
			    view_of(r->kind->type));
	buf_free(&path);
}

/* The template, if it is the package's. */
static bool
read_template(struct packages *p, struct reading *r)
{
	struct buf path = { 0 }, text = { 0 };
	bool good;

	buf_printf(&path, TEMPLATES "%s%c", r->kind->file, 0);
	good = !path.failed &&
	       packages_verified(p, view_of(path.p), NULL) != NO_PACKAGE &&
	       packages_read(p, path.p, &text);
	if (good)
		add_template(&r->rules, buf_view(&text));
	buf_free(&path);
	buf_free(&text);
	return good;
}

static bool
file_fits(struct packages *p, const struct kind *kind, struct view text)
{
	struct reading r = { .kind = kind };
	struct view line, type, rest;
	bool fits = read_template(p, &r);

	packages_each(p, PROFILES, ENDINGS(""), on_profile, &r);
	/* Where no profile is the first. */
	if (strcmp(kind->type, "session") == 0)
		add_rule(&r.rules, VIEW("session [default=1] pam_permit.so"));
	while (fits && view_next_split(&text, '\n', &line))
		if (split_type(line, &type, &rest))
			fits = has_rule(&r.rules, line);
	fits = fits && !r.rules.failed;
	free(r.rules.v);
	arena_free(&r.rules.arena);
	return fits;
}

uint32_t
evidence_pam(struct explaining *x)
{
	static const struct kind kinds[] = {
		{ "common-account", "account", "Account" },
		{ "common-auth", "auth", "Auth" },
		{ "common-password", "password", "Password" },
		{ "common-session", "session", "Session" },
		{ "common-session-noninteractive", "session", "Session" },
	};
	const struct walk_entry *e = x->c->now;
	uint32_t package = NO_PACKAGE;
	struct buf text = { 0 };
	size_t at = 0;

	if (e == NULL || !view_eq(x->c->dir, VIEW("/etc/pam.d")) ||
	    !S_ISREG(e->mode) || (e->mode & 07133) != 0)
		return NO_PACKAGE;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (view_eq(x->c->name, view_of(kinds[i].file)) &&
		    packages_content(e, PAM_MAX_BYTES, &text) &&
		    file_fits(x->p, &kinds[i], buf_view(&text)))
			package = packages_next_at(x->p, e->ctime_ns, &at);
	buf_free(&text);
	return package != NO_PACKAGE && explaining_plain(x, package)
		       ? package
		       : NO_PACKAGE;
}
