/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin baseline list, show, log. */
#include <jansson.h>
#include <stdlib.h>

#include "baselines/heart.h"
#include "fim/baseline.h"
#include "scan/scan.h"

static bool
wants_json(const struct baseline_run *r)
{
	return r->o->format == FORMAT_JSON || r->o->format == FORMAT_NDJSON;
}

/* With json all objects are one array, with ndjson a line each. */
static void
write_object(struct baseline_run *r, struct view object)
{
	bool array = r->o->format == FORMAT_JSON;

	if (array)
		fputs(r->listed == 0 ? "[\n" : ",\n", r->io->out);
	r->listed++;
	fwrite(object.p, 1, object.n, r->io->out);
	if (!array)
		putc('\n', r->io->out);
}

static void
end_objects(struct baseline_run *r)
{
	if (r->o->format == FORMAT_JSON)
		fputs(r->listed == 0 ? "[]\n" : "\n]\n", r->io->out);
}

/* ---- one item -------------------------------------------------------- */

static void
put_item_json(struct buf *b, const struct baseline_item *item)
{
	struct buf text = { 0 };

	change_path(&text, item->e.dir, item->e.name);
	buf_puts(b, "{\"path\":");
	buf_json_string(b, buf_view(&text));
	buf_putc(b, ',');
	change_put_entry_json(b, &item->e);
	buf_printf(b, ",\"inode\":\"%llu\"", (unsigned long long)item->e.inode);
	if (item->package.n > 0) {
		buf_puts(b, ",\"package\":");
		buf_json_string(b, item->package);
	}
	if (item->e.fault != WALK_FINE)
		buf_printf(b, ",\"uncovered\":\"%s\"",
			   walk_fault_word(item->e.fault));
	buf_putc(b, '}');
	buf_free(&text);
}

/* Mode, owner, size and digest's beginning, then the path. */
static void
put_item_line(struct buf *b, const struct baseline_item *item)
{
	struct buf path = { 0 };

	buf_printf(b, "%-12s %04o %5u %5u %10llu ",
		   file_type_name(item->e.mode), item->e.mode & 07777,
		   item->e.uid, item->e.gid, (unsigned long long)item->e.size);
	if (item->e.has_digest)
		buf_hex(b, item->e.sha256, 8);
	else
		buf_puts(b, "-               ");
	buf_putc(b, ' ');
	change_path(&path, item->e.dir, item->e.name);
	buf_text_word(b, buf_view(&path));
	buf_putc(b, '\n');
	buf_free(&path);
}

static void
put_item_full(struct buf *b, const struct baseline_item *item)
{
	struct buf text = { 0 };

	change_path(&text, item->e.dir, item->e.name);
	buf_puts(b, "path          ");
	buf_text(b, buf_view(&text));
	buf_putc(b, '\n');
	for (int a = 0; a < CHANGE_ATTRIBUTE_COUNT; a++) {
		buf_clear(&text);
		change_put_value(&text, (enum change_attribute)a, &item->e);
		if (text.n == 0 || view_eq(buf_view(&text), VIEW("none")) ||
		    (a == CHANGE_DEVICE && item->e.rdev == 0))
			continue;
		buf_printf(b, "%-13s ",
			   change_attribute_word((enum change_attribute)a));
		buf_text(b, buf_view(&text));
		buf_putc(b, '\n');
	}
	buf_printf(b, "inode         %llu\n",
		   (unsigned long long)item->e.inode);
	if (item->package.n > 0) {
		buf_puts(b, "package       ");
		buf_text(b, item->package);
		buf_putc(b, '\n');
	}
	if (item->e.fault != WALK_FINE)
		buf_printf(b, "uncovered     %s\n",
			   walk_fault_word(item->e.fault));
	buf_free(&text);
}

/* ---- list ------------------------------------------------------------ */

