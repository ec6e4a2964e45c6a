/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of keys in tocsin.yaml(5), printed for the build. */
#include "fim/config.h"

int
main(void)
{
	struct buf b = { 0 };
	int failed;

	config_manual(&b);
	failed = b.failed || fwrite(b.p, 1, b.n, stdout) != b.n;
	buf_free(&b);
	return failed || fflush(stdout) != 0;
}
