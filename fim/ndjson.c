/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recursive-descent JSON reader that needs no look at the end of its text:
 * the line end stops every scan, because no token may contain one. Functions
 * take the cursor and return the one behind what they read, NULL = refused.
 */
#include <stdlib.h>

#include "fim/ndjson.h"
#include "fim/ndjson_scan.h"

/*
 * A name as it stands in the text under the object `parent`. Names under the
 * root (0) are complete; for all others `whole` is the complete name's index,
 * so that {"a":{"b":…}} and {"a.b":…} meet. `next` and `first` are guesses:
 * the name that followed this one, or came first in its object, last time.
 */
struct name {
	const char *key;
	uint32_t key_bytes;
	uint32_t parent, whole;
	uint32_t next, first;
	int32_t slot;
};

/* The values of a field in the event being read. */
struct chain {
	uint32_t last;	 /* index of its last value */
	uint32_t broken; /* generation in which they are not side by side */
};

/* What a slot wants done to values. */
struct care {
	uint8_t of; /* these of them, a bit for each value_type */
	uint8_t type;
};

struct ndjson {
	int (*find)(void *, struct view, enum rules_type *);
	void *ctx;
	size_t n_slots;
	struct care *cares; /* n_slots */
	size_t mark;	    /* n_slots: none */
	struct view marked;

	struct name *names; /* [0] is the root */
	uint32_t n_names, n_names_before;
	uint32_t *table; /* open addressing; 0 = free */
	uint32_t table_mask;
	uint64_t forgotten;
	struct arena name_text;

	struct value *values; /* NDJSON_MAX_VALUES, touched as needed */
	uint32_t *following;  /* next value of the same field */
	uint32_t n_values;
	struct chain *chains; /* n_slots */
	uint32_t *broken;     /* slots to be gathered */
	size_t n_broken;
	struct arena scratch; /* of this event */

	struct record *record;
	const char *limit;
	struct ndjson_fault fault;
};

#define TABLE_SIZE (4 * NDJSON_MAX_NAMES)
#define NAMES_CAP (2 * NDJSON_MAX_NAMES)

static void
names_forget(struct ndjson *j)
{
	memset(j->table, 0, TABLE_SIZE * sizeof(*j->table));
	arena_reset(&j->name_text);
	j->names[0] = (struct name){ .slot = NDJSON_IGNORE };
	j->n_names = 1;
}

struct ndjson *
ndjson_new(int (*find)(void *, struct view, enum rules_type *), void *ctx,
	   size_t n_slots)
{
	struct ndjson *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->find = find;
	j->ctx = ctx;
	j->n_slots = j->mark = n_slots;
	j->table_mask = TABLE_SIZE - 1;
	/* Large and mostly untouched: the kernel gives pages on first use. */
	j->table = calloc(TABLE_SIZE, sizeof(*j->table));
	j->names = calloc(NAMES_CAP, sizeof(*j->names));
	j->values = calloc(NDJSON_MAX_VALUES, sizeof(*j->values));
	j->following = calloc(NDJSON_MAX_VALUES, sizeof(*j->following));
	j->cares = calloc(n_slots + 1, sizeof(*j->cares));
	j->chains = calloc(n_slots + 1, sizeof(*j->chains));
	j->broken = calloc(n_slots + 1, sizeof(*j->broken));
	if (j->table == NULL || j->names == NULL || j->values == NULL ||
	    j->following == NULL || j->cares == NULL || j->chains == NULL ||
	    j->broken == NULL) {
		ndjson_free(j);
		return NULL;
	}
	j->names[0] = (struct name){ .slot = NDJSON_IGNORE };
	j->n_names = 1;
	return j;
}

void
ndjson_free(struct ndjson *j)
{
	if (j == NULL)
		return;
	free(j->table);
	free(j->names);
	free(j->values);
	free(j->following);
	free(j->cares);
	free(j->chains);
	free(j->broken);
	arena_free(&j->name_text);
	arena_free(&j->scratch);
	free(j);
}

