/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: one row an option (options.def), one pass with
 * getopt_long(3). */
#include <getopt.h>
#include <stdlib.h>

#include "fim/options.h"
#include "rules/doc.h"

enum option_type { FLAG, COUNT, TEXT, LIST, CHOICE };

struct option_row {
	const char *name;
	char letter;
	enum option_type type;
	size_t at; /* of the member in struct options */
	const char *argument, *commands, *help;
};

static const struct option_row rows[] = {
#define OPTION(name, letter, type, member, argument, commands, help)  \
	{ name,	    letter,   type, offsetof(struct options, member), \
	  argument, commands, help },
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

/* A diagnostic without a place. */
#define wrong(err, ...) err_add(err, (struct place){ 0 }, __VA_ARGS__)

static int
list_add(struct text_list *list, const char *word)
{
	const char **v;

	v = reallocarray(list->v, list->n + 1, sizeof(*v));
	if (v == NULL)
		return -1;
	list->v = v;
	v[list->n++] = word;
	return 0;
}

/* The place of `word` in "a|b|c", from 1; 0 if it is none of them. */
static int
choice_find(const char *choices, const char *word)
{
	struct view rest = view_of(choices), item;

	for (int i = 1; view_next_split(&rest, '|', &item); i++)
		if (view_eq(item, view_of(word)))
			return i;
	return 0;
}

/* A query and a comment may be empty; a folder or a field may not: a variable
 * of a script was not set. */
static bool
names_something(const struct option_row *row)
{
	return (row->type == TEXT || row->type == LIST) &&
	       strcmp(row->argument, "KQL") != 0 &&
	       strcmp(row->argument, "TEXT") != 0;
}

static int
option_store(struct options *o, const struct option_row *row, const char *word,
	     struct err *err)
{
	void *member = (char *)o + row->at;
	int choice;

	if (word != NULL && word[0] == '\0' && names_something(row))
		return wrong(err, "--%s wants %s, not an empty word", row->name,
			     row->argument);
	switch (row->type) {
	case FLAG:
		*(bool *)member = true;
		return 0;
	case COUNT:
		++*(unsigned *)member;
		return 0;
	case TEXT:
		*(const char **)member = word;
		return 0;
	case LIST:
		if (list_add(member, word) != 0)
			return err_no_memory(err, (struct place){ 0 });
		return 0;
	case CHOICE:
		choice = choice_find(row->argument, word);
		if (choice == 0)
			return wrong(err, "--%s wants one of %s, not '%s'",
				     row->name, row->argument, word);
		*(int *)member = choice;
		return 0;
	}
	return 0;
}

/* Is `word` one of the space separated `list`, or the list empty? */
static bool
list_names(const char *list, const char *word)
{
	struct view rest = view_of(list), item;

	if (rest.n == 0)
		return true;
	while (view_next_split(&rest, ' ', &item))
		if (view_eq(item, view_of(word)))
			return true;
	return false;
}

static int
option_unknown(const char *word, struct err *err)
{
	const char *names[ARRAY_LEN(rows)], *near = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		names[i] = rows[i].name;
	if (strncmp(word, "--", 2) == 0)
		near = name_nearest(view_of(word + 2), names, ARRAY_LEN(rows));
	if (near != NULL)
		return wrong(err, "unknown option '%s'; did you mean --%s?",
			     word, near);
	return wrong(err, "unknown option '%s'; see tocsin --help", word);
}

/* Subcommands that Tocsin is to have and this version does not. */
static const char *const later[] = { "query", "alerts" };

static int
command_find(const char *word, enum command *out, struct err *err)
{
	const char *names[ARRAY_LEN(commands)], *near;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		names[i] = commands[i].name;
		if (strcmp(names[i], word) != 0)
			continue;
		*out = (enum command)i;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (strcmp(later[i], word) == 0)
			return wrong(err, "'%s' is not in this version", word);
	near = name_nearest(view_of(word), names, ARRAY_LEN(commands));
	if (near != NULL)
		return wrong(err, "unknown command '%s'; did you mean %s?",
			     word, near);
	return wrong(err, "unknown command '%s'; see tocsin --help", word);
}

/* getopt's tables out of ours: a long option returns its row + 256, a letter
 * itself. */
#define ROW_BASE 256
#define WORD_CODE 1 /* of a word, in the order mode */

static void
getopt_tables(struct option *longs, char *letters)
{
	/* '-': words come in their place, whatever POSIXLY_CORRECT says; ':':
	 * tell a missing argument from an unknown option. getopt(3). */
	*letters++ = '-';
	*letters++ = ':';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool takes = rows[i].argument != NULL;

		longs[i] = (struct option){
			.name = rows[i].name,
			.has_arg = takes ? required_argument : no_argument,
			.val = ROW_BASE + (int)i,
		};
		if (rows[i].letter == 0)
			continue;
		*letters++ = rows[i].letter;
		if (takes)
			*letters++ = ':';
	}
	*letters = '\0';
}

static const struct option_row *
row_of(int c)
{
	if (c >= ROW_BASE)
		return &rows[c - ROW_BASE];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].letter == c)
			return &rows[i];
	return NULL;
}

