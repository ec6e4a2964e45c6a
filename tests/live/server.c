/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file server that stops answering: server POINT STAGE [FILE]. Mounts itself
 * there by FUSE (linux/fuse.h, fuse(4)), says "ready", serves
 *
 *	/a /d/ /d/inside /f /z
 *
 * and at the first request of that STAGE (getattr, lookup, opendir, readdir,
 * open, read), for that FILE if one is given, falls silent for good: it takes
 * requests and answers none, so that whoever asks cannot even be killed. STAGE
 * "deaf": takes none from the beginning, so that they can. "never": answers
 * all; SIGUSR1 makes it fall silent.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_BYTES (FUSE_MIN_READ_BUFFER + (128u << 10))
#define FILES (sizeof(files) / sizeof(files[0]))

static const struct {
	const char *name;
	uint64_t folder; /* node that has it; nodes count from 1 */
	bool is_folder;
} files[] = {
	{ "", 0, true }, /* FUSE_ROOT_ID */
	{ "a", 1, false },	{ "d", 1, true },  { "f", 1, false },
	{ "inside", 3, false }, { "z", 1, false },
};

static const struct {
	const char *word;
	uint32_t opcode;
} stages[] = {
	{ "getattr", FUSE_GETATTR },
	{ "lookup", FUSE_LOOKUP },
	{ "opendir", FUSE_OPENDIR },
	{ "readdir", FUSE_READDIR },
	{ "open", FUSE_OPEN },
	{ "read", FUSE_READ },
	{ "never", 0 },
	{ "deaf", 0 },
};

static volatile sig_atomic_t silent;
static int device;

static void
fall_silent(int signal)
{
	(void)signal;
	silent = 1;
}

static void
answer(const struct fuse_in_header *in, int error, const void *p, size_t n)
{
	char out[8192];
	struct fuse_out_header *head = (struct fuse_out_header *)out;

	head->len = (uint32_t)(sizeof(*head) + n);
	head->error = -error;
	head->unique = in->unique;
	memcpy(out + sizeof(*head), p, n);
	/* ENOENT: the asker was killed meanwhile. */
	if (write(device, out, head->len) < 0 && errno != ENOENT)
		perror("server: answer");
}

static struct fuse_attr
attributes(uint64_t node)
{
	bool is_folder = files[node - 1].is_folder;

	return (struct fuse_attr){ .ino = node,
				   .size = is_folder ? 0 : 2,
				   .mode = is_folder ? S_IFDIR | 0755
						     : S_IFREG | 0644,
				   .nlink = 1 };
}

static void
on_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { 0 };

	for (uint64_t i = 1; i < FILES; i++)
		if (files[i].folder == in->nodeid &&
		    strcmp(files[i].name, name) == 0)
			out.nodeid = i + 1;
	if (out.nodeid == 0) {
		answer(in, ENOENT, "", 0);
		return;
	}
	out.attr = attributes(out.nodeid);
	answer(in, 0, &out, sizeof(out));
}

static void
on_readdir(const struct fuse_in_header *in, const struct fuse_read_in *request)
{
	char out[4096];
	size_t n = 0;

	for (uint64_t i = 1; i < FILES && request->offset == 0; i++) {
		struct fuse_dirent *entry = (struct fuse_dirent *)(out + n);
		size_t length = strlen(files[i].name);

		if (files[i].folder != in->nodeid)
			continue;
		memset(entry, 0, FUSE_DIRENT_ALIGN(sizeof(*entry) + length));
		entry->ino = i + 1;
		entry->off = i;
		entry->namelen = (uint32_t)length;
		entry->type =
			files[i].is_folder ? S_IFDIR >> 12 : S_IFREG >> 12;
		memcpy(entry->name, files[i].name, length);
		n += FUSE_DIRENT_ALIGN(sizeof(*entry) + length);
	}
	answer(in, 0, out, n);
}

static void
on_request(const struct fuse_in_header *in)
{
	const void *body = in + 1;
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
				      .minor = FUSE_KERNEL_MINOR_VERSION,
				      .max_write = 4096 };
	struct fuse_attr_out attr = { 0 };
	struct fuse_open_out open_out = { .open_flags = FOPEN_DIRECT_IO };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(in, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		attr.attr = attributes(in->nodeid);
		answer(in, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		on_lookup(in, body);
		break;
	case FUSE_OPENDIR:
	case FUSE_OPEN:
		answer(in, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_READDIR:
		on_readdir(in, body);
		break;
	case FUSE_READ:
		answer(in, 0, "x\n",
		       ((const struct fuse_read_in *)body)->offset == 0 ? 2
									: 0);
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(in, 0, "", 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in, ENOSYS, "", 0);
	}
}

/* Is it about that file? A lookup names it, others have its node. */
static bool
is_about(const struct fuse_in_header *in, const char *file)
{
	if (file == NULL)
		return true;
	if (in->opcode == FUSE_LOOKUP)
		return strcmp((const char *)(in + 1), file) == 0;
	return in->nodeid >= 1 && in->nodeid <= FILES &&
	       strcmp(files[in->nodeid - 1].name, file) == 0;
}

static void
serve(uint32_t stage, const char *file)
{
	static _Alignas(struct fuse_in_header) char request[REQUEST_BYTES];
	const struct fuse_in_header *in = (const void *)request;

	for (;;) {
		ssize_t n = read(device, request, sizeof(request));

		if (n < 0 && errno != EINTR && errno != ENOENT)
			return; /* unmounted */
		if (n < (ssize_t)sizeof(*in))
			continue;
		if (stage != 0 && in->opcode == stage && is_about(in, file))
			silent = 1;
		if (!silent)
			on_request(in);
	}
}

int
main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = fall_silent };
	uint32_t stage = UINT32_MAX;
	char options[128];

	for (size_t i = 0; argc >= 3 && i < sizeof(stages) / sizeof(*stages);
	     i++)
		if (strcmp(argv[2], stages[i].word) == 0)
			stage = stages[i].opcode;
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (stage == UINT32_MAX || device < 0) {
		fputs("server: usage: POINT STAGE [FILE]; and /dev/fuse\n",
		      stderr);
		return 1;
	}
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other",
		 device);
	if (mount("server", argv[1], "fuse", 0, options) != 0) {
		perror("server: mount");
		return 1;
	}
	sigaction(SIGUSR1, &action, NULL);
	puts("ready");
	fflush(stdout);
	if (strcmp(argv[2], "deaf") == 0)
		for (;;)
			pause();
	serve(stage, argv[3]);
	return 0;
}
