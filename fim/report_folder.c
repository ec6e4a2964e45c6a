/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports in a folder, named by their time. */
#include "fim/report_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_SUFFIX ".part"

static const char *const names[] = {
#define COMMAND(name, arguments, summary) #name,
#include "fim/commands.def"
#undef COMMAND
};

bool
report_folder_wanted(const struct options *o)
{
	struct stat st;

	return (o->command == COMMAND_scan || o->command == COMMAND_baseline) &&
	       o->format == FORMAT_JSON && o->output != NULL &&
	       stat(o->output, &st) == 0 && S_ISDIR(st.st_mode);
}

/* RFC 3339 without what file names dislike: 20260102T030405.678Z. */
static void
put_time(struct buf *out)
{
	struct buf text = { 0 };

	buf_rfc3339(&text, clock_wall_ns());
	for (size_t i = 0;
	     i < text.n && i < sizeof("2026-01-02T03:04:05.678") - 1; i++)
		if (text.p[i] != '-' && text.p[i] != ':')
			buf_putc(out, text.p[i]);
	buf_putc(out, 'Z');
	out->failed |= text.failed;
	buf_free(&text);
}

int
report_folder_open(const struct options *o, struct report_folder *f)
{
	buf_printf(&f->path, "%s/", o->output);
	put_time(&f->path);
	buf_printf(&f->path, "-%s.json%c", names[o->command], 0);
	if (!f->path.failed)
		buf_printf(&f->part, "%s" PART_SUFFIX "%c", f->path.p, 0);
	if (f->path.failed || f->part.failed) {
		errno = ENOMEM;
		return -1;
	}
	return open(f->part.p,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY |
			    O_NOFOLLOW,
		    0600);
}

int
report_folder_end(struct report_folder *f, bool complete)
{
	return complete ? rename(f->part.p, f->path.p) : unlink(f->part.p);
}

void
report_folder_free(struct report_folder *f)
{
	buf_free(&f->path);
	buf_free(&f->part);
}
