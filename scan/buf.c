/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing buffers and whole reads and writes of descriptors.
 */
#include "scan/base.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BUF_MIN_BYTES 256u
#define READ_BYTES 16384u

bool
buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap;
	char *p;

	if (b->failed)
		return false;
	if (n <= b->cap - b->n)
		return true;
	if (__builtin_add_overflow(b->n, n, &need) || need > SIZE_MAX / 2) {
		b->failed = true;
		return false;
	}
	cap = b->cap ? b->cap * 2 : BUF_MIN_BYTES;
	if (cap < need)
		cap = need;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void
buf_put(struct buf *b, struct view v)
{
	if (v.n == 0 || !buf_reserve(b, v.n))
		return;
	memcpy(b->p + b->n, v.p, v.n);
	b->n += v.n;
}

void
buf_puts(struct buf *b, const char *cstr)
{
	buf_put(b, view_of(cstr));
}

void
buf_putc(struct buf *b, char c)
{
	if (!buf_reserve(b, 1))
		return;
	b->p[b->n++] = c;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (b->failed)
		return;
	va_start(ap, fmt);
	n = b->cap > b->n ? vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap)
			  : vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	/* vsnprintf wants room for its NUL as well. */
	if ((size_t)n >= b->cap - b->n) {
		if (!buf_reserve(b, (size_t)n + 1))
			return;
		va_start(ap, fmt);
		vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
		va_end(ap);
	}
	b->n += (size_t)n;
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

/* ---- descriptors ----------------------------------------------------- */

int
fd_write_all(int fd, struct view v)
{
	while (v.n > 0) {
		ssize_t n = write(fd, v.p, v.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		v.p += n;
		v.n -= (size_t)n;
	}
	return 0;
}

int
fd_read_all(int fd, size_t max, struct buf *out)
{
	char piece[READ_BYTES];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		buf_put(out,
			view_sub((struct view){ piece, (size_t)n }, 0, max));
		if (out->failed) {
			errno = ENOMEM;
			return -1;
		}
		if ((size_t)n > max) {
			errno = EFBIG;
			return -1;
		}
		max -= (size_t)n;
	}
}
