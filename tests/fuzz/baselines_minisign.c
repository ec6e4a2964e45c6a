/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * minisign's files. The first byte says which: p public key, s secret key, v
 * a signature of "data\n" by the key below. Whatever is taken must be what
 * was written: encoded again it is the same, and only what was really signed
 * verifies.
 */
#include "baselines/sign.h"

#include <errno.h>

#include "tests/fuzz/fuzz_help.h"

#define PUBLIC "RWSZauTUGf/ii5URK/vUosVbFCj1wtv7s+ZdY6Bs7El2DCd6KTyNr8gU"

/* Locked keys are not opened here: a second each. */
static ssize_t
no_passphrase(void *ctx, char *to, size_t max, bool fresh)
{
	(void)ctx, (void)to, (void)max, (void)fresh;
	errno = ECANCELED;
	return -1;
}

static void
read_public(struct view text)
{
	struct sign_public key, line;
	struct err err = { 0 };
	struct buf again = { 0 };

	if (sign_public_parse(&key, "k", text, &err) == 0) {
		sign_public_text(&key, &again);
		check(view_search(text, buf_view(&again), 0) > 0);
		check(err.n == 0);
		check(sign_public_line(&line, buf_view(&again)));
		check(memcmp(&line, &key, sizeof(key)) == 0);
	} else {
		check(err.n == 1 && errno == EBADMSG);
	}
	/* One spelling, also of a key that stands alone. */
	buf_clear(&again);
	if (sign_public_line(&line, text)) {
		sign_public_text(&line, &again);
		check(view_eq(buf_view(&again), text));
	}
	buf_free(&again);
	err_free(&err);
}

static void
read_secret(struct view text)
{
	struct sign_passphrase passphrase = { no_passphrase, NULL };
	struct err err = { 0 };
	struct sign_secret *s = sign_secret_parse("k", text, &passphrase, &err);

	check((s == NULL) == (err.n == 1));
	check(s != NULL || errno == EBADMSG || errno == ECANCELED);
	sign_secret_free(s);
	err_free(&err);
}

static void
read_signature(struct view text)
{
	struct sign_public key;
	struct sign_keys keys = { &key, 1, false };
	struct sign_result r = { 0 };
	struct err err = { 0 };
	enum sign_verdict v;

	check(sign_public_parse(&key, "k",
				VIEW("untrusted comment: \n" PUBLIC "\n"),
				&err) == 0);
	v = sign_verify_bytes(VIEW("data\n"), text, &keys, &r);
	check((v == SIGN_MALFORMED) == (r.why != NULL));
	check((v == SIGN_MALFORMED) != r.id_known);
	if (v != SIGN_GOOD)
		check(r.trusted.n == 0);
	else
		check(view_search(text, r.trusted, 0) > 0 &&
		      r.trusted.n <= SIGN_TRUSTED_LINE_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view text = { (const char *)data, n };

	if (n == 0)
		return 0;
	text = view_sub(text, 1, n);
	switch (data[0]) {
	case 'p':
		read_public(text);
		break;
	case 's':
		read_secret(text);
		break;
	case 'v':
		read_signature(text);
		break;
	}
	return 0;
}
