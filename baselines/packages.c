/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dpkg's database (dpkg(1), deb-md5sums(5), update-alternatives(1)). */
#include "baselines/packages_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "scan/scan.h"

#define FILE_MAX_BYTES (64u << 20)
#define OWNERS_MAX (8u << 20)
#define PACKAGES_MAX 65000u
/* Links that follow one alternative. */
#define SLAVES_MAX 200u

/* ---- the table of paths ---------------------------------------------- */

uint64_t
packages_hash(struct view path)
{
	uint64_t hash = view_hash(path);

	return hash != 0 ? hash : 1;
}

static struct owner *
slot_of(struct owner *v, size_t cap, uint64_t hash)
{
	size_t i = hash & (cap - 1);

	while (v[i].hash != 0 && v[i].hash != hash)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static bool
grow(struct packages *p)
{
	size_t cap = p->cap > 0 ? 2 * p->cap : 4096;
	struct owner *v;

	if (cap > OWNERS_MAX)
		return false;
	v = calloc(cap, sizeof(*v));
	if (v == NULL)
		return false;
	for (size_t i = 0; i < p->cap; i++)
		if (p->owners[i].hash != 0)
			*slot_of(v, cap, p->owners[i].hash) = p->owners[i];
	free(p->owners);
	p->owners = v;
	p->cap = cap;
	return true;
}

static void
add_owner(struct packages *p, struct view path, uint32_t package,
	  uint32_t flags)
{
	uint64_t hash = packages_hash(path);
	struct owner *slot;

	if (4 * p->n_owners >= 3 * p->cap && !grow(p)) {
		p->failed = true;
		return;
	}
	slot = slot_of(p->owners, p->cap, hash);
	if (slot->hash == 0)
		p->n_owners++;
	*slot = (struct owner){ hash, package, flags };
}

const struct owner *
packages_find(const struct packages *p, struct view path)
{
	const struct owner *slot;

	if (p->cap == 0)
		return NULL;
	slot = slot_of(p->owners, p->cap, packages_hash(path));
	return slot->hash != 0 ? slot : NULL;
}

/* Packages still say /bin/x for what is in /usr/bin. */
struct view
packages_merged(const struct packages *p, struct view path, struct buf *out)
{
	static const char *const tops[] = { "/bin/",   "/sbin/",  "/lib/",
					    "/lib32/", "/lib64/", "/libx32/" };

	if (!p->merged)
		return path;
	for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
		if (!view_starts(path, view_of(tops[i])))
			continue;
		buf_clear(out);
		buf_puts(out, "/usr");
		buf_put(out, path);
		return out->failed ? path : buf_view(out);
	}
	return path;
}

static uint32_t
add_name(struct packages *p, struct view name)
{
	if (p->n_names == p->names_cap) {
		size_t cap = p->names_cap > 0 ? 2 * p->names_cap : 512;
		struct view *v = reallocarray(p->names, cap, sizeof(*v));

		if (v == NULL || p->n_names >= PACKAGES_MAX) {
			p->failed = true;
			return 0;
		}
		p->names = v;
		p->names_cap = cap;
	}
	p->names[p->n_names] = arena_copy(&p->arena, name);
	return (uint32_t)p->n_names++;
}

/* ---- reading --------------------------------------------------------- */

