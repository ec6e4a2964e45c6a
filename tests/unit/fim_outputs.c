/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Outputs: what a syslog message looks like, a cursor's place, a file that is
 * rotated, and what the configuration may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/outlet.h"
#include "fim/state_db.h"
#include "fim/syslog.h"
#include "tests/unit/run_help.h"

struct fixture {
	char folder[64];
	struct err err;
	struct buf why;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-outputs-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN("rm", "-r", f->folder), 0);
	err_free(&f->err);
	buf_free(&f->why);
	free(f);
	return 0;
}

/* ---- syslog ---------------------------------------------------------- */

static void
test_syslog(void **state)
{
	static const char want[] =
		"<82>1 2026-01-02T03:04:05.678901Z h?st tocsin - alert "
		"[tocsin@32473 id=\"0a\" rule=\"r\" "
		"name=\"a \\\"b\\\" \\\\ \\] ?\xc3\xa4?\" "
		"level=\"critical\" severity=\"99\" file=\"/x\"] ";
	struct cursor_alert a = {
		.id = VIEW("0a"),
		.rule_id = VIEW("r"),
		.json = VIEW("{\"rule\":{\"name\":\"a \\\"b\\\" \\\\ ]"
			     " \\n\xc3\xa4\\u0000\",\"level\":\"critical\"},"
			     "\"event\":{\"severity\":99},\"host\":{\"name\":"
			     "\"h st\"},\"file\":{\"path\":\"/x\"},"
			     "\"message\":\"m\"}"),
	};
	struct buf text = { 0 }, framed = { 0 };
	struct arena arena = { 0 };
	struct outlet_facts f;

	(void)state;
	assert_true(rfc3339_read(VIEW("2026-01-02T03:04:05.678901234Z"),
				 &a.time_ns));
	outlet_facts(&a, &arena, &f);
	assert_true(view_eq(f.message, VIEW("m")));
	syslog_format(&a, &f, syslog_facility(VIEW("authpriv")), a.json, &text);
	assert_int_equal(text.n, sizeof(want) - 1 + a.json.n);
	assert_memory_equal(text.p, want, sizeof(want) - 1);
	assert_memory_equal(text.p + sizeof(want) - 1, a.json.p, a.json.n);
	syslog_frame(VIEW("12345"), &framed);
	syslog_frame(VIEW_NONE, &framed);
	assert_true(view_eq(buf_view(&framed), VIEW("5 123450 ")));
	buf_free(&text);
	buf_free(&framed);
	arena_free(&arena);
}

/* What is no alert is sent all the same. */
static void
test_syslog_without_facts(void **state)
{
	struct cursor_alert a = { .id = VIEW("1"), .json = VIEW("[broken") };
	struct arena arena = { 0 };
	struct outlet_facts f;
	struct buf text = { 0 };

	(void)state;
	outlet_facts(&a, &arena, &f);
	syslog_format(&a, &f, 1, a.json, &text);
	assert_true(view_eq(buf_view(&text),
			    VIEW("<12>1 1970-01-01T00:00:00.000000Z - tocsin -"
				 " alert [tocsin@32473 id=\"1\"] [broken")));
	buf_free(&text);
	arena_free(&arena);
}

/* ---- cursors --------------------------------------------------------- */

static void
add(struct state *s, int from, int to)
{
	char id[16], json[32];

	for (int i = from; i < to; i++) {
		snprintf(id, sizeof(id), "%05d", i);
		snprintf(json, sizeof(json), "{\"n\":%d}", i);
		assert_int_equal(state_add_alert(s, view_of(id), VIEW("r"), 1,
						 view_of(json)),
				 0);
	}
	assert_int_equal(state_commit(s), 0);
}

struct told {
	size_t n;
	uint64_t behind, delivered;
	char problem[32];
};

static void
tell(void *ctx, const struct cursor_state *c)
{
	struct told *t = ctx;

	if (!view_eq(c->name, VIEW("a")))
		return;
	t->n++;
	t->behind = c->behind;
	t->delivered = c->figures.delivered;
	snprintf(t->problem, sizeof(t->problem), "%.*s", (int)c->problem.n,
		 c->problem.p);
}

