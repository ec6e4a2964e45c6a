/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash-chained journal. */
#include "baselines/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "scan/scan.h"

#define JOURNAL_MAX_BYTES (256u << 20)
#define DIGEST_KEY ",\"digest\":\""
#define PREVIOUS_KEY ",\"previous\":\""
#define SIGNATURE_KEY ",\"signature\":\""
/* What follows the digested part of a line. */
#define TAIL_BYTES (sizeof(DIGEST_KEY) - 1 + JOURNAL_DIGEST_CHARS + 2)

static const char no_digest[] = "00000000000000000000000000000000"
				"00000000000000000000000000000000";

void
journal_make_folder(const char *state)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/log%c", state, 0);
	if (!path.failed)
		mkdir(path.p, 0700);
	buf_free(&path);
}

static int
open_journal(const char *state, const char *file, bool make)
{
	int how = (make ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY) | O_CLOEXEC |
		  O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	struct buf path = { 0 };
	int fd = -1;

	buf_printf(&path, "%s/log/%s%c", state, file, 0);
	if (path.failed)
		errno = ENOMEM;
	else
		fd = open(path.p, how, 0600);
	if (fd < 0 && make && errno == ENOENT) {
		journal_make_folder(state);
		fd = open(path.p, how, 0600);
	}
	buf_free(&path);
	return fd;
}

/* ---- checking -------------------------------------------------------- */

/* Where the signature of a line without its digest begins; its end if it has
 * none. Within a string the key would have backslashes. */
static size_t
signature_at(struct view head)
{
	ssize_t at = view_search(head, VIEW(SIGNATURE_KEY), 0), next;

	while (at >= 0 && (next = view_search(head, VIEW(SIGNATURE_KEY),
					      (size_t)at + 1)) >= 0)
		at = next;
	/* Nothing but what put_record writes may follow. */
	return at >= 0 && view_ends(view_sub(head, 0, (size_t)at), VIEW("\""))
		       ? (size_t)at
		       : head.n;
}

/* What is no fault of the line's. */
static const char no_memory[] = "out of memory";

/* NULL: sound. */
static const char *
check_line(struct view line, uint64_t seq, struct view previous)
{
	struct buf want = { 0 };
	uint8_t digest[32];
	struct view head, tail;
	const char *why = NULL;

	if (line.n < TAIL_BYTES)
		return "it is too short";
	head = view_sub(line, 0, line.n - TAIL_BYTES);
	tail = view_sub(line, head.n, SIZE_MAX);
	digest_sha256(head, digest);
	buf_puts(&want, DIGEST_KEY);
	buf_hex(&want, digest, 32);
	buf_puts(&want, "\"}");
	if (want.failed)
		why = no_memory;
	else if (!view_eq(buf_view(&want), tail))
		why = "it is not what was written";
	buf_clear(&want);
	buf_printf(&want, "{\"seq\":%llu,", (unsigned long long)seq);
	if (why == NULL && !view_starts(head, buf_view(&want)))
		why = "its number is not the next";
	buf_clear(&want);
	buf_puts(&want, PREVIOUS_KEY);
	buf_put(&want, previous);
	buf_putc(&want, '"');
	if (why == NULL &&
	    !view_ends(view_sub(head, 0, signature_at(head)), buf_view(&want)))
		why = "it does not follow the line before";
	if (want.failed)
		why = no_memory;
	buf_free(&want);
	return why;
}

/* Could this be what a kill left of a line? It is as if it had not been
 * written, which a baseline that knows of it would notice. A line that is
 * longer than one with a digest had an end. */
static bool
is_beginning(struct view rest, uint64_t seq)
{
	char want[sizeof("{\"seq\":18446744073709551615,")];
	ssize_t key = view_search(rest, VIEW(PREVIOUS_KEY), 0);
	bool is;

	if (key >= 0)
		key = view_search(rest, VIEW(DIGEST_KEY), (size_t)key);
	snprintf(want, sizeof(want), "{\"seq\":%llu,", (unsigned long long)seq);
	is = view_starts(rest, view_sub(view_of(want), 0, rest.n));
	return is && (key < 0 || rest.n - (size_t)key <= TAIL_BYTES);
}

