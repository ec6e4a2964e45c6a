/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports: written, chained, signed; read back, shown, and every flipped bit
 * found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fim/report.h"
#include "fim/report_show.h"
#include "fim/report_tree.h"
#include "fim/state.h"

#define FLIPS 1000
#define SEED 20261121u

struct fixture {
	char folder[32];
	char state[64], key[64], file[64], signature[80];
	struct sign_secret *secret;
	struct sign_keys keys;
	struct options options;
	struct cmd_io io;
};

static const struct baseline_meta meta = {
	.generation = 7,
	.time_ns = 1700000000ull * NS_PER_SEC,
	.files = 3,
	.root = { "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef",
		  64 },
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = { 0 };

	if (f == NULL || sodium_init() < 0)
		return -1;
	memcpy(f->folder, "/tmp/report-XXXXXX", 19);
	if (mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->state, sizeof(f->state), "%s/state", f->folder);
	snprintf(f->key, sizeof(f->key), "%s/key", f->folder);
	snprintf(f->file, sizeof(f->file), "%s/report.json", f->folder);
	snprintf(f->signature, sizeof(f->signature), "%s.minisig", f->file);
	f->secret = sign_generate();
	f->keys = (struct sign_keys){ sign_secret_public(f->secret), 1, false };
	if (mkdir(f->state, 0700) != 0 ||
	    sign_secret_write(f->secret, f->key, NULL, &err) != 0)
		return -1;
	f->options = (struct options){ .format = FORMAT_JSON,
				       .key = f->key,
				       .output = f->file };
	*state = f;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	sign_secret_free(f->secret);
	err_free(&f->io.err);
	nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static struct report *
begin(struct fixture *f)
{
	const struct report_start start = {
		.options = &f->options,
		.io = &f->io,
		.state = f->state,
		.made_by = "unit test",
		.started_ns = clock_wall_ns(),
		.baseline = &meta,
	};
	struct report *r;

	f->io.out = fopen(f->file, "we");
	f->io.out_path = f->file;
	assert_non_null(f->io.out);
	assert_int_equal(report_begin(&start, &r), EXIT_NOTHING);
	return r;
}

static void
end(struct fixture *f, struct report *r)
{
	const struct report_read read = { .files = 3, .bytes = 1000 };

	assert_int_equal(report_end(r, &read), EXIT_NOTHING);
	fclose(f->io.out);
}

static void
put_changes(struct report *r, unsigned n)
{
	struct walk_entry old = { .mode = S_IFREG | 0644, .has_extra = true };
	struct walk_entry now = { .mode = S_IFREG | 04755, .has_extra = true };
	struct change c = { .kind = CHANGE_CHANGED,
			    .dir = VIEW("/etc/<b>"),
			    .name = VIEW("name\n\x1b[31m\xff"),
			    .attributes = 1u << CHANGE_MODE,
			    .old = &old,
			    .now = &now };

	for (unsigned i = 0; i < n; i++)
		report_change(r, &c, VIEW("@@ -1 +1 @@\n-a\n+<i>b\n"));
	c.kind = CHANGE_ADDED;
	c.attributes = 0;
	c.old = NULL;
	report_change(r, &c, VIEW(""));
}

static struct buf
read_whole(const char *path)
{
	struct buf b = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_read_all(fd, REPORT_MAX_BYTES, &b), 0);
	close(fd);
	return b;
}

static void
read_back(struct fixture *f, struct report_doc *doc)
{
	struct err err = { 0 };

	*doc = (struct report_doc){ .file = "r", .text = read_whole(f->file) };
	if (report_parse(doc, &err) != 0)
		fail_msg("%.*s", (int)err.v[0].message.n, err.v[0].message.p);
	err_free(&err);
}

/* ---- writing --------------------------------------------------------- */

static void
test_round(void **state)
{
	struct fixture *f = *state;
	struct report *r = begin(f);
	struct report_doc doc;
	struct buf path = { 0 };
	const json_t *c;

	put_changes(r, 2);
	report_note(r, "test", "a \"note\" of %d", 1);
	end(f, r);
	read_back(f, &doc);
	assert_int_equal(report_count(doc.root, "summary.changed"), 2);
	assert_int_equal(report_count(doc.root, "summary.added"), 1);
	assert_int_equal(report_count(doc.root, "baseline.generation"), 7);
	assert_int_equal(report_count(doc.root, "coverage.bytes"), 1000);
	assert_true(json_is_null(report_get(doc.root, "previous")));
	c = json_array_get(report_get(doc.root, "changes"), 0);
	report_path(c, &path);
	assert_true(
		view_eq(buf_view(&path), VIEW("/etc/<b>/name\n\x1b[31m\xff")));
	assert_true(view_eq(report_text(c, "diff"),
			    VIEW("@@ -1 +1 @@\n-a\n+<i>b\n")));
	c = json_array_get(report_get(doc.root, "changes"), 2);
	assert_true(view_eq(report_text(c, "entry.mode"), VIEW("4755")));
	buf_free(&path);
	report_doc_free(&doc);
}

