/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin baseline init, accept: new generations. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "baselines/capture.h"
#include "baselines/journal.h"
#include "fim/baseline.h"
#include "fim/keys.h"

/* Paths that one acceptance may have; more is a new baseline. */
#define ROOTS_MAX 1000000u
/* For --plan: what was measured on plain hardware, a core. */
#define PLAN_BYTES_PER_SEC 1.0e9
#define PLAN_FILES_PER_SEC 1.5e5
#define PATHS_LOGGED 20u

struct making {
	struct baseline_run *r;
	struct capture capture;
	struct sign_secret *secret;
	struct baseline_meta meta;
	struct capture_root *roots;
	size_t n_roots, roots_cap;
	struct arena arena;
	struct buf host, log, parent, detail;
	struct packages *packages; /* to explain with */
	uint64_t total;		   /* files expected */
	bool failed;
};

static void
tell_uncovered(void *ctx, const struct walk_entry *e)
{
	struct making *m = ctx;
	struct buf b = { 0 };

	if (m->capture.totals.uncovered > 20)
		return;
	baseline_run_progress_end(m->r);
	buf_puts(&b, "tocsin: ");
	change_put_uncovered(&b, e);
	fwrite(b.p, 1, b.n, m->r->io->notes);
	buf_free(&b);
}

static bool
show_progress(void *ctx, const struct capture_totals *t)
{
	struct making *m = ctx;

	baseline_run_progress(m->r, t->files, m->total, t->bytes);
	return !baseline_run_stopped(m->r);
}

static enum exit_code
out_of_memory(struct making *m)
{
	return baseline_failed(m->r, EXIT_IO, "out of memory");
}

/* ---- the secret key -------------------------------------------------- */

static enum exit_code
open_key(struct making *m)
{
	const struct options *o = m->r->o;
	enum exit_code code;

	if ((o->key != NULL) == o->is_unsigned)
		return baseline_usage(m->r,
				      "who answers for it? --key FILE, the "
				      "secret key, or --unsigned and sign it "
				      "elsewhere");
	if (o->key == NULL)
		return EXIT_NOTHING;
	m->secret = keys_open_secret(o, o->key, m->r->io, &code);
	return m->secret != NULL ? EXIT_NOTHING : code;
}

/* ---- generation and journal ------------------------------------------ */

/* What the journal and the present file say of the last generation. A commit
 * that was stopped before its record is caught up with. */
static enum exit_code
find_parent(struct making *m, const struct baseline_meta *old)
{
	struct journal_state s = { 0 };
	int rc = journal_read(m->r->state, VIEW_NONE, &s, NULL, NULL,
			      &m->r->io->err);
	enum exit_code code = EXIT_NOTHING;

	if (rc != 0) {
		journal_state_free(&s);
		return rc > 0 ? EXIT_TAMPERED : EXIT_STATE;
	}
	m->meta.generation = s.generation + 1;
	if (old != NULL) {
		struct journal_record record = {
			.action = "recovered",
			.generation = old->generation,
			.root = old->root,
			.who = old->who,
			.reason = old->reason,
		};

		buf_put(&m->parent, old->root);
		if (s.generation > old->generation && m->capture.old != NULL)
			code = baseline_failed(m->r, EXIT_IO,
					       "another tocsin has written a "
					       "baseline meanwhile; try again");
		if (old->generation >= m->meta.generation) {
			m->meta.generation = old->generation + 1;
			if (journal_append(m->r->state, &record,
					   &m->r->io->err) != 0)
				code = EXIT_IO;
		}
	}
	journal_state_free(&s);
	return code;
}

