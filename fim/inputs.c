/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading recorded events in order of time. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/inputs.h"
#include "fim/lines.h"

struct input {
	const char *name; /* for diagnostics */
	int fd;
};

/* Where an event stands: for sorting. */
struct entry {
	uint64_t time_ns, offset, line;
	uint32_t input, bytes;
};

struct inputs {
	const struct inputs_config *config;
	struct input *v;
	size_t n;
	struct entry *entries;
	size_t n_entries, cap;
	char *block; /* one line, when sorted */
	size_t block_bytes;
	int64_t faults;
	struct err *err;
};

/* A line, and where it was. */
struct spot {
	size_t input;
	uint64_t offset, line;
	struct view text;
};

/* ---- opening --------------------------------------------------------- */

static int
input_fault(struct inputs *in, const char *name, const char *what)
{
	in->faults++;
	return err_add(in->err, (struct place){ .file = name }, "%s: %s", what,
		       strerror(errno));
}

static bool
is_stopped(const struct inputs *in)
{
	return in->config->stopped != NULL && in->config->stopped();
}

static int
copy_all(const struct inputs *in, int from, int to)
{
	char block[1 << 16];
	uint64_t total = 0;
	ssize_t n;

	for (;;) {
		n = is_stopped(in) ? -1 : read(from, block, sizeof(block));
		if (n < 0 && errno == EINTR && !is_stopped(in))
			continue;
		if (n <= 0)
			return (int)n;
		total += (uint64_t)n;
		if (total > INPUTS_MAX_SPOOL) {
			errno = EFBIG;
			return -1;
		}
		if (fd_write_all(to, (struct view){ block, (size_t)n }) != 0)
			return -1;
	}
}

