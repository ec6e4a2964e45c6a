/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tocsin(1): reads the command line, opens the outputs, runs one subcommand
 * and says what went wrong. Nothing else in Tocsin prints errors or ends the
 * process.
 */
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/sign.h"
#include "fim/config.h"
#include "fim/deputy.h"
#include "fim/options.h"
#include "fim/out_file.h"
#include "fim/report_folder.h"
#include "fim/version.h"

static enum exit_code (*const functions[])(const struct options *,
					   struct cmd_io *) = {
#define COMMAND(name, arguments, summary) cmd_##name,
#include "fim/commands.def"
#undef COMMAND
};

static void
print_errors(const struct err *err)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < err->n; i++) {
		const struct diag *d = &err->v[i];

		if (d->file[0] == '\0')
			buf_puts(&b, "tocsin: ");
		err_format(d, &b);
		if (b.n > 0 && b.p[b.n - 1] != '\n')
			buf_putc(&b, '\n');
	}
	if (err->dropped > 0)
		buf_printf(&b, "tocsin: and %zu more\n", err->dropped);
	if (b.failed || (err->n == 0 && err->no_memory))
		fputs("tocsin: out of memory\n", stderr);
	else if (b.n > 0)
		fwrite(b.p, 1, b.n, stderr);
	buf_free(&b);
}

/* Where --output leads. */
struct outputs {
	struct report_folder folder;
	struct out_file file;
};

/* Results may hold what an intruder wants to read: owner only. A restarted
 * monitor adds to what it said before. */
static FILE *
open_output(const struct options *o, struct cmd_io *io, struct outputs *out)
{
	bool adds = o->command == COMMAND_watch;
	FILE *f;
	int fd;

	if (report_folder_wanted(o)) {
		fd = report_folder_open(o, &out->folder);
		io->out_path = out->folder.path.p;
	} else {
		fd = open(o->output,
			  O_WRONLY | O_CREAT | (adds ? O_APPEND : 0) |
				  O_CLOEXEC | O_NOCTTY,
			  0600);
		io->out_path = o->output;
	}
	if (fd < 0)
		return NULL;
	f = adds ? fdopen(fd, "w") : out_file_stream(&out->file, fd);
	if (f == NULL)
		close(fd);
	return f;
}

static bool
is_terminal(FILE *f)
{
	const char *term = getenv("TERM");

	return isatty(fileno(f)) == 1 && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

static int
io_open(struct cmd_io *io, const struct options *o, struct outputs *out)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org */
	bool color = !o->no_color && (no_color == NULL || *no_color == '\0');

	io->out = o->output != NULL ? open_output(o, io, out) : stdout;
	if (io->out == NULL)
		return err_add(&io->err, (struct place){ .file = o->output },
			       "cannot be written: %s", strerror(errno));
	io->notes = o->quiet ? fopen("/dev/null", "we") : stderr;
	if (io->notes == NULL)
		return err_add(&io->err, (struct place){ 0 }, "/dev/null: %s",
			       strerror(errno));
	io->terminal = is_terminal(io->out);
	io->color = color && io->terminal;
	io->notes_color = color && is_terminal(io->notes);
	io->progress = !o->no_progress && !o->quiet && is_terminal(io->notes);
	return 0;
}

/* A full disk shows only when the last bytes are written. */
static int
io_close(struct cmd_io *io, struct outputs *out)
{
	const char *name = io->out_path ?: "standard output";
	struct report_folder *folder = &out->folder;
	int failed = ferror(io->out);

	if (io->report_begun && !io->out_complete)
		out_file_give_up(&out->file);
	else if (io->has_result && out_file_begin(&out->file) != 0)
		failed = 1;
	if (fclose(io->out) != 0)
		failed = 1;
	io->out_complete &= !failed;
	if (folder->part.n > 0 &&
	    report_folder_end(folder, io->out_complete) != 0)
		failed = 1;
	if (folder->part.n > 0 && io->out_complete && !failed)
		fprintf(io->notes, "tocsin: %s written\n", name);
	if (io->notes != NULL && io->notes != stderr)
		fclose(io->notes);
	if (failed)
		return err_add(&io->err, (struct place){ .file = name },
			       "could not be written completely");
	return 0;
}

