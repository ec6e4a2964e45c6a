/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a trace on standard input and keeps, of each event, one line:
 *
 *	ACTION ENTITY-ID NAME PARENT-NAME ARG0 ARG1 PATH
 *
 * "-" for what is absent. It relies on the fixed order of fields in a line and
 * unescapes nothing: the names in the loss test are plain. It is fast, so that
 * the writer of the trace never waits for it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM (1 << 20)

/* What stands between `before` and the next quote, at or after *at, which
 * moves behind it. */
static void
print_after(const char **at, const char *before)
{
	const char *p = strstr(*at, before), *end;

	if (p == NULL) {
		fputs(" -", stdout);
		return;
	}
	p += strlen(before);
	end = strchr(p, '"');
	if (end == NULL)
		end = p;
	printf(" %.*s", (int)(end - p), p);
	*at = end;
}

static void
tally(const char *line)
{
	const char *at = line, *process, *parent, *file;

	print_after(&at, "\"action\":\"");
	process = strstr(at, "\"process\":{");
	if (process == NULL) {
		fputs(" - - - - -", stdout);
	} else {
		at = process;
		print_after(&at, "\"entity_id\":\"");
		print_after(&at, "\"name\":\"");
		parent = strstr(at, "\"parent\":{");
		if (parent == NULL)
			parent = "";
		print_after(&parent, "\"name\":\"");
		print_after(&at, "\"args\":[\"");
		print_after(&at, ",\"");
	}
	file = strstr(line, "\"file\":{\"path\":\"");
	if (file == NULL)
		file = "";
	print_after(&file, "\"path\":\"");
	putchar('\n');
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;

	/* As much room as an ordinary user may have, fcntl(2), so that reader
	 * and writer seldom wait for one another. */
	fcntl(STDIN_FILENO, F_SETPIPE_SZ, ROOM);
	setvbuf(stdin, NULL, _IOFBF, ROOM);
	while (getline(&line, &cap, stdin) > 0)
		tally(line);
	free(line);
	return ferror(stdin) || fflush(stdout) != 0;
}
