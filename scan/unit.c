/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd units: systemd.syntax(7), .unit(5), .service(5), .timer(5). Where
 * the manual is silent this reader does what systemd 252 was seen to do,
 * since an intruder writes for systemd and not for us:
 *   - a line ends at newline, carriage return or NUL ("#x\rExecStart=…" is a
 *     comment and a command); different ones in a row are one line end;
 *   - comments may stand between continued lines;
 *   - a command's words are unquoted and C-unescaped, its path too, before
 *     its prefixes are looked at; %T is /tmp.
 * Where systemd refuses a whole file, it is read nevertheless: a fact too
 * much does no harm.
 */
#include "scan/content.h"

#include <errno.h>

/* Commands, dates and targets of one unit that are kept. */
#define UNIT_VALUES_MAX 1024u

enum section {
	SECTION_NONE,
	SECTION_UNKNOWN,
	SECTION_UNIT,
	SECTION_INSTALL,
	SECTION_SERVICE, /* from here on they tell the type */
	SECTION_SOCKET,
	SECTION_TIMER,
	SECTION_PATH,
	SECTION_MOUNT,
	SECTION_AUTOMOUNT,
	SECTION_SWAP,
	SECTION_SLICE,
	SECTION_SCOPE,
	SECTIONS
};

/* As written in the header, and as the type of a unit. */
static const struct {
	const char *header, *type;
} sections[SECTIONS] = {
	[SECTION_UNIT] = { "Unit", NULL },
	[SECTION_INSTALL] = { "Install", NULL },
	[SECTION_SERVICE] = { "Service", "service" },
	[SECTION_SOCKET] = { "Socket", "socket" },
	[SECTION_TIMER] = { "Timer", "timer" },
	[SECTION_PATH] = { "Path", "path" },
	[SECTION_MOUNT] = { "Mount", "mount" },
	[SECTION_AUTOMOUNT] = { "Automount", "automount" },
	[SECTION_SWAP] = { "Swap", "swap" },
	[SECTION_SLICE] = { "Slice", "slice" },
	[SECTION_SCOPE] = { "Scope", "scope" },
};

/* A growing list in the arena. `setting` tells which assignment an entry is
 * from, since an empty one clears its own entries only. */
struct value_list {
	struct view *values;
	unsigned char *settings;
	size_t n, cap;
};

struct unit_reader {
	struct arena *arena;
	struct unit_facts *out;
	enum section section, first_typed;
	struct value_list exec, calendar, boot, wanted;
	struct buf line;  /* a continued line, put together */
	struct buf words; /* a value, decoded */
	bool bom_seen, no_memory;
};

static struct view
strip(struct view v)
{
	v = unit_skip_space(v);
	while (v.n > 0 && unit_is_space(v.p[v.n - 1]))
		v.n--;
	return v;
}

static struct view
keep(struct unit_reader *r, struct view v)
{
	struct view copy = arena_copy(r->arena, v);

	if (copy.p == NULL)
		r->no_memory = true;
	return copy;
}

/* ---- lists ----------------------------------------------------------- */

static bool
list_grow(struct unit_reader *r, struct value_list *l)
{
	size_t cap = l->cap ? l->cap * 2 : 4;
	struct view *values = arena_array(r->arena, cap, sizeof(*values));
	unsigned char *settings = arena_alloc(r->arena, cap);

	if (values == NULL || settings == NULL)
		return false;
	if (l->n > 0) {
		memcpy(values, l->values, l->n * sizeof(*values));
		memcpy(settings, l->settings, l->n);
	}
	l->values = values;
	l->settings = settings;
	l->cap = cap;
	return true;
}

static void
list_add(struct unit_reader *r, struct value_list *l, size_t setting,
	 struct view value)
{
	struct view copy;

	if (l->n >= UNIT_VALUES_MAX) {
		r->out->truncated = true;
		return;
	}
	copy = keep(r, value);
	if (l->n == l->cap && !list_grow(r, l))
		r->no_memory = true;
	if (r->no_memory)
		return;
	l->values[l->n] = copy;
	l->settings[l->n++] = (unsigned char)setting;
}

static void
list_clear(struct value_list *l, size_t setting)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->settings[i] == setting)
			continue;
		l->values[kept] = l->values[i];
		l->settings[kept++] = l->settings[i];
	}
	l->n = kept;
}

/* ---- assignments ----------------------------------------------------- */

struct setting;
typedef void assign(struct unit_reader *, size_t setting, struct view name,
		    struct view value);

static void
assign_exec(struct unit_reader *r, size_t setting, struct view name,
	    struct view value)
{
	(void)name;
	if (value.n == 0)
		list_clear(&r->exec, setting);
	for (value = unit_skip_space(value); value.n > 0;
	     value = unit_skip_space(value)) {
		unit_take_command(&value, &r->words);
		if (r->words.failed)
			r->no_memory = true;
		else if (r->words.n > 0)
			list_add(r, &r->exec, setting, buf_view(&r->words));
	}
}

