/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arenas: a list of chunks, each twice as large as the last, filled from the
 * front. A reset keeps the largest chunk of bearable size, so that an arena
 * that is used again and again soon stops calling malloc.
 */
#include "scan/base.h"

#include <assert.h>
#include <stdlib.h>

#define CHUNK_MIN_BYTES 4096u
#define CHUNK_MAX_BYTES (256u << 10)
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of `data` */
	_Alignas(max_align_t) char data[];
};

/* What malloc gave for a chunk. */
static size_t
chunk_bytes(const struct arena_chunk *c)
{
	return sizeof(*c) + c->size;
}

/* A new last chunk with room for n bytes. */
static bool
arena_grow(struct arena *a, size_t n)
{
	size_t size = CHUNK_MIN_BYTES;
	struct arena_chunk *c;

	if (a->now != NULL && a->now->size < CHUNK_MAX_BYTES)
		size = a->now->size * 2;
	else if (a->now != NULL)
		size = CHUNK_MAX_BYTES;
	if (size < n)
		size = n;
	c = malloc(sizeof(*c) + size);
	if (c == NULL) {
		a->failed = true;
		return false;
	}
	c->next = NULL;
	c->size = size;
	if (a->now != NULL)
		a->now->next = c;
	else
		a->first = c;
	a->now = c;
	a->used = 0;
	a->held_bytes += chunk_bytes(c);
	return true;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	char *p;

	if (n == 0)
		n = 1;
	if (n > SIZE_MAX / 2) {
		a->failed = true;
		return NULL;
	}
	n = (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	if ((a->now == NULL || a->now->size - a->used < n) && !arena_grow(a, n))
		return NULL;
	p = a->now->data + a->used;
	a->used += n;
	assert(a->used <= a->now->size);
	return p;
}

void *
arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	return p ? memset(p, 0, n) : NULL;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX; /* refused */
	return arena_alloc(a, bytes);
}

struct view
arena_copy(struct arena *a, struct view v)
{
	char *p;

	if (v.n == 0)
		return VIEW("");
	p = arena_alloc(a, v.n < SIZE_MAX ? v.n + 1 : v.n);
	if (p == NULL)
		return VIEW_NONE;
	memcpy(p, v.p, v.n);
	p[v.n] = '\0';
	return (struct view){ p, v.n };
}

struct view
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return VIEW_NONE;
	p = arena_alloc(a, (size_t)n + 1);
	if (p == NULL)
		return VIEW_NONE;
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return (struct view){ p, (size_t)n };
}

struct view
arena_printf(struct arena *a, const char *fmt, ...)
{
	struct view v;
	va_list ap;

	va_start(ap, fmt);
	v = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return v;
}

struct view
arena_take(struct arena *a, struct buf *b)
{
	struct view v = VIEW_NONE;

	if (b->failed)
		a->failed = true;
	else
		v = arena_copy(a, buf_view(b));
	buf_free(b);
	return v;
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->first, *c, *next;

	for (c = a->first; c != NULL; c = c->next)
		if (c->size <= CHUNK_MAX_BYTES &&
		    (keep->size > CHUNK_MAX_BYTES || c->size > keep->size))
			keep = c;
	for (c = a->first; c != NULL; c = next) {
		next = c->next;
		if (c != keep)
			free(c);
	}
	a->first = a->now = keep;
	a->used = 0;
	a->held_bytes = 0;
	a->failed = false;
	if (keep != NULL) {
		keep->next = NULL;
		a->held_bytes = chunk_bytes(keep);
	}
}

void
arena_free(struct arena *a)
{
	struct arena_chunk *c, *next;

	for (c = a->first; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	*a = (struct arena){ 0 };
}
