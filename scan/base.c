/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views: comparing, searching, splitting, bounded numbers, the hash of the
 * tables in memory, and the parts of a path.
 */
#include "scan/base.h"

#include <sys/random.h>
#include <time.h>

struct view
view_of(const char *cstr)
{
	if (cstr == NULL)
		return VIEW_NONE;
	return (struct view){ cstr, strlen(cstr) };
}

struct view
view_sub(struct view v, size_t from, size_t n)
{
	if (from >= v.n)
		return VIEW_NONE;
	if (n > v.n - from)
		n = v.n - from;
	return (struct view){ v.p + from, n };
}

static unsigned char
fold(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool
view_eq_fold(struct view a, struct view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return false;
	return true;
}

int
view_cmp(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order != 0)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

bool
view_starts(struct view v, struct view prefix)
{
	return v.n >= prefix.n &&
	       (prefix.n == 0 || memcmp(v.p, prefix.p, prefix.n) == 0);
}

bool
view_ends(struct view v, struct view suffix)
{
	return v.n >= suffix.n &&
	       (suffix.n == 0 ||
		memcmp(v.p + v.n - suffix.n, suffix.p, suffix.n) == 0);
}

ssize_t
view_find(struct view v, char byte)
{
	const char *hit = v.n ? memchr(v.p, byte, v.n) : NULL;

	return hit ? hit - v.p : -1;
}

ssize_t
view_rfind(struct view v, char byte)
{
	const char *hit = v.n ? memrchr(v.p, byte, v.n) : NULL;

	return hit ? hit - v.p : -1;
}

ssize_t
view_search(struct view v, struct view needle, size_t from)
{
	const char *hit;

	if (from > v.n)
		return -1;
	if (needle.n == 0)
		return (ssize_t)from;
	if (from == v.n)
		return -1;
	hit = memmem(v.p + from, v.n - from, needle.p, needle.n);
	return hit ? hit - v.p : -1;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct view
view_trim(struct view v)
{
	while (v.n > 0 && is_space(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n > 0 && is_space(v.p[v.n - 1]))
		v.n--;
	return v;
}

bool
view_next_split(struct view *rest, char sep, struct view *item)
{
	ssize_t at;

	if (rest->n == 0)
		return false;
	at = view_find(*rest, sep);
	if (at < 0) {
		*item = *rest;
		*rest = VIEW_NONE;
		return true;
	}
	*item = (struct view){ rest->p, (size_t)at };
	rest->p += at + 1;
	rest->n -= (size_t)at + 1;
	return true;
}

bool
view_next_item(struct view *rest, struct view *item)
{
	return view_next_split(rest, '\0', item);
}

bool
view_to_u64(struct view v, uint64_t *out)
{
	uint64_t sum = 0;

	if (v.n == 0)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		unsigned digit = (unsigned)(unsigned char)v.p[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(sum, 10u, &sum) ||
		    __builtin_add_overflow(sum, digit, &sum))
			return false;
	}
	*out = sum;
	return true;
}

bool
view_to_i64(struct view v, int64_t *out)
{
	bool minus = v.n > 0 && v.p[0] == '-';
	uint64_t sum;

	if (!view_to_u64(minus ? view_sub(v, 1, v.n) : v, &sum))
		return false;
	if (sum > (uint64_t)INT64_MAX + minus)
		return false;
	/* Negated without sign, so that INT64_MIN does not overflow. */
	*out = (int64_t)(minus ? 0 - sum : sum);
	return true;
}

/* ---- hash ------------------------------------------------------------ */

/* Filled before main and constant from then on, so that neither a thread nor
 * a sandbox that forbids getrandom(2) has to be thought of later. */
static uint64_t hash_key[4];

__attribute__((constructor)) static void
hash_seed(void)
{
	struct timespec now = { 0 };

	if (getrandom(hash_key, sizeof(hash_key), GRND_NONBLOCK) ==
	    (ssize_t)sizeof(hash_key))
		return;
	/* Early in boot there may be no entropy yet: better than nothing. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (size_t i = 0; i < ARRAY_LEN(hash_key); i++)
		hash_key[i] = ((uint64_t)(uintptr_t)&now + i) *
			      ((uint64_t)now.tv_nsec * 2 + 1) *
			      0x9e3779b97f4a7c15ull;
}

/* Both halves of the 128-bit product, folded: one multiplication mixes every
 * bit of both arguments (the idea of wyhash and MUM). */
static uint64_t
multiply_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t
hash_mix(uint64_t a, uint64_t b)
{
	return multiply_fold(a ^ hash_key[0], b ^ hash_key[1]);
}

static uint64_t
load64(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static uint64_t
load32(const char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

/* The last at most 16 bytes as two words; loads overlap instead of looping. */
static void
load_tail(const char *p, size_t n, uint64_t *a, uint64_t *b)
{
	if (n >= 8) {
		*a = load64(p);
		*b = load64(p + n - 8);
	} else if (n >= 4) {
		*a = load32(p);
		*b = load32(p + n - 4);
	} else if (n > 0) {
		*a = (uint64_t)(unsigned char)p[0] << 16 |
		     (uint64_t)(unsigned char)p[n / 2] << 8 |
		     (unsigned char)p[n - 1];
		*b = 0;
	} else {
		*a = *b = 0;
	}
}

static inline uint64_t
hash_bytes(uint64_t hash, struct view v)
{
	uint64_t a, b;
	const char *p = v.p;
	size_t n = v.n;

	while (n > 16) {
		hash = multiply_fold(load64(p) ^ hash_key[1],
				     load64(p + 8) ^ hash);
		p += 16;
		n -= 16;
	}
	load_tail(p, n, &a, &b);
	return multiply_fold(a ^ hash_key[1], b ^ (hash + v.n * hash_key[3]));
}

uint64_t
view_hash_more(uint64_t hash, struct view v)
{
	return hash_bytes(hash, v);
}

uint64_t
view_hash(struct view v)
{
	return multiply_fold(hash_bytes(hash_key[2], v) ^ hash_key[0],
			     v.n ^ hash_key[3]);
}

/* ---- parts of a path ------------------------------------------------- */

struct view
path_name(struct view path)
{
	ssize_t slash = view_rfind(path, '/');

	if (slash < 0)
		return path;
	return (struct view){ path.p + slash + 1, path.n - (size_t)slash - 1 };
}

struct view
path_extension(struct view path)
{
	struct view name = path_name(path);
	ssize_t dot = view_rfind(name, '.');

	if (dot < 0)
		return VIEW_NONE;
	return view_sub(name, (size_t)dot + 1, name.n);
}

struct view
path_directory(struct view path)
{
	ssize_t slash = view_rfind(path, '/');

	if (slash < 0)
		return VIEW_NONE;
	if (slash == 0) /* the root is nothing but its slash */
		slash = 1;
	return (struct view){ path.p, (size_t)slash };
}
