/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin baseline: what its actions share. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "baselines/journal.h"
#include "baselines/packages.h"
#include "fim/baseline.h"
#include "fim/keys.h"

#define OPEN_ATTEMPTS 10

static const struct {
	const char *name;
	enum exit_code (*run)(struct baseline_run *);
} actions[] = {
#define ACTION(name) { #name, baseline_##name },
	BASELINE_ACTIONS
#undef ACTION
};

enum exit_code
baseline_failed(struct baseline_run *r, enum exit_code code, const char *fmt,
		...)
{
	struct buf b = { 0 };
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && buf_reserve(&b, (size_t)n + 1)) {
		va_start(ap, fmt);
		vsnprintf(b.p, (size_t)n + 1, fmt, ap);
		va_end(ap);
		err_add(&r->io->err, (struct place){ 0 }, "%s", b.p);
	} else {
		err_no_memory(&r->io->err, (struct place){ 0 });
	}
	buf_free(&b);
	return code;
}

enum exit_code
baseline_usage(struct baseline_run *r, const char *fmt, ...)
{
	char text[512]; /* our own words and one option's */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return baseline_failed(r, EXIT_USAGE, "%s", text);
}

/* ---- opening --------------------------------------------------------- */

static enum exit_code
check_journal(struct baseline_run *r, const struct baseline_meta *m)
{
	struct journal_state s = { 0 };
	enum exit_code code = EXIT_NOTHING;
	int rc = journal_read(r->state, m->log, &s, NULL, NULL, &r->io->err);

	if (rc != 0)
		code = rc > 0 ? EXIT_TAMPERED : EXIT_STATE;
	else if (m->log.n > 0 && !s.known)
		code = baseline_failed(r, EXIT_TAMPERED,
				       "the journal lacks the record that the "
				       "baseline names: it was cut off or "
				       "exchanged");
	else if (s.generation > m->generation)
		code = baseline_failed(
			r, EXIT_TAMPERED,
			"the baseline is of generation %llu, and the journal "
			"knows of %llu: an older one was put in its place",
			(unsigned long long)m->generation,
			(unsigned long long)s.generation);
	else if (s.generation == m->generation &&
		 !view_eq(buf_view(&s.root), m->root))
		code = baseline_failed(r, EXIT_TAMPERED,
				       "the baseline is not the one that the "
				       "journal knows as generation %llu",
				       (unsigned long long)m->generation);
	journal_state_free(&s);
	return code;
}

static enum exit_code
check_meta(struct baseline_run *r)
{
	const struct baseline_meta *m = baseline_meta(r->baseline);
	struct buf host = { 0 };
	int rc = baseline_host(&host);
	bool ours = view_eq(buf_view(&host), m->host);

	buf_free(&host);
	if (rc != 0)
		return baseline_failed(r, EXIT_IO,
				       "which host this is cannot be known: "
				       "/etc/machine-id: %s",
				       strerror(errno));
	if (!ours)
		return baseline_failed(r, EXIT_TAMPERED,
				       "the baseline belongs to another host");
	return check_journal(r, m);
}

static enum exit_code
code_of(enum baseline_verdict verdict)
{
	switch (verdict) {
	case BASELINE_GOOD:
		return EXIT_NOTHING;
	case BASELINE_NONE:
		return EXIT_NO_BASELINE;
	case BASELINE_TAMPERED:
		return EXIT_TAMPERED;
	default:
		return EXIT_STATE;
	}
}

enum exit_code
baseline_run_open(struct baseline_run *r)
{
	enum baseline_verdict verdict;
	enum exit_code code = keys_trusted(r->o, r->io, &r->keys);

	if (code != EXIT_NOTHING)
		return code;
	for (int i = 0; i < OPEN_ATTEMPTS; i++) {
		baseline_close(r->baseline);
		err_free(&r->io->err); /* of the last attempt */
		r->baseline = baseline_open(r->state, &r->keys, &verdict,
					    &r->io->err);
		if (r->baseline == NULL)
			return code_of(verdict);
		code = check_meta(r);
		/* The journal may be of a generation made just now. */
		if (code != EXIT_TAMPERED || !baseline_replaced(r->baseline))
			break;
	}
	if (code != EXIT_NOTHING)
		return code;
	if (baseline_scope(r->baseline, &r->scope, &r->io->err) != 0)
		return EXIT_STATE;
	if (scope_roots(&r->scope) != 0)
		return baseline_failed(r, EXIT_IO, "%s", strerror(errno));
	return EXIT_NOTHING;
}

struct packages *
baseline_run_packages(struct baseline_run *r)
{
	struct packages *p = packages_open(NULL);
	struct objects *objects = objects_open(r->state, false);

	if (p == NULL) {
		baseline_failed(r, EXIT_IO, "out of memory");
	} else if (packages_remember(p, r->baseline, objects) != 0) {
		baseline_failed(r, EXIT_STATE, "%s",
				baseline_problem(r->baseline));
		packages_close(p);
		p = NULL;
	}
	objects_close(objects);
	return p;
}

enum exit_code
baseline_no_path(struct baseline_run *r, const char *arg)
{
	if (errno == ETIMEDOUT)
		return baseline_failed(r, EXIT_IO, "%s %s", arg,
				       walk_fault_sentence(WALK_HUNG));
	/* The host's trouble, and not a word that is wrong. */
	if (errno == EIO || errno == ENOMEM || errno == EMFILE ||
	    errno == ENFILE)
		return baseline_failed(r, EXIT_IO, "%s: %s", arg,
				       strerror(errno));
	return baseline_usage(r, "%s: %s", arg, strerror(errno));
}

