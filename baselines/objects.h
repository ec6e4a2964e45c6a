/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content of small protected files by digest: objects/ab/cdef….zst in the
 * state folder (0700), each a zstd frame (RFC 8878). What is read is checked
 * against its name, so a damaged or half-written one is as good as absent.
 *
 * Errors: -1 and errno (EBADMSG: not what its name says).
 */
#ifndef BASELINES_OBJECTS_H
#define BASELINES_OBJECTS_H

#include "scan/walk.h"

/* The most that a configuration may ask to keep of one file. */
#define OBJECTS_MAX_BYTES (16u << 20)

struct objects;

/* NULL and errno. `make`: the folder is made if need be. */
struct objects *objects_open(const char *state, bool make);
void objects_close(struct objects *);
/* Keeps the content of the entry that a walk has just given. ECANCELED: it
 * looks like a secret; ESTALE: it has changed since. */
int objects_put(struct objects *, const struct walk_entry *);
/* All that was put is on disk. */
int objects_sync(struct objects *);
int objects_get(struct objects *, const uint8_t sha256[32], struct buf *out);
/* Does it hold what nobody should keep a copy of? */
bool objects_secret(struct view content);

#endif