void *
ndjson_alloc(struct ndjson *j, size_t n, size_t size)
{
	return arena_array(&j->scratch, n, size);
}

uint64_t
ndjson_forgotten(const struct ndjson *j)
{
	return j->forgotten;
}

void
ndjson_mark(struct ndjson *j, size_t slot)
{
	j->mark = slot;
}

struct view
ndjson_marked(const struct ndjson *j)
{
	return j->marked;
}

static const char *
refuse(struct ndjson *j, const char *at, const char *why)
{
	j->fault = (struct ndjson_fault){ at, why };
	return NULL;
}

/* ---- names ----------------------------------------------------------- */

static uint32_t *
name_place(const struct ndjson *j, uint32_t parent, struct view key)
{
	uint32_t at = (uint32_t)hash_mix(view_hash(key), parent);

	for (;; at++) {
		uint32_t *place = &j->table[at & j->table_mask];
		const struct name *name = &j->names[*place];

		if (*place == 0 ||
		    (name->parent == parent && name->key_bytes == key.n &&
		     memcmp(name->key, key.p, key.n) == 0))
			return place;
	}
}

/* A new name, or 0 when there is no room. */
static uint32_t
name_add(struct ndjson *j, uint32_t parent, struct view key)
{
	struct view copy;
	struct name *name;

	if (j->n_names == NAMES_CAP ||
	    j->n_names - j->n_names_before >= NDJSON_MAX_NAMES)
		return 0;
	copy = arena_copy(&j->name_text, key);
	if (copy.p == NULL && key.n > 0)
		return 0;
	name = &j->names[j->n_names];
	*name = (struct name){ .key = copy.n > 0 ? copy.p : "",
			       .key_bytes = (uint32_t)copy.n,
			       .parent = parent,
			       .slot = NDJSON_IGNORE };
	*name_place(j, parent, key) = j->n_names;
	return j->n_names++;
}

/* The slot of a name; what it wants done. */
static int32_t
slot_find(struct ndjson *j, struct view path)
{
	static const enum value_type all[] = { VALUE_STRING, VALUE_INT,
					       VALUE_REAL, VALUE_BOOL };
	enum rules_type type = RULES_ANY;
	int slot = j->find(j->ctx, path, &type);
	struct care care = { .type = (uint8_t)type };

	if (slot == NDJSON_IGNORE)
		return slot;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if ((size_t)slot == j->mark || !value_is_of(type, all[i]))
			care.of |= (uint8_t)(1 << all[i]);
	j->cares[slot] = care;
	return slot;
}

static uint32_t
name_whole(struct ndjson *j, struct view path)
{
	uint32_t at = *name_place(j, 0, path);

	if (at != 0)
		return at;
	at = name_add(j, 0, path);
	if (at == 0)
		return 0;
	j->names[at].whole = at;
	j->names[at].slot = slot_find(j, path);
	return at;
}

/* The name `key` in the object `parent` (a whole name, or 0); 0 = no room. */
static uint32_t
name_find(struct ndjson *j, uint32_t parent, struct view key)
{
	const struct name *above = &j->names[parent];
	uint32_t at = *name_place(j, parent, key), whole;
	struct view path;

	if (at != 0)
		return at;
	if (parent == 0)
		return name_whole(j, key);
	path = arena_printf(&j->scratch, "%.*s.%.*s", (int)above->key_bytes,
			    above->key, (int)key.n, key.p);
	if (path.p == NULL)
		return 0;
	whole = name_whole(j, path);
	at = whole == 0 ? 0 : name_add(j, parent, key);
	if (at == 0)
		return 0;
	j->names[at].whole = whole;
	j->names[at].slot = j->names[whole].slot;
	return at;
}

/* ---- values ---------------------------------------------------------- */

static void
value_care(struct ndjson *j, int32_t slot, struct value *v, struct view text)
{
	if ((size_t)slot == j->mark && j->marked.n == 0)
		j->marked = text;
	value_make(v, (enum rules_type)j->cares[slot].type, text);
}

