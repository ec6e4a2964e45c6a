/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is there completely or not at all, whatever stops us in
 * between: written under another name in the same folder, synced, renamed,
 * and the folder synced. Errors: -1 and errno. A kill in between may leave a
 * file .tocsin-NUMBER there, which nothing ever reads.
 */
#ifndef BASELINES_ATOMIC_H
#define BASELINES_ATOMIC_H

#include "scan/base.h"

enum atomic_how {
	ATOMIC_REPLACE, /* whatever has that name, also a symbolic link */
	ATOMIC_NEW,	/* EEXIST if there is one */
	/* Replaces, and need not survive a power cut: nothing is synced. */
	ATOMIC_UNSYNCED
};

/* Closing must not hide why we close: errno stays. */
void close_quietly(int fd);

int atomic_write(const char *path, mode_t mode, enum atomic_how, struct view);

#endif