static void
test_chain(void **state)
{
	struct fixture *f = *state;
	char last[65] = "";

	for (int i = 0; i < 3; i++) {
		struct report_doc doc;
		struct report *r = begin(f);

		/* One that is given up breaks nothing. */
		report_abandon(r);
		fclose(f->io.out);
		end(f, begin(f));
		read_back(f, &doc);
		assert_true(view_eq(report_text(doc.root, "previous.sha256"),
				    view_of(last)));
		memcpy(last, doc.sha256, sizeof(last));
		report_doc_free(&doc);
	}
}

static void
add_gap(struct state *s, uint64_t from_ns, uint64_t to_ns)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO gaps (from_ns, to_ns, scope, cause, lost)"
		 " VALUES (%llu, %llu, 'files', 'why', 5)",
		 (unsigned long long)from_ns, (unsigned long long)to_ns);
	assert_int_equal(sqlite3_exec(state_db(s), sql, NULL, NULL, NULL),
			 SQLITE_OK);
}

/* Alerts and gaps are told once, in the report of their period. */
static void
test_period(void **state)
{
	struct fixture *f = *state;
	const struct view alert = VIEW("{\"@timestamp\":\"2026-01-02T03:04:"
				       "05Z\",\"rule\":{\"id\":\"r\"}}");
	uint64_t now_ns = clock_wall_ns();
	struct err err = { 0 };
	struct state *s = state_open(f->state, &err);
	/* The first is from before the look back. */
	const uint64_t ages_ns[] = { REPORT_LOOK_BACK_NS + 10 * NS_PER_SEC,
				     10 * NS_PER_SEC, NS_PER_SEC };
	const uint64_t wanted[][2] = { { 2, 1 }, { 0, 0 }, { 1, 0 } };
	char id[2] = "a";

	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_LEN(ages_ns); i++, id[0]++)
		state_add_alert(s, view_of(id), VIEW("r"), now_ns - ages_ns[i],
				alert);
	add_gap(s, now_ns - 9, now_ns - 3);
	state_commit(s);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct report_doc doc;

		/* Late, and of a time that the last report knew already. */
		if (i == 2) {
			state_add_alert(s, VIEW("z"), VIEW("r"), now_ns - 5,
					alert);
			state_add_alert(s, VIEW("y"), VIEW("r"), now_ns,
					VIEW("{\"a\":1,\"a\":2}"));
			state_commit(s);
		}
		end(f, begin(f));
		read_back(f, &doc);
		assert_int_equal(
			json_array_size(report_get(doc.root, "alerts")),
			wanted[i][0]);
		assert_int_equal(json_array_size(report_get(doc.root, "gaps")),
				 wanted[i][1]);
		assert_int_equal(
			json_array_size(report_get(doc.root, "coverage.notes")),
			i == 2);
		report_doc_free(&doc);
	}
	state_close(s);
}

/* ---- signatures ------------------------------------------------------ */

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

static void
test_flips(void **state)
{
	struct fixture *f = *state;
	struct report *r = begin(f);
	struct buf files[2];
	uint64_t seed = SEED;
	int found = 0;

	put_changes(r, 50);
	end(f, r);
	files[0] = read_whole(f->file);
	files[1] = read_whole(f->signature);
	for (int i = -1; i < FLIPS; i++) {
		struct sign_result result = { 0 };
		struct buf *b = &files[i & 1];
		size_t at = next_random(&seed) % b->n;
		char bit = (char)(1 << next_random(&seed) % 8);
		enum sign_verdict verdict;

		if (i >= 0) /* first of all as it is */
			b->p[at] ^= bit;
		verdict = sign_verify_bytes(buf_view(&files[0]),
					    buf_view(&files[1]), &f->keys,
					    &result);
		if (i < 0)
			assert_int_equal(verdict, SIGN_GOOD);
		else if (verdict != SIGN_GOOD)
			found++;
		else
			print_message("bit %02x of byte %zu is not found\n",
				      (unsigned char)bit, at);
		if (i >= 0)
			b->p[at] ^= bit;
	}
	print_message("%d of %d flipped bits found (seed %u)\n", found, FLIPS,
		      SEED);
	assert_int_equal(found, FLIPS);
	buf_free(&files[0]);
	buf_free(&files[1]);
}