static bool
value_store(struct ndjson *j, int32_t field, struct value v)
{
	struct record *r = j->record;
	struct slot *slot = &r->slots[field];
	struct chain *chain = &j->chains[field];
	uint32_t at = j->n_values;

	if (at == NDJSON_MAX_VALUES)
		return false;
	j->n_values = at + 1;
	j->values[at] = v;
	if (slot->generation != r->generation) {
		*slot = (struct slot){ r->generation, 1, &j->values[at] };
		chain->last = at;
		return true;
	}
	j->following[chain->last] = at;
	if (chain->last + 1 != at && chain->broken != r->generation) {
		chain->broken = r->generation;
		j->broken[j->n_broken++] = (uint32_t)field;
	}
	chain->last = at;
	slot->n++;
	return true;
}

/* Fields whose values came in several places get them side by side. */
static bool
values_gather(struct ndjson *j)
{
	for (size_t i = 0; i < j->n_broken; i++) {
		struct slot *slot = &j->record->slots[j->broken[i]];
		struct value *to =
			ndjson_alloc(j, slot->n, sizeof(struct value));
		uint32_t from = (uint32_t)(slot->v - j->values);

		if (to == NULL)
			return false;
		for (uint32_t k = 0; k < slot->n; k++) {
			to[k] = j->values[from];
			from = j->following[from];
		}
		slot->v = to;
	}
	return true;
}

/* ---- strings --------------------------------------------------------- */

