/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rpm's database: rpmdb.sqlite, whose table Packages has a header of each
 * installed package (rpm_header.h). It says more than dpkg's: SHA-256, mode,
 * owner and where links lead, so that nothing but what it says is explained.
 *
 * rpm writes it with a log beside it, which is put into it when the last one
 * closes it; what is only in the log is not seen, and stands out.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/packages_inside.h"
#include "baselines/rpm_header.h"
#include "baselines/store.h"

#define FILES_MAX (4u << 20)

struct rpm_file {
	uint64_t hash;		    /* of the path */
	uint64_t link, user, group; /* hashes of words */
	uint32_t package;
	uint16_t mode;
	uint8_t digest_bytes; /* 32, 16, or 0 */
	bool has_caps;
	uint8_t digest[32];
};

/* What one header says of its files, read in step. */
struct file_lists {
	struct rpm_header h;
	struct view names, digests, links, users, groups, caps;
	struct view *dirs;
	uint32_t n, n_dirs, algorithm;
};

static bool
read_hex(struct view hex, uint8_t *out, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";

	if (hex.n != 2 * bytes)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		const char *d = memchr(digits, hex.p[i], 16);

		if (d == NULL)
			return false;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (d - digits));
	}
	return true;
}

static bool
lists_open(struct file_lists *l)
{
	struct view dirs;

	l->n = rpm_strings(&l->h, RPM_BASE_NAMES, &l->names);
	l->n_dirs = rpm_strings(&l->h, RPM_DIR_NAMES, &dirs);
	rpm_strings(&l->h, RPM_FILE_DIGESTS, &l->digests);
	rpm_strings(&l->h, RPM_FILE_LINKS, &l->links);
	rpm_strings(&l->h, RPM_FILE_USERS, &l->users);
	rpm_strings(&l->h, RPM_FILE_GROUPS, &l->groups);
	rpm_strings(&l->h, RPM_FILE_CAPS, &l->caps);
	if (!rpm_number(&l->h, RPM_DIGEST_ALGORITHM, 0, &l->algorithm))
		l->algorithm = RPM_MD5;
	/* Each has at least its NUL. */
	if (l->n_dirs > dirs.n || l->n > l->names.n)
		return false;
	l->dirs = calloc((size_t)l->n_dirs + 1, sizeof(*l->dirs));
	for (uint32_t i = 0; l->dirs != NULL && i < l->n_dirs; i++)
		if (!rpm_next_string(&dirs, &l->dirs[i]))
			return false;
	return l->dirs != NULL;
}

static uint64_t
word_hash(struct view *rest, bool *there)
{
	struct view word;

	*there = rpm_next_string(rest, &word) && word.n > 0;
	return *there ? packages_hash(word) : 0;
}

static bool
add_file(struct packages *p, const struct rpm_file *f)
{
	if (p->n_rpm == p->rpm_cap) {
		size_t cap = p->rpm_cap > 0 ? 2 * p->rpm_cap : 4096;
		struct rpm_file *v =
			cap > FILES_MAX ? NULL
					: reallocarray(p->rpm, cap, sizeof(*v));

		if (v == NULL) {
			p->failed = true;
			return false;
		}
		p->rpm = v;
		p->rpm_cap = cap;
	}
	p->rpm[p->n_rpm++] = *f;
	return true;
}

/* The next file of the lists; false at the end or where they do not fit. */
static bool
next_file(struct packages *p, struct file_lists *l, uint32_t at, uint32_t id)
{
	struct rpm_file f = { .package = id };
	struct buf path = { 0 }, merged = { 0 };
	struct view name, digest;
	uint32_t dir, mode;
	bool good, there;

	good = rpm_next_string(&l->names, &name) &&
	       rpm_number(&l->h, RPM_DIR_INDEXES, at, &dir) &&
	       dir < l->n_dirs &&
	       rpm_number(&l->h, RPM_FILE_MODES, at, &mode) &&
	       rpm_next_string(&l->digests, &digest);
	if (!good)
		return false;
	f.mode = (uint16_t)mode;
	if (l->algorithm == RPM_SHA256 && read_hex(digest, f.digest, 32))
		f.digest_bytes = 32;
	else if (l->algorithm == RPM_MD5 && read_hex(digest, f.digest, 16))
		f.digest_bytes = 16;
	f.link = word_hash(&l->links, &there);
	f.user = word_hash(&l->users, &there);
	f.group = word_hash(&l->groups, &there);
	word_hash(&l->caps, &f.has_caps);
	buf_put(&path, l->dirs[dir]);
	buf_put(&path, name);
	if (!path.failed && path.n > 1) {
		struct view v = packages_merged(p, buf_view(&path), &merged);

		f.hash = packages_hash(v);
		packages_own(p, v, id);
		good = add_file(p, &f);
	}
	buf_free(&path);
	buf_free(&merged);
	return good;
}

