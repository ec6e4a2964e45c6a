/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Tocsin itself consists of on this host: its program, configuration,
 * rules, exceptions, keys, units and state. The monitor watches these places as
 * well when a loaded rule asks for tocsin.self.part, which is one of the words
 * below for a file event in one of them.
 */
#ifndef FIM_OWN_H
#define FIM_OWN_H

#include "fim/config.h"
#include "fim/options.h"

struct own_place {
	struct view path; /* absolute; components may have a * */
	const char *part; /* "program", "configuration", … */
};

/* Zero-initialise; own_free. */
struct own {
	struct own_place *v;
	size_t n;
	struct arena arena;
};

/* Replaces what was there. `state` is the folder in use. Places that are
 * reached through a symbolic link stand there under both names. -1 when memory
 * is out, with the old ones kept. */
int own_read(struct own *, const struct options *, const struct config *,
	     const char *state);
/* NULL = it is none of ours. The most particular place counts. */
const char *own_part(const struct own *, struct view path);
void own_free(struct own *);

#endif
