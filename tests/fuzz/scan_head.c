/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first bytes of a file: kind, interpreter, pid file, entropy. */
#include "scan/content.h"
#include "tests/fuzz/fuzz_help.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view head = { (const char *)data, size };
	struct view program = script_interpreter(head);
	uint64_t counts[256] = { 0 };
	struct pidfile_facts pidfile;
	double bits;

	pidfile_read(head, &pidfile);
	check(!pidfile.valid || (pidfile.pid > 0 && size < 10));
	check(content_classify(head, true) != CONTENT_TEXT || utf8_valid(head));
	content_classify(head, false);
	check(program.n < 254);
	check(view_find(program, '\n') < 0 && view_find(program, ' ') < 0);
	entropy_count(head, counts);
	bits = entropy_of(counts);
	check(bits >= 0 && bits <= 8.000001);
	return 0;
}