static enum exit_code
list_all(struct baseline_run *r)
{
	const struct baseline_item *item;
	struct buf b = { 0 };
	int rc;

	while ((rc = baseline_next(r->baseline, &item)) == 1) {
		if (wants_json(r)) {
			put_item_json(&b, item);
			write_object(r, buf_view(&b));
		} else {
			put_item_line(&b, item);
			fwrite(b.p, 1, b.n, r->io->out);
		}
		buf_clear(&b);
		if (baseline_run_stopped(r))
			break;
	}
	end_objects(r);
	buf_free(&b);
	if (rc < 0)
		return baseline_failed(r, EXIT_STATE, "%s",
				       baseline_problem(r->baseline));
	return rc == 1 ? EXIT_STOPPED : EXIT_NOTHING;
}

enum exit_code
baseline_list(struct baseline_run *r)
{
	enum exit_code code;

	if (r->o->args.n > 1)
		return baseline_usage(r, "tocsin baseline list takes no paths; "
					 "show does");
	code = baseline_run_open(r);
	return code == EXIT_NOTHING ? list_all(r) : code;
}

/* ---- show ------------------------------------------------------------ */

/* Of the file as it is now, by its folder. */
static void
put_now(struct buf *b, const struct baseline_item *item)
{
	struct walk_root root = { .alone = true };
	struct walk_options o = {
		.roots = &root, .n_roots = 1, .threads = 1, .most = WALK_ALL
	};
	struct change c = { .kind = CHANGE_REMOVED, .old = &item->e };
	struct walk_entry *now = NULL;
	struct buf path = { 0 };
	struct walk *w;

	change_path(&path, item->e.dir, item->e.name);
	root.path = buf_view(&path);
	w = walk_open(&o);
	c.dir = item->e.dir;
	c.name = item->e.name;
	if (w == NULL || walk_next(w, &now) != WALK_ENTRY)
		now = NULL;
	if (now != NULL && now->has_stat) {
		c.kind = CHANGE_CHANGED;
		c.now = now;
		c.attributes = change_differences(&item->e, now);
	}
	if (c.kind == CHANGE_CHANGED && c.attributes == 0) {
		buf_puts(b, "now           the same\n");
	} else if (now != NULL && !now->has_stat &&
		   now->fault != WALK_VANISHED) {
		buf_printf(b, "now           it %s\n",
			   walk_fault_sentence(now->fault));
	} else {
		buf_puts(b, "now           ");
		change_put_text(b, &c);
	}
	walk_close(w);
	buf_free(&path);
}

static enum exit_code
show_one(struct baseline_run *r, const char *arg)
{
	const struct baseline_item *item;
	struct buf path = { 0 }, b = { 0 };
	enum exit_code code = EXIT_NOTHING;
	int rc = 0;

	if (baseline_run_path(r, arg, &path, &code))
		rc = baseline_find(r->baseline, buf_view(&path), &item);
	if (code == EXIT_NOTHING && rc <= 0)
		code = baseline_failed(r, rc < 0 ? EXIT_STATE : EXIT_FINDINGS,
				       "%s is not in the baseline", arg);
	if (code == EXIT_NOTHING && wants_json(r)) {
		put_item_json(&b, item);
		write_object(r, buf_view(&b));
	} else if (code == EXIT_NOTHING) {
		put_item_full(&b, item);
		put_now(&b, item);
		fwrite(b.p, 1, b.n, r->io->out);
	}
	buf_free(&b);
	buf_free(&path);
	return code;
}

enum exit_code
baseline_show(struct baseline_run *r)
{
	enum exit_code code, one;

	if (r->o->args.n < 2)
		return baseline_usage(r, "tocsin baseline show wants paths");
	code = baseline_run_open(r);
	if (code != EXIT_NOTHING)
		return code;
	for (size_t i = 1; i < r->o->args.n; i++) {
		one = show_one(r, r->o->args.v[i]);
		if (one > code)
			code = one;
	}
	end_objects(r);
	return code;
}

/* ---- log ------------------------------------------------------------- */

static void
put_word(struct buf *b, json_t *json, const char *key, const char *before)
{
	json_t *value = json_object_get(json, key);

	if (!json_is_string(value))
		return;
	buf_puts(b, before);
	buf_text(b, (struct view){ json_string_value(value),
				   json_string_length(value) });
}