/* What can be read only once becomes a file in memory. */
static int
input_spool(struct inputs *in, struct input *input)
{
	int fd = memfd_create("tocsin-replay", MFD_CLOEXEC);

	if (fd < 0 || copy_all(in, input->fd, fd) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		if (!is_stopped(in))
			input_fault(in, input->name,
				    errno == EFBIG
					    ? "is too large to be sorted (see "
					      "--order input)"
					    : "cannot be read");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(input->fd);
	input->fd = fd;
	return 0;
}

static void
input_open(struct inputs *in, const char *word)
{
	struct input *input = &in->v[in->n];
	bool standard = strcmp(word, "-") == 0;
	struct stat st;

	input->name = standard ? "standard input" : word;
	input->fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			     : open(word, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (input->fd < 0 || fstat(input->fd, &st) != 0) {
		if (!is_stopped(in)) /* a FIFO without a writer */
			input_fault(in, input->name, "cannot be opened");
		if (input->fd >= 0)
			close(input->fd);
		return;
	}
	in->n++;
	if (in->config->order == INPUTS_BY_TIME && !S_ISREG(st.st_mode) &&
	    (is_stopped(in) || input_spool(in, input) != 0)) {
		close(input->fd);
		in->n--;
	}
}

static void
inputs_close(struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++)
		close(in->v[i].fd);
	free(in->v);
	free(in->entries);
	free(in->block);
}

/* ---- lines ----------------------------------------------------------- */

static void
line_fault(struct inputs *in, const struct spot *spot, const char *at,
	   const char *why)
{
	struct place place = {
		.file = in->v[spot->input].name,
		.line = (unsigned)spot->line,
		.text = spot->text,
	};

	/* A decoded string does not stand in the line. */
	if (at >= spot->text.p && at <= spot->text.p + spot->text.n)
		place.column = (unsigned)(at - spot->text.p) + 1;
	in->faults++;
	err_add(in->err, place, "%s", why);
}

static bool
is_blank(struct view line)
{
	return view_trim(line).n == 0;
}

/* Calls `take` for every line with something in it; stops when it does not
 * return 0. */
static int
each_line(struct inputs *in, size_t input,
	  int (*take)(struct inputs *, const struct spot *))
{
	struct lines l = { .fd = in->v[input].fd };
	struct spot spot = { .input = input };
	enum lines_verdict verdict;
	int result = 0;

	while (result == 0 && !is_stopped(in) &&
	       (verdict = lines_next(&l, &spot.text)) != LINES_END) {
		spot.line = l.line;
		spot.offset = l.offset;
		if (verdict == LINES_ERROR && errno == EINTR)
			continue; /* it may have been another signal */
		if (verdict == LINES_ERROR) {
			input_fault(in, in->v[input].name, "cannot be read");
			break;
		}
		if (verdict == LINES_LONG) {
			spot.text = VIEW_NONE;
			line_fault(in, &spot, NULL, "the line is too long");
		} else if (!is_blank(spot.text)) {
			result = take(in, &spot);
		}
	}
	lines_free(&l);
	return result;
}

/* Reads the line; true if it is an event. -1 in *result stops. */
static bool
read_event(struct inputs *in, const struct spot *spot, int *result)
{
	const struct inputs_config *c = in->config;
	struct ndjson_fault fault = { 0 };

	*result = 0;
	switch (document_read(c->document, spot->text, &fault)) {
	case DOCUMENT_EVENT:
		return true;
	case DOCUMENT_TRACE:
		*result = c->sink.trace(c->sink.ctx, c->document, &fault);
		if (*result != 0 && fault.why != NULL) {
			line_fault(in, spot, fault.at, fault.why);
			*result = 0;
		}
		return false;
	case DOCUMENT_FAULT:
		line_fault(in, spot, fault.at, fault.why);
		return false;
	}
	return false;
}

static int
take_event(struct inputs *in, const struct spot *spot)
{
	const struct inputs_sink *sink = &in->config->sink;
	int result;

	if (!read_event(in, spot, &result))
		return result;
	return sink->event(sink->ctx, in->config->document);
}

static int
stream_all(struct inputs *in)
{
	int result = 0;

	for (size_t i = 0; i < in->n && result == 0; i++)
		result = each_line(in, i, take_event);
	return result;
}

/* ---- is it in order? ------------------------------------------------- */

/* The look that decides; quick, because it happens once more an event. */
struct look {
	struct buf needle; /* the time field's name in its quotes */
	uint64_t last_ns;
};

/* The time behind `"name"` in a line, without reading the rest of it. */
static bool
quick_time(struct view line, struct view needle, uint64_t *ns)
{
	const char *p = memmem(line.p, line.n, needle.p, needle.n);
	const char *end = line.p + line.n, *from;

	if (p == NULL)
		return false;
	p += needle.n;
	while (p < end && (*p == ' ' || *p == ':'))
		p++;
	if (p < end && *p == '"') {
		from = ++p;
		p = memchr(from, '"', (size_t)(end - from));
		return p != NULL &&
		       rfc3339_read((struct view){ from, (size_t)(p - from) },
				    ns);
	}
	for (from = p; p < end && *p >= '0' && *p <= '9'; p++)
		;
	return view_to_u64((struct view){ from, (size_t)(p - from) }, ns);
}

static bool
look_at_input(struct inputs *in, struct look *look, struct lines *l)
{
	enum lines_verdict verdict;
	struct view line;
	uint64_t ns;

	while ((verdict = lines_next(l, &line)) != LINES_END) {
		if (verdict == LINES_ERROR || is_stopped(in))
			return false;
		if (verdict == LINES_LONG || is_blank(line))
			continue;
		if (!quick_time(line, buf_view(&look->needle), &ns) ||
		    ns < look->last_ns)
			return false;
		look->last_ns = ns;
	}
	return true;
}

static void
rewind_all(struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++)
		lseek(in->v[i].fd, 0, SEEK_SET);
}

static bool
in_order(struct inputs *in)
{
	struct look look = { 0 };
	bool ordered = true;

	buf_json_string(&look.needle, view_of(in->config->time_field));
	for (size_t i = 0; i < in->n && ordered; i++) {
		struct lines l = { .fd = in->v[i].fd };

		ordered = !look.needle.failed && look_at_input(in, &look, &l);
		lines_free(&l);
	}
	buf_free(&look.needle);
	rewind_all(in);
	return ordered;
}