/* A journal must exist before the generation that names its head. */
static enum exit_code
find_log_head(struct making *m)
{
	struct journal_record start = { .action = "start",
					.who = buf_view(&m->r->who) };
	struct journal_state s = { 0 };
	enum exit_code code = EXIT_NOTHING;
	int rc = journal_read(m->r->state, VIEW_NONE, &s, NULL, NULL,
			      &m->r->io->err);

	if (rc == 0 && s.records == 0) {
		rc = journal_append(m->r->state, &start, &m->r->io->err);
		if (rc == 0)
			rc = journal_read(m->r->state, VIEW_NONE, &s, NULL,
					  NULL, &m->r->io->err);
	}
	if (rc != 0)
		code = EXIT_IO;
	buf_put(&m->log, buf_view(&s.head));
	journal_state_free(&s);
	return code;
}

static enum exit_code
commit(struct making *m, const struct scope *scope)
{
	struct baseline_run *r = m->r;
	struct journal_record record = { 0 };
	enum exit_code code = find_log_head(m);

	if (code != EXIT_NOTHING)
		return code;
	if (baseline_host(&m->host) != 0)
		return baseline_failed(r, EXIT_IO, "/etc/machine-id: %s",
				       strerror(errno));
	m->meta.time_ns = clock_wall_ns();
	m->meta.host = buf_view(&m->host);
	m->meta.who = buf_view(&r->who);
	m->meta.reason = view_of(r->o->reason);
	m->meta.log = buf_view(&m->log);
	m->meta.parent = buf_view(&m->parent);
	if (m->host.failed || m->log.failed || m->parent.failed)
		return out_of_memory(m);
	/* What the database refers to is on disk before it is. */
	if (m->capture.totals.kept > 0 && objects_sync(m->capture.objects) != 0)
		return baseline_failed(m->r, EXIT_IO, "objects: %s",
				       strerror(errno));
	if (baseline_commit(m->capture.writer, &m->meta, scope, m->secret,
			    &r->io->err) != 0)
		return EXIT_IO;
	record = (struct journal_record){
		.action = m->meta.action.p,
		.generation = m->meta.generation,
		.root = m->meta.root,
		.who = m->meta.who,
		.reason = m->meta.reason,
		.detail = buf_view(&m->detail),
	};
	if (journal_append(r->state, &record, &r->io->err) != 0)
		return EXIT_IO;
	return EXIT_NOTHING;
}

static void
tell_made(struct making *m)
{
	const struct capture_totals *t = &m->capture.totals;

	fprintf(m->r->io->notes,
		"tocsin: generation %llu: %llu files, %llu not covered, "
		"%.1f MiB%s\n",
		(unsigned long long)m->meta.generation,
		(unsigned long long)t->files, (unsigned long long)t->uncovered,
		(double)baseline_bytes(m->capture.writer) / (1 << 20),
		m->secret != NULL ? "" : ", to be signed");
}

static enum exit_code
capture_and_commit(struct making *m)
{
	struct baseline_run *r = m->r;
	enum exit_code code;

	m->capture.keep_bytes = (uint64_t)r->config.keep_bytes;
	m->capture.max_bytes = (uint64_t)r->config.read_bytes;
	m->capture.threads = r->threads;
	m->capture.scope = &r->scope;
	m->capture.uncovered = tell_uncovered;
	m->capture.progress = show_progress;
	m->capture.ctx = m;
	if (r->config.keep_bytes > 0)
		m->capture.objects = objects_open(r->state, true);
	if (m->packages == NULL)
		m->packages = packages_open(NULL);
	m->capture.packages = m->packages;
	if (m->packages != NULL)
		packages_begin(m->packages);
	if (capture_run(&m->capture, &r->io->err) != 0)
		return EXIT_IO;
	baseline_run_progress_end(r);
	if (m->capture.stopped)
		return EXIT_STOPPED;
	code = commit(m, &r->scope);
	if (code == EXIT_NOTHING)
		tell_made(m);
	return code;
}

static void
making_free(struct making *m)
{
	baseline_abandon(m->capture.writer);
	objects_close(m->capture.objects);
	packages_close(m->packages);
	sign_secret_free(m->secret);
	free(m->roots);
	arena_free(&m->arena);
	buf_free(&m->host);
	buf_free(&m->log);
	buf_free(&m->parent);
	buf_free(&m->detail);
}