static void
put_record(void *ctx, struct view line)
{
	struct baseline_run *r = ctx;
	json_t *json = NULL;
	struct buf b = { 0 };

	if (wants_json(r)) {
		write_object(r, line);
		return;
	}
	json = json_loadb(line.p, line.n, 0, NULL);
	put_word(&b, json, "time", "");
	put_word(&b, json, "action", "  ");
	if (json_object_get(json, "generation") != NULL)
		buf_printf(&b, " %lld",
			   (long long)json_integer_value(
				   json_object_get(json, "generation")));
	put_word(&b, json, "who", "  ");
	put_word(&b, json, "reason", ": ");
	json_decref(json);
	buf_putc(&b, '\n');
	fwrite(b.p, 1, b.n, r->io->out);
	buf_free(&b);
}

/* What nobody has recorded, since nobody was there to. */
static void
tell_silence(struct baseline_run *r)
{
	struct heart_last last;
	struct err ignored = { 0 };
	struct buf since = { 0 };

	if (heart_read_last(r->state, &last, &ignored) == 0 &&
	    heart_is_silent(&last, clock_wall_ns())) {
		buf_rfc3339(&since, last.wall_ns);
		fprintf(r->io->notes,
			"tocsin: silence: no sign of life of the watcher since "
			"%.*s, and it was not stopped\n",
			(int)since.n, since.n > 0 ? since.p : "");
	}
	buf_free(&since);
	err_free(&ignored);
}

static enum exit_code
verify_log(struct baseline_run *r)
{
	struct heart_check check;
	struct journal_state s = { 0 };
	enum exit_code code = EXIT_NOTHING;
	int rc = journal_read(r->state, VIEW_NONE, &s, NULL, NULL, &r->io->err);

	if (rc == 0)
		rc = heart_verify(r->state, &r->keys, &check, &r->io->err);
	if (rc != 0)
		code = rc > 0 ? EXIT_TAMPERED : EXIT_STATE;
	else
		fprintf(r->io->notes,
			"tocsin: %llu records, none changed or missing; "
			"%llu signs of life, %llu records of the watcher "
			"signed, %llu not; %llu silences\n",
			(unsigned long long)s.records,
			(unsigned long long)check.beats,
			(unsigned long long)check.is_signed,
			(unsigned long long)check.not_signed,
			(unsigned long long)check.silences);
	/* As a kill leaves it, so it is no proof; nor is it nothing. */
	if (rc == 0 && s.half_bytes > 0)
		fprintf(r->io->notes,
			"tocsin: the journal ends in %llu bytes of a record: "
			"its writing was broken off, or the rest was cut off\n",
			(unsigned long long)s.half_bytes);
	journal_state_free(&s);
	return code;
}

/* Without a baseline, which the watcher does not need. That there is none is
 * said if there is nothing worse. */
static enum exit_code
verify_alone(struct baseline_run *r)
{
	struct err none = r->io->err;
	enum exit_code code;

	r->io->err = (struct err){ .max = none.max };
	code = verify_log(r);
	if (code != EXIT_NOTHING) {
		err_free(&none);
		return code;
	}
	tell_silence(r);
	err_free(&r->io->err);
	r->io->err = none;
	return EXIT_NO_BASELINE;
}

enum exit_code
baseline_log(struct baseline_run *r)
{
	struct journal_state s = { 0 };
	int rc;

	if (r->o->args.n > 1)
		return baseline_usage(r, "tocsin baseline log takes no paths");
	/* With a baseline to hold it against, a journal that ends too early
	 * is found as well. */
	if (r->o->verify) {
		enum exit_code code = baseline_run_open(r);

		if (code == EXIT_NO_BASELINE)
			return verify_alone(r);
		if (code != EXIT_NOTHING)
			return code;
		code = verify_log(r);
		tell_silence(r);
		return code;
	}
	rc = journal_read(r->state, VIEW_NONE, &s, put_record, r, &r->io->err);
	end_objects(r);
	journal_state_free(&s);
	if (rc > 0)
		return EXIT_TAMPERED;
	tell_silence(r);
	return rc < 0 ? EXIT_STATE : EXIT_NOTHING;
}