static void
read_header(struct packages *p, struct view blob)
{
	struct file_lists l = { 0 };
	struct view names, name;
	uint32_t id;

	if (!rpm_header_open(blob, &l.h) ||
	    rpm_strings(&l.h, RPM_NAME, &names) == 0 ||
	    !rpm_next_string(&names, &name) || name.n == 0)
		return;
	/* A file of a package that could not be named is nobody's. */
	id = packages_add(p, name, VIEW(""));
	if (id == NO_PACKAGE)
		return;
	p->v[id].installed = true;
	if (lists_open(&l))
		for (uint32_t i = 0; i < l.n && next_file(p, &l, i, id); i++)
			;
	free(l.dirs);
}

static int
file_cmp(const void *a, const void *b)
{
	const struct rpm_file *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

void
rpm_read(struct packages *p)
{
	static const char *const files[] = {
		"usr/lib/sysimage/rpm/rpmdb.sqlite",
		"var/lib/rpm/rpmdb.sqlite",
	};
	struct fd_database d = { 0 };
	sqlite3_stmt *st = NULL;
	int fd = -1;

	for (size_t i = 0; i < ARRAY_LEN(files) && fd < 0; i++)
		fd = packages_open_below(p, view_of(files[i]), O_RDONLY);
	if (fd < 0)
		return;
	if (fd_database_open(&d, fd) == SQLITE_OK &&
	    sqlite3_prepare_v2(d.db, "SELECT blob FROM Packages", -1, &st,
			       NULL) == SQLITE_OK)
		while (sqlite3_step(st) == SQLITE_ROW)
			read_header(p, sql_bytes(st, 0));
	sqlite3_finalize(st);
	fd_database_close(&d);
	close(fd);
	if (p->n_rpm > 1)
		qsort(p->rpm, p->n_rpm, sizeof(*p->rpm), file_cmp);
}

/* ---- evidence -------------------------------------------------------- */

/* Has the account of that word that number? By the host's own passwd or group,
 * each a change of its own if it is changed. */
static bool
is_account(struct packages *p, const char *file, uint64_t word, uint32_t id)
{
	struct buf text = { 0 };
	struct view rest, line, name, number;
	uint64_t there;
	bool found = false;

	packages_read(p, file, &text);
	rest = buf_view(&text);
	while (!found && view_next_split(&rest, '\n', &line))
		found = view_next_split(&line, ':', &name) &&
			packages_hash(name) == word &&
			view_next_split(&line, ':', &number) &&
			view_next_split(&line, ':', &number) &&
			view_to_u64(number, &there) && there == id;
	buf_free(&text);
	return found || (id == 0 && word == packages_hash(VIEW("root")));
}

static bool
content_is(struct explaining *x, const struct rpm_file *f)
{
	const struct walk_entry *e = x->c->now;

	if (S_ISLNK(e->mode))
		return f->link != 0 && packages_hash(e->target) == f->link;
	if (S_ISDIR(e->mode))
		return x->c->kind == CHANGE_ADDED;
	if (!S_ISREG(e->mode) || !e->has_digest)
		return false;
	if (f->digest_bytes == 32)
		return memcmp(f->digest, e->sha256, 32) == 0;
	return f->digest_bytes == 16 && explaining_md5(x) &&
	       memcmp(f->digest, x->md5, MD5_BYTES) == 0;
}

static bool
attributes_are(struct explaining *x, const struct rpm_file *f)
{
	const struct change *c = x->c;
	const struct walk_entry *e = c->now;
	const unsigned never = 1u << CHANGE_FLAGS | 1u << CHANGE_ACL |
			       1u << CHANGE_CAPABILITIES | 1u << CHANGE_XATTRS;
	struct view list = e->xattrs;
	struct walk_xattr a;

	if (e->flags != 0 || (c->attributes & never) != 0 ||
	    (e->mode & 0xffff) != f->mode ||
	    !is_account(x->p, "etc/passwd", f->user, e->uid) ||
	    !is_account(x->p, "etc/group", f->group, e->gid))
		return false;
	while (c->kind == CHANGE_ADDED && walk_next_xattr(&list, &a))
		if (!view_eq(a.name, VIEW("security.selinux")) &&
		    !(f->has_caps &&
		      view_eq(a.name, VIEW("security.capability"))))
			return false;
	return true;
}

uint32_t
evidence_rpm(struct explaining *x)
{
	struct view path = view_ends(x->path, VIEW(".rpmnew"))
				   ? view_sub(x->path, 0, x->path.n - 7)
				   : x->path;
	struct rpm_file key = { .hash = packages_hash(path) };
	const struct rpm_file *f = NULL;

	if (x->c->now == NULL || x->p->n_rpm == 0)
		return NO_PACKAGE;
	f = bsearch(&key, x->p->rpm, x->p->n_rpm, sizeof(key), file_cmp);
	if (f == NULL)
		return NO_PACKAGE;
	while (f > x->p->rpm && f[-1].hash == key.hash)
		f--;
	for (; f < x->p->rpm + x->p->n_rpm && f->hash == key.hash; f++)
		if (content_is(x, f) && attributes_are(x, f))
			return f->package;
	return NO_PACKAGE;
}