/* An empty date or span of time clears all of them (systemd.timer(5)). */
static void
assign_time(struct unit_reader *r, size_t setting, struct view name,
	    struct view value)
{
	if (value.n == 0) {
		r->calendar.n = r->boot.n = 0;
	} else if (view_eq(name, VIEW("OnCalendar"))) {
		list_add(r, &r->calendar, setting, value);
	} else {
		buf_clear(&r->words);
		buf_put(&r->words, name);
		buf_putc(&r->words, '=');
		buf_put(&r->words, value);
		if (r->words.failed)
			r->no_memory = true;
		else
			list_add(r, &r->boot, setting, buf_view(&r->words));
	}
}

/* The first one counts, systemd ignores the others. */
static void
assign_trigger(struct unit_reader *r, size_t setting, struct view name,
	       struct view value)
{
	(void)setting;
	(void)name;
	if (r->out->unit.n == 0 && value.n > 0)
		r->out->unit = keep(r, value);
}

static void
assign_wanted(struct unit_reader *r, size_t setting, struct view name,
	      struct view value)
{
	(void)name;
	if (value.n == 0)
		list_clear(&r->wanted, setting);
	for (;;) {
		buf_clear(&r->words);
		if (!unit_take_word(&value, &r->words))
			return;
		if (r->words.failed)
			r->no_memory = true;
		else
			list_add(r, &r->wanted, setting, buf_view(&r->words));
	}
}

static void
assign_user(struct unit_reader *r, size_t setting, struct view name,
	    struct view value)
{
	(void)setting;
	(void)name;
	r->out->user = value.n ? keep(r, value) : VIEW_NONE;
}

static const struct setting {
	enum section section;
	const char *name;
	assign *assign;
} settings[] = {
	{ SECTION_SERVICE, "ExecStart", assign_exec },
	{ SECTION_SERVICE, "ExecStartPre", assign_exec },
	{ SECTION_SERVICE, "ExecStartPost", assign_exec },
	{ SECTION_SERVICE, "ExecCondition", assign_exec },
	{ SECTION_SERVICE, "ExecReload", assign_exec },
	{ SECTION_SERVICE, "ExecReloadPost", assign_exec },
	{ SECTION_SERVICE, "ExecStop", assign_exec },
	{ SECTION_SERVICE, "ExecStopPost", assign_exec },
	{ SECTION_SOCKET, "ExecStartPre", assign_exec },
	{ SECTION_SOCKET, "ExecStartPost", assign_exec },
	{ SECTION_SOCKET, "ExecStopPre", assign_exec },
	{ SECTION_SOCKET, "ExecStopPost", assign_exec },
	{ SECTION_TIMER, "OnCalendar", assign_time },
	{ SECTION_TIMER, "OnActiveSec", assign_time },
	{ SECTION_TIMER, "OnBootSec", assign_time },
	{ SECTION_TIMER, "OnStartupSec", assign_time },
	{ SECTION_TIMER, "OnUnitActiveSec", assign_time },
	{ SECTION_TIMER, "OnUnitInactiveSec", assign_time },
	{ SECTION_TIMER, "Unit", assign_trigger },
	{ SECTION_PATH, "Unit", assign_trigger },
	{ SECTION_SOCKET, "Service", assign_trigger },
	{ SECTION_INSTALL, "WantedBy", assign_wanted },
	{ SECTION_INSTALL, "RequiredBy", assign_wanted },
	{ SECTION_INSTALL, "UpheldBy", assign_wanted },
	{ SECTION_SERVICE, "User", assign_user },
	{ SECTION_SOCKET, "User", assign_user },
	{ SECTION_MOUNT, "User", assign_user },
	{ SECTION_SWAP, "User", assign_user },
};

static void
take_assignment(struct unit_reader *r, struct view line)
{
	ssize_t equals = view_find(line, '=');
	struct view name, value;

	if (equals <= 0 || r->section < SECTION_UNIT)
		return;
	name = strip(view_sub(line, 0, (size_t)equals));
	value = strip(view_sub(line, (size_t)equals + 1, line.n));
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (settings[i].section == r->section &&
		    view_eq(name, view_of(settings[i].name)))
			settings[i].assign(r, i, name, value);
}

/* ---- lines ----------------------------------------------------------- */

static void
take_section(struct unit_reader *r, struct view line)
{
	struct view name = view_sub(line, 1, line.n - 2);

	r->section = SECTION_UNKNOWN;
	if (line.n < 2 || line.p[line.n - 1] != ']')
		return;
	for (int s = SECTION_UNIT; s < SECTIONS; s++) {
		if (!view_eq(name, view_of(sections[s].header)))
			continue;
		r->section = (enum section)s;
		r->out->is_unit = true;
		if (r->first_typed == SECTION_NONE && s >= SECTION_SERVICE)
			r->first_typed = r->section;
		return;
	}
}

