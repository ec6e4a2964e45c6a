/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the first bytes of a file say: its kind, the interpreter of a script,
 * the number in a pid file.
 */
#include "scan/content.h"

/* BINPRM_BUF_SIZE of linux/binfmts.h, less the NUL that ends it. */
#define SCRIPT_LINE_MAX_BYTES 255u

/* A legitimate pid file holds under ten bytes: seven digits at most
 * (PID_MAX_LIMIT is 4,194,304), and a newline. */
#define PIDFILE_MAX_BYTES 9u

const char *
content_kind_name(enum content_kind kind)
{
	static const char *const names[] = {
		[CONTENT_UNKNOWN] = "unknown", [CONTENT_EMPTY] = "empty",
		[CONTENT_ELF] = "elf",	       [CONTENT_SCRIPT] = "script",
		[CONTENT_TEXT] = "text",       [CONTENT_DATA] = "data",
	};

	return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "unknown";
}

static bool
is_control(unsigned char c)
{
	if (c == '\t' || c == '\n' || c == '\f' || c == '\r')
		return false;
	return c < 0x20 || c == 0x7f;
}

static bool
is_text(struct view v, bool whole)
{
	while (v.n > 0) {
		size_t n = utf8_length(v);

		/* The cut may have gone through a character. */
		if (n == 0)
			return !whole && v.n < 4;
		if (n == 1 && is_control((unsigned char)v.p[0]))
			return false;
		v.p += n;
		v.n -= n;
	}
	return true;
}

enum content_kind
content_classify(struct view head, bool whole)
{
	if (head.n == 0)
		return CONTENT_EMPTY;
	if (view_starts(head, VIEW("\x7f"
				   "ELF")))
		return CONTENT_ELF;
	if (view_starts(head, VIEW("#!")))
		return CONTENT_SCRIPT;
	return is_text(head, whole) ? CONTENT_TEXT : CONTENT_DATA;
}

/* As fs/binfmt_script.c does: the line ends at a newline, the name at a space,
 * a tab or a NUL; a carriage return is part of it. */
struct view
script_interpreter(struct view head)
{
	struct view line = view_sub(head, 2, SCRIPT_LINE_MAX_BYTES - 2);
	ssize_t end = view_find(line, '\n');
	bool complete = end >= 0 || head.n <= SCRIPT_LINE_MAX_BYTES;
	size_t from = 0, to;

	if (!view_starts(head, VIEW("#!")))
		return VIEW_NONE;
	if (end >= 0)
		line.n = (size_t)end;
	while (from < line.n && (line.p[from] == ' ' || line.p[from] == '\t'))
		from++;
	for (to = from; to < line.n; to++)
		if (memchr(" \t", line.p[to], 3) != NULL)
			break;
	/* A name that may go on past the kernel's buffer is refused. */
	if (to == from || (to == line.n && !complete))
		return VIEW_NONE;
	return view_sub(line, from, to - from);
}

bool
pidfile_name(struct view name)
{
	struct view extension = path_extension(name);

	return view_eq(extension, VIEW("pid")) ||
	       view_eq(extension, VIEW("lock")) ||
	       view_eq(extension, VIEW("reboot")) ||
	       view_eq(name, VIEW("pid")) || view_eq(name, VIEW("lock"));
}

void
pidfile_read(struct view head, struct pidfile_facts *out)
{
	int64_t pid;

	*out = (struct pidfile_facts){ .judged = true };
	if (head.n > PIDFILE_MAX_BYTES || !view_to_i64(view_trim(head), &pid) ||
	    pid < 1)
		return;
	out->valid = true;
	out->pid = pid;
}

/*
 * elf/rtld.c of glibc: a # begins a comment to the end of the line. But it goes
 * on looking for the next one at the beginning of the file, in as many bytes as
 * are left, and so misses most of them; what is in those is loaded.
 */
static void
blank_comments(char *text, size_t n)
{
	size_t rest = n;

	while (rest > 0) {
		char *comment = memchr(text, '#', rest);

		if (comment == NULL)
			return;
		rest -= (size_t)(comment - text);
		do
			*comment = ' ';
		while (--rest > 0 && *++comment != '\n');
	}
}

/* Words parted by white space and colons. */
size_t
preload_read(struct view head, struct arena *arena, const struct view **out)
{
	struct view text = arena_copy(arena, head);
	struct view *v = NULL;
	size_t n = 0, i = 0;

	*out = NULL;
	if (text.n > 0)
		blank_comments((char *)text.p, text.n);
	while (i < text.n && n < PRELOAD_MAX) {
		size_t from = i;

		while (i < text.n && memchr(" \t\n:", text.p[i], 4) == NULL)
			i++;
		if (i == from) {
			i++;
			continue;
		}
		if (v == NULL)
			v = arena_array(arena, PRELOAD_MAX, sizeof(*v));
		if (v == NULL)
			return 0;
		v[n++] = view_sub(text, from, i - from);
	}
	*out = v;
	return n;
}
