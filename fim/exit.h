/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run of `tocsin` says to the program that started it: one table for
 * all subcommands, printed by `tocsin --help`. `baseline check` uses 1, 2, 4
 * and 8 as bits, with AIDE's meaning (aide(1), DIAGNOSTICS).
 */
#ifndef FIM_EXIT_H
#define FIM_EXIT_H

/* EXIT_CODE(name, number, meaning) */
#define EXIT_CODES                                                    \
	EXIT_CODE(NOTHING, 0, "nothing found")                        \
	EXIT_CODE(FINDINGS, 1, "something was found")                 \
	EXIT_CODE(USAGE, 16, "the command line is wrong")             \
	EXIT_CODE(CONFIG, 17, "the configuration or a rule is wrong") \
	EXIT_CODE(IO, 18, "input or output failed")                   \
	EXIT_CODE(STATE, 24, "state or baseline cannot be read")      \
	EXIT_CODE(STOPPED, 25, "stopped by a signal")                 \
	EXIT_CODE(TAMPERED, 32, "a signature is missing or wrong")    \
	EXIT_CODE(NO_BASELINE, 33, "there is no baseline")

enum exit_code {
#define EXIT_CODE(name, number, meaning) EXIT_##name = number,
	EXIT_CODES
#undef EXIT_CODE
		/* All bits of `baseline check`. */
		EXIT_FINDINGS_MAX = 15,
	EXIT_ADDED = 1,
	EXIT_REMOVED = 2,
	EXIT_CHANGED = 4,
	EXIT_UNCOVERED = 8
};

#endif
