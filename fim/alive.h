/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's signs of life (baselines/heart.h). That they cannot be written
 * is said and does not keep it from watching.
 */
#ifndef FIM_ALIVE_H
#define FIM_ALIVE_H

#include "fim/monitor.h"

/* Reads the key and says that a run begins; m->heart_last is what it found.
 * An exit code other than EXIT_NOTHING: the key cannot be used. */
enum exit_code alive_open(struct monitor *);
void alive_tend(struct monitor *); /* often */
void alive_stop(struct monitor *); /* ended as it should */
void alive_close(struct monitor *);

#endif