/* Does the first line say that this is a trace? */
static bool
is_trace(struct inputs *in)
{
	struct lines l = { .fd = in->n > 0 ? in->v[0].fd : -1 };
	struct ndjson_fault fault;
	struct view line;
	bool trace;

	trace = in->n > 0 && lines_next(&l, &line) == LINES_LINE &&
		document_read(in->config->document, line, &fault) ==
			DOCUMENT_TRACE;
	lines_free(&l);
	rewind_all(in);
	return trace;
}

/* ---- sorting --------------------------------------------------------- */

static struct entry *
entry_new(struct inputs *in)
{
	size_t cap = in->cap == 0 ? 1024 : 2 * in->cap;
	struct entry *v;

	if (in->n_entries == in->cap) {
		v = reallocarray(in->entries, cap, sizeof(*v));
		if (v == NULL)
			return NULL;
		in->entries = v;
		in->cap = cap;
	}
	return &in->entries[in->n_entries++];
}

/* An event without a time stays behind the one before it. */
static int
index_event(struct inputs *in, const struct spot *spot)
{
	uint64_t time_ns =
		in->n_entries > 0 ? in->entries[in->n_entries - 1].time_ns : 0;
	struct entry *entry;
	int result;

	if (!read_event(in, spot, &result))
		return result;
	document_time(in->config->document, &time_ns);
	entry = entry_new(in);
	if (entry == NULL)
		return err_add(in->err, (struct place){ 0 }, "out of memory");
	*entry =
		(struct entry){ time_ns, spot->offset, spot->line,
				(uint32_t)spot->input, (uint32_t)spot->text.n };
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	if (x->input != y->input)
		return x->input < y->input ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The line again. The file may have changed meanwhile: a fault then. */
static int
entry_read(struct inputs *in, const struct entry *entry, struct spot *spot)
{
	size_t room = (size_t)entry->bytes + 1 + NDJSON_PADDING;
	ssize_t n;
	char *block;

	if (room > in->block_bytes) {
		block = realloc(in->block, 2 * room);
		if (block == NULL)
			return err_add(in->err, (struct place){ 0 },
				       "out of memory");
		in->block = block;
		in->block_bytes = 2 * room;
	}
	n = pread(in->v[entry->input].fd, in->block, entry->bytes,
		  (off_t)entry->offset);
	if (n < 0)
		n = 0;
	in->block[n] = '\n';
	memset(in->block + n + 1, 0, NDJSON_PADDING);
	*spot = (struct spot){ entry->input,
			       entry->offset,
			       entry->line,
			       { in->block, (size_t)n } };
	return 0;
}

static int
sort_all(struct inputs *in)
{
	struct spot spot;

	for (size_t i = 0; i < in->n; i++)
		if (each_line(in, i, index_event) != 0)
			return -1;
	if (in->n_entries > 0)
		qsort(in->entries, in->n_entries, sizeof(*in->entries),
		      by_time);
	for (size_t i = 0; i < in->n_entries && !is_stopped(in); i++) {
		if (entry_read(in, &in->entries[i], &spot) != 0)
			return -1;
		if (take_event(in, &spot) != 0)
			return -1;
	}
	return 0;
}

int64_t
inputs_read(const struct inputs_config *config, const char *const *names,
	    size_t n, struct err *err)
{
	struct inputs in = { .config = config, .err = err };
	int result;

	in.v = calloc(n + 1, sizeof(*in.v));
	if (in.v == NULL)
		return err_add(err, (struct place){ 0 }, "out of memory");
	for (size_t i = 0; i < n; i++)
		input_open(&in, names[i]);
	if (config->order == INPUTS_AS_THEY_COME || is_trace(&in) ||
	    in_order(&in))
		result = stream_all(&in);
	else
		result = sort_all(&in);
	inputs_close(&in);
	return result != 0 ? -1 : in.faults;
}
