/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine gives up once everything it needs is open (sandbox.h): files
 * but for its state, its rules and the journal; every capability; every system
 * call that engine.def does not name.
 */
#ifndef FIM_CONFINE_H
#define FIM_CONFINE_H

#include "fim/monitor.h"

/* -1 and a sentence where the kernel has the means but refuses. Where it has
 * none that is said on notes, and the rest holds. */
int confine_engine(struct monitor *, struct err *);

#endif
