/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of systemd's journal as recorded events. */
#include "fim/journal_file.h"

#include "fim/fields.h"
#include "fim/live.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct reader {
	const struct inputs_config *config;
	sd_journal *journal;
	struct host host; /* of the entry */
	struct names *names;
	struct live live;
	struct arena arena; /* of the entry */
	struct buf line;
	uint64_t seq, dropped;
	struct err *err;
};

/* ---- one entry ------------------------------------------------------- */

/* The library's memory is good until its next call. */
struct view
journal_read_field(sd_journal *journal, const char *name, struct arena *arena)
{
	const void *data;
	struct view v, skip = view_of(name);
	size_t n;

	if (sd_journal_get_data(journal, name, &data, &n) < 0)
		return VIEW_NONE;
	v = view_sub((struct view){ data, n }, skip.n + 1,
		     JOURNAL_FIELD_BYTES_MAX);
	return arena_copy(arena, v);
}

void
journal_read_entry(sd_journal *journal, struct arena *arena,
		   struct journal_entry *entry)
{
	*entry = (struct journal_entry){ 0 };
	for (int i = 0; i < JOURNAL_FIELD_COUNT; i++)
		entry->v[i] = journal_read_field(
			journal, journal_field_name((enum journal_field)i),
			arena);
}

/* Put before anybody asks, so that nothing else is filled in. */
static void
set_field(struct reader *r, unsigned field, struct value value)
{
	struct record *record = &r->live.record;
	struct value *v = arena_alloc(&r->arena, sizeof(*v));

	if (v == NULL)
		return;
	*v = value;
	record->slots[field] = (struct slot){ .generation = record->generation,
					      .n = 1,
					      .v = v };
}

static void
set_string(struct reader *r, unsigned field, struct view s)
{
	if (s.n > 0)
		set_field(r, field,
			  (struct value){ .type = VALUE_STRING, .s = s });
}

/* What the process table says of live ones. */
static void
set_sender(struct reader *r, const struct journal_entry *entry, uint32_t pid)
{
	if (pid > 0)
		set_field(r, FIELD_PROCESS_PID,
			  (struct value){ .type = VALUE_INT, .i = pid });
	set_string(r, FIELD_PROCESS_EXECUTABLE, entry->v[JOURNAL_EXE]);
	set_string(r, FIELD_PROCESS_COMMAND_LINE,
		   journal_read_field(r->journal, "_CMDLINE", &r->arena));
}

static void
set_cursor(struct reader *r)
{
	char *cursor;

	if (sd_journal_get_cursor(r->journal, &cursor) < 0)
		return;
	set_string(r, FIELD_EVENT_ID, arena_copy(&r->arena, view_of(cursor)));
	free(cursor);
}

static void
set_host(struct reader *r)
{
	r->host.id = journal_read_field(r->journal, "_MACHINE_ID", &r->arena);
	r->host.name = journal_read_field(r->journal, "_HOSTNAME", &r->arena);
}

/* As a line that a document reads. */
static int
deliver(struct reader *r)
{
	static const char padding[NDJSON_PADDING];
	struct ndjson_fault fault;
	size_t n;

	buf_clear(&r->line);
	fields_encode(&r->live.record, NULL, &r->line);
	n = r->line.n;
	buf_putc(&r->line, '\n');
	buf_put(&r->line, (struct view){ padding, sizeof(padding) });
	if (r->line.failed)
		return err_add(r->err, (struct place){ 0 }, "out of memory");
	if (document_read(r->config->document, (struct view){ r->line.p, n },
			  &fault) != DOCUMENT_EVENT)
		return err_add(r->err, (struct place){ 0 },
			       "an entry of the journal: %s", fault.why);
	return r->config->sink.event(r->config->sink.ctx, r->config->document);
}

static int
take_entry(struct reader *r)
{
	struct journal_entry entry;
	struct event_log log;
	struct event e;
	uint64_t usec = 0;

	arena_reset(&r->arena);
	journal_read_entry(r->journal, &r->arena, &entry);
	sd_journal_get_realtime_usec(r->journal, &usec);
	entry.time_ns = usec * NS_PER_US;
	journal_event(&entry, &e, &log);
	if (e.kind == EVENT_LOSS) {
		r->dropped += e.lost;
		return 0;
	}
	set_host(r);
	live_begin(&r->live, &e, NULL, NULL, ++r->seq);
	set_sender(r, &entry, e.key.pid);
	set_cursor(r);
	return deliver(r);
}

/* ---- files ----------------------------------------------------------- */

static int
fault(struct reader *r, const char *name, const char *what, int code)
{
	return err_add(r->err, (struct place){ .file = name }, "%s: %s", what,
		       strerror(-code));
}

static bool
is_folder(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Each alone first: of many, the library does not say which one is wrong. */
static int64_t
open_files(struct reader *r, const char *const *names, size_t n)
{
	const char **good = calloc(n + 1, sizeof(*good));
	int64_t faults = 0;
	size_t k = 0;
	int code;

	if (good == NULL)
		return err_add(r->err, (struct place){ 0 }, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *one[] = { names[i], NULL };

		code = sd_journal_open_files(&r->journal, one, 0);
		if (code < 0) {
			fault(r, names[i], "this is no journal to be read",
			      code);
			faults++;
			continue;
		}
		sd_journal_close(r->journal);
		r->journal = NULL;
		good[k++] = names[i];
	}
	code = k > 0 ? sd_journal_open_files(&r->journal, good, 0) : 0;
	if (code < 0) {
		fault(r, good[0], "these journals cannot be read as one", code);
		faults++;
	}
	free(good);
	return faults;
}

static int64_t
open_journal(struct reader *r, const char *const *names, size_t n)
{
	int code;

	if (n != 1 || !is_folder(names[0]))
		return open_files(r, names, n);
	code = sd_journal_open_directory(&r->journal, names[0], 0);
	if (code < 0)
		fault(r, names[0], "this folder of journals cannot be read",
		      code);
	return code < 0;
}

static bool
is_stopped(const struct reader *r)
{
	return r->config->stopped != NULL && r->config->stopped();
}

static int64_t
read_entries(struct reader *r, const char *name)
{
	int code;

	sd_journal_set_data_threshold(r->journal, JOURNAL_FIELD_BYTES_MAX);
	code = sd_journal_seek_head(r->journal);
	while (code >= 0 && !is_stopped(r) &&
	       (code = sd_journal_next(r->journal)) > 0)
		if (take_entry(r) != 0)
			return -1;
	if (code >= 0)
		return 0;
	fault(r, name, "the journal cannot be read from here on", code);
	return 1;
}

int64_t
journal_files_read(const struct inputs_config *config, const char *const *names,
		   size_t n, uint64_t *dropped, struct err *err)
{
	struct reader r = { .config = config, .err = err };
	int64_t faults = -1, more = 0;

	r.names = names_new(NULL, NULL);
	if (r.names == NULL || live_init(&r.live, &r.host, NULL, r.names) != 0)
		err_add(err, (struct place){ 0 }, "out of memory");
	else
		faults = open_journal(&r, names, n);
	if (faults >= 0 && r.journal != NULL)
		more = read_entries(&r, names[0]);
	*dropped = r.dropped;
	sd_journal_close(r.journal);
	live_free(&r.live);
	names_free(r.names);
	arena_free(&r.arena);
	buf_free(&r.line);
	return faults < 0 || more < 0 ? -1 : faults + more;
}
