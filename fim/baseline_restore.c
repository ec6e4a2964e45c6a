/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin baseline diff, restore. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/journal.h"
#include "baselines/packages.h"
#include "baselines/restore.h"
#include "baselines/textdiff.h"
#include "fim/baseline_text.h"

struct putting {
	struct baseline_run *r;
	struct objects *objects;
	struct buf path, done; /* a JSON list of what was put back */
	uint64_t n;
	struct view *names; /* of the file being restored, besides `path` */
	size_t n_names;
	struct arena arena;
};

static enum exit_code
worse(enum exit_code a, enum exit_code b)
{
	return a > b ? a : b;
}

/* ---- diff ------------------------------------------------------------ */

/* `gone`: why there is nothing now, or NULL. */
static enum exit_code
put_diff(struct putting *p, struct view old, struct view now, const char *gone)
{
	struct buf out = { 0 };
	enum exit_code code = EXIT_FINDINGS;

	if (view_eq(old, now) && gone == NULL)
		return EXIT_NOTHING;
	if (objects_secret(now))
		return baseline_failed(p->r, EXIT_STATE,
				       "%s: it holds a secret now and is not "
				       "shown",
				       p->path.p);
	if (!textdiff_is_text(old) || !textdiff_is_text(now)) {
		fprintf(p->r->io->out, "%s: differs, and is no text\n",
			p->path.p);
		return EXIT_FINDINGS;
	}
	buf_puts(&out, "--- ");
	buf_text(&out, buf_view(&p->path));
	buf_puts(&out, " (baseline)\n+++ ");
	buf_text(&out, buf_view(&p->path));
	buf_printf(&out, " (%s)\n", gone != NULL ? gone : "now");
	if (textdiff(old, now, &out) != 0 || out.failed)
		code = baseline_failed(p->r, EXIT_IO, "out of memory");
	else
		fwrite(out.p, 1, out.n, p->r->io->out);
	buf_free(&out);
	return code;
}

static const char *
why_gone(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return "removed";
	return error == ELOOP ? "a link is in its place" : NULL;
}

static enum exit_code
diff_item(struct putting *p, const struct baseline_item *item)
{
	const struct walk_entry *e = &item->e;
	struct buf old = { 0 }, now = { 0 };
	enum exit_code code;
	const char *gone = NULL;

	if (scope_is(&p->r->scope, SCOPE_SECRET, e->dir, e->name))
		code = baseline_failed(p->r, EXIT_STATE,
				       "%s: files that hold secrets are "
				       "neither kept nor shown",
				       p->path.p);
	else if (!S_ISREG(e->mode))
		code = baseline_failed(p->r, EXIT_STATE,
				       "%s: it has no content; see tocsin "
				       "baseline show",
				       p->path.p);
	else if (e->size > 0 && (p->objects == NULL ||
				 objects_get(p->objects, e->sha256, &old) != 0))
		code = baseline_failed(p->r, EXIT_STATE,
				       "%s: its content is not kept",
				       p->path.p);
	else if (baseline_text_read(e, &now) != 0 &&
		 (gone = why_gone(errno)) == NULL)
		code = baseline_failed(p->r, EXIT_IO, "%s: %s", p->path.p,
				       strerror(errno));
	else
		code = put_diff(p, buf_view(&old), buf_view(&now), gone);
	buf_free(&old);
	buf_free(&now);
	return code;
}

/* ---- restore --------------------------------------------------------- */

static void
note_done(struct putting *p, const char *what, struct view path)
{
	struct buf line = { 0 };

	buf_puts(&p->done, p->n++ > 0 ? "," : "[");
	buf_json_string(&p->done, path);
	buf_puts(&line, what);
	buf_text_word(&line, path);
	fprintf(p->r->io->out, "%.*s\n", (int)line.n, line.p);
	buf_free(&line);
}

/* The other names that the baseline has of a file. Moves its place. -1: it is
 * damaged, or memory is out. */
