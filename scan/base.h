/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor of the house: byte views, arenas, growing buffers, diagnostics,
 * encoders and clocks. It depends on libc alone and everything may use it.
 *
 * Conventions, valid for every header of Tocsin:
 *   - Bytes from outside travel as `struct view` (pointer and length, NUL is
 *     data). A view owns nothing: its header says whose memory it points to.
 *   - "system" errors: -1 and errno. "input" errors: -1 and an entry in the
 *     caller's `struct err`. Verdicts are enums.
 *   - Times are uint64_t nanoseconds. "boot" is CLOCK_BOOTTIME, "wall" is
 *     CLOCK_REALTIME since 1970.
 *   - No function here prints or exits.
 */
#ifndef SCAN_BASE_H
#define SCAN_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS 1000000ull
#define NS_PER_US 1000ull

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* ---- views ----------------------------------------------------------- */

struct view {
	const char *p; /* borrowed; may be NULL only when n is 0 */
	size_t n;
};

#define VIEW(literal) ((struct view){ (literal), sizeof(literal) - 1 })
#define VIEW_NONE ((struct view){ NULL, 0 })

struct view view_of(const char *cstr); /* NULL gives VIEW_NONE */
/* Clamp: the part from `from`, at most `n` bytes. */
struct view view_sub(struct view v, size_t from, size_t n);