static int
take_line(struct journal_state *s, struct view line, struct view sought)
{
	json_error_t error;
	json_t *json = json_loadb(line.p, line.n, 0, &error);
	json_int_t generation =
		json_integer_value(json_object_get(json, "generation"));

	if (json == NULL && json_error_code(&error) == json_error_out_of_memory)
		return -1;
	s->records++;
	if (generation > 0) {
		s->generation = (uint64_t)generation;
		buf_clear(&s->root);
		buf_puts(&s->root,
			 json_string_value(json_object_get(json, "root"))
				 ?: "");
	}
	json_decref(json);
	buf_clear(&s->head);
	buf_put(&s->head, view_sub(line, line.n - JOURNAL_DIGEST_CHARS - 2,
				   JOURNAL_DIGEST_CHARS));
	if (view_eq(buf_view(&s->head), sought))
		s->known = true;
	return s->head.failed || s->root.failed ? -1 : 0;
}

static const char *
what_is(const char *file)
{
	return strcmp(file, JOURNAL_MAIN) == 0 ? "the journal"
					       : "the record of heartbeats";
}

static int
read_lines(struct view text, struct view sought, struct journal_state *s,
	   void (*each)(void *ctx, struct view line), void *ctx,
	   struct place at, const char *what, struct err *err)
{
	struct view line, rest = text;
	const char *why;

	for (; rest.n > 0; s->whole_bytes = text.n - rest.n) {
		ssize_t end = view_find(rest, '\n');

		at.line = (unsigned)s->records + 1;
		if (end < 0 && is_beginning(rest, s->records + 1)) {
			s->half_bytes = rest.n;
			return 0;
		}
		if (end < 0) {
			err_add(err, at,
				"%s was changed: its last line has no end",
				what);
			return 1;
		}
		line = view_sub(rest, 0, (size_t)end);
		rest = view_sub(rest, (size_t)end + 1, SIZE_MAX);
		why = check_line(line, s->records + 1,
				 s->records > 0 ? buf_view(&s->head)
						: view_of(no_digest));
		if (why == NULL && take_line(s, line, sought) != 0)
			why = no_memory;
		if (why == no_memory)
			return err_add(err, at, "%s cannot be read: %s", what,
				       why);
		if (why != NULL) {
			err_add(err, at, "%s was changed: %s", what, why);
			return 1;
		}
		if (each != NULL)
			each(ctx, line);
	}
	return 0;
}

int
journal_read_from(const char *state, const char *file, struct view sought,
		  struct journal_state *s,
		  void (*each)(void *ctx, struct view line), void *ctx,
		  struct err *err)
{
	struct place at = { .file = state };
	struct buf text = { 0 };
	int fd = open_journal(state, file, false), rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	rc = fd < 0 ? -1 : fd_read_all(fd, JOURNAL_MAX_BYTES, &text);
	if (rc != 0)
		err_add(err, at, "%s cannot be read: %s", what_is(file),
			strerror(errno));
	else
		rc = read_lines(buf_view(&text), sought, s, each, ctx, at,
				what_is(file), err);
	if (fd >= 0)
		close(fd);
	buf_free(&text);
	return rc;
}

int
journal_read(const char *state, struct view sought, struct journal_state *s,
	     void (*each)(void *ctx, struct view line), void *ctx,
	     struct err *err)
{
	return journal_read_from(state, JOURNAL_MAIN, sought, s, each, ctx,
				 err);
}

void
journal_state_free(struct journal_state *s)
{
	buf_free(&s->root);
	buf_free(&s->head);
	*s = (struct journal_state){ 0 };
}

/* ---- signatures ------------------------------------------------------ */

enum sign_verdict
journal_verify_line(struct view line, const struct sign_keys *keys,
		    struct sign_result *result)
{
	struct view head = view_sub(line, 0, line.n - TAIL_BYTES);
	struct view content = view_sub(head, 0, signature_at(head));
	enum sign_verdict verdict;
	json_t *json;

	if (content.n == head.n)
		return SIGN_NO_SIGNATURE;
	json = json_loadb(line.p, line.n, 0, NULL);
	buf_puts(&result->text,
		 json_string_value(json_object_get(json, "signature")) ?: "");
	json_decref(json);
	verdict = sign_verify_bytes(content, buf_view(&result->text), keys,
				    result);
	return verdict;
}