bool
packages_read(int dir, const char *name, struct buf *text)
{
	int fd = dir < 0 ? -1
			 : openat(dir, name,
				  O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	buf_clear(text);
	if (fd < 0)
		return false;
	rc = fd_read_all(fd, FILE_MAX_BYTES, text);
	close(fd);
	return rc == 0 && !text->failed;
}

static void
read_list(struct packages *p, struct view name, struct view text)
{
	ssize_t colon = view_find(name, ':');
	uint32_t id = add_name(p, colon > 0 ? view_sub(name, 0, (size_t)colon)
					    : name);
	struct buf merged = { 0 };
	struct view line;

	while (view_next_split(&text, '\n', &line))
		if (line.n > 2) /* "/." is the root */
			add_owner(p, packages_merged(p, line, &merged), id, 0);
	buf_free(&merged);
}

/* NAME.list of each package in `info`. */
static void
read_lists(struct packages *p)
{
	int fd = openat(p->admin, "dpkg/info",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct buf text = { 0 };
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		struct view name = view_of(entry->d_name);

		if (view_ends(name, VIEW(".list")) &&
		    packages_read(dirfd(dir), entry->d_name, &text))
			read_list(p, view_sub(name, 0, name.n - 5),
				  buf_view(&text));
	}
	closedir(dir);
	buf_free(&text);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
packages_md5(struct view hex, uint8_t out[MD5_BYTES])
{
	if (hex.n != 2 * MD5_BYTES)
		return false;
	for (size_t i = 0; i < MD5_BYTES; i++) {
		int high = hex_digit(hex.p[2 * i]);
		int low = hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void
add_conffile(struct packages *p, struct view path, struct view hex)
{
	struct conffile c = { .hash = packages_hash(path) };

	if (!packages_md5(hex, c.md5))
		return;
	if (p->n_conffiles == p->conffiles_cap) {
		size_t cap = p->conffiles_cap > 0 ? 2 * p->conffiles_cap : 512;
		struct conffile *v =
			reallocarray(p->conffiles, cap, sizeof(*v));

		if (v == NULL) {
			p->failed = true;
			return;
		}
		p->conffiles = v;
		p->conffiles_cap = cap;
	}
	p->conffiles[p->n_conffiles++] = c;
}

/* "Conffiles:" of each paragraph, then " PATH MD5 [obsolete]". */
static void
read_conffiles(struct packages *p)
{
	struct buf text = { 0 };
	struct view rest, line, path, hex;
	bool inside = false;

	if (packages_read(p->admin, "dpkg/status", &text)) {
		rest = buf_view(&text);
		while (view_next_split(&rest, '\n', &line)) {
			if (line.n == 0 || line.p[0] != ' ') {
				inside = view_eq(line, VIEW("Conffiles:"));
				continue;
			}
			line = view_trim(line);
			if (inside && view_next_split(&line, ' ', &path) &&
			    view_next_split(&line, ' ', &hex))
				add_conffile(p, path, hex);
		}
	}
	/* "MD5  PATH" of what ucf(1) put there. */
	if (packages_read(p->admin, "ucf/hashfile", &text)) {
		rest = buf_view(&text);
		while (view_next_split(&rest, '\n', &line))
			if (line.n > 34)
				add_conffile(
					p,
					view_trim(view_sub(line, 33, SIZE_MAX)),
					view_sub(line, 0, 32));
	}
	buf_free(&text);
}

static uint32_t
name_of_word(struct packages *p, struct view word)
{
	for (size_t i = 0; i < p->n_names; i++)
		if (view_eq(p->names[i], word))
			return (uint32_t)i;
	return add_name(p, word);
}

/* "PACKAGE PATH": files of which ucf has the digest are that package's. */
static void
read_ucf_registry(struct packages *p)
{
	struct buf text = { 0 };
	struct view rest, line, package;

	if (packages_read(p->admin, "ucf/registry", &text)) {
		rest = buf_view(&text);
		while (view_next_split(&rest, '\n', &line))
			if (view_next_split(&line, ' ', &package) && line.n > 0)
				add_owner(p, view_trim(line),
					  name_of_word(p, package), 0);
	}
	buf_free(&text);
}

/* Groups of three lines: from, to, the package that diverts, ":" = none. The
 * owner of `from` has its file at `to`. */
static void
read_diversions(struct packages *p)
{
	struct buf text = { 0 }, m1 = { 0 }, m2 = { 0 };
	struct view rest, from, to, by;

	if (packages_read(p->admin, "dpkg/diversions", &text)) {
		rest = buf_view(&text);
		while (view_next_split(&rest, '\n', &from) &&
		       view_next_split(&rest, '\n', &to) &&
		       view_next_split(&rest, '\n', &by)) {
			const struct owner *o =
				packages_find(p, packages_merged(p, from, &m1));

			if (o != NULL)
				add_owner(p, packages_merged(p, to, &m2),
					  o->package, o->flags);
			if (by.n > 1)
				add_owner(p, packages_merged(p, from, &m1),
					  name_of_word(p, by), 0);
		}
	}
	buf_free(&text);
	buf_free(&m1);
	buf_free(&m2);
}

static void
add_link(struct packages *p, struct view path, uint32_t by)
{
	struct buf merged = { 0 };

	path = packages_merged(p, path, &merged);
	if (path.n > 1 && path.p[0] == '/' && packages_find(p, path) == NULL)
		add_owner(p, path, by, OWNER_LINK);
	buf_free(&merged);
}

static void
add_alternative_name(struct packages *p, struct view name, uint32_t by)
{
	struct buf path = { 0 };

	buf_puts(&path, "/etc/alternatives/");
	buf_put(&path, name);
	if (!path.failed)
		add_link(p, buf_view(&path), by);
	buf_free(&path);
}

/* That a link may lead there: kept like a path that cannot exist. */
static void
pair_text(struct buf *out, struct view link, struct view target)
{
	buf_clear(out);
	buf_put(out, link);
	buf_putc(out, '\0');
	buf_put(out, target);
}

static void
add_pair(struct packages *p, struct view link, struct view target, uint32_t by)
{
	struct buf pair = { 0 }, merged = { 0 };

	pair_text(&pair, packages_merged(p, link, &merged), target);
	if (target.n > 0 && !pair.failed)
		add_owner(p, buf_view(&pair), by, 0);
	buf_free(&pair);
	buf_free(&merged);
}

bool
packages_has_pair(const struct packages *p, struct view link,
		  struct view target)
{
	struct buf pair = { 0 };
	bool found;

	pair_text(&pair, link, target);
	found = !pair.failed && packages_find(p, buf_view(&pair)) != NULL;
	buf_free(&pair);
	return found;
}

/* One link of a group: LINK leads to /etc/alternatives/NAME. */
static struct view
add_alternative_link(struct packages *p, struct view name, struct view link,
		     uint32_t by)
{
	struct buf path = { 0 };
	struct view kept;

	buf_puts(&path, "/etc/alternatives/");
	buf_put(&path, name);
	kept = arena_copy(&p->arena, buf_view(&path));
	buf_free(&path);
	add_alternative_name(p, name, by);
	add_link(p, link, by);
	add_pair(p, link, kept, by);
	return kept;
}

/* alternatives/NAME: "auto" or "manual", the link, pairs of slave's name and
 * link, an empty line; then of each candidate its path, its priority and the
 * paths for the slaves. */
static void
read_alternative(struct packages *p, const char *name, struct view text,
		 uint32_t by)
{
	struct view links[SLAVES_MAX + 1], line, slave;
	size_t n = 0;

	if (!view_next_split(&text, '\n', &line) ||
	    !view_next_split(&text, '\n', &line))
		return;
	links[n++] = add_alternative_link(p, view_of(name), line, by);
	while (view_next_split(&text, '\n', &slave) && slave.n > 0 &&
	       n < ARRAY_LEN(links) && view_next_split(&text, '\n', &line))
		links[n++] = add_alternative_link(p, slave, line, by);
	while (view_next_split(&text, '\n', &line) && line.n > 0) {
		add_pair(p, links[0], line, by);
		view_next_split(&text, '\n', &line); /* the priority */
		for (size_t i = 1; i < n; i++)
			if (view_next_split(&text, '\n', &line))
				add_pair(p, links[i], line, by);
	}
}

/* NAME.dsh-also: the links that enabling NAME made; their folders as well. */
static void
read_enabled(struct packages *p, const char *name, struct view text,
	     uint32_t by)
{
	struct view line, unit = view_of(name);

	if (!view_ends(unit, VIEW(".dsh-also")))
		return;
	unit.n -= sizeof(".dsh-also") - 1;
	while (view_next_split(&text, '\n', &line)) {
		add_link(p, line, by);
		add_link(p, path_directory(line), by);
		add_pair(p, line, unit, by);
	}
}

static void
read_each(struct packages *p, const char *folder, const char *by,
	  void (*each)(struct packages *, const char *, struct view, uint32_t))
{
	int fd = openat(p->admin, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct buf text = { 0 };
	struct dirent *entry;
	uint32_t id;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	id = add_name(p, view_of(by));
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
		    packages_read(dirfd(dir), entry->d_name, &text))
			each(p, entry->d_name, buf_view(&text), id);
	closedir(dir);
	buf_free(&text);
}

int
packages_conffile_cmp(const void *a, const void *b)
{
	const struct conffile *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static void
read_dpkg(struct packages *p)
{
	struct stat st;

	p->merged = lstat("/bin", &st) == 0 && S_ISLNK(st.st_mode);
	read_lists(p);
	read_diversions(p);
	read_conffiles(p);
	read_ucf_registry(p);
	read_each(p, "dpkg/alternatives", "update-alternatives",
		  read_alternative);
	read_each(p, "systemd/deb-systemd-helper-enabled", "deb-systemd-helper",
		  read_enabled);
	if (p->n_conffiles > 1)
		qsort(p->conffiles, p->n_conffiles, sizeof(*p->conffiles),
		      packages_conffile_cmp);
}

struct packages *
packages_open(const char *admin)
{
	struct packages *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->admin = open(admin != NULL ? admin : "/var/lib",
			O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->admin >= 0)
		read_dpkg(p);
	return p;
}

void
packages_close(struct packages *p)
{
	if (p == NULL)
		return;
	if (p->admin >= 0)
		close(p->admin);
	free(p->names);
	free(p->owners);
	free(p->conffiles);
	arena_free(&p->arena);
	free(p);
}

size_t
packages_count(const struct packages *p)
{
	return p->n_names;
}

struct view
packages_owner(const struct packages *p, struct view path)
{
	const struct owner *o = packages_find(p, path);

	return o != NULL ? p->names[o->package] : VIEW("");
}
