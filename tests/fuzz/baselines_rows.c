/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An unsigned baseline whose rows somebody has changed (rows_help.h), or whose
 * file is, after a first byte r, the bytes behind it: whatever is in it,
 * reading and searching it end, every view holds what it says, and of a
 * baseline that nobody has changed all is found.
 */
#include "baselines/baseline.h"
#include "baselines/scope.h"

#include "tests/fuzz/rows_help.h"

#define FILES 8u
#define ITEMS_MAX 100u

static const struct folder_file files[] = { { 0, "baseline.db" },
					    { 0, "baseline.db.new" },
					    { 0, "baseline.lock" } };

static const struct row_cell cells[] = {
	{ "file", "id", "rowid" },	  { "file", "name", "rowid" },
	{ "file", "mode", "rowid" },	  { "file", "uid", "rowid" },
	{ "file", "size", "rowid" },	  { "file", "mtime", "rowid" },
	{ "file", "nlink", "rowid" },	  { "file", "sha256", "rowid" },
	{ "file", "extra", "rowid" },	  { "file", "package", "rowid" },
	{ "dir", "id", "rowid" },	  { "dir", "path", "rowid" },
	{ "dir", "first", "rowid" },	  { "extra", "id", "rowid" },
	{ "extra", "target", "rowid" },	  { "extra", "xattrs", "rowid" },
	{ "extra", "flags", "rowid" },	  { "extra", "device", "rowid" },
	{ "extra", "fault", "rowid" },	  { "package", "id", "rowid" },
	{ "package", "name", "rowid" },	  { "accounts", "file", "rowid" },
	{ "accounts", "lines", "rowid" }, { "scope", "id", "rowid" },
	{ "scope", "kind", "rowid" },	  { "scope", "pattern", "rowid" },
	{ "meta", "name", "name" },	  { "meta", "value", "name" },
};

static struct buf sound; /* the file as it was made */

/* ---- making ---------------------------------------------------------- */

static void
add_file(struct baseline_writer *w, const char *dir, unsigned i)
{
	static const char xattrs[] = "user.a\0\1\0\0\0v";
	char name[16];
	struct baseline_item item = {
		.e = { .dir = view_of(dir),
		       .mode = S_IFREG | 0644,
		       .nlink = 1,
		       .size = i,
		       .inode = i,
		       .has_digest = i % 2 == 0 },
		.package = i % 3 == 0 ? VIEW("pkg") : VIEW(""),
		.lines = i == 4 ? VIEW("root:*:1\n") : VIEW(""),
	};

	snprintf(name, sizeof(name), "f%u", i);
	item.e.name = view_of(name);
	if (i % 2 == 1)
		item.e.xattrs = (struct view){ xattrs, sizeof(xattrs) - 1 };
	check(baseline_add(w, &item) == 0);
}

static void
make(void)
{
	struct err err = { 0 };
	struct scope scope = { 0 };
	struct baseline_meta meta = { .generation = 1,
				      .time_ns = 1,
				      .host = VIEW("host"),
				      .action = VIEW("init") };
	struct baseline_writer *w;
	int fd;

	folder_make();
	w = baseline_create(folder, &err);
	check(w != NULL && scope_add(&scope, SCOPE_ROOT, VIEW("/a")) == 0);
	for (unsigned i = 0; i < FILES; i++)
		add_file(w, i < FILES / 2 ? "/a" : "/a/b", i);
	check(baseline_commit(w, &meta, &scope, NULL, &err) == 0);
	baseline_abandon(w);
	scope_free(&scope);
	fd = openat(folder_fd, files[0].name, O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && fd_read_all(fd, 1 << 20, &sound) == 0);
	close(fd);
}

/* ---- reading --------------------------------------------------------- */

static void
use_item(const struct baseline_item *item)
{
	const struct walk_entry *e = &item->e;

	use(e->dir);
	use(e->name);
	use(e->target);
	use(e->xattrs);
	use(item->package);
	use(item->lines);
	check(e->name.p[e->name.n] == '\0' && e->dir.p[e->dir.n] == '\0');
	check((unsigned)e->fault <= WALK_HUNG);
}

static void
find(struct baseline *b, struct view path)
{
	const struct baseline_item *item;

	for (int i = 0; i < 3 && baseline_find(b, path, &item) == 1; i++) {
		use_item(item);
		if (baseline_next(b, &item) == 1)
			use_item(item);
	}
}

static void
use_meta(const struct baseline *b)
{
	const struct baseline_meta *m = baseline_meta(b);

	use(m->host);
	use(m->action);
	use(m->who);
	use(m->reason);
	use(m->log);
	use(m->parent);
	use(m->root);
	use(view_of(baseline_problem(b)));
}

/* How many files it has; each is looked for, too. */
static unsigned
read_all(struct baseline *b)
{
	const struct baseline_item *item;
	struct buf paths = { 0 };
	struct view rest, path;
	unsigned n = 0;

	while (n < ITEMS_MAX && baseline_next(b, &item) == 1) {
		use_item(item);
		n++;
		buf_put(&paths, item->e.dir);
		buf_putc(&paths, '/');
		buf_put(&paths, item->e.name);
		buf_putc(&paths, '\0');
	}
	rest = buf_view(&paths);
	while (view_next_item(&rest, &path))
		find(b, path);
	buf_free(&paths);
	return n;
}

static void
read_baseline(bool untouched)
{
	enum baseline_verdict verdict;
	struct err err = { 0 };
	struct scope scope = { 0 };
	struct baseline *b = baseline_open(folder, NULL, &verdict, &err);
	const struct baseline_item *item;
	unsigned n;

	check((b == NULL) == (err.n > 0));
	check((b == NULL) == (verdict != BASELINE_GOOD));
	check(b != NULL || !untouched);
	if (b != NULL) {
		use_meta(b);
		n = read_all(b);
		baseline_rewind(b);
		check(read_all(b) == n);
		find(b, VIEW("/a/b/f7"));
		find(b, VIEW("/"));
		check(!untouched ||
		      (n == FILES &&
		       baseline_find(b, VIEW("/a/b/f7"), &item) == 1));
		check((baseline_scope(b, &scope, &err) == 0) == (err.n == 0));
	}
	baseline_close(b);
	scope_free(&scope);
	err_free(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view input = { (const char *)data, n };

	if (folder_fd < 0)
		make();
	if (n > 0 && data[0] == 'r') {
		folder_put(files[0].name, view_sub(input, 1, SIZE_MAX));
	} else {
		folder_put(files[0].name, buf_view(&sound));
		rows_change(files[0].name, cells, ARRAY_LEN(cells), input);
	}
	read_baseline(n == 0);
	folder_clear(files, ARRAY_LEN(files));
	return 0;
}