/* ---- init ------------------------------------------------------------ */

/* Our own state changes with every use. It may be about to be made, and be a
 * link. */
static int
skip_state(struct baseline_run *r)
{
	struct scope state = { .patience_ns = r->scope.patience_ns };
	int rc = scope_add_path(&state, r->state);

	if (rc != 0 && errno == ENOENT)
		rc = scope_add_gone_path(&state, r->state);
	for (size_t i = 0; rc == 0 && i < state.n; i++)
		rc = scope_add(&r->scope, SCOPE_SKIP, state.v[i].pattern);
	scope_free(&state);
	return rc;
}

static enum exit_code
make_scope(struct baseline_run *r)
{
	bool paths = r->o->args.n > 1;

	if (scope_add_default(&r->scope, !paths) != 0)
		return baseline_failed(r, EXIT_IO, "%s", strerror(errno));
	for (size_t i = 1; i < r->o->args.n; i++)
		if (scope_add_path(&r->scope, r->o->args.v[i]) != 0)
			return baseline_no_path(r, r->o->args.v[i]);
	for (size_t i = 0; i < r->config.keep.n; i++)
		if (scope_add(&r->scope, SCOPE_KEEP, r->config.keep.v[i]) != 0)
			return baseline_failed(r, EXIT_IO, "%s",
					       strerror(errno));
	if (skip_state(r) != 0)
		return baseline_failed(r, EXIT_IO, "%s: %s", r->state,
				       strerror(errno));
	if (scope_roots(&r->scope) != 0)
		return baseline_failed(r, EXIT_IO, "%s", strerror(errno));
	return EXIT_NOTHING;
}

static enum exit_code
plan(struct making *m)
{
	struct baseline_run *r = m->r;
	const struct capture_totals *t = &m->capture.totals;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	double seconds;

	m->capture.scope = &r->scope;
	m->capture.threads = r->threads;
	m->capture.uncovered = tell_uncovered;
	m->capture.progress = show_progress;
	m->capture.ctx = m;
	if (capture_run(&m->capture, &r->io->err) != 0)
		return EXIT_IO;
	baseline_run_progress_end(r);
	if (m->capture.stopped)
		return EXIT_STOPPED;
	seconds = ((double)t->bytes / PLAN_BYTES_PER_SEC +
		   (double)t->files / PLAN_FILES_PER_SEC) /
		  (double)(cores > 0 ? cores : 1);
	if (r->o->format == FORMAT_JSON || r->o->format == FORMAT_NDJSON)
		fprintf(r->io->out,
			"{\"files\":%llu,\"bytes\":%llu,"
			"\"estimate_seconds\":%.1f}\n",
			(unsigned long long)t->files,
			(unsigned long long)t->bytes, seconds);
	else
		fprintf(r->io->out,
			"%llu files, %.1f MiB, about %.0f s when the files "
			"are in memory; a disk may take longer\n",
			(unsigned long long)t->files,
			(double)t->bytes / (1 << 20),
			seconds < 1 ? 1 : seconds);
	return EXIT_NOTHING;
}

/* The file that is about to be replaced is asked for its number and root, not
 * believed. */
static enum exit_code
init_generation(struct making *m)
{
	struct err ignored = { 0 };
	enum baseline_verdict verdict;
	struct baseline *old =
		baseline_open(m->r->state, NULL, &verdict, &ignored);
	enum exit_code code =
		find_parent(m, old != NULL ? baseline_meta(old) : NULL);

	baseline_close(old);
	err_free(&ignored);
	return code;
}

