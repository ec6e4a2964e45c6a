/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prometheus' text format, version 0.0.4: a family is its HELP, its TYPE and
 * its samples, all in one piece.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef FIM_PROM_H
#define FIM_PROM_H

#include "scan/base.h"

struct prom { /* zero-initialise but for `out` */
	struct buf *out;
	const char *name; /* of the family */
	unsigned labels;  /* of the sample, so far */
};

void prom_family(struct prom *, const char *name, const char *type,
		 const char *help);
/* A sample is its labels, if any, then its value. What is no UTF-8 in a label,
 * and control characters, become question marks. */
void prom_label(struct prom *, const char *label, struct view value);
void prom_value(struct prom *, double);

#endif
