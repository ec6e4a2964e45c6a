/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON (RFC 8259) into a document tree. Why not a library: jansson and its
 * like keep no position of the values that they read, and libyaml, which
 * does, refuses the surrogate pairs that JSON writes for characters above
 * U+FFFF. The tests compare this reader with jansson.
 */
#include "rules/doc.h"

struct json {
	struct doc *d;
	struct view s;
	size_t i;
	unsigned line;
	size_t line_start;
	unsigned depth;
};

static struct doc_node *read_value(struct json *);

static int
json_error(struct json *j, const char *message)
{
	struct doc_node at = {
		.line = j->line,
		.column = (unsigned)(j->i - j->line_start + 1),
		.offset = j->i,
	};

	return doc_error(j->d, &at, "not valid JSON: %s", message);
}

static void
skip_space(struct json *j)
{
	while (j->i < j->s.n) {
		char c = j->s.p[j->i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return;
		j->i++;
		if (c == '\n') {
			j->line++;
			j->line_start = j->i;
		}
	}
}

static bool
at(const struct json *j, char c)
{
	return j->i < j->s.n && j->s.p[j->i] == c;
}

static struct doc_node *
new_node(struct json *j, enum doc_type type)
{
	struct doc_node *n = doc_node_new(j->d, type);

	if (n == NULL)
		return NULL;
	n->line = n->text_line = j->line;
	n->column = n->text_column = (unsigned)(j->i - j->line_start + 1);
	n->offset = j->i;
	return n;
}

/* ---- strings --------------------------------------------------------- */

/* Four hexadecimal digits at j->i; -1 if they are not there. */
static int32_t
read_hex4(struct json *j)
{
	int32_t code = 0;

	for (int k = 0; k < 4; k++, j->i++) {
		char c = j->i < j->s.n ? j->s.p[j->i] : 0;
		int digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else
			return json_error(j, "\\u needs four hex digits");
		code = code * 16 + digit;
	}
	return code;
}

/* Behind "\u"; a high surrogate must be followed by a low one (§7). */
static int
read_unicode_escape(struct json *j, struct buf *out)
{
	int32_t high = read_hex4(j), low;

	if (high < 0)
		return -1;
	if (high >= 0xDC00 && high <= 0xDFFF)
		return json_error(j, "a low surrogate without a high one");
	if (high >= 0xD800 && high <= 0xDBFF) {
		if (!at(j, '\\') || j->i + 1 >= j->s.n ||
		    j->s.p[j->i + 1] != 'u')
			return json_error(j, "half of a surrogate pair");
		j->i += 2;
		low = read_hex4(j);
		if (low < 0)
			return -1;
		if (low < 0xDC00 || low > 0xDFFF)
			return json_error(j, "half of a surrogate pair");
		high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
	}
	buf_utf8(out, (uint32_t)high);
	return 0;
}

static int
read_escape(struct json *j, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = ++j->i < j->s.n ? j->s.p[j->i] : 0;
	const char *p = c != 0 ? strchr(from, c) : NULL;

	j->i++;
	if (c == 'u')
		return read_unicode_escape(j, out);
	if (p == NULL)
		return json_error(j, "unknown escape in a string");
	buf_putc(out, to[p - from]);
	return 0;
}

/* Up to the next quote or backslash: plain text, which must be UTF-8. */
static int
skip_plain(struct json *j)
{
	while (j->i < j->s.n && !at(j, '"') && !at(j, '\\')) {
		unsigned char c = (unsigned char)j->s.p[j->i];
		size_t n = 1;

		if (c < 0x20)
			return json_error(j, "control character in a string");
		if (c >= 0x80)
			n = utf8_length(view_sub(j->s, j->i, 4));
		if (n == 0)
			return json_error(j, "the text is not UTF-8");
		j->i += n;
	}
	if (j->i >= j->s.n)
		return json_error(j, "a string does not end");
	return 0;
}

/* At a quote. Text without escapes stays where it is. */
static int
read_string(struct json *j, struct view *out)
{
	struct buf decoded = { 0 };
	size_t from = ++j->i;
	bool copied = false;
	int result = -1;

	while (skip_plain(j) == 0) {
		struct view part = view_sub(j->s, from, j->i - from);

		if (at(j, '"') && !copied) {
			*out = part;
			j->i++;
			return 0;
		}
		buf_put(&decoded, part);
		copied = true;
		if (at(j, '"')) {
			*out = arena_copy(j->d->arena, buf_view(&decoded));
			result = 0;
			j->i++;
			break;
		}
		if (read_escape(j, &decoded) != 0)
			break;
		from = j->i;
	}
	if (result == 0 && (decoded.failed || (out->p == NULL && decoded.n)))
		result = json_error(j, "out of memory");
	buf_free(&decoded);
	return result;
}

/* ---- the rest -------------------------------------------------------- */

static struct doc_node *
read_number(struct json *j)
{
	struct doc_node *n = new_node(j, DOC_NUMBER);
	size_t from = j->i, first;

	if (n == NULL)
		return NULL;
	while (j->i < j->s.n && j->s.p[j->i] != 0 &&
	       strchr("+-.0123456789eE", j->s.p[j->i]) != NULL)
		j->i++;
	n->text = view_sub(j->s, from, j->i - from);
	first = n->text.n > 0 && n->text.p[0] == '-';
	/* JSON is stricter than YAML: no +1, 01, 1., .5 */
	if (doc_plain_type(n->text) != DOC_NUMBER || n->text.p[0] == '+' ||
	    n->text.p[first] == '.' ||
	    (n->text.p[first] == '0' && n->text.n > first + 1 &&
	     strchr(".eE", n->text.p[first + 1]) == NULL) ||
	    view_ends(n->text, VIEW(".")) ||
	    view_search(n->text, VIEW(".e"), 0) >= 0 ||
	    view_search(n->text, VIEW(".E"), 0) >= 0) {
		j->i = from;
		json_error(j, "expected a value");
		return NULL;
	}
	return n;
}

static struct doc_node *
read_word(struct json *j)
{
	static const struct {
		struct view word;
		enum doc_type type;
	} words[] = {
		{ { "true", 4 }, DOC_BOOL },
		{ { "false", 5 }, DOC_BOOL },
		{ { "null", 4 }, DOC_NULL },
	};
	struct doc_node *n;

	for (size_t k = 0; k < ARRAY_LEN(words); k++) {
		struct view v = view_sub(j->s, j->i, words[k].word.n);

		if (!view_eq(v, words[k].word))
			continue;
		n = new_node(j, words[k].type);
		if (n != NULL)
			n->text = v;
		j->i += v.n;
		return n;
	}
	return read_number(j);
}

/* "key": at the start of a member. */
static int
read_key(struct json *j, struct doc_node *key)
{
	key->key_line = j->line;
	key->key_column = (unsigned)(j->i - j->line_start + 1);
	key->key_offset = j->i;
	if (!at(j, '"'))
		return json_error(j, "expected a key in double quotes");
	if (read_string(j, &key->key) != 0)
		return -1;
	skip_space(j);
	if (!at(j, ':'))
		return json_error(j, "expected a colon behind the key");
	j->i++;
	return 0;
}

/* One element or member of `parent`, appended behind `*tail`. */
static int
read_child(struct json *j, struct doc_node *parent, struct doc_node **tail)
{
	struct doc_node key = { 0 }, *n;

	skip_space(j);
	if (parent->type == DOC_MAP && read_key(j, &key) != 0)
		return -1;
	n = read_value(j);
	if (n == NULL)
		return -1;
	n->key = key.key;
	n->key_line = key.key_line;
	n->key_column = key.key_column;
	n->key_offset = key.key_offset;
	if (*tail == NULL)
		parent->child = n;
	else
		(*tail)->next = n;
	*tail = n;
	parent->n++;
	return 0;
}

/* At "[" or "{". */
static struct doc_node *
read_container(struct json *j, enum doc_type type, char close)
{
	struct doc_node *tail = NULL, *n = new_node(j, type);

	if (n == NULL)
		return NULL;
	j->i++;
	skip_space(j);
	while (!at(j, close)) {
		if (read_child(j, n, &tail) != 0)
			return NULL;
		skip_space(j);
		if (at(j, close))
			break;
		if (!at(j, ',')) {
			json_error(j, close == '}' ? "expected , or }"
						   : "expected , or ]");
			return NULL;
		}
		j->i++;
		skip_space(j);
		if (at(j, close)) {
			json_error(j, "a comma before the end");
			return NULL;
		}
	}
	j->i++;
	if (type == DOC_MAP && doc_close_map(j->d, n) != 0)
		return NULL;
	return n;
}

static struct doc_node *
read_value(struct json *j)
{
	struct doc_node *n = NULL;

	skip_space(j);
	if (j->depth >= DOC_MAX_DEPTH) {
		json_error(j, "nested too deeply");
		return NULL;
	}
	j->depth++;
	if (at(j, '{')) {
		n = read_container(j, DOC_MAP, '}');
	} else if (at(j, '[')) {
		n = read_container(j, DOC_LIST, ']');
	} else if (at(j, '"')) {
		n = new_node(j, DOC_STRING);
		if (n != NULL) {
			n->text_column++;
			if (read_string(j, &n->text) != 0)
				n = NULL;
		}
	} else {
		n = read_word(j);
	}
	j->depth--;
	return n;
}

struct doc_node *
doc_read_json(struct doc *d)
{
	struct json j = { .d = d, .s = d->source, .line = 1 };
	struct doc_node *n;

	if (d->first_line > 0)
		j.line = d->first_line;
	n = read_value(&j);
	if (n == NULL)
		return NULL;
	skip_space(&j);
	if (j.i < j.s.n) {
		json_error(&j, "something follows behind the value");
		return NULL;
	}
	return n;
}
