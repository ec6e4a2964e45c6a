/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal of systemd, entry by entry: what the sensor that follows it and
 * the reader of its files share. Files are read as recorded events are: each
 * entry becomes the event that the sensor would have made of it, encoded and
 * read back, so that rules, names and alerts are those of any recording. Which
 * process wrote a message is known by what journald noted, without ancestors.
 *
 * An event's name is the entry's cursor, which journalctl --cursor takes.
 */
#ifndef FIM_JOURNAL_FILE_H
#define FIM_JOURNAL_FILE_H

#include "fim/inputs.h"
#include "fim/journal.h"

#include <systemd/sd-journal.h>

/* Bytes kept of one field; for sd_journal_set_data_threshold. */
#define JOURNAL_FIELD_BYTES_MAX 16384

/* A field of the entry that the journal stands on, copied; VIEW_NONE: it has
 * none. */
struct view journal_read_field(sd_journal *, const char *name, struct arena *);
/* All fields of journal.h; the time is the caller's to set. */
void journal_read_entry(sd_journal *, struct arena *, struct journal_entry *);

/* Reads the files, or one folder of them, as one journal in order of time.
 * Returns how many could not be read to their end (in `err`), -1 when the sink
 * stopped or memory is out; `dropped` counts the messages that journald says
 * it did not keep. */
int64_t journal_files_read(const struct inputs_config *,
			   const char *const *names, size_t n,
			   uint64_t *dropped, struct err *);

#endif
