/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sentences as KQL sees them: words in lower case, as Elasticsearch's standard
 * analyzer makes them by the word boundaries of Unicode (UAX #29, rules WB4 to
 * WB13). Letters, digits and _ are words; a dot, a colon or an apostrophe
 * belongs to one between two letters, a dot, a comma or an apostrophe between
 * two digits. Ideographs, Hiragana and emoji are words each. More than 255
 * characters are several words.
 *
 * Simplified: what is a letter is said for whole blocks of Unicode, Hebrew has
 * no rules of its own, Thai and its like are not cut by a dictionary, and only
 * Latin, Greek and Cyrillic letters have a lower case here.
 */
#ifndef RULES_WORDS_H
#define RULES_WORDS_H

#include "rules/engine.h"

/* The next word of text from *at, which goes on behind it; false: no more. */
bool words_next(struct view text, size_t *at, struct view *word);
/* Lower case, in place: no letter changes its length. */
void words_fold(char *text, size_t n);

/* A test for what is written behind `field:`, in pattern form: one phrase in
 * quotes, else any of its words; one with * stands for words it fits. What has
 * no word is never there. */
struct node *words_node(struct parse *, struct node *field, struct view form,
			bool quoted, size_t at);

#endif
