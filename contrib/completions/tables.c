/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the shells complete, out of fim/commands.def and fim/options.def:
 * `tables bash|zsh|fish` prints, for the build, the part of that shell's
 * completion that stands for @TABLES@ in its template here.
 */
#include "scan/base.h"

struct option_row {
	const char *name;
	char letter;
	const char *argument, *commands, *help;
};

static const struct option_row options[] = {
#define OPTION(name, letter, type, member, argument, commands, help) \
	{ name, letter, argument, commands, help },
#include "fim/options.def"
#undef OPTION
};

struct command_row {
	const char *name, *arguments, *summary;
};

static const struct command_row commands[] = {
#define COMMAND(name, arguments, summary) { #name, arguments, summary },
#include "fim/commands.def"
#undef COMMAND
};

/* ---- what a row means ------------------------------------------------ */

/* Does this option belong to the command alone? NULL: to all of them. */
static bool
belongs(const struct option_row *o, const char *command)
{
	struct view rest = view_of(o->commands), item;

	if (command == NULL)
		return rest.n == 0;
	while (view_next_split(&rest, ' ', &item))
		if (view_eq(item, view_of(command)))
			return true;
	return false;
}

/* The words of "text|json"; files or folders; or nothing to be guessed. */
enum wants { WANTS_NOTHING, WANTS_ANYTHING, WANTS_FILE, WANTS_DIR, WANTS_WORD };

static enum wants
option_wants(const struct option_row *o)
{
	if (o->argument == NULL)
		return WANTS_NOTHING;
	if (strchr(o->argument, '|') != NULL)
		return WANTS_WORD;
	if (strcmp(o->argument, "DIR") == 0)
		return WANTS_DIR;
	if (strcmp(o->argument, "FILE") == 0 ||
	    strcmp(o->argument, "PATH") == 0)
		return WANTS_FILE;
	return WANTS_ANYTHING;
}

/* "list | show ID" has two actions, "[PATH...]" none: writes them with a space
 * between. */
static void
put_actions(struct buf *out, const struct command_row *c)
{
	struct view rest = view_of(c->arguments), item, word;
	const char *space = "";

	while (view_next_split(&rest, '|', &item)) {
		item = view_trim(item);
		if (!view_next_split(&item, ' ', &word) || word.n == 0 ||
		    word.p[0] < 'a' || word.p[0] > 'z')
			continue;
		buf_puts(out, space);
		buf_put(out, word);
		space = " ";
	}
}

/* With `special` characters behind a backslash, and a quotation mark as the
 * shell wants it inside quotation marks. */