static enum exit_code
init_all(struct making *m)
{
	struct baseline_run *r = m->r;
	enum exit_code code = make_scope(r);

	if (code != EXIT_NOTHING)
		return code;
	if (r->o->plan)
		return plan(m);
	code = open_key(m);
	if (code != EXIT_NOTHING)
		return code;
	m->capture.writer = baseline_create(r->state, &r->io->err);
	if (m->capture.writer == NULL)
		return EXIT_IO;
	code = init_generation(m);
	if (code != EXIT_NOTHING)
		return code;
	m->meta.action = VIEW("init");
	return capture_and_commit(m);
}

enum exit_code
baseline_init(struct baseline_run *r)
{
	struct making m = { .r = r };
	enum exit_code code = init_all(&m);

	making_free(&m);
	return code;
}

/* ---- accept: which paths --------------------------------------------- */

static struct capture_root *
add_root(struct making *m, struct view path, bool alone)
{
	struct capture_root *v;

	if (m->n_roots == m->roots_cap) {
		size_t cap = m->roots_cap > 0 ? 2 * m->roots_cap : 64;

		v = m->n_roots >= ROOTS_MAX
			    ? NULL
			    : reallocarray(m->roots, cap, sizeof(*v));
		if (v == NULL) {
			m->failed = true;
			return NULL;
		}
		m->roots = v;
		m->roots_cap = cap;
	}
	v = &m->roots[m->n_roots];
	*v = (struct capture_root){ .path = arena_copy(&m->arena, path),
				    .alone = alone };
	if (v->path.p == NULL) {
		m->failed = true;
		return NULL;
	}
	m->n_roots++;
	return v;
}

/* A word that is spelled wrong accepts nothing, which must not look like
 * success. */
static enum exit_code
add_path(struct making *m, const char *arg, struct view path)
{
	struct baseline_run *r = m->r;
	struct scope there = { .patience_ns = r->scope.patience_ns };
	enum exit_code code = EXIT_NOTHING;
	const struct baseline_item *item;
	int rc;

	if (!scope_covers(&r->scope, path))
		return baseline_usage(r, "%s is not in the baseline's scope",
				      arg);
	rc = baseline_find(r->baseline, path, &item);
	if (rc < 0)
		return baseline_failed(r, EXIT_STATE, "%s",
				       baseline_problem(r->baseline));
	if (rc == 0 && scope_add_path(&there, path.p) != 0)
		code = errno == ENOENT || errno == ENOTDIR
			       ? baseline_usage(r,
						"%s is neither there nor in "
						"the baseline",
						arg)
			       : baseline_no_path(r, arg);
	else
		add_root(m, path, false);
	scope_free(&there);
	return code;
}

static enum exit_code
add_paths(struct making *m)
{
	struct baseline_run *r = m->r;
	struct buf path = { 0 };
	enum exit_code code = EXIT_NOTHING;

	for (size_t i = 1; i < r->o->args.n && code == EXIT_NOTHING; i++)
		if (baseline_run_path(r, r->o->args.v[i], &path, &code))
			code = add_path(m, r->o->args.v[i], buf_view(&path));
	buf_free(&path);
	return code;
}

static bool
package_wanted(const struct making *m, struct view name)
{
	for (size_t i = 0; i < m->r->o->packages.n; i++)
		if (view_eq(name, view_of(m->r->o->packages.v[i])))
			return true;
	return false;
}

static void
take_explained(void *ctx, const struct change *c)
{
	struct making *m = ctx;
	struct change copy = *c;
	struct capture_root *root;
	struct buf path = { 0 };

	if (!packages_explain(m->packages, &copy) ||
	    !package_wanted(m, copy.explained))
		return;
	change_path(&path, c->dir, c->name);
	root = add_root(m, buf_view(&path), true);
	buf_free(&path);
	if (root == NULL)
		return;
	root->expected = true;
	root->gone = c->now == NULL;
	root->has_state = c->now != NULL;
	if (root->has_state)
		change_state(c->now, NULL, root->state);
	if (c->now != NULL && c->now->has_digest)
		memcpy(root->sha256, c->now->sha256, sizeof(root->sha256));
}

