/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program's own malloc, calloc and realloc, of which the Nth call fails:
 * included once, by a test that is a program of its own. Under a sanitizer,
 * which has its own, none ever does; there the test is skipped, and says so.
 */
#ifndef TESTS_UNIT_NOMEM_HELP_H
#define TESTS_UNIT_NOMEM_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static unsigned long countdown; /* 0: never fail */

#ifndef __SANITIZE_ADDRESS__
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static bool
fails(void)
{
	return countdown > 0 && --countdown == 0;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
#endif

static inline void
skip_without_nomem(void)
{
#ifdef __SANITIZE_ADDRESS__
	fputs("SKIPPED: the sanitizer's malloc cannot be made to fail; the "
	      "build without one runs this\n",
	      stderr);
	skip();
#endif
}

#endif