/* ---- reading --------------------------------------------------------- */

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "this is no report" },
		{ "[]", "must be an object" },
		{ "{}", "no report of Tocsin" },
		{ "{\"format\":\"tocsin-report\",\"format\":1}", "duplicate" },
		{ "{\"format\":\"tocsin-report\",\"version\":2}",
		  "has version 2" },
		{ "{\"format\":\"tocsin-report\",\"version\":1e99999}",
		  "overflow" },
		{ "{\"format\":\"tocsin-report\","
		  "\"version\":99999999999999999999}",
		  "too big" },
		{ "{\"format\":\"tocsin-report\",\"version\":-1}",
		  "version must be 1" },
		{ "{\"format\":\"tocsin-report\",\"version\":1}",
		  "made_by is missing" },
		{ "{\"format\":\"tocsin-report\",\"version\":1,"
		  "\"made_by\":[]}",
		  "made_by must be text" },
		{ "{\"format\":\"\xff\"}", "byte 0xff" },
		{ "{\"format\":\"tocsin-report\"} x", "end of file" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct report_doc doc = { .file = "r" };
		struct err err = { 0 };

		buf_puts(&doc.text, rows[i].text);
		assert_int_equal(report_parse(&doc, &err), -1);
		assert_int_equal(err.n, 1);
		if (view_search(err.v[0].message, view_of(rows[i].why), 0) < 0)
			fail_msg("%s: %.*s", rows[i].text,
				 (int)err.v[0].message.n, err.v[0].message.p);
		err_free(&err);
		report_doc_free(&doc);
	}
}

static void
test_deep(void **state)
{
	struct report_doc doc = { .file = "r" };
	struct err err = { 0 };

	(void)state;
	buf_puts(&doc.text, "{\"format\":\"tocsin-report\",\"x\":");
	for (int i = 0; i < 100000; i++)
		buf_putc(&doc.text, '[');
	assert_int_equal(report_parse(&doc, &err), -1);
	assert_int_equal(err.n, 1);
	err_free(&err);
	report_doc_free(&doc);
}

/* ---- process trees --------------------------------------------------- */

static struct report_moment
moment_of(const char *json)
{
	json_t *item = json_loads(json, 0, NULL);

	assert_non_null(item);
	return (struct report_moment){ .item = item };
}

static void
test_tree(void **state)
{
	struct report_moment v[] = {
		moment_of("{\"process\":{\"entity_id\":\"c\",\"pid\":3,"
			  "\"parent\":{\"entity_id\":\"b\"}},\"tocsin\":{"
			  "\"process\":{\"ancestors\":{\"entity_id\":[\"b\","
			  "\"a\"],\"pid\":[2,1]}}}}"),
		/* Says that the first one's root is below its leaf. */
		moment_of("{\"process\":{\"entity_id\":\"a\",\"parent\":{"
			  "\"entity_id\":\"c\"}}}"),
		moment_of("{\"process\":{\"entity_id\":\"d\",\"parent\":{"
			  "\"entity_id\":\"d\"}}}"),
		moment_of("{\"process\":{\"entity_id\":7,\"pid\":9}}"),
		moment_of("{\"process\":[]}"),
		moment_of("{\"tocsin\":{\"process\":{\"ancestors\":{"
			  "\"entity_id\":{\"x\":1}}}}}"),
	};
	struct report_tree t;
	const struct report_node *n;

	(void)state;
	report_tree_make(&t, v, ARRAY_LEN(v));
	n = &t.nodes[t.root];
	assert_true(view_eq(n->id, VIEW("a")));
	assert_int_equal(n->pid, 1);
	assert_int_not_equal(n->mark, REPORT_TREE_NONE);
	n = &t.nodes[n->child];
	assert_true(view_eq(n->id, VIEW("b")));
	assert_int_equal(n->next, REPORT_TREE_NONE);
	n = &t.nodes[n->child];
	assert_true(view_eq(n->id, VIEW("c")));
	assert_int_equal(n->child, REPORT_TREE_NONE);
	n = &t.nodes[t.nodes[t.root].next];
	assert_true(view_eq(n->id, VIEW("d")));
	assert_int_equal(n->child, REPORT_TREE_NONE);
	assert_true(view_eq(t.nodes[n->next].id, VIEW("9")));
	assert_int_equal(t.n_nodes, 5);
	report_tree_free(&t);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		json_decref((json_t *)v[i].item);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_period, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flips, setup, teardown),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