/* After the comparison: that tells of packages which are gone. */
static enum exit_code
check_packages(struct making *m)
{
	for (size_t i = 0; i < m->r->o->packages.n; i++) {
		const char *name = m->r->o->packages.v[i];

		if (!packages_known(m->packages, view_of(name)))
			return baseline_usage(
				m->r, "no package %s is known here", name);
	}
	return EXIT_NOTHING;
}

static enum exit_code
add_packages(struct making *m)
{
	struct baseline_run *r = m->r;
	struct compare c = { .baseline = r->baseline,
			     .scope = &r->scope,
			     .threads = r->threads,
			     .max_bytes = (uint64_t)r->config.read_bytes,
			     .change = take_explained,
			     .ctx = m };

	if (r->o->packages.n == 0)
		return EXIT_NOTHING;
	m->packages = baseline_run_packages(r);
	if (m->packages == NULL)
		return EXIT_STATE;
	return compare_run(&c, &r->io->err) == 0 ? check_packages(m)
						 : EXIT_STATE;
}

/* ---- accept: a report ------------------------------------------------ */

static void
add_reported(void *ctx, const struct capture_root *reported)
{
	struct capture_root *root = add_root(ctx, reported->path, true);
	struct view path;

	if (root == NULL)
		return; /* m->failed says so */
	path = root->path;
	*root = *reported;
	root->path = path;
}

/* ---- accept ---------------------------------------------------------- */

/* The first paths, for the journal. */
static void
put_detail(struct making *m)
{
	struct buf *b = &m->detail;

	buf_printf(b, "{\"paths\":%zu,\"first\":[", m->n_roots);
	for (size_t i = 0; i < m->n_roots && i < PATHS_LOGGED; i++) {
		if (i > 0)
			buf_putc(b, ',');
		buf_json_string(b, m->roots[i].path);
	}
	buf_puts(b, "]}");
}

static enum exit_code
choose_paths(struct making *m)
{
	enum exit_code code = add_paths(m);

	if (code == EXIT_NOTHING)
		code = add_packages(m);
	if (code == EXIT_NOTHING)
		code = baseline_reported(m->r, add_reported, m);
	if (code == EXIT_NOTHING && m->failed)
		return out_of_memory(m);
	return code;
}

static enum exit_code
accept_all(struct making *m)
{
	struct baseline_run *r = m->r;
	const struct options *o = r->o;
	enum exit_code code;

	if (o->unsigned_report && o->report == NULL)
		return baseline_usage(r, "--unsigned-report is about --report "
					 "FILE");
	if (o->args.n < 2 && o->packages.n == 0 && o->report == NULL)
		return baseline_usage(r, "accept what? paths, --package NAME "
					 "or --report FILE");
	if (o->reason == NULL || *o->reason == '\0')
		return baseline_usage(r, "accept wants --reason TEXT, for the "
					 "journal");
	code = open_key(m);
	if (code == EXIT_NOTHING)
		code = baseline_run_open(r);
	if (code == EXIT_NOTHING)
		code = choose_paths(m);
	if (code != EXIT_NOTHING)
		return code;
	if (m->n_roots == 0) {
		fputs("tocsin: nothing to accept\n", r->io->notes);
		return EXIT_NOTHING;
	}
	put_detail(m);
	m->capture.writer = baseline_create(r->state, &r->io->err);
	if (m->capture.writer == NULL)
		return EXIT_IO;
	m->capture.old = r->baseline;
	code = find_parent(m, baseline_meta(r->baseline));
	if (code != EXIT_NOTHING)
		return code;
	m->meta.action = VIEW("accept");
	m->capture.roots = m->roots;
	m->capture.n_roots = m->n_roots;
	m->total = baseline_meta(r->baseline)->files;
	return capture_and_commit(m);
}

enum exit_code
baseline_accept(struct baseline_run *r)
{
	struct making m = { .r = r };
	enum exit_code code = accept_all(&m);

	making_free(&m);
	return code;
}
