/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of the ring (Documentation/bpf/ringbuf.rst, the layout in
 * kernel/bpf/ringbuf.c): a page with the reader's position, a page with the
 * writers', then the data. libbpf's own reader maps the data twice in a row,
 * so that no record is ever cut; that counts as 8 MiB more of resident memory.
 * Here a record that runs over the end is put together in a buffer.
 */
#include "fim/sensor_bpf.h"

#include <linux/bpf.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

/* A record that another CPU has begun but not finished stops the reader; it
 * is finished within microseconds because preemption is off meanwhile. */
#define SPINS_MAX 100000u

/* The longest record: an exec with all its strings. */
#define RECORD_MAX (sizeof(struct wire_exec) + WIRE_STRINGS_MAX)

int
ring_open(struct ring *r, int map_fd, size_t size)
{
	struct epoll_event event = { .events = EPOLLIN };
	void *p;

	r->epoll_fd = -1;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->size = size;
	r->whole = malloc(RECORD_MAX);
	if (r->whole == NULL)
		return -1;
	p = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (p == MAP_FAILED)
		return -1;
	/* A child of ours has no business here. */
	madvise(p, r->page, MADV_DONTFORK);
	r->read_to = p;
	p = mmap(NULL, r->page + size, PROT_READ, MAP_SHARED, map_fd,
		 (off_t)r->page);
	if (p == MAP_FAILED)
		return -1;
	madvise(p, r->page + size, MADV_DONTFORK);
	r->written_to = p;
	r->data = (const char *)p + r->page;
	/* In between, because the map itself is readable whenever it is not
	 * empty; an epoll is when the kernel programs wake it. */
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd < 0)
		return -1;
	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, map_fd, &event);
}

void
ring_close(struct ring *r)
{
	if (r->read_to != NULL)
		munmap(r->read_to, r->page);
	if (r->written_to != NULL)
		munmap((void *)r->written_to, r->page + r->size);
	if (r->page != 0 && r->epoll_fd >= 0)
		close(r->epoll_fd);
	free(r->whole);
}

bool
ring_mark(struct ring *r)
{
	r->mark = __atomic_load_n(r->written_to, __ATOMIC_ACQUIRE);
	return r->mark != *r->read_to;
}

uint64_t
ring_queued(const struct ring *r)
{
	return __atomic_load_n(r->written_to, __ATOMIC_ACQUIRE) - *r->read_to;
}

/* Bytes at `at`, which may run over the end. */
static const void *
ring_bytes(struct ring *r, unsigned long at, size_t n)
{
	size_t from = at & (r->size - 1), first = r->size - from;

	if (n <= first)
		return r->data + from;
	if (n > RECORD_MAX)
		return NULL;
	memcpy(r->whole, r->data + from, first);
	memcpy(r->whole + first, r->data, n - first);
	return r->whole;
}

/* Waits until the record at `at` is finished; false if that takes too long.
 * Positions are multiples of eight, so a header is never cut. */
static bool
ring_header(const struct ring *r, unsigned long at, uint32_t *header)
{
	const uint32_t *p = (const uint32_t *)(r->data + (at & (r->size - 1)));

	for (unsigned i = 0; i < SPINS_MAX; i++) {
		*header = __atomic_load_n(p, __ATOMIC_ACQUIRE);
		if (!(*header & BPF_RINGBUF_BUSY_BIT))
			return true;
		sched_yield();
	}
	return false;
}

bool
ring_drain(struct ring *r,
	   void (*take)(void *ctx, const void *record, size_t n), void *ctx)
{
	unsigned long at = *r->read_to;
	uint32_t header;

	while ((long)(r->mark - at) > 0) {
		if (!ring_header(r, at, &header))
			return false;
		if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
			size_t n = header;
			const void *p =
				ring_bytes(r, at + BPF_RINGBUF_HDR_SZ, n);

			take(ctx, p, p == NULL ? 0 : n);
		}
		header &= ~BPF_RINGBUF_DISCARD_BIT;
		at += (BPF_RINGBUF_HDR_SZ + header + 7ul) & ~7ul;
		/* Gives the room back at once. */
		__atomic_store_n(r->read_to, at, __ATOMIC_RELEASE);
	}
	return true;
}
