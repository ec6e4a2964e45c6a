/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences of two small texts, line by line, as `diff -u` shows them. Every
 * byte goes through buf_source_line. */
#ifndef BASELINES_TEXTDIFF_H
#define BASELINES_TEXTDIFF_H

#include "scan/base.h"

/* Lines of a text; longer ones are shown as replaced altogether. */
#define TEXTDIFF_LINES_MAX 200000u

/* No NUL in it, and UTF-8: worth showing line by line. */
bool textdiff_is_text(struct view);
/* Hunks, nothing if they are equal. -1 and errno (ENOMEM). */
int textdiff(struct view old, struct view now, struct buf *out);

#endif