static void
test_cursor(void **state)
{
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);
	struct cursor_batch b = { 0 };
	struct told told = { 0 };
	struct cursor *c;

	add(s, 0, 3); /* before the output was there */
	assert_int_equal(state_add_output(s, VIEW("a")), 0);
	add(s, 3, 103);
	assert_int_equal(state_add_output(s, VIEW("a")), 0); /* stays */
	c = cursor_open(f->folder, VIEW("a"), &f->why);
	assert_non_null(c);
	assert_int_equal(cursor_read(c, &b), 0);
	assert_int_equal(b.n, CURSOR_BATCH);
	assert_true(view_eq(b.v[0].id, VIEW("00003")));
	assert_true(view_eq(b.v[0].json, VIEW("{\"n\":3}")));
	cursor_figures(c)->seq = b.v[9].seq;
	cursor_figures(c)->delivered = 10;
	assert_int_equal(cursor_save(c, VIEW("why")), 0);
	assert_int_equal(state_each_output(s, tell, &told), 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.behind, 90);
	assert_int_equal(told.delivered, 10);
	assert_string_equal(told.problem, "why");
	cursor_close(c);
	/* Another process goes on from there, and not before it. */
	c = cursor_open(f->folder, VIEW("a"), &f->why);
	assert_int_equal(cursor_read(c, &b), 0);
	assert_true(view_eq(b.v[0].id, VIEW("00013")));
	cursor_figures(c)->seq = 1;
	assert_int_equal(cursor_save(c, VIEW_NONE), 0);
	assert_int_equal(state_each_output(s, tell, &told), 0);
	assert_int_equal(told.behind, 90);
	cursor_close(c);
	/* What was removed meanwhile is counted. */
	assert_int_equal(sqlite3_exec(s->db,
				      "DELETE FROM alerts WHERE"
				      " seq <= 50",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	c = cursor_open(f->folder, VIEW("a"), &f->why);
	assert_int_equal(cursor_read(c, &b), 0);
	assert_int_equal(b.v[0].seq, 51);
	assert_int_equal(cursor_figures(c)->missed, 50 - 13);
	cursor_close(c);
	arena_free(&b.arena);
	state_close(s);
}

/* The watcher writes at that moment: the cursor waits for the next time. */
static void
test_cursor_busy(void **state)
{
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);
	struct cursor *c;

	assert_int_equal(state_add_output(s, VIEW("a")), 0);
	c = cursor_open(f->folder, VIEW("a"), &f->why);
	assert_int_equal(
		sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(cursor_save(c, VIEW_NONE), -1);
	assert_int_equal(sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(cursor_save(c, VIEW_NONE), 0);
	cursor_close(c);
	state_close(s);
}

static void
test_no_state(void **state)
{
	struct fixture *f = *state;

	assert_null(cursor_open(f->folder, VIEW("a"), &f->why));
	assert_true(f->why.n > 0);
}

/* ---- files ----------------------------------------------------------- */

struct file_case {
	struct config_output config;
	struct outlet outlet;
	char path[96];
};

static void
file_begin(struct file_case *c, const struct fixture *f, int64_t max,
	   int64_t keep)
{
	snprintf(c->path, sizeof(c->path), "%s/log/alerts", f->folder);
	c->config = (struct config_output){ .path = view_of(c->path),
					    .max_bytes = max,
					    .keep = keep };
	c->outlet =
		(struct outlet){ .ops = &outlet_file, .config = &c->config };
}

static size_t
deliver(struct file_case *c, const char *json, size_t n, struct buf *why)
{
	struct cursor_alert v[64];
	struct outlet_result r = { 0 };
	size_t taken;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct cursor_alert){ .json = view_of(json) };
	taken = outlet_file.deliver(&c->outlet, v, n, &r);
	buf_clear(why);
	buf_put(why, buf_view(&r.why));
	buf_free(&r.why);
	return taken;
}

static off_t
size_of(const struct file_case *c, const char *suffix)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", c->path, suffix);
	return lstat(path, &st) == 0 ? st.st_size : -1;
}

