/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A folder of reports: each has a name of its own, TIME-COMMAND.json, so that
 * their names are in the order of their chain. One that is not complete has
 * not got its name.
 */
#ifndef FIM_REPORT_FOLDER_H
#define FIM_REPORT_FOLDER_H

#include "fim/options.h"

/* Zero-initialise; report_folder_free. */
struct report_folder {
	struct buf path, part; /* with a NUL */
};

/* Does the command line ask for a report in a folder that there is? */
bool report_folder_wanted(const struct options *);
/* Where it is to be written, for now; the caller closes. -1 and errno. */
int report_folder_open(const struct options *, struct report_folder *);
/* Gives a complete one its name, removes another. -1 and errno. */
int report_folder_end(struct report_folder *, bool complete);
void report_folder_free(struct report_folder *);

#endif
