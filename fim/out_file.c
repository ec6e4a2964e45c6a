/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of --output; see out_file.h. */
#include "fim/out_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int
out_file_begin(struct out_file *f)
{
	int result = 0;

	while (f->holds && (result = ftruncate(f->fd, 0)) != 0)
		if (errno != EINTR)
			return -1;
	f->holds = false;
	return 0;
}

void
out_file_give_up(struct out_file *f)
{
	f->discard = f->holds;
}

/* fopencookie(3): fewer than `n` is an error. */
static ssize_t
put(void *file, const char *p, size_t n)
{
	struct out_file *f = file;
	size_t done = 0;

	if (f->discard)
		return (ssize_t)n;
	if (out_file_begin(f) != 0)
		return 0;
	while (done < n) {
		ssize_t more = write(f->fd, p + done, n - done);

		if (more == 0 || (more < 0 && errno != EINTR))
			break;
		done += more > 0 ? (size_t)more : 0;
	}
	return (ssize_t)done;
}

static int
end(void *file)
{
	struct out_file *f = file;

	return close(f->fd);
}

FILE *
out_file_stream(struct out_file *f, int fd)
{
	cookie_io_functions_t calls = { .write = put, .close = end };
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fdopen(fd, "w");
	*f = (struct out_file){ .fd = fd, .holds = true };
	return fopencookie(f, "w", calls);
}
