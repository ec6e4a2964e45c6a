/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rules and exceptions a run uses: those of --rules, else those of the
 * configuration, else the shipped ones and /etc/tocsin/rules.d. Shipped rules
 * lie in rules/linux beside the program (a build tree), else under
 * /usr/share/tocsin.
 */
#ifndef FIM_LOAD_H
#define FIM_LOAD_H

#include "fim/config.h"
#include "fim/options.h"
#include "baselines/sign.h"
#include "fim/trust.h"
#include "rules/rules.h"

#ifndef RULES_SHIPPED /* `make PREFIX=` */
#define RULES_SHIPPED "/usr/share/tocsin/rules/linux"
#endif
#define RULES_LOCAL "/etc/tocsin/rules.d"
#define EXCEPTIONS_LOCAL "/etc/tocsin/exceptions.d"

/* How much is asked of what is loaded; zero-initialise. */
struct load_policy {
	const struct trust *trust;    /* NULL = files may be anybody's */
	const struct sign_keys *keys; /* NULL = and need no signature */
	const char *state; /* whose journal knows the last signed sets */
	bool record;	   /* … and is told of these */
	bool tampered;	   /* set: a signature was missing or wrong */
};

/*
 * Loads and seals. `paths` (of the command line, may be NULL or empty) go
 * before --rules. Returns the number of broken rules, which do not stop the
 * others, or -1 when a path cannot be read or memory is out; all in `err`.
 */
int load_rules(struct rules *, const struct options *, const struct config *,
	       const struct text_list *paths, struct err *);
/* The same of files that `policy` takes; -1 when it refuses any. */
int load_rules_by(struct load_policy *, struct rules *, const struct options *,
		  const struct config *, const struct text_list *paths,
		  struct err *);

/* Where the shipped rules are; caller frees with buf_free. */
void load_shipped_path(struct buf *out);

#endif
