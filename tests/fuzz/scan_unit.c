/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd units; the first byte chooses the name. */
#include "scan/content.h"
#include "tests/fuzz/fuzz_help.h"

/* No value may be larger than what was read, specifiers aside: "%V" becomes
 * "/var/tmp", the longest of them. */
static size_t
check_values(const struct view *v, size_t n, size_t size)
{
	size_t total = 0;

	check(n <= 1024);
	for (size_t i = 0; i < n; i++) {
		check(v[i].p != NULL && v[i].p[v[i].n] == '\0');
		total += v[i].n;
	}
	check(total <= size * 4);
	return total;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "x.service", "x@y.timer",
					     "x.socket", "x.path",
					     "override.conf" };
	struct arena arena = { 0 };
	struct unit_facts f;
	struct view text, name;

	if (size == 0)
		return 0;
	name = view_of(names[data[0] % ARRAY_LEN(names)]);
	text = (struct view){ (const char *)data + 1, size - 1 };
	check(unit_name(name));
	check(unit_read(text, name, &arena, &f) == 0);
	check_values(f.exec, f.n_exec, size);
	check_values(f.on_calendar, f.n_on_calendar, size);
	check_values(f.on_boot, f.n_on_boot, size);
	check_values(f.wanted_by, f.n_wanted_by, size);
	check(f.is_unit || f.n_exec + f.n_on_calendar + f.n_on_boot +
					   f.n_wanted_by + f.unit.n ==
				   0);
	unit_of_timer(&f, name, &arena);
	arena_free(&arena);
	return 0;
}
