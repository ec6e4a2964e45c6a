/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes back to the kernel: mincore(2) and mallinfo2(3) say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fim/heap.h"
#include "scan/base.h"

#ifdef __GLIBC__

#define BLOCKS 64u
#define BLOCK_BYTES (32u << 10)
#define PAGE_BYTES 4096u

/* Sanitizers and valgrind have heaps of their own. */
static bool
other_heap(void)
{
	size_t before = mallinfo2().uordblks;
	void *volatile p = malloc(BLOCK_BYTES);
	bool other = p == NULL || mallinfo2().uordblks < before + BLOCK_BYTES;

	free(p);
	if (other)
		print_message("SKIPPED: this heap is not the C library's: a "
			      "sanitizer's or valgrind's\n");
	return other;
}

/* Pages of each block that have memory. */
static size_t
resident(const uintptr_t blocks[BLOCKS])
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	unsigned char in[BLOCK_BYTES / PAGE_BYTES];

	for (size_t i = 0; i < BLOCKS; i++) {
		uintptr_t from = (blocks[i] + 2 * page - 1) & ~(page - 1);
		uintptr_t to = (blocks[i] + BLOCK_BYTES) & ~(page - 1);

		if (from >= to)
			continue;
		assert_int_equal(mincore((void *)from, to - from, in), 0);
		for (size_t k = 0; k < (to - from) / page; k++)
			n += in[k] & 1;
	}
	return n;
}

/* Blocks that are free again, each held in its place by a small one. */
static void
leave_holes(uintptr_t blocks[BLOCKS], void *between[BLOCKS])
{
	void *p[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		p[i] = malloc(BLOCK_BYTES);
		between[i] = malloc(1500);
		assert_non_null(p[i]);
		assert_non_null(between[i]);
		memset(p[i], 'x', BLOCK_BYTES);
		blocks[i] = (uintptr_t)p[i];
	}
	for (size_t i = 0; i < BLOCKS; i++)
		free(p[i]);
}

static void
test_free_pages_go_back(void **state)
{
	uintptr_t blocks[BLOCKS];
	void *between[BLOCKS];
	uint64_t next_ns = 0;

	(void)state;
	if (other_heap())
		skip();
	for (int again = 0; again < 2; again++) {
		uint64_t now_ns = (uint64_t)(20 * again + 1) * NS_PER_SEC;

		leave_holes(blocks, between);
		assert_true(resident(blocks) > BLOCKS);
		if (again) {
			heap_tidy(&next_ns, next_ns - 1); /* not yet */
			assert_true(resident(blocks) > BLOCKS);
		}
		heap_tidy(&next_ns, now_ns);
		assert_int_equal(resident(blocks), 0);
		assert_int_equal(next_ns, now_ns + 10 * NS_PER_SEC);
		for (size_t i = 0; i < BLOCKS; i++)
			free(between[i]);
	}
}

static void
test_large_blocks_come_from_the_kernel(void **state)
{
	void *volatile p;
	size_t before;

	(void)state;
	if (other_heap())
		skip();
	p = malloc(8u << 20); /* after which glibc would take less for small */
	free(p);
	before = mallinfo2().hblks;
	p = malloc(256u << 10);
	assert_non_null(p);
	assert_int_equal(mallinfo2().hblks, before + 1);
	free(p);
	assert_int_equal(mallinfo2().hblks, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_pages_go_back),
		cmocka_unit_test(test_large_blocks_come_from_the_kernel),
	};

	heap_settle();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int
main(void)
{
	return 0;
}

#endif