static int
find_names(struct putting *p, const struct baseline_item *item)
{
	const struct walk_entry file = item->e;
	const struct baseline_item *other;
	struct buf path = { 0 };
	int rc;

	baseline_rewind(p->r->baseline);
	while ((rc = baseline_next(p->r->baseline, &other)) == 1) {
		struct view *v;

		if (other->e.inode != file.inode || !S_ISREG(other->e.mode) ||
		    memcmp(other->e.sha256, file.sha256, 32) != 0)
			continue;
		buf_clear(&path);
		change_path(&path, other->e.dir, other->e.name);
		if (view_eq(buf_view(&path), buf_view(&p->path)))
			continue;
		v = reallocarray(p->names, p->n_names + 1, sizeof(*v));
		if (v == NULL)
			break;
		p->names = v;
		v[p->n_names++] = arena_copy(&p->arena, buf_view(&path));
	}
	buf_free(&path);
	return rc == 0 ? 0 : -1;
}

/* That the path's folder is there, and no link is on the way to it. */
static bool
folder_is_there(struct view path)
{
	int fd = walk_open_folder(path_directory(path));

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static enum exit_code
restore_folder(struct putting *p, struct view path)
{
	const struct restore_from from = { 0 };
	const struct baseline_item *item;
	enum exit_code code = EXIT_NOTHING;
	struct buf text = { 0 };
	int rc = baseline_find(p->r->baseline, path, &item);

	buf_text_word(&text, path);
	buf_putc(&text, '\0');
	if (text.failed)
		code = baseline_failed(p->r, EXIT_IO, "out of memory");
	else if (rc < 0)
		code = baseline_failed(p->r, EXIT_STATE, "%s",
				       baseline_problem(p->r->baseline));
	else if (rc == 0 || !S_ISDIR(item->e.mode))
		code = baseline_failed(p->r, EXIT_IO,
				       "the folder %s is gone, and not in the "
				       "baseline: make it first",
				       text.p);
	else if (restore_item(item, &from, &p->r->io->err) != 0)
		code = EXIT_IO;
	else
		note_done(p, "restored ", path);
	buf_free(&text);
	return code;
}

/* The folders above a path that are gone, the uppermost first. Moves the
 * baseline's place. */
static enum exit_code
restore_folders(struct putting *p)
{
	struct view path = buf_view(&p->path);
	enum exit_code code = EXIT_NOTHING;
	unsigned n = 0; /* somebody may keep removing them */

	while (code == EXIT_NOTHING && !folder_is_there(path) &&
	       n++ < WALK_DEPTH_MAX) {
		struct view top = path_directory(path);

		if (errno != ENOENT)
			return baseline_failed(p->r, EXIT_IO,
					       "%s: something else is in the "
					       "place of its folder, move it "
					       "away first: %s",
					       p->path.p, strerror(errno));
		while (!folder_is_there(top) && errno == ENOENT)
			top = path_directory(top);
		code = restore_folder(p, top);
	}
	return code;
}

static enum exit_code
restore_known(struct putting *p, const struct baseline_item *item)
{
	struct restore_from from = { .objects = p->objects };
	struct err *err = &p->r->io->err;
	bool named = S_ISREG(item->e.mode) && item->e.nlink > 1;
	enum exit_code code;

	p->n_names = 0;
	if (named && find_names(p, item) != 0)
		return baseline_failed(p->r, EXIT_STATE, "%s",
				       baseline_problem(p->r->baseline));
	code = restore_folders(p);
	if (code != EXIT_NOTHING)
		return code;
	/* Its place has been moved. */
	if (baseline_find(p->r->baseline, buf_view(&p->path), &item) != 1)
		return baseline_failed(p->r, EXIT_STATE, "%s",
				       baseline_problem(p->r->baseline));
	from.names = p->names;
	from.n_names = p->n_names;
	if (restore_item(item, &from, err) == 0) {
		note_done(p, "restored ", buf_view(&p->path));
		return EXIT_NOTHING;
	}
	if (errno == ENODATA && item->package.n > 0 &&
	    !view_ends(item->package, VIEW(PACKAGES_NEAR)))
		return baseline_failed(p->r, EXIT_STATE,
				       "%s belongs to the package %.*s: "
				       "install that again",
				       p->path.p, (int)item->package.n,
				       item->package.p);
	return errno == ENODATA ? EXIT_STATE : EXIT_IO;
}

static enum exit_code
restore_unknown(struct putting *p)
{
	if (!scope_covers(&p->r->scope, buf_view(&p->path)))
		return baseline_usage(p->r, "%s is not in the baseline's scope",
				      p->path.p);
	if (!p->r->o->delete)
		return baseline_usage(p->r,
				      "%s is not in the baseline; --delete "
				      "removes it",
				      p->path.p);
	if (restore_remove(buf_view(&p->path), &p->r->io->err) != 0)
		return EXIT_IO;
	note_done(p, "removed  ", buf_view(&p->path));
	return EXIT_NOTHING;
}

static enum exit_code
log_restore(struct putting *p)
{
	struct baseline_run *r = p->r;
	struct buf detail = { 0 };
	struct journal_record record = { .action = "restore",
					 .who = buf_view(&r->who),
					 .reason = view_of(r->o->reason) };
	int rc = 0;

	if (p->n == 0)
		return EXIT_NOTHING;
	buf_puts(&detail, "{\"paths\":");
	buf_put(&detail, buf_view(&p->done));
	buf_puts(&detail, "]}");
	record.detail = buf_view(&detail);
	rc = journal_append(r->state, &record, &r->io->err);
	buf_free(&detail);
	return rc == 0 ? EXIT_NOTHING : EXIT_IO;
}

/* ---- both ------------------------------------------------------------ */

/* As it is spelled. */
static bool
spell_path(const char *arg, struct buf *out)
{
	char *here = arg[0] == '/' ? strdup("") : getcwd(NULL, 0);

	if (here == NULL)
		return false;
	buf_puts(out, here);
	if (arg[0] != '/')
		buf_putc(out, '/');
	buf_puts(out, arg);
	buf_putc(out, '\0');
	free(here);
	if (out->failed)
		return false;
	out->n--;
	return true;
}

/* As the paths of a baseline are. What the baseline has by the words, but not
 * by where they lead, has a link put in its way. As baseline_find. */
static int
find_path(struct putting *p, const char *arg, const struct baseline_item **item)
{
	struct baseline *b = p->r->baseline;
	struct buf spelled = { 0 };
	int rc = baseline_find(b, buf_view(&p->path), item);

	if (rc == 0 && spell_path(arg, &spelled) &&
	    baseline_find(b, buf_view(&spelled), item) == 1) {
		struct buf other = p->path;

		p->path = spelled;
		spelled = other;
		rc = 1;
	}
	buf_free(&spelled);
	return rc;
}

static enum exit_code
each_path(struct putting *p, bool restore)
{
	struct baseline_run *r = p->r;
	enum exit_code code = EXIT_NOTHING, one;

	for (size_t i = 1; i < r->o->args.n; i++) {
		const struct baseline_item *item;
		int rc;

		if (!baseline_run_path(r, r->o->args.v[i], &p->path, &one))
			return one;
		rc = find_path(p, r->o->args.v[i], &item);
		if (rc < 0)
			return baseline_failed(r, EXIT_STATE, "%s",
					       baseline_problem(r->baseline));
		if (rc == 1)
			one = restore ? restore_known(p, item)
				      : diff_item(p, item);
		else
			one = restore ? restore_unknown(p)
				      : baseline_usage(r,
						       "%s is not in the "
						       "baseline",
						       p->path.p);
		code = worse(code, one);
	}
	return code;
}

static enum exit_code
run(struct baseline_run *r, bool restore)
{
	struct putting p = { .r = r };
	enum exit_code code;

	if (r->o->args.n < 2)
		return baseline_usage(r, "tocsin baseline %s wants paths",
				      restore ? "restore" : "diff");
	code = baseline_run_open(r);
	if (code != EXIT_NOTHING)
		return code;
	p.objects = objects_open(r->state, false);
	code = each_path(&p, restore);
	if (restore)
		code = worse(code, log_restore(&p));
	objects_close(p.objects);
	buf_free(&p.path);
	buf_free(&p.done);
	free(p.names);
	arena_free(&p.arena);
	return code;
}

enum exit_code
baseline_diff(struct baseline_run *r)
{
	return run(r, false);
}

enum exit_code
baseline_restore(struct baseline_run *r)
{
	return run(r, true);
}