static int
put_signature(struct buf *b, const struct sign_secret *key, uint64_t seq)
{
	uint8_t digest[SIGN_DIGEST_BYTES];
	struct buf comment = { 0 }, text = { 0 };
	int rc = -1;

	buf_printf(&comment, "timestamp:%llu\ttocsin:record %llu",
		   (unsigned long long)(clock_wall_ns() / NS_PER_SEC),
		   (unsigned long long)seq);
	if (!b->failed && !comment.failed &&
	    sign_digest_bytes(buf_view(b), digest) == 0)
		rc = sign_make(key, digest, buf_view(&comment), &text);
	buf_puts(b, ",\"signature\":");
	buf_json_string(b, buf_view(&text));
	buf_free(&comment);
	buf_free(&text);
	return rc;
}

/* ---- adding ---------------------------------------------------------- */

static void
put_text(struct buf *b, const char *key, struct view value)
{
	if (value.n == 0)
		return;
	buf_printf(b, ",\"%s\":", key);
	buf_json_string(b, value);
}

static int
put_record(struct buf *b, const struct journal_record *r, uint64_t seq,
	   struct view previous)
{
	uint8_t digest[32];
	int rc = 0;

	buf_printf(b, "{\"seq\":%llu,\"time\":\"", (unsigned long long)seq);
	buf_rfc3339(b, clock_wall_ns());
	buf_printf(b, "\",\"action\":\"%s\"", r->action);
	if (r->generation > 0)
		buf_printf(b, ",\"generation\":%llu",
			   (unsigned long long)r->generation);
	put_text(b, "root", r->root);
	put_text(b, "who", r->who);
	put_text(b, "reason", r->reason);
	if (r->detail.n > 0) {
		buf_puts(b, ",\"detail\":");
		buf_put(b, r->detail);
	}
	buf_puts(b, PREVIOUS_KEY);
	buf_put(b, previous);
	buf_putc(b, '"');
	if (r->key != NULL)
		rc = put_signature(b, r->key, seq);
	digest_sha256(buf_view(b), digest);
	buf_puts(b, DIGEST_KEY);
	buf_hex(b, digest, 32);
	buf_puts(b, "\"}\n");
	if (rc == 0 && !b->failed)
		return 0;
	errno = ENOMEM;
	return -1;
}

/* After the `whole` bytes that are lines: what a kill left behind them goes.
 * All of the line or nothing: a full disk leaves no half of one, either. */
static int
write_line(int fd, uint64_t whole, struct view line)
{
	struct stat st;
	int saved;

	if (fstat(fd, &st) != 0 ||
	    ((uint64_t)st.st_size != whole && ftruncate(fd, (off_t)whole) != 0))
		return -1;
	if (fd_write_all(fd, line) == 0 && fsync(fd) == 0)
		return 0;
	saved = errno;
	if (ftruncate(fd, (off_t)whole) != 0)
		saved = EIO;
	errno = saved;
	return -1;
}

static int
append_to(int fd, const char *state, const char *file,
	  const struct journal_record *r, struct err *err)
{
	struct journal_state s = { 0 };
	struct place at = { .file = state };
	struct buf line = { 0 };
	int rc = -1;

	/* What was damaged is not built upon. */
	if (journal_read_from(state, file, VIEW_NONE, &s, NULL, NULL, err) != 0)
		goto out;
	rc = put_record(&line, r, s.records + 1,
			s.records > 0 ? buf_view(&s.head) : view_of(no_digest));
	if (rc == 0)
		rc = write_line(fd, s.whole_bytes, buf_view(&line));
	if (rc != 0)
		err_add(err, at, "%s cannot be written: %s", what_is(file),
			strerror(errno));
out:
	buf_free(&line);
	journal_state_free(&s);
	return rc;
}

int
journal_append_to(const char *state, const char *file,
		  const struct journal_record *r, struct err *err)
{
	int fd = open_journal(state, file, true), rc;

	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		err_add(err, (struct place){ .file = state },
			"%s cannot be opened: %s", what_is(file),
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	rc = append_to(fd, state, file, r, err);
	close(fd);
	return rc;
}

int
journal_append(const char *state, const struct journal_record *r,
	       struct err *err)
{
	return journal_append_to(state, JOURNAL_MAIN, r, err);
}
