/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities of files: values as setcap(8) and the kernel write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scan/capability.h"

static void
says(struct view value, const char *wanted)
{
	struct file_capabilities caps;
	struct buf out = { 0 };

	assert_true(capability_of_file(value, &caps));
	capability_put(&out, &caps);
	buf_putc(&out, '\0');
	assert_string_equal(out.p, wanted);
	buf_free(&out);
}

static void
test_said_as_setcap_reads(void **unused)
{
	(void)unused;
	says(VIEW("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	     "cap_net_raw=ep");
	says(VIEW("\0\0\0\2\x80\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	     "cap_setuid,cap_net_raw=p");
	/* Above 31, and both sets. */
	says(VIEW("\1\0\0\2\1\0\0\0\1\0\0\0\x80\0\0\0\0\0\0\0"),
	     "cap_chown=eip cap_bpf=ep");
	/* Of a user namespace. */
	says(VIEW("\1\0\0\3\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe8\3\0\0"),
	     "cap_chown=ep [rootid=1000]");
	/* A number without a name yet. */
	says(VIEW("\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\0"), "63=p");
}

static void
test_other_values(void **unused)
{
	struct file_capabilities caps;

	(void)unused;
	assert_false(capability_of_file(VIEW_NONE, &caps));
	assert_false(capability_of_file(VIEW("\1\0\0"), &caps));
	assert_false(capability_of_file(VIEW("\1\0\0\2\0\x20\0\0"), &caps));
	assert_false(capability_of_file(
		VIEW("\1\0\0\4\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), &caps));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said_as_setcap_reads),
		cmocka_unit_test(test_other_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