static inline bool
view_eq(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool view_eq_fold(struct view a, struct view b); /* ASCII letters folded */
int view_cmp(struct view a, struct view b);	 /* byte order */
bool view_starts(struct view v, struct view prefix);
bool view_ends(struct view v, struct view suffix);
/* First / last position of a byte, or -1. */
ssize_t view_find(struct view v, char byte);
ssize_t view_rfind(struct view v, char byte);
/* First position of `needle` at or after `from`, or -1. */
ssize_t view_search(struct view v, struct view needle, size_t from);
struct view view_trim(struct view v); /* ASCII white space, both ends */

/* The next NUL-terminated item of a list such as /proc/PID/cmdline or a
 * recorded argv; false at the end. A last item without NUL counts. */
bool view_next_item(struct view *rest, struct view *item);
/* The same for a separator byte. */
bool view_next_split(struct view *rest, char sep, struct view *item);

/* Whole view as a decimal number; false on empty, junk or overflow. */
bool view_to_u64(struct view v, uint64_t *out);
bool view_to_i64(struct view v, int64_t *out);

/* A fast hash for tables in memory, keyed per process against chosen
 * collisions. Not stable between runs: never write it to a file. */
uint64_t view_hash(struct view v);
/* Of what `hash` is of, and the view. */
uint64_t view_hash_more(uint64_t hash, struct view v);
uint64_t hash_mix(uint64_t a, uint64_t b);

/* The last component after '/', and what follows its last dot: of ".lock"
 * too, or a hidden name would hide a file from rules that ask for it. Absent
 * for "name" and "name.". Both point into `path`. */
struct view path_name(struct view path);
struct view path_extension(struct view path);
struct view path_directory(struct view path); /* without the last slash */

/* ---- arenas ---------------------------------------------------------- */

/* Memory that is freed together. Zero-initialise, use, then reset (keeps
 * one chunk for the next round) or free. Allocation returns NULL when
 * memory is out; it is aligned for any type and not zeroed. */
struct arena_chunk;
struct arena {
	struct arena_chunk *first, *now;
	size_t used;	   /* bytes used in `now` */
	size_t held_bytes; /* all that malloc gave, for accounting */
	bool failed;	   /* memory was out, since it was begun or reset */
};

void *arena_alloc(struct arena *, size_t n);
void *arena_zalloc(struct arena *, size_t n);
/* n * size with overflow check. */
void *arena_array(struct arena *, size_t n, size_t size);
/* A copy with a NUL behind it (not counted). On lack of memory: VIEW_NONE
 * for a non-empty argument. */
struct view arena_copy(struct arena *, struct view);
struct view arena_printf(struct arena *, const char *fmt, ...)
	PRINTF_LIKE(2, 3);
struct view arena_vprintf(struct arena *, const char *fmt, va_list)
	PRINTF_LIKE(2, 0);
void arena_reset(struct arena *);
void arena_free(struct arena *);

/* ---- growing buffers ------------------------------------------------- */

/* Zero-initialise; free with buf_free. A failed allocation sets `failed`,
 * keeps what was there and makes later puts do nothing, so that a writer
 * checks once at the end. */
struct buf {
	char *p;
	size_t n, cap;
	bool failed;
};

/* Room for n more bytes at p + n, for those who write there themselves. */
bool buf_reserve(struct buf *, size_t n);
void buf_put(struct buf *, struct view);
void buf_puts(struct buf *, const char *cstr);
void buf_putc(struct buf *, char);
void buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_clear(struct buf *); /* keeps the memory */
void buf_free(struct buf *);
/* What it holds, which is then free: a copy in the arena. If either failed, the
 * arena has, and it is VIEW_NONE. */
struct view arena_take(struct arena *, struct buf *);
static inline struct view
buf_view(const struct buf *b)
{
	return (struct view){ b->p, b->n };
}

/* ---- encoders: the only way outside bytes reach an output ------------ */

/* A JSON string with its quotes (RFC 8259). Every byte that is not part of
 * valid UTF-8 becomes U+FFFD, so the result is always valid JSON. */
void buf_json_string(struct buf *, struct view);
/* Shortest form that reads back the same; NaN and infinity become null. */
void buf_json_double(struct buf *, double);
/* For people and terminals: control characters, DEL, C1, line and paragraph
 * separators, bidirectional controls and invalid UTF-8 become \xNN or
 * \u{NNNN}; a backslash is doubled. One line stays one line. */
void buf_text(struct buf *, struct view);
/* buf_text in double quotes only where the word has spaces, quotes or is
 * empty, as a shell user would write it. */
void buf_text_word(struct buf *, struct view);
/* buf_text for lines that people wrote: a backslash stays what it is; in the
 * second, a tab, too. */
void buf_source(struct buf *, struct view);
void buf_source_line(struct buf *, struct view);
void buf_hex(struct buf *, const void *bytes, size_t n);

/* Length of the valid UTF-8 sequence that starts at v.p, 0 if invalid. */
size_t utf8_length(struct view v);
/* Decodes it as well; an invalid byte gives 1 and U+FFFD. n must be > 0. */
size_t utf8_decode(struct view v, uint32_t *code_point);
void buf_utf8(struct buf *, uint32_t code_point);
bool utf8_valid(struct view v);

/* ---- diagnostics of input -------------------------------------------- */

/* Where in an input something is wrong; line and column count from 1, 0
 * means "not known". `text` is the source line, for the caret. All borrowed:
 * err_add copies. Columns count bytes. */
struct place {
	const char *file;
	unsigned line, column;
	struct view text;
};

struct diag {
	const char *file; /* never NULL, "" when unknown */
	unsigned line, column;
	struct view text;
	struct view message; /* one sentence: what, and what to do */
};

/* A list of diagnostics; owns its strings. Zero-initialise, err_free. At
 * most `max` are kept (0 = ERR_MAX), the rest is counted in `dropped`. */
#define ERR_MAX 200
struct err {
	struct diag *v;
	size_t n, cap, max, dropped;
	struct arena arena;
	bool no_memory; /* it is no input that was wrong */
};

/* Always returns -1, so that `return err_add(…)` reads well. */
int err_add(struct err *, struct place, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for memory that was out; there may be none to note it in. */
int err_no_memory(struct err *, struct place);
/* "file:line:column: message", then the source line and a caret. */
void err_format(const struct diag *, struct buf *out);
void err_free(struct err *);

/* ---- clocks ---------------------------------------------------------- */

uint64_t clock_boot_ns(void);
uint64_t clock_wall_ns(void);
/* RFC 3339 in UTC with nine digits: 2026-01-02T03:04:05.678901234Z */
void buf_rfc3339(struct buf *, uint64_t wall_ns);
/* Reads RFC 3339 with any zone and 0 to 9 digits; false if it is not. */
bool rfc3339_read(struct view, uint64_t *wall_ns);

/* ---- descriptors ----------------------------------------------------- */

/* Whole write, EINTR and short writes handled; -1 and errno. */
int fd_write_all(int fd, struct view);
/* Reads to the end, at most `max` bytes, into `out` (appended). Returns 0,
 * or -1 with errno (EFBIG past `max`). */
int fd_read_all(int fd, size_t max, struct buf *out);

#endif
