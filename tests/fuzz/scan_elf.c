/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF header and program header table. */
#include "scan/content.h"
#include "tests/fuzz/fuzz_help.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view file = { (const char *)data, size };
	struct arena arena = { 0 };
	struct elf_facts facts;
	struct elf_table table;
	bool is_elf = elf_read_header(file, &arena, &facts, &table);

	check(is_elf == (content_classify(file, true) == CONTENT_ELF));
	check(table.n_bytes <= ELF_TABLE_MAX_BYTES);
	check(table.n_bytes == 0 || table.offset <= INT64_MAX);
	if (facts.class != NULL)
		check(facts.data && facts.type && facts.architecture &&
		      facts.os_abi);
	else
		check(!facts.valid && table.n_bytes == 0);
	elf_table_has_interpreter(
		view_sub(file, (size_t)table.offset, table.n_bytes), &table);
	arena_free(&arena);
	return 0;
}
