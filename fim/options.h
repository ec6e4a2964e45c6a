/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, read completely before anything is done. Subcommands are
 * rows of commands.def, options rows of options.def; the help text comes from
 * the same rows. Reading prints nothing: what is wrong goes to `struct err`.
 *
 * Strings are borrowed from argv.
 */
#ifndef FIM_OPTIONS_H
#define FIM_OPTIONS_H

#include "fim/exit.h"
#include "scan/base.h"

enum command {
#define COMMAND(name, arguments, summary) COMMAND_##name,
#include "fim/commands.def"
#undef COMMAND
	COMMANDS,
	COMMAND_NONE = COMMANDS
};

/* In the order of the words in options.def; 0 = not given. */
enum format {
	FORMAT_DEFAULT,
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_NDJSON,
	FORMAT_HTML,
	FORMAT_SARIF
};
enum schema_choice { SCHEMA_DEFAULT, SCHEMA_ECS, SCHEMA_ANY };
enum only_choice { ONLY_DEFAULT, ONLY_FILES, ONLY_PROCESSES };
enum order_choice { ORDER_DEFAULT, ORDER_TIME, ORDER_INPUT };

struct text_list {
	const char **v; /* freed by options_free */
	size_t n;
};

struct options {
	enum command command;
	struct text_list args; /* what follows the subcommand */

	bool quiet, no_color, no_progress, exit_zero, help, version;
	unsigned verbose;
	int format;			     /* enum format */
	const char *config, *state, *output; /* NULL = not given */
	struct text_list rules, config_keys;

	const char *query, *kql, *explain, *time_field, *id_field, *record;
	struct text_list sensors;
	const char *metrics, *budget;
	int schema; /* enum schema_choice */
	int order;  /* enum order_choice */
	int only;   /* enum only_choice */
	bool matches;
	struct text_list journals;

	const char *key, *comment, *passphrase_fd;
	struct text_list pubkeys;
	bool legacy, unencrypted;

	bool is_unsigned, unsigned_report, plan, quick, verify, delete, nice;
	const char *report, *reason, *threads;
	struct text_list packages;
};

/* 0, or -1 with one diagnostic (err.no_memory: the words are not wrong). Free
 * in both cases. */
int options_read(struct options *, int argc, char **argv, struct err *);
void options_free(struct options *);
/* Help for one subcommand, or for all of Tocsin. */
void options_help(enum command, struct buf *out);

/* What a subcommand works with. Diagnostics that it leaves in `err` are
 * printed by main, after what it wrote. */
struct cmd_io {
	FILE *out; /* results; standard output or --output */
	/* The file of `out`, or NULL; a folder's own, it gets its name in the
	 * end, see report_folder.h. */
	const char *out_path;
	bool report_begun; /* there is the head of one in `out` */
	bool out_complete; /* a report, to its end */
	/* The run had something to look at, whatever it found and however it
	 * ends: what the file held before is no longer true (out_file.h). Set
	 * by those that may end with another code than 0 to 15 then. */
	bool has_result;
	FILE *notes;	  /* for people: standard error; /dev/null with -q */
	bool color;	  /* `out` is a terminal and wants colour */
	bool terminal;	  /* `out` is a terminal */
	bool notes_color; /* the same of `notes` */
	bool progress;	  /* `notes` is a terminal and wants progress */
	struct err err;
};

#define COMMAND(name, arguments, summary) \
	enum exit_code cmd_##name(const struct options *, struct cmd_io *);
#include "fim/commands.def"
#undef COMMAND

#endif