static void
test_file_rotates(void **state)
{
	struct fixture *f = *state;
	struct file_case c;
	struct stat st;

	file_begin(&c, f, 30, 2);
	assert_int_equal(outlet_file.open(&c.outlet, &f->why), 0);
	assert_int_equal(deliver(&c, "123456789", 3, &f->why), 3);
	assert_int_equal(size_of(&c, ""), 30); /* just fits */
	assert_int_equal(size_of(&c, ".1"), -1);
	assert_int_equal(deliver(&c, "123456789", 7, &f->why), 7);
	assert_int_equal(size_of(&c, ""), 10);
	assert_int_equal(size_of(&c, ".1"), 30);
	assert_int_equal(size_of(&c, ".2"), 30);
	assert_int_equal(size_of(&c, ".3"), -1);
	/* One that is larger than any file has one for itself. */
	assert_int_equal(deliver(&c, "1234567890123456789012345678901234567890",
				 1, &f->why),
			 1);
	assert_int_equal(size_of(&c, ""), 41);
	assert_int_equal(size_of(&c, ".1"), 10);
	assert_int_equal(stat(c.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	outlet_file.close(&c.outlet);
}

static void
test_file_of_others(void **state)
{
	struct fixture *f = *state;
	struct file_case c;
	char other[128];
	int fd;

	file_begin(&c, f, 1000, 1);
	assert_int_equal(outlet_file.open(&c.outlet, &f->why), 0);
	/* Renamed by somebody else. */
	assert_int_equal(deliver(&c, "a", 1, &f->why), 1);
	snprintf(other, sizeof(other), "%s.old", c.path);
	assert_int_equal(rename(c.path, other), 0);
	assert_int_equal(deliver(&c, "b", 1, &f->why), 1);
	assert_int_equal(size_of(&c, ""), 2);
	assert_int_equal(size_of(&c, ".old"), 2);
	/* Cut short by a crash. */
	assert_int_equal(truncate(c.path, 1), 0);
	assert_int_equal(deliver(&c, "c", 1, &f->why), 1);
	assert_int_equal(size_of(&c, ""), 4);
	/* A link is not followed. */
	assert_int_equal(unlink(c.path), 0);
	assert_int_equal(symlink(other, c.path), 0);
	assert_int_equal(deliver(&c, "d", 1, &f->why), 0);
	assert_true(f->why.n > 0);
	assert_int_equal(size_of(&c, ".old"), 2);
	/* Nor is a pipe waited for. */
	assert_int_equal(unlink(c.path), 0);
	assert_int_equal(mkfifo(c.path, 0600), 0);
	assert_int_equal(deliver(&c, "d", 1, &f->why), 0);
	assert_true(view_search(buf_view(&f->why), VIEW("regular"), 0) >= 0);
	/* And it goes on. */
	assert_int_equal(unlink(c.path), 0);
	fd = open(c.path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(deliver(&c, "e", 1, &f->why), 1);
	outlet_file.close(&c.outlet);
}

/* ---- configuration --------------------------------------------------- */

static void
test_config_good(void **state)
{
	struct fixture *f = *state;
	struct config c = { 0 };
	const struct config_output *v;

	assert_int_equal(
		config_read(&c, "t",
			    VIEW("outputs:\n"
				 "  - {type: file, path: /a/b, keep: 0}\n"
				 "  - type: syslog\n"
				 "    name: far\n"
				 "    to: 'tcp://[::1]:514'\n"
				 "  - {type: webhook, url: 'https://x/',"
				 " headers: ['A: b', 'C: d'], timeout: 2s}\n"),
			    &f->err),
		0);
	v = c.outputs.v;
	assert_int_equal(c.outputs.n, 3);
	assert_true(view_eq(v[0].name, VIEW("file")));
	assert_int_equal(v[0].keep, 0);
	assert_int_equal(v[0].max_bytes, 100 << 20);
	assert_true(view_eq(v[1].facility, VIEW("authpriv")));
	assert_int_equal(v[1].timeout_ns, 10 * NS_PER_SEC);
	assert_int_equal(v[2].headers.n, 2);
	assert_int_equal(v[2].timeout_ns, 2 * NS_PER_SEC);
	config_free(&c);
}

static void
test_config_bad(void **state)
{
	static const struct {
		const char *item, *says;
	} cases[] = {
		{ "7", "an output is a map" },
		{ "{path: /x}", "wants the key \"type\"" },
		{ "{type: sylog}", "one of" },
		{ "{type: file}", "wants the key \"path\"" },
		{ "{type: file, path: x}", "absolute" },
		{ "{type: file, path: /x, url: 'http://x'}", "unknown key" },
		{ "{type: file, path: /x, keep: -1}", "keep" },
		{ "{type: file, path: /x, max_bytes: 5}", "max_bytes" },
		{ "{type: journald, name: 'a b'}", "\"name\"" },
		{ "{type: journald, name: ''}", "\"name\"" },
		{ "{type: syslog, to: 'udp://x:1'}", "\"to\"" },
		{ "{type: syslog, to: 'tcp://x'}", "\"to\"" },
		{ "{type: syslog, to: 'tcp://x:99999'}", "\"to\"" },
		{ "{type: syslog, to: 'tcp://::1:5'}", "\"to\"" },
		{ "{type: syslog, to: 'unix:x'}", "\"to\"" },
		{ "{type: syslog, facility: kern}", "facility" },
		{ "{type: webhook, url: 'ftp://x'}", "\"url\"" },
		{ "{type: webhook, url: 'http://x', headers: [a]}",
		  "\"headers\"" },
		{ "{type: webhook, url: 'http://x', headers: [\"a: b\\nc: d\"]}",
		  "one line" },
		{ "{type: webhook, url: 'http://x', key: /k}", "go together" },
		{ "{type: webhook, url: 'http://x', timeout: 1h}", "timeout" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config c = { 0 };
		struct err err = { 0 };
		struct buf yaml = { 0 };

		buf_printf(&yaml, "outputs:\n  - %s\n", cases[i].item);
		assert_int_equal(config_read(&c, "t", buf_view(&yaml), &err),
				 -1);
		if (err.n != 1 || err.v[0].line != 2 ||
		    view_search(err.v[0].message, view_of(cases[i].says), 0) <
			    0)
			fail_msg("%s: %zu: %.*s", cases[i].item, err.n,
				 (int)err.v[0].message.n, err.v[0].message.p);
		buf_free(&yaml);
		err_free(&err);
		config_free(&c);
	}
	(void)f;
}

#define case_of(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_syslog_without_facts),
		case_of(test_cursor),
		case_of(test_cursor_busy),
		case_of(test_no_state),
		case_of(test_file_rotates),
		case_of(test_file_of_others),
		case_of(test_config_good),
		case_of(test_config_bad),
	};

	return cmocka_run_group_tests_name("outputs", tests, NULL, NULL);
}