/* The word of argv that getopt has just refused. */
static int
option_refused(int c, char **argv, struct err *err)
{
	const struct option_row *row = row_of(optopt);
	char letter[3] = { '-', (char)optopt, '\0' };

	if (c == ':' && row != NULL)
		return wrong(err, "--%s wants %s", row->name, row->argument);
	if (optopt >= ROW_BASE)
		return wrong(err, "--%s takes no argument", row->name);
	/* optopt is 0 for an unknown long option. */
	return option_unknown(optopt != 0 ? letter : argv[optind - 1], err);
}

static int
options_scan(struct options *o, int argc, char **argv, bool *given,
	     struct err *err)
{
	struct option longs[ARRAY_LEN(rows) + 1] = { 0 };
	char letters[2 * ARRAY_LEN(rows) + 3];
	const struct option_row *row;
	int c;

	getopt_tables(longs, letters);
	opterr = 0;
	optind = 0; /* glibc: start afresh, getopt(3) */
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return option_refused(c, argv, err);
		if (c == WORD_CODE) {
			if (list_add(&o->args, optarg) != 0)
				return err_no_memory(err, (struct place){ 0 });
			continue;
		}
		row = row_of(c);
		given[row - rows] = true;
		if (option_store(o, row, optarg, err) != 0)
			return -1;
	}
	for (int i = optind; i < argc; i++)
		if (list_add(&o->args, argv[i]) != 0)
			return err_no_memory(err, (struct place){ 0 });
	return 0;
}

/* Options and words may stand in any order; the first word is the command. */
int
options_read(struct options *o, int argc, char **argv, struct err *err)
{
	bool given[ARRAY_LEN(rows)] = { false };
	const char *name;

	*o = (struct options){ .command = COMMAND_NONE };
	if (options_scan(o, argc, argv, given, err) != 0)
		return -1;
	if (o->args.n == 0) {
		if (o->help || o->version)
			return 0;
		return wrong(err, "which command? see tocsin --help");
	}
	name = o->args.v[0];
	if (command_find(name, &o->command, err) != 0)
		return -1;
	memmove(o->args.v, o->args.v + 1, --o->args.n * sizeof(*o->args.v));
	if (o->args.n > 0 && commands[o->command].arguments[0] == '\0')
		return wrong(err, "'tocsin %s' takes no words, as '%s'", name,
			     o->args.v[0]);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (given[i] && !list_names(rows[i].commands, name))
			return wrong(err, "'tocsin %s' takes no option --%s",
				     name, rows[i].name);
	return 0;
}

void
options_free(struct options *o)
{
	free(o->args.v);
	free(o->rules.v);
	free(o->config_keys.v);
	free(o->pubkeys.v);
	free(o->journals.v);
	free(o->packages.v);
	free(o->sensors.v);
	*o = (struct options){ .command = COMMAND_NONE };
}

#define HELP_COLUMN 26

/* Help text from HELP_COLUMN on, folded at 80 columns. */
static void
help_fold(struct buf *out, size_t used, const char *text)
{
	struct view rest = view_of(text), word;
	size_t column = used;

	if (column + 2 > HELP_COLUMN) {
		buf_putc(out, '\n');
		column = 0;
	}
	buf_printf(out, "%*s", (int)(HELP_COLUMN - column), "");
	column = HELP_COLUMN;
	while (view_next_split(&rest, ' ', &word)) {
		if (column + word.n + 1 > 79) {
			buf_printf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		if (column > HELP_COLUMN) {
			buf_putc(out, ' ');
			column++;
		}
		buf_put(out, word);
		column += word.n;
	}
	buf_putc(out, '\n');
}

static void
help_option(struct buf *out, const struct option_row *row)
{
	size_t before = out->n;

	if (row->letter != 0)
		buf_printf(out, "  -%c, --%s", row->letter, row->name);
	else
		buf_printf(out, "      --%s", row->name);
	if (row->type == CHOICE)
		buf_printf(out, " %s", "WORD");
	else if (row->argument != NULL)
		buf_printf(out, " %s", row->argument);
	help_fold(out, out->n - before, row->help);
	if (row->type == CHOICE) {
		before = out->n;
		buf_puts(out, "        ");
		help_fold(out, out->n - before, row->argument);
	}
}

static void
help_options(struct buf *out, const char *command)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool common = rows[i].commands[0] == '\0';

		if (command == NULL
			    ? common
			    : !common && list_names(rows[i].commands, command))
			help_option(out, &rows[i]);
	}
}

static void
help_exit_codes(struct buf *out)
{
#define EXIT_CODE(name, number, meaning) \
	buf_printf(out, "  %2d  %s\n", number, meaning);
	EXIT_CODES
#undef EXIT_CODE
}

void
options_help(enum command command, struct buf *out)
{
	if (command != COMMAND_NONE) {
		const struct command_row *row = &commands[command];

		buf_printf(out, "tocsin %s [OPTION...] %s\n", row->name,
			   row->arguments);
		buf_printf(out, "%s\n\n", row->summary);
		help_options(out, row->name);
		buf_puts(out, "\nCommon options:\n");
		help_options(out, NULL);
		return;
	}
	buf_puts(out, "tocsin COMMAND [OPTION...] [ARGUMENT...]\n"
		      "Watches the places where an intruder makes itself "
		      "permanent.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		size_t before = out->n;

		buf_printf(out, "  %s", commands[i].name);
		help_fold(out, out->n - before, commands[i].summary);
	}
	buf_puts(out, "\nOptions of every command (tocsin COMMAND --help "
		      "lists its own):\n");
	help_options(out, NULL);
	buf_puts(out, "\nExit codes:\n");
	help_exit_codes(out);
}