bool
baseline_run_path(struct baseline_run *r, const char *arg, struct buf *out,
		  enum exit_code *code)
{
	struct scope one = { .patience_ns = r->scope.patience_ns };
	bool ok = scope_add_gone_path(&one, arg) == 0;

	buf_clear(out);
	if (ok) {
		buf_put(out, one.v[0].pattern);
		buf_putc(out, '\0');
		out->n--;
	} else {
		*code = baseline_no_path(r, arg);
	}
	scope_free(&one);
	return ok;
}

/* ---- signals, progress ----------------------------------------------- */

bool
baseline_run_stopped(struct baseline_run *r)
{
	return batch_stopped(&r->batch);
}

void
baseline_run_progress(struct baseline_run *r, uint64_t files, uint64_t total,
		      uint64_t bytes)
{
	batch_progress(&r->batch, files, total, bytes);
}

void
baseline_run_progress_end(struct baseline_run *r)
{
	batch_progress_end(&r->batch);
}

/* ---- the run --------------------------------------------------------- */

/* Who answers for it: the one who logged in, whatever sudo made of them. */
static void
find_who(struct buf *out)
{
	struct view text;
	struct buf login = { 0 };
	const struct passwd *me = getpwuid(geteuid()), *who = NULL;
	uint64_t uid;
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		fd_read_all(fd, 32, &login);
		close(fd);
	}
	if (me != NULL)
		buf_puts(out, me->pw_name);
	else
		buf_printf(out, "uid %u", geteuid());
	text = view_trim(buf_view(&login));
	/* 4294967295: nobody logged in, proc_pid_loginuid(5). */
	if (view_to_u64(text, &uid) && uid < UINT32_MAX) {
		who = getpwuid((uid_t)uid);
		if (uid != geteuid())
			buf_printf(out, " (login %s)",
				   who != NULL ? who->pw_name : "unknown");
	}
	buf_free(&login);
}

static enum exit_code
prepare(struct baseline_run *r)
{
	const struct options *o = r->o;
	enum exit_code code;

	if (!batch_threads(o, &r->threads))
		return baseline_usage(r, "--threads wants a number from 1 to "
					 "64");
	code = config_load(&r->config, o, &r->io->err);
	if (code != EXIT_NOTHING)
		return code;
	r->scope.patience_ns = (uint64_t)r->config.patience_ns;
	r->state = config_state(&r->config, o);
	code = config_check_newest(&r->config, r->state, &r->io->err);
	if (code != EXIT_NOTHING)
		return code;
	batch_start(&r->batch, o, r->io);
	find_who(&r->who);
	return EXIT_NOTHING;
}

static void
release(struct baseline_run *r)
{
	baseline_close(r->baseline);
	scope_free(&r->scope);
	free((void *)r->keys.v);
	buf_free(&r->who);
	config_free(&r->config);
}

/* SARIF is of what was found only. */
static bool
no_format(const struct options *o, const char *action)
{
	return o->format == FORMAT_HTML ||
	       (o->format == FORMAT_SARIF && strcmp(action, "check") != 0);
}

/* Options of other actions are not ignored: who writes "restore --plan" wants
 * nothing restored. */
static enum exit_code
check_options(struct baseline_run *r, const char *action)
{
	const struct options *o = r->o;
	const struct {
		bool given;
		const char *name, *actions;
	} rows[] = {
		{ o->plan, "--plan", "init" },
		{ o->quick, "--quick", "check" },
		{ o->key != NULL, "--key", "init check accept" },
		{ o->is_unsigned, "--unsigned", "init accept" },
		{ o->reason != NULL, "--reason", "init accept restore" },
		{ o->packages.n > 0, "--package", "accept" },
		{ o->report != NULL, "--report", "accept" },
		{ o->unsigned_report, "--unsigned-report", "accept" },
		{ o->verify, "--verify", "log" },
		{ o->delete, "--delete", "restore" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct view rest = view_of(rows[i].actions), word;
		bool ours = !rows[i].given;

		while (!ours && view_next_split(&rest, ' ', &word))
			ours = view_eq(word, view_of(action));
		if (!ours)
			return baseline_usage(
				r,
				"tocsin baseline %s takes no %s: that is for %s",
				action, rows[i].name, rows[i].actions);
	}
	return EXIT_NOTHING;
}

enum exit_code
cmd_baseline(const struct options *o, struct cmd_io *io)
{
	struct baseline_run r = { .o = o, .io = io };
	const char *action = o->args.n > 0 ? o->args.v[0] : "";
	enum exit_code code;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (strcmp(action, actions[i].name) != 0)
			continue;
		if (no_format(o, action))
			return baseline_usage(&r, "baselines are shown as "
						  "text, json or ndjson");
		code = check_options(&r, actions[i].name);
		if (code != EXIT_NOTHING)
			return code;
		code = prepare(&r);
		if (code == EXIT_NOTHING)
			code = actions[i].run(&r);
		release(&r);
		return code;
	}
	return baseline_usage(&r, "tocsin baseline wants init, check, accept, "
				  "diff, list, show, restore or log");
}
