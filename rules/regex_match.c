/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular expressions at work. Values are hostile: some make a matcher that
 * tries one way after the other go on for ever, and nobody may be spared by
 * writing one. So that matcher, by far the quicker one as a rule, has a small
 * budget, and when it is spent all ways are gone together, character by
 * character (pcre2_dfa_match), in time that grows with the value's length and
 * the square of the ways that are open at once.
 */
#include "rules/regex.h"

#include <math.h>
#include <stdlib.h>

/* Steps of the first matcher, a nanosecond or so each where there is machine
 * code: about what the forward search, some 60 ns a character for a usual
 * expression, takes for the value. To try for longer would gain nothing. */
#define STEPS_MIN 5000
#define STEPS_PER_BYTE 50
#define STEPS_MAX 200000
#define DEPTH_LIMIT 2000
#define HEAP_KIB 1024
/* The machine stack of compiled matches; PCRE2's own 32 KiB end at a group
 * repeated some hundred times. */
#define STACK_BYTES (1u << 20)

/* Of the forward search: comparisons of open ways with each other, for each
 * character; this many take a quarter of a second. 32 KiB, the longest command
 * line that the sensor gives, leave room for 170 ways. */
#define WORK_MAX 1e9
#define WAYS_MAX 2000
#define INTS_PER_WAY (2 * 3) /* now and after the next character */
#define INTS_BESIDE 2
/* What ~ and & ask ahead is a search of its own at each place where they
 * stand, with room for some 166 ways, whatever is given here: characters of all
 * of those. Three times 32 KiB took a fifth of a second. */
#define AHEAD_MAX 50000
#define AHEAD_MIN 2 /* searches; an & needs one for a value of any length */

struct regex_room {
	pcre2_match_data *data;
	pcre2_match_context *context, *forward;
	pcre2_jit_stack *stack;
	int *ways;	   /* of the first forward search on */
	struct buf mended; /* a value that is not UTF-8, as if it were */
};

static bool
make_contexts(struct regex_room *room)
{
	room->data = pcre2_match_data_create(1, NULL);
	room->context = pcre2_match_context_create(NULL);
	room->forward = pcre2_match_context_create(NULL);
	if (room->data == NULL || room->context == NULL ||
	    room->forward == NULL)
		return false;
	/* Without one (no JIT) the interpreter's limits hold. */
	room->stack = pcre2_jit_stack_create(32 << 10, STACK_BYTES, NULL);
	if (room->stack != NULL)
		pcre2_jit_stack_assign(room->context, NULL, room->stack);
	pcre2_set_depth_limit(room->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(room->context, HEAP_KIB);
	pcre2_set_depth_limit(room->forward, DEPTH_LIMIT);
	pcre2_set_heap_limit(room->forward, HEAP_KIB);
	return true;
}

struct regex_room *
regex_room_new(void)
{
	struct regex_room *room = calloc(1, sizeof(*room));

	if (room != NULL && !make_contexts(room)) {
		regex_room_free(room);
		return NULL;
	}
	return room;
}

void
regex_room_free(struct regex_room *room)
{
	if (room == NULL)
		return;
	pcre2_match_data_free(room->data);
	pcre2_match_context_free(room->context);
	pcre2_match_context_free(room->forward);
	pcre2_jit_stack_free(room->stack);
	free(room->ways);
	buf_free(&room->mended);
	free(room);
}

/* Every byte that is not part of valid UTF-8 becomes U+FFFD, as in the JSON of
 * an alert: what Elasticsearch would see of the value. */
static bool
mend(struct buf *b, struct view *s)
{
	struct view rest = *s;
	uint32_t c;
	size_t n;

	buf_clear(b);
	for (; rest.n > 0; rest = view_sub(rest, n, rest.n - n)) {
		n = utf8_decode(rest, &c);
		buf_utf8(b, c);
	}
	*s = buf_view(b);
	if (!b->failed)
		return true;
	buf_free(b);
	return false;
}

/* Values are valid by now, which spares PCRE2 to look again. */
static int
backtrack(const struct regex *re, struct regex_room *room, struct view s)
{
	uint32_t steps = STEPS_MAX;

	if (s.n < (STEPS_MAX - STEPS_MIN) / STEPS_PER_BYTE)
		steps = STEPS_MIN + STEPS_PER_BYTE * (uint32_t)s.n;
	pcre2_set_match_limit(room->context, steps);
	return pcre2_match(re->code, (PCRE2_SPTR)s.p, s.n, 0,
			   PCRE2_NO_UTF_CHECK, room->data, room->context);
}

static size_t
ways_allowed(size_t n)
{
	double ways = sqrt(WORK_MAX / (double)(n + 1));

	return ways < WAYS_MAX ? (size_t)ways : WAYS_MAX;
}

int
regex_forward(const struct regex *re, struct regex_room *room, struct view s)
{
	size_t n = INTS_BESIDE + INTS_PER_WAY * ways_allowed(s.n);

	if (room->ways == NULL)
		room->ways = calloc(INTS_BESIDE + INTS_PER_WAY * WAYS_MAX,
				    sizeof(*room->ways));
	if (room->ways == NULL)
		return PCRE2_ERROR_NOMEMORY;
	pcre2_set_match_limit(room->forward,
			      AHEAD_MIN + (uint32_t)(AHEAD_MAX / (s.n + 1)));
	return pcre2_dfa_match(re->code, (PCRE2_SPTR)s.p, s.n, 0,
			       PCRE2_NO_UTF_CHECK, room->data, room->forward,
			       room->ways, n);
}

static bool
is_limit(int rc)
{
	return rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT ||
	       rc == PCRE2_ERROR_HEAPLIMIT || rc == PCRE2_ERROR_JIT_STACKLIMIT;
}

bool
regex_match(const struct regex *re, struct regex_room *room, struct view s,
	    struct rules_counters *counters)
{
	int rc;

	if (s.n == 0)
		s = VIEW("");
	if (!utf8_valid(s) && !mend(&room->mended, &s)) {
		counters->no_memory++;
		return false;
	}
	rc = backtrack(re, room, s);
	if (is_limit(rc))
		rc = regex_forward(re, room, s);
	if (rc == PCRE2_ERROR_NOMEMORY)
		counters->no_memory++;
	else if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		counters->regex_limits++;
	return rc >= 0;
}
