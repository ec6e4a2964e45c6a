/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the passphrase of a secret key comes from: a descriptor that the
 * caller names (--passphrase-fd), else the terminal, without echo. Never the
 * command line and never the environment: others can read both.
 */
#ifndef FIM_PASSPHRASE_H
#define FIM_PASSPHRASE_H

#include "scan/base.h"

struct passphrase_source {
	int fd;		  /* its first line is the passphrase; -1 = ask */
	const char *what; /* in the prompt: the name of the key file */
	const char *why;  /* of an error, static; NULL = none of ours */
};

/* A sign_passphrase.get; ctx is a passphrase_source. -1 and errno: ECANCELED
 * when there is nobody to ask, EINTR when a signal ended the asking (the
 * terminal is as it was, and the signal has been delivered). */
ssize_t passphrase_get(void *source, char *to, size_t max, bool fresh);

/* N of --passphrase-fd; NULL gives -1. False if it is no descriptor. */
bool passphrase_fd(const char *word, int *fd);

#endif