static void
put_quoted(struct buf *out, const char *text, const char *special,
	   const char *quote)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			buf_puts(out, quote);
			continue;
		}
		if (strchr(special, *text) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

static void
put_words(struct buf *out, const char *choices)
{
	for (; *choices != '\0'; choices++)
		buf_putc(out, *choices == '|' ? ' ' : *choices);
}

/* ---- bash ------------------------------------------------------------ */

static void
bash_options(struct buf *out, const char *command)
{
	buf_printf(out, "\t%s) options='", command != NULL ? command : "*");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (belongs(&options[i], command))
			buf_printf(out, " --%s", options[i].name);
	buf_puts(out, " ' ;;\n");
}

static void
bash_argument(struct buf *out, const struct option_row *o)
{
	if (option_wants(o) == WANTS_NOTHING)
		return;
	buf_printf(out, "\t--%s", o->name);
	if (o->letter != 0)
		buf_printf(out, " | -%c", o->letter);
	buf_puts(out, ") argument='");
	if (option_wants(o) == WANTS_WORD)
		put_words(out, o->argument);
	else
		buf_puts(out, option_wants(o) == WANTS_ANYTHING ? "ANYTHING"
			      : option_wants(o) == WANTS_DIR	? "DIR"
								: "FILE");
	buf_puts(out, "' ;;\n");
}

static void
bash_tables(struct buf *out)
{
	buf_puts(out, "_tocsin_commands='");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", commands[i].name);
	buf_puts(out, "'\n\n_tocsin_options() {\n\tcase $1 in\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		bash_options(out, commands[i].name);
	bash_options(out, NULL);
	buf_puts(out, "\tesac\n}\n\n_tocsin_argument() {\n\tcase $1 in\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		bash_argument(out, &options[i]);
	buf_puts(out, "\t*) argument= ;;\n\tesac\n}\n\n"
		      "_tocsin_actions() {\n\tcase $1 in\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		buf_printf(out, "\t%s) actions='", commands[i].name);
		put_actions(out, &commands[i]);
		buf_puts(out, "' ;;\n");
	}
	buf_puts(out, "\t*) actions= ;;\n\tesac\n}\n");
}

/* ---- zsh ------------------------------------------------------------- */

/* A spec of _arguments: '(-c --config)'{-c,--config=}'[help]:FILE:_files',
 * zshcompsys(1). */
static void
zsh_option(struct buf *out, const struct option_row *o)
{
	const char *equals = o->argument != NULL ? "=" : "";

	buf_puts(out, "\t'*'");
	if (o->letter != 0)
		buf_printf(out, "{-%c%s,--%s%s}", o->letter,
			   o->argument != NULL ? "+" : "", o->name, equals);
	else
		buf_printf(out, "--%s%s", o->name, equals);
	buf_puts(out, "'[");
	put_quoted(out, o->help, "[]:\\", "'\\''");
	buf_puts(out, "]");
	switch (option_wants(o)) {
	case WANTS_NOTHING:
		break;
	case WANTS_ANYTHING:
		buf_printf(out, ":%s: ", o->argument);
		break;
	case WANTS_FILE:
		buf_printf(out, ":%s:_files", o->argument);
		break;
	case WANTS_DIR:
		buf_printf(out, ":%s:_files -/", o->argument);
		break;
	case WANTS_WORD:
		buf_puts(out, ":word:(");
		put_words(out, o->argument);
		buf_puts(out, ")");
		break;
	}
	buf_puts(out, "'\n");
}

static void
zsh_options(struct buf *out, const char *command)
{
	buf_printf(out, "_tocsin_options_%s=(\n",
		   command != NULL ? command : "common");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (belongs(&options[i], command))
			zsh_option(out, &options[i]);
	buf_puts(out, ")\n");
}

static void
zsh_tables(struct buf *out)
{
	buf_puts(out, "local -a _tocsin_commands _tocsin_options_common\n"
		      "local -A _tocsin_actions\n_tocsin_commands=(\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		buf_printf(out, "\t'%s:", commands[i].name);
		put_quoted(out, commands[i].summary, ":\\", "'\\''");
		buf_puts(out, "'\n");
	}
	buf_puts(out, ")\n_tocsin_actions=(\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		buf_printf(out, "\t%s '", commands[i].name);
		put_actions(out, &commands[i]);
		buf_puts(out, "'\n");
	}
	buf_puts(out, ")\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		buf_printf(out, "local -a _tocsin_options_%s\n",
			   commands[i].name);
		zsh_options(out, commands[i].name);
	}
	zsh_options(out, NULL);
}

/* ---- fish ------------------------------------------------------------ */

/* -r: wants an argument; -f: no file; complete(1) of fish. */
static void
fish_option(struct buf *out, const struct option_row *o)
{
	static const char *const how[] = {
		[WANTS_NOTHING] = "",
		[WANTS_ANYTHING] = " -x",
		[WANTS_FILE] = " -r -F",
		[WANTS_DIR] = " -x -a '(__fish_complete_directories)'",
		[WANTS_WORD] = " -x -a ",
	};

	buf_puts(out, "complete -c tocsin");
	if (o->commands[0] != '\0')
		buf_printf(out, " -n '__tocsin_is %s'", o->commands);
	if (o->letter != 0)
		buf_printf(out, " -s %c", o->letter);
	buf_printf(out, " -l %s%s", o->name, how[option_wants(o)]);
	if (option_wants(o) == WANTS_WORD) {
		buf_putc(out, '\'');
		put_words(out, o->argument);
		buf_putc(out, '\'');
	}
	buf_puts(out, " -d '");
	put_quoted(out, o->help, "\\", "\\'");
	buf_puts(out, "'\n");
}

static void
fish_command(struct buf *out, const struct command_row *c)
{
	struct buf actions = { 0 };

	buf_printf(out, "complete -c tocsin -f -n __tocsin_none -a %s -d '",
		   c->name);
	put_quoted(out, c->summary, "\\", "\\'");
	buf_puts(out, "'\n");
	put_actions(&actions, c);
	if (actions.n > 0)
		buf_printf(out,
			   "complete -c tocsin -f -n '__tocsin_is %s; and "
			   "__tocsin_first' -a '%.*s'\n",
			   c->name, (int)actions.n, actions.p);
	out->failed |= actions.failed;
	buf_free(&actions);
}

static void
fish_tables(struct buf *out)
{
	/* Options whose argument is the next word. */
	buf_puts(out, "set -g __tocsin_valued");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].argument == NULL)
			continue;
		buf_printf(out, " --%s", options[i].name);
		if (options[i].letter != 0)
			buf_printf(out, " -%c", options[i].letter);
	}
	buf_putc(out, '\n');
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fish_command(out, &commands[i]);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		fish_option(out, &options[i]);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*tables)(struct buf *);
	} shells[] = {
		{ "bash", bash_tables },
		{ "zsh", zsh_tables },
		{ "fish", fish_tables },
	};
	struct buf b = { 0 };
	int failed;

	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(shells); i++)
		if (strcmp(argv[1], shells[i].name) == 0)
			shells[i].tables(&b);
	failed = b.n == 0 || b.failed || fwrite(b.p, 1, b.n, stdout) != b.n;
	buf_free(&b);
	return failed || fflush(stdout) != 0;
}