/* A whole line, continuations joined. systemd refuses invalid UTF-8. */
static void
take_line(struct unit_reader *r, struct view line)
{
	line = strip(line);
	if (line.n == 0 || !utf8_valid(line))
		return;
	if (line.p[0] == '[')
		take_section(r, line);
	else
		take_assignment(r, line);
}

/* See the opening comment; "\n\r", "\r\n" and such are one end. */
static bool
next_line(struct view *rest, struct view *line)
{
	bool seen_newline = false, seen_return = false, seen_nul = false;
	size_t end = 0;

	if (rest->n == 0)
		return false;
	while (end < rest->n && memchr("\n\r", rest->p[end], 3) == NULL)
		end++;
	*line = view_sub(*rest, 0, end);
	for (; end < rest->n; end++) {
		char c = rest->p[end];
		bool *seen = c == '\n'	 ? &seen_newline
			     : c == '\r' ? &seen_return
			     : c == '\0' ? &seen_nul
					 : NULL;

		if (seen == NULL || *seen)
			break;
		*seen = true;
	}
	*rest = view_sub(*rest, end, rest->n);
	return true;
}

/* An odd number of backslashes at the end. */
static bool
is_continued(struct view line)
{
	size_t n = 0;

	while (n < line.n && line.p[line.n - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/* The first byte order mark goes, whichever line it opens. */
static struct view
skip_mark(struct unit_reader *r, struct view line)
{
	if (r->bom_seen || !view_starts(line, VIEW("\xef\xbb\xbf")))
		return line;
	r->bom_seen = true;
	return view_sub(line, 3, line.n);
}

static void
take_lines(struct unit_reader *r, struct view text)
{
	bool continued = false;
	struct view line;

	while (next_line(&text, &line)) {
		line = unit_skip_space(skip_mark(r, line));
		if (line.n > 0 && (line.p[0] == '#' || line.p[0] == ';'))
			continue;
		if (!continued && !is_continued(line)) {
			take_line(r, line);
			continue;
		}
		buf_put(&r->line, line);
		continued = is_continued(line);
		if (continued && r->line.n > 0) {
			r->line.p[r->line.n - 1] = ' ';
			continue;
		}
		take_line(r, buf_view(&r->line));
		r->no_memory |= r->line.failed;
		buf_clear(&r->line);
	}
	take_line(r, buf_view(&r->line));
}

/* ---- the whole ------------------------------------------------------- */

/* Absent for ".service": systemd takes no unit without a name. */
static struct view
unit_extension(struct view name)
{
	struct view extension = path_extension(name);

	return extension.n + 1 == path_name(name).n ? VIEW_NONE : extension;
}

/* The type that a unit's name ends in, or none. */
static struct view
type_of_name(struct view name)
{
	struct view extension = unit_extension(name);

	for (int s = SECTION_SERVICE; s < SECTIONS; s++)
		if (view_eq(extension, view_of(sections[s].type)))
			return extension;
	if (view_eq(extension, VIEW("target")) ||
	    view_eq(extension, VIEW("device")))
		return extension;
	return VIEW_NONE;
}

bool
unit_name(struct view name)
{
	return type_of_name(name).n > 0 ||
	       view_eq(unit_extension(name), VIEW("conf"));
}

/* NAME.service for NAME.timer; none for a drop-in, whose name says nothing. */
static struct view
default_trigger(struct view name, struct arena *arena)
{
	struct view type = type_of_name(name);

	if (!view_eq(type, VIEW("timer")) && !view_eq(type, VIEW("path")) &&
	    !view_eq(type, VIEW("socket")))
		return VIEW_NONE;
	return arena_printf(arena, "%.*s.service", (int)(name.n - type.n - 1),
			    name.p);
}

struct view
unit_of_timer(const struct unit_facts *facts, struct view name,
	      struct arena *arena)
{
	if (facts->unit.n > 0)
		return facts->unit;
	return default_trigger(path_name(name), arena);
}

int
unit_read(struct view text, struct view name, struct arena *arena,
	  struct unit_facts *out)
{
	struct unit_reader r = { .arena = arena, .out = out };

	*out = (struct unit_facts){ 0 };
	name = path_name(name);
	take_lines(&r, text);
	r.no_memory |= r.line.failed;
	buf_free(&r.line);
	buf_free(&r.words);
	out->type = type_of_name(name);
	if (out->type.n > 0)
		out->type = keep(&r, out->type);
	else
		out->type = view_of(sections[r.first_typed].type);
	if (out->is_unit)
		out->unit = unit_of_timer(out, name, arena);
	out->exec = r.exec.values;
	out->n_exec = r.exec.n;
	out->on_calendar = r.calendar.values;
	out->n_on_calendar = r.calendar.n;
	out->on_boot = r.boot.values;
	out->n_on_boot = r.boot.n;
	out->wanted_by = r.wanted.values;
	out->n_wanted_by = r.wanted.n;
	if (r.no_memory)
		errno = ENOMEM;
	return r.no_memory ? -1 : 0;
}
