/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers as rpm writes them, and as nobody should. tests/packages has the
 * same with databases of rpm's own making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/packages_inside.h"
#include "baselines/rpm_header.h"
#include "tests/unit/run_help.h"

/* ---- writing --------------------------------------------------------- */

struct writer {
	struct buf entries, data;
	uint32_t n;
};

static void
put_u32(struct buf *b, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(b, (char)(n >> shift));
}

static void
entry(struct writer *w, uint32_t tag, uint32_t type, uint32_t count)
{
	put_u32(&w->entries, tag);
	put_u32(&w->entries, type);
	put_u32(&w->entries, (uint32_t)w->data.n);
	put_u32(&w->entries, count);
	w->n++;
}

static void
strings(struct writer *w, uint32_t tag, uint32_t type, uint32_t count,
	struct view text)
{
	entry(w, tag, type, count);
	buf_put(&w->data, text);
}

static void
number(struct writer *w, uint32_t tag, uint32_t n)
{
	entry(w, tag, 4, 1);
	put_u32(&w->data, n);
}

/* SHA-256 of "abc", FIPS 180-2. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* "test": /opt/file (0755), /opt/link to file, /opt/sub (0755). */
static void
make_header(struct buf *out)
{
	static const char modes[] = "\x81\xed\xa1\xff\x41\xed";
	static const char indexes[12];
	struct writer w = { 0 };

	strings(&w, RPM_NAME, 6, 1, VIEW("test\0"));
	strings(&w, RPM_BASE_NAMES, 8, 3, VIEW("file\0link\0sub\0"));
	strings(&w, RPM_DIR_NAMES, 8, 1, VIEW("/opt/\0"));
	strings(&w, RPM_DIR_INDEXES, 4, 3, (struct view){ indexes, 12 });
	strings(&w, RPM_FILE_MODES, 3, 3, (struct view){ modes, 6 });
	strings(&w, RPM_FILE_DIGESTS, 8, 3, VIEW(ABC "\0\0\0"));
	strings(&w, RPM_FILE_LINKS, 8, 3, VIEW("\0file\0\0"));
	strings(&w, RPM_FILE_USERS, 8, 3, VIEW("root\0root\0root\0"));
	strings(&w, RPM_FILE_GROUPS, 8, 3, VIEW("root\0root\0root\0"));
	number(&w, RPM_DIGEST_ALGORITHM, RPM_SHA256);
	buf_clear(out);
	put_u32(out, w.n);
	put_u32(out, (uint32_t)w.data.n);
	buf_put(out, buf_view(&w.entries));
	buf_put(out, buf_view(&w.data));
	buf_free(&w.entries);
	buf_free(&w.data);
}

/* ---- a root with a database ------------------------------------------ */

struct fixture {
	char folder[64];
	struct packages *packages;
};

static void
write_database(struct fixture *f, struct view blob)
{
	char path[128];
	sqlite3_stmt *st;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/var/lib/rpm/rpmdb.sqlite", f->folder);
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TABLE Packages (hnum INTEGER"
				      " PRIMARY KEY, blob BLOB NOT NULL)",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_prepare_v2(db, "INSERT INTO Packages (blob) VALUES (?1)", -1,
			   &st, NULL);
	sqlite3_bind_blob(st, 1, blob.n > 0 ? blob.p : "", (int)blob.n,
			  SQLITE_STATIC);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
	sqlite3_close(db);
	packages_close(f->packages);
	f->packages = packages_open(f->folder);
}

static int
setup(void **state)
{
	static const char *const folders[] = { "var", "var/lib",
					       "var/lib/rpm" };
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128];

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-rpm-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->folder, folders[i]);
		mkdir(path, 0755);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	RUN("rm", "-rf", "--", f->folder);
	packages_close(f->packages);
	free(f);
	return 0;
}