static bool
is_file(const struct stat *file, const char *name)
{
	struct stat st;

	return name != NULL && stat(name, &st) == 0 &&
	       st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

static bool
any_is_file(const struct stat *file, const struct text_list *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (is_file(file, names->v[i]))
			return true;
	return false;
}

/* The signature of one of them. */
static bool
any_is_signed_by(const struct stat *file, const struct text_list *names)
{
	struct buf b = { 0 };
	bool found = false;

	for (size_t i = 0; i < names->n && !found; i++) {
		buf_clear(&b);
		buf_printf(&b, "%s" SIGN_SUFFIX "%c", names->v[i], 0);
		found = b.failed || is_file(file, b.p);
	}
	buf_free(&b);
	return found;
}

static bool
is_standard_input(const struct stat *file, const struct text_list *names)
{
	struct stat st;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], "-") == 0)
			return fstat(STDIN_FILENO, &st) == 0 &&
			       st.st_dev == file->st_dev &&
			       st.st_ino == file->st_ino;
	return false;
}

/* What is read would be lost: a report, events, a key. Trees are not meant,
 * whose server may not answer. */
static bool
output_is_input(const struct options *o)
{
	bool trees =
		o->command == COMMAND_scan || o->command == COMMAND_baseline;
	struct stat st;

	return o->output != NULL && stat(o->output, &st) == 0 &&
	       S_ISREG(st.st_mode) &&
	       ((!trees && (any_is_file(&st, &o->args) ||
			    any_is_signed_by(&st, &o->args) ||
			    is_standard_input(&st, &o->args))) ||
		any_is_file(&st, &o->journals) ||
		any_is_file(&st, &o->pubkeys) ||
		any_is_file(&st, &o->config_keys) ||
		any_is_file(&st, &o->rules) || is_file(&st, o->report) ||
		is_file(&st, o->key) || is_file(&st, o->config ?: CONFIG_PATH));
}

static enum exit_code
run(const struct options *o)
{
	struct cmd_io io = { 0 };
	struct outputs out = { 0 };
	enum exit_code code = EXIT_IO;

	if (output_is_input(o)) {
		err_add(&io.err, (struct place){ .file = o->output },
			"is read as well and would be lost: name another file "
			"with --output");
		code = EXIT_USAGE;
	} else if (io_open(&io, o, &out) == 0) {
		code = functions[o->command](o, &io);
		io.has_result |= code <= EXIT_FINDINGS_MAX;
		if (code <= EXIT_FINDINGS_MAX && o->exit_zero)
			code = EXIT_NOTHING;
	}
	if (io.out != NULL && io_close(&io, &out) != 0)
		code = EXIT_IO;
	print_errors(&io.err);
	err_free(&io.err);
	report_folder_free(&out.folder);
	return code;
}

static enum exit_code
print(struct view text)
{
	if (fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0)
		return EXIT_NOTHING;
	fputs("standard output: could not be written completely\n", stderr);
	return EXIT_IO;
}

static enum exit_code
print_help(enum command command)
{
	struct buf b = { 0 };
	enum exit_code code;

	options_help(command, &b);
	code = print(buf_view(&b));
	buf_free(&b);
	return code;
}

/* Two libraries crash where memory is out: libgcrypt by intention, when there
 * is none to begin with, and jansson 2.14 by an assertion (lex_scan_string) or
 * worse. So the process ends there, and says why; that this may be at any
 * moment, as a kill may, is what everything that it writes is made for. */
static void
on_fatal(void *ctx, int error, const char *text)
{
	(void)ctx;
	(void)error;
	fprintf(stderr, "tocsin: %s\n", text);
	_exit(EXIT_IO);
}

static void *
json_memory(size_t n)
{
	void *p = malloc(n);

	if (p == NULL)
		on_fatal(NULL, 0, "out of memory");
	return p;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct err err = { 0 };
	enum exit_code code;

	gcry_set_fatalerror_handler(on_fatal, NULL);
	json_set_alloc_funcs(json_memory, free);
	if (options_read(&o, argc, argv, &err) != 0) {
		print_errors(&err);
		code = err.no_memory ? EXIT_IO : EXIT_USAGE;
	} else if (o.help)
		code = print_help(o.command);
	else if (o.version)
		code = print(VIEW("tocsin " TOCSIN_VERSION "\n"));
	else if (o.command == COMMAND_baseline && deputy_wanted())
		code = deputy_run(run, &o);
	else
		code = run(&o);
	err_free(&err);
	options_free(&o);
	return (int)code;
}
