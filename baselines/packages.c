/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of packages and their paths, and reading below a root. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "baselines/packages_inside.h"
#include "scan/scan.h"

#define FILE_MAX_BYTES (64u << 20)
#define OWNERS_MAX (16u << 20)
/* Of a host with a few hundred packages; what is not used is no memory. */
#define OWNERS_FIRST (128u << 10)

/* ---- paths ----------------------------------------------------------- */

uint64_t
packages_hash(struct view path)
{
	uint64_t hash = view_hash(path);

	return hash != 0 ? hash : 1;
}

static uint64_t
folder_hash(struct view folder)
{
	uint64_t hash = hash_mix(packages_hash(folder), 'f');

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
	size_t cap = p->owners_cap > 0 ? 2 * p->owners_cap : OWNERS_FIRST;
	struct owner *v;

	if (cap > OWNERS_MAX)
		return false;
	v = calloc(cap, sizeof(*v));
	if (v == NULL)
		return false;
	for (size_t i = 0; i < p->owners_cap; i++)
		if (p->owners[i].hash != 0)
			*slot_of(v, cap, p->owners[i].hash) = p->owners[i];
	free(p->owners);
	p->owners = v;
	p->owners_cap = cap;
	return true;
}

/* Its slot, counted if it was free; NULL when memory is out. */
static struct owner *
take_slot(struct packages *p, uint64_t hash)
{
	struct owner *slot;

	if (4 * p->n_owners >= 3 * p->owners_cap && !grow(p)) {
		p->failed = true;
		return NULL;
	}
	slot = slot_of(p->owners, p->owners_cap, hash);
	if (slot->hash == 0)
		p->n_owners++;
	return slot;
}

void
packages_note(struct packages *p, struct view path)
{
	uint64_t hash = folder_hash(path_directory(path));
	struct owner *slot;

	/* They mostly come one folder after the other. */
	if (hash == p->noted)
		return;
	slot = take_slot(p, hash);
	if (slot == NULL)
		return;
	*slot = (struct owner){ .hash = hash };
	p->noted = hash;
}

bool
packages_noted(const struct packages *p, struct view folder)
{
	return packages_find_hash(p, folder_hash(folder)) != NULL;
}

void
packages_put(struct packages *p, struct view path, uint32_t package,
	     uint32_t flags)
{
	uint64_t hash = packages_hash(path);
	struct owner *slot;

	if (package == NO_PACKAGE)
		return;
	if ((flags & OWNER_PATH) != 0)
		packages_note(p, path);
	slot = take_slot(p, hash);
	if (slot != NULL)
		*slot = (struct owner){ hash, package, flags };
}

void
packages_own(struct packages *p, struct view path, uint32_t package)
{
	uint64_t hash = packages_hash(path);
	struct owner *slot;
	bool shared;

	if (package == NO_PACKAGE)
		return;
	packages_note(p, path);
	slot = take_slot(p, hash);
	if (slot == NULL)
		return;
	shared = slot->hash != 0 && (slot->package != package ||
				     (slot->flags & OWNER_SHARED) != 0);
	*slot = (struct owner){ hash, package,
				OWNER_PATH | (shared ? OWNER_SHARED : 0) };
}

const struct owner *
packages_find_hash(const struct packages *p, uint64_t hash)
{
	const struct owner *slot;

	if (p->owners_cap == 0)
		return NULL;
	slot = slot_of(p->owners, p->owners_cap, hash);
	return slot->hash != 0 ? slot : NULL;
}

const struct owner *
packages_find(const struct packages *p, struct view path)
{
	return packages_find_hash(p, packages_hash(path));
}

