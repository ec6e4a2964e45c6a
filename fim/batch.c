/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long commands: progress, signals, priorities. */
#include "fim/batch.h"

#include "fim/hurry.h"

#define PROGRESS_NS (200 * NS_PER_MS)
#define THREADS_MAX 64u

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

/* By nohup(1), or a shell's background. A signal that is blocked would wait all
 * the same. */
static bool
is_ignored(int number)
{
	struct sigaction old;

	return sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

void
batch_start(struct batch *b, const struct options *o, struct cmd_io *io)
{
	b->io = io;
	b->started_ns = clock_boot_ns();
	if (o->nice)
		hurry_never();
	sigemptyset(&b->signals);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (!is_ignored(numbers[i]))
			sigaddset(&b->signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &b->signals, NULL);
}

static volatile sig_atomic_t signalled;

static void
on_signal(int number)
{
	signalled = number;
}

void
batch_catch_signals(void)
{
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND, /* without SA_RESTART: EINTR */
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (!is_ignored(numbers[i]))
			sigaction(numbers[i], &action, NULL);
}

bool
batch_signalled(void)
{
	return signalled != 0;
}

bool
batch_stopped(struct batch *b)
{
	static const struct timespec now = { 0 };

	return sigtimedwait(&b->signals, NULL, &now) > 0;
}

void
batch_progress(struct batch *b, uint64_t files, uint64_t total, uint64_t bytes)
{
	uint64_t now_ns = clock_boot_ns();
	FILE *notes = b->io->notes;

	if (!b->io->progress || now_ns - b->shown_ns < PROGRESS_NS)
		return;
	b->shown_ns = now_ns;
	fprintf(notes, "\r%llu files", (unsigned long long)files);
	if (bytes > 0)
		fprintf(notes, ", %.1f GiB",
			(double)bytes / (double)(1ull << 30));
	if (total > 0 && files > 0 && files <= total) {
		double s = (double)(now_ns - b->started_ns) / NS_PER_SEC;

		fprintf(notes, ", %u %%, about %.0f s left",
			(unsigned)(100 * files / total),
			s * (double)(total - files) / (double)files);
	}
	fputs("\033[K", notes);
	fflush(notes);
}

void
batch_progress_end(struct batch *b)
{
	if (b->io->progress && b->shown_ns > 0)
		fputs("\r\033[K", b->io->notes);
	b->shown_ns = 0;
}

bool
batch_threads(const struct options *o, unsigned *threads)
{
	uint64_t n = 0;

	*threads = 0;
	if (o->threads == NULL)
		return true;
	if (!view_to_u64(view_of(o->threads), &n) || n == 0 || n > THREADS_MAX)
		return false;
	*threads = (unsigned)n;
	return true;
}