/* What follows "\u"; both halves of a surrogate pair (RFC 8259, 7). */
static const char *
read_unicode(struct ndjson *j, const char *p, char **to)
{
	uint32_t code, low;
	const char *after = read_hex4(p, &code);

	if (after == NULL)
		return refuse(j, p - 2, "\\u wants four hexadecimal digits");
	if (code >= 0xdc00 && code <= 0xdfff)
		return refuse(j, p - 2,
			      "the second half of a surrogate pair "
			      "stands alone");
	if (code >= 0xd800 && code <= 0xdbff) {
		if (after[0] != '\\' || after[1] != 'u' ||
		    (after = read_hex4(after + 2, &low)) == NULL ||
		    low < 0xdc00 || low > 0xdfff)
			return refuse(j, p - 2,
				      "the first half of a surrogate "
				      "pair stands alone");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*to += put_utf8(*to, code);
	return after;
}

static const char *
read_escape(struct ndjson *j, const char *p, char **to)
{
	static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (p[1] == 'u')
		return read_unicode(j, p + 2, to);
	found = p[1] != '\0' ? strchr(from, p[1]) : NULL;
	if (found == NULL)
		return refuse(j, p, "JSON knows no such escape");
	*(*to)++ = meant[found - from];
	return p + 2;
}

static const char *
string_fault(struct ndjson *j, const char *p)
{
	if (*p == '\n')
		return refuse(j, p, "the line ends inside a string");
	return refuse(j, p, "a control character in a string must be escaped");
}

/* A string with escapes, from its first byte; `p` is at the first of them. It
 * is never longer decoded than written. */
static const char *
string_decode(struct ndjson *j, const char *start, const char *p,
	      struct view *out)
{
	const char *end = scan_string_end(p);
	char *text = arena_alloc(&j->scratch, (size_t)(end - start) + 4);
	char *to = text;
	bool high = false;

	if (text == NULL)
		return refuse(j, start, "out of memory");
	memcpy(to, start, (size_t)(p - start));
	to += p - start;
	while (*p != '"') {
		const char *run = p;

		if (*p == '\\') {
			p = read_escape(j, p, &to);
			if (p == NULL)
				return NULL;
			continue;
		}
		p = scan_plain(p, &high);
		if ((unsigned char)*p < 0x20)
			return string_fault(j, p);
		memcpy(to, run, (size_t)(p - run));
		to += p - run;
	}
	*out = (struct view){ text, (size_t)(to - text) };
	if (!utf8_valid(*out))
		return refuse(j, start, "the string is not UTF-8");
	return p + 1;
}

/* `p` is behind the opening quote. */
static inline const char *
string_read(struct ndjson *j, const char *p, struct view *out)
{
	bool high = false;
	const char *end = scan_plain(p, &high);

	if (*end == '\\')
		return string_decode(j, p, end, out);
	if (*end != '"')
		return string_fault(j, end);
	*out = (struct view){ p, (size_t)(end - p) };
	if (high && !utf8_valid(*out))
		return refuse(j, p, "the string is not UTF-8");
	return end + 1;
}

/* ---- numbers and words ----------------------------------------------- */

/* Digits beyond this say nothing more in a double. */
#define NUMBER_MAX_BYTES 1024

/* The number was checked against RFC 8259's grammar: [start, end). */
static const char *
number_real(struct ndjson *j, const char *start, const char *end,
	    struct value *v)
{
	char text[NUMBER_MAX_BYTES + 1];
	size_t n = (size_t)(end - start);

	if (n > NUMBER_MAX_BYTES)
		return refuse(j, start, "the number is too long");
	memcpy(text, start, n);
	text[n] = '\0';
	v->type = VALUE_REAL;
	v->d = strtod(text, NULL);
	return end;
}

static const char *
skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Fraction and exponent, if any. */
static const char *
number_tail(struct ndjson *j, const char *p)
{
	const char *digits;

	if (*p == '.') {
		digits = ++p;
		p = skip_digits(p);
		if (p == digits)
			return refuse(j, p, "a digit must follow the point");
	}
	if ((*p | 32) != 'e')
		return p;
	p++;
	if (*p == '+' || *p == '-')
		p++;
	digits = p;
	p = skip_digits(p);
	if (p == digits)
		return refuse(j, p, "a digit must follow the exponent");
	return p;
}

static const char *
number_read(struct ndjson *j, const char *start, struct value *v)
{
	bool minus = *start == '-';
	const char *digits = start + minus, *p = digits;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9' && p - digits < 19; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (p == digits)
		return refuse(j, p, "a digit must follow the sign");
	if (*digits == '0' && p - digits > 1)
		return refuse(j, digits, "a number must not begin with 0");
	p = skip_digits(p);
	if (*p == '.' || (*p | 32) == 'e') {
		p = number_tail(j, p);
		return p == NULL ? NULL : number_real(j, start, p, v);
	}
	/* 19 digits fit uint64_t; INT64_MIN has one more than INT64_MAX. */
	if (p - digits > 19 || n > (uint64_t)INT64_MAX + minus)
		return number_real(j, start, p, v);
	v->type = VALUE_INT;
	v->i = minus ? (int64_t)(0 - n) : (int64_t)n;
	return p;
}

static const char *
word_read(struct ndjson *j, const char *p, struct value *v, bool *absent)
{
	v->type = VALUE_BOOL;
	if (memcmp(p, "true", 4) == 0) {
		v->b = true;
		return p + 4;
	}
	if (memcmp(p, "false", 5) == 0) {
		v->b = false;
		return p + 5;
	}
	if (memcmp(p, "null", 4) == 0) {
		*absent = true;
		return p + 4;
	}
	return refuse(j, p,
		      *p == '\n' ? "the line ends before the object does"
				 : "a JSON value was expected here");
}

/* ---- structure ------------------------------------------------------- */

static const char *
object_read(struct ndjson *, const char *, uint32_t, unsigned);

static inline const char *
skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

static const char *
scalar_read(struct ndjson *j, const char *p, int32_t slot)
{
	struct value v;
	bool absent = false;
	const char *start = p;

	if (*p == '"') {
		v.type = VALUE_STRING;
		p = string_read(j, p + 1, &v.s);
	} else if (*p == '-' || (*p >= '0' && *p <= '9')) {
		p = number_read(j, p, &v);
	} else {
		p = word_read(j, p, &v, &absent);
	}
	if (p == NULL || absent || slot == NDJSON_IGNORE)
		return p;
	if (j->cares[slot].of >> v.type & 1)
		value_care(j, slot, &v,
			   (struct view){ start, (size_t)(p - start) });
	if (!value_store(j, slot, v))
		return refuse(j, start, "the event has too many values");
	return p;
}

static const char *
value_read(struct ndjson *j, const char *p, uint32_t name, unsigned depth)
{
	if (*p != '{' && *p != '[')
		return scalar_read(j, p, j->names[name].slot);
	if (depth == NDJSON_MAX_DEPTH)
		return refuse(j, p, "objects and arrays are nested too deep");
	if (*p == '{')
		return object_read(j, p, j->names[name].whole, depth + 1);
	p = skip_space(p + 1);
	if (*p == ']')
		return p + 1;
	for (;;) {
		p = value_read(j, p, name, depth + 1);
		if (p == NULL)
			return NULL;
		p = skip_space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return refuse(j, p, "',' or ']' was expected here");
		p = skip_space(p + 1);
	}
}

static bool
name_stands(const struct ndjson *j, const struct name *name, const char *p)
{
	return (size_t)(j->limit - p) > name->key_bytes &&
	       p[name->key_bytes] == '"' &&
	       memcmp(p, name->key, name->key_bytes) == 0;
}

/* The name at `p` (behind its quote) in the object `parent`; *guess is where
 * the guess is kept. */
static const char *
name_read(struct ndjson *j, const char *p, uint32_t parent, uint32_t *guess,
	  uint32_t *out)
{
	const struct name *name = &j->names[*guess];
	struct view key;
	const char *after;

	if (*guess != 0 && name->parent == parent && name_stands(j, name, p)) {
		*out = *guess;
		return p + name->key_bytes + 1;
	}
	after = string_read(j, p, &key);
	if (after == NULL)
		return NULL;
	*out = name_find(j, parent, key);
	if (*out == 0)
		return refuse(j, p, "the event has too many names");
	if (key.p == p) /* no escapes */
		*guess = *out;
	return after;
}

static const char *
object_read(struct ndjson *j, const char *p, uint32_t parent, unsigned depth)
{
	uint32_t *guess = &j->names[parent].first;
	uint32_t name;

	p = skip_space(p + 1);
	if (*p == '}')
		return p + 1;
	for (;;) {
		if (*p != '"')
			return refuse(j, p, "a name in quotes was expected");
		p = name_read(j, p + 1, parent, guess, &name);
		if (p == NULL)
			return NULL;
		p = skip_space(p);
		if (*p != ':')
			return refuse(j, p, "':' was expected here");
		p = value_read(j, skip_space(p + 1), name, depth);
		if (p == NULL)
			return NULL;
		p = skip_space(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return refuse(j, p, "',' or '}' was expected here");
		p = skip_space(p + 1);
		guess = &j->names[name].next;
	}
}

static const char *
text_read(struct ndjson *j, const char *p)
{
	p = skip_space(p);
	if (*p != '{')
		return refuse(j, p, "an event must be a JSON object");
	p = object_read(j, p, 0, 1);
	if (p == NULL)
		return NULL;
	p = skip_space(p);
	if (*p != '\n')
		return refuse(j, p, "the line must end after the object");
	if (!values_gather(j))
		return refuse(j, p, "out of memory");
	return p + 1;
}

const char *
ndjson_parse(struct ndjson *j, const char *text, const char *limit,
	     struct record *record, struct ndjson_fault *fault)
{
	const char *next;

	if (j->n_names > NDJSON_MAX_NAMES) {
		names_forget(j);
		j->forgotten++;
	}
	j->n_names_before = j->n_names;
	arena_reset(&j->scratch);
	j->n_values = 0;
	j->n_broken = 0;
	j->marked = VIEW_NONE;
	j->record = record;
	j->limit = limit;
	next = text_read(j, text);
	if (next == NULL)
		*fault = j->fault;
	return next;
}