/* Packages still say /bin/x for what is in /usr/bin. */
struct view
packages_merged(const struct packages *p, struct view path, struct buf *out)
{
	static const char *const tops[] = { "/bin/",   "/sbin/",  "/lib/",
					    "/lib32/", "/lib64/", "/libx32/" };

	if (!p->merged || view_starts(path, VIEW("/usr/")))
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

/* That a link may lead there: kept like a path that cannot exist. */
static void
pair_text(struct buf *out, struct view link, struct view target)
{
	buf_put(out, link);
	buf_putc(out, '\0');
	buf_put(out, target);
}

void
packages_pair(struct packages *p, struct view link, struct view target,
	      uint32_t by)
{
	struct buf pair = { 0 }, merged = { 0 };

	pair_text(&pair, packages_merged(p, link, &merged), target);
	if (target.n > 0 && !pair.failed)
		packages_put(p, buf_view(&pair), by, 0);
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

/* ---- packages -------------------------------------------------------- */

uint32_t
packages_add(struct packages *p, struct view name, struct view stem)
{
	struct buf key = { 0 };
	struct package *v;
	uint32_t id;

	if (p->n == p->cap) {
		size_t cap = p->cap > 0 ? 2 * p->cap : 512;

		v = p->n >= PACKAGES_MAX ? NULL
					 : reallocarray(p->v, cap, sizeof(*v));
		if (v == NULL) {
			p->failed = true;
			return NO_PACKAGE;
		}
		p->v = v;
		p->cap = cap;
	}
	id = (uint32_t)p->n++;
	p->v[id] = (struct package){ .name = arena_copy(&p->arena, name),
				     .stem = arena_copy(&p->arena, stem) };
	/* By its name, as a path that cannot exist. */
	pair_text(&key, VIEW("package"), name);
	if (!key.failed)
		packages_put(p, buf_view(&key), id, 0);
	buf_free(&key);
	return id;
}

uint32_t
packages_named(struct packages *p, struct view name, bool make)
{
	struct buf key = { 0 };
	const struct owner *o = NULL;

	pair_text(&key, VIEW("package"), name);
	if (!key.failed)
		o = packages_find(p, buf_view(&key));
	buf_free(&key);
	if (o != NULL)
		return o->package;
	return make ? packages_add(p, name, VIEW("")) : NO_PACKAGE;
}

/* ---- digests --------------------------------------------------------- */

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

void
sums_add(struct packages *p, struct sums *s, struct view path,
	 const uint8_t md5[MD5_BYTES])
{
	if (s->n == s->cap) {
		size_t cap = s->cap > 0 ? 2 * s->cap : 64;
		struct sum *v = reallocarray(s->v, cap, sizeof(*v));

		if (v == NULL) {
			p->failed = true;
			return;
		}
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n].hash = packages_hash(path);
	memcpy(s->v[s->n++].md5, md5, MD5_BYTES);
}

static int
sum_cmp(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

void
sums_sort(struct sums *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), sum_cmp);
}

/* Several may speak of one path. */
bool
sums_have(const struct sums *s, struct view path, const uint8_t md5[MD5_BYTES])
{
	struct sum key = { .hash = packages_hash(path) };
	const struct sum *found = NULL;

	if (s->n > 0)
		found = bsearch(&key, s->v, s->n, sizeof(key), sum_cmp);
	if (found == NULL)
		return false;
	while (found > s->v && found[-1].hash == key.hash)
		found--;
	for (; found < s->v + s->n && found->hash == key.hash; found++)
		if (memcmp(found->md5, md5, MD5_BYTES) == 0)
			return true;
	return false;
}

/* ---- reading below the root ------------------------------------------ */

int
packages_open_below(const struct packages *p, struct view path, int flags)
{
	struct open_how how = {
		/* With O_PATH, openat2(2) takes no more. */
		.flags = (uint64_t)(flags | O_CLOEXEC |
				    (flags & O_PATH ? 0
						    : O_NOCTTY | O_NONBLOCK)),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	struct buf text = { 0 };
	int fd = -1;

	if (path.n > 0 && path.p[0] == '/')
		path = view_sub(path, 1, SIZE_MAX);
	buf_put(&text, path.n > 0 ? path : VIEW("."));
	buf_putc(&text, '\0');
	errno = ENOMEM;
	if (p->root < 0)
		errno = ENOENT;
	else if (!text.failed && strlen(text.p) == text.n - 1)
		fd = (int)syscall(SYS_openat2, p->root, text.p, &how,
				  sizeof(how));
	/* Older than 5.6, or a filter that cannot look into its argument
	 * (systemd's RestrictSUIDSGID): below "/" there is nothing to leave. */
	if (fd < 0 && errno == ENOSYS && p->host && !text.failed)
		fd = openat(p->root, text.p, (int)how.flags);
	buf_free(&text);
	return fd;
}

bool
packages_read(const struct packages *p, const char *path, struct buf *text)
{
	int fd = packages_open_below(p, view_of(path), O_RDONLY);
	struct stat st;
	int rc = -1;

	buf_clear(text);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		rc = fd_read_all(fd, FILE_MAX_BYTES, text);
	close_quietly(fd);
	return rc == 0 && !text->failed;
}

static bool
ends_in_one(struct view name, const char *const *suffixes)
{
	for (; *suffixes != NULL; suffixes++)
		if (view_ends(name, view_of(*suffixes)))
			return true;
	return false;
}

void
packages_each(struct packages *p, const char *folder,
	      const char *const *suffixes,
	      void (*each)(struct packages *, struct view, struct view, void *),
	      void *ctx)
{
	int fd =
		packages_open_below(p, view_of(folder), O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct buf path = { 0 }, text = { 0 };
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    !ends_in_one(view_of(entry->d_name), suffixes))
			continue;
		buf_clear(&path);
		buf_printf(&path, "%s/%s%c", folder, entry->d_name, 0);
		if (!path.failed && packages_read(p, path.p, &text))
			each(p, view_of(entry->d_name), buf_view(&text), ctx);
	}
	closedir(dir);
	buf_free(&path);
	buf_free(&text);
}

/* ---- all of it ------------------------------------------------------- */

struct packages *
packages_open(const char *root)
{
	struct packages *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->host = root == NULL || strcmp(root, "/") == 0;
	p->root = open(root != NULL ? root : "/",
		       O_PATH | O_DIRECTORY | O_CLOEXEC);
	return p;
}

static void
load(struct packages *p)
{
	struct stat st;

	p->loaded = true;
	if (p->root < 0)
		return;
	p->merged = fstatat(p->root, "bin", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(st.st_mode);
	dpkg_read(p);
	dpkg_read_log(p);
	rpm_read(p);
}

static void *
loader_run(void *arg)
{
	load(arg);
	packages_load_mentions(arg);
	return NULL;
}

void
packages_begin(struct packages *p)
{
	/* Without a thread they are read when they are asked for. */
	if (!p->loaded && !p->loading)
		p->loading =
			pthread_create(&p->loader, NULL, loader_run, p) == 0;
}

static void
await_loader(struct packages *p)
{
	if (p->loading)
		pthread_join(p->loader, NULL);
	p->loading = false;
}

void
packages_load(struct packages *p)
{
	await_loader(p);
	if (!p->loaded)
		load(p);
}

void
packages_close(struct packages *p)
{
	if (p == NULL)
		return;
	await_loader(p);
	if (p->root >= 0)
		close(p->root);
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].sums.v);
	free(p->v);
	free(p->owners);
	free(p->conffiles.v);
	free(p->operations);
	free(p->mentions);
	free(p->rpm);
	buf_free(&p->answer);
	buf_free(&p->near_dir);
	arena_free(&p->arena);
	free(p);
}

size_t
packages_count(struct packages *p)
{
	packages_load(p);
	return p->n;
}

bool
packages_known(struct packages *p, struct view name)
{
	packages_load(p);
	return packages_named(p, name, false) != NO_PACKAGE;
}