static const char *
ask(struct fixture *f, const char *name, struct walk_entry now)
{
	struct change c = { .kind = CHANGE_ADDED,
			    .dir = VIEW("/opt"),
			    .name = view_of(name),
			    .now = &now };

	now.name = c.name;
	now.dirfd = -1;
	packages_explain(f->packages, &c);
	return c.evidence != NULL ? c.evidence : "";
}

static struct walk_entry
file_of(uint32_t mode)
{
	static const uint8_t abc[32] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01,
					 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde,
					 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03,
					 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
					 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
					 0x15, 0xad };
	struct walk_entry e = { .mode = mode, .has_digest = true };

	memcpy(e.sha256, abc, sizeof(abc));
	return e;
}

/* ---- tests ----------------------------------------------------------- */

static void
test_explained(void **state)
{
	struct walk_entry e = file_of(S_IFREG | 0755),
			  link = { .mode = S_IFLNK | 0777,
				   .target = VIEW("file") };
	struct fixture *f = *state;
	struct buf header = { 0 };

	make_header(&header);
	write_database(f, buf_view(&header));
	assert_true(view_eq(packages_owner(f->packages, VIEW("/opt/file")),
			    VIEW("test")));
	assert_string_equal(ask(f, "file", e), "rpm");
	assert_string_equal(ask(f, "link", link), "rpm");
	assert_string_equal(
		ask(f, "sub", (struct walk_entry){ .mode = S_IFDIR | 0755 }),
		"rpm");
	/* Nearly. */
	e.sha256[31] ^= 1;
	assert_string_equal(ask(f, "file", e), "");
	assert_string_equal(ask(f, "file", file_of(S_IFREG | 04755)), "");
	e = file_of(S_IFREG | 0755);
	e.uid = 1;
	assert_string_equal(ask(f, "file", e), "");
	e = file_of(S_IFREG | 0755);
	e.flags = 0x10;
	assert_string_equal(ask(f, "file", e), "");
	assert_string_equal(ask(f, "other", file_of(S_IFREG | 0755)), "");
	link.target = VIEW("sub");
	assert_string_equal(ask(f, "link", link), "");
	assert_string_equal(
		ask(f, "file", (struct walk_entry){ .mode = S_IFLNK | 0777 }),
		"");
	buf_free(&header);
}

/* Cut short anywhere, or with any byte of the index set: nothing is read past,
 * and no other file is explained. */
static void
test_hostile(void **state)
{
	struct buf header = { 0 };
	struct rpm_header h;
	struct view rest, s;
	uint32_t n;

	(void)state;
	make_header(&header);
	for (size_t i = 0; i < header.n; i++) {
		char *copy = malloc(i + 1);

		memcpy(copy, header.p, i);
		assert_false(rpm_header_open((struct view){ copy, i }, &h));
		free(copy);
	}
	for (size_t i = 0; i < 8 + 10 * 16; i++) {
		char saved = header.p[i];

		header.p[i] = (char)0xff;
		if (rpm_header_open(buf_view(&header), &h)) {
			rpm_number(&h, RPM_FILE_MODES, 2, &n);
			rpm_number(&h, RPM_DIR_INDEXES, UINT32_MAX, &n);
			rpm_strings(&h, RPM_BASE_NAMES, &rest);
			while (rpm_next_string(&rest, &s))
				;
		}
		header.p[i] = saved;
	}
	buf_free(&header);
}

static void
test_hostile_database(void **state)
{
	struct fixture *f = *state;
	struct buf header = { 0 };

	make_header(&header);
	for (size_t i = 0; i < 8 + 10 * 16; i += 3) {
		char saved = header.p[i];

		header.p[i] = (char)0xff;
		write_database(f, buf_view(&header));
		assert_string_equal(ask(f, "other", file_of(S_IFREG | 0755)),
				    "");
		header.p[i] = saved;
	}
	write_database(f, VIEW("no header"));
	assert_string_equal(ask(f, "file", file_of(S_IFREG | 0755)), "");
	buf_free(&header);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_explained, setup,
						teardown),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test_setup_teardown(test_hostile_database, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
