/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytecode that py3compile(1) makes when a package is configured. Its header
 * (PEP 552; importlib/_bootstrap_external.py): magic, "\r\n", flags, then
 * modification time and size of the source, little endian.
 *
 * The header says that it is meant for just that source, and the source is the
 * package's. That the bytecode is what the source says is not verified: only
 * the very interpreter could do that, and we run nothing of what we look at.
 * So it must also have been made while packages were changed; bytecode that
 * was changed at any other time stands out.
 */
#include <sys/stat.h>

#include "baselines/packages_inside.h"

#define HEADER_BYTES 16
#define PYC_MAX_BYTES (64u << 20)

static uint32_t
u32_at(struct view v, size_t at)
{
	const uint8_t *p = (const uint8_t *)v.p + at;

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static bool
header_fits(struct view pyc, const struct stat *source)
{
	return pyc.n > HEADER_BYTES && pyc.p[2] == '\r' && pyc.p[3] == '\n' &&
	       u32_at(pyc, 4) == 0 &&
	       u32_at(pyc, 8) == (uint32_t)source->st_mtim.tv_sec &&
	       u32_at(pyc, 12) == (uint32_t)source->st_size;
}

uint32_t
evidence_bytecode(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	struct buf source = { 0 }, text = { 0 }, end = { 0 };
	uint32_t package = NO_PACKAGE;
	struct stat st;

	if (e == NULL || !S_ISREG(e->mode) || (e->mode & 07133) != 0 ||
	    !packages_python_source(x->path, &source) ||
	    !packages_changed_at(x->p, NO_PACKAGE, e->ctime_ns))
		goto out;
	if (packages_end(x->p, buf_view(&source), &end))
		package = packages_verified(x->p, buf_view(&end), &st);
	if (package != NO_PACKAGE &&
	    (!explaining_plain(x, package) ||
	     !packages_content(e, PYC_MAX_BYTES, &text) ||
	     !header_fits(buf_view(&text), &st)))
		package = NO_PACKAGE;
out:
	buf_free(&source);
	buf_free(&text);
	buf_free(&end);
	return package;
}
