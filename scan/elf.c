/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ELF header (elf(5), System V ABI), of either width and byte order. It
 * is read field by field at the offsets of the specification: no structure is
 * laid over hostile bytes.
 *
 * The kernel starts files whose e_ident lies about class or version, so a
 * header that is complete but makes no sense is not "no ELF": what can be
 * read is given and `valid` stays false.
 */
#include "scan/content.h"

#include <assert.h>
#include <elf.h>

struct elf_reader {
	const unsigned char *p;
	size_t n;
	bool big_endian;
};

/* An integer of `size` bytes; 0 past the end. */
static uint64_t
elf_get(const struct elf_reader *r, size_t offset, size_t size)
{
	uint64_t value = 0;

	if (offset > r->n || r->n - offset < size)
		return 0;
	for (size_t i = 0; i < size; i++) {
		size_t at = r->big_endian ? i : size - 1 - i;

		value = value << 8 | r->p[offset + at];
	}
	return value;
}

struct number_name {
	unsigned number;
	const char *name;
};

static const char *
name_of(const struct number_name *names, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

static const struct number_name type_names[] = {
	{ ET_NONE, "NONE" }, { ET_REL, "REL" },	  { ET_EXEC, "EXEC" },
	{ ET_DYN, "DYN" },   { ET_CORE, "CORE" },
};

static const struct number_name machine_names[] = {
	{ EM_386, "i386" },
	{ EM_X86_64, "x86_64" },
	{ EM_ARM, "arm" },
	{ EM_AARCH64, "aarch64" },
	{ EM_RISCV, "riscv" },
	{ EM_PPC, "ppc" },
	{ EM_PPC64, "ppc64" },
	{ EM_S390, "s390" },
	{ EM_MIPS, "mips" },
	{ EM_SPARC, "sparc" },
	{ EM_SPARCV9, "sparc64" },
	{ EM_68K, "m68k" },
	{ EM_PARISC, "parisc" },
	{ EM_IA_64, "ia64" },
	{ EM_SH, "sh" },
	{ 0x9026, "alpha" }, /* EM_ALPHA, in use */
	{ EM_BPF, "bpf" },
	{ 258, "loongarch" }, /* not in every elf.h */
};

static const struct number_name abi_names[] = {
	{ ELFOSABI_NONE, "ELFOSABI_NONE" },
	{ ELFOSABI_HPUX, "ELFOSABI_HPUX" },
	{ ELFOSABI_NETBSD, "ELFOSABI_NETBSD" },
	{ ELFOSABI_GNU, "ELFOSABI_LINUX" },
	{ ELFOSABI_SOLARIS, "ELFOSABI_SOLARIS" },
	{ ELFOSABI_AIX, "ELFOSABI_AIX" },
	{ ELFOSABI_IRIX, "ELFOSABI_IRIX" },
	{ ELFOSABI_FREEBSD, "ELFOSABI_FREEBSD" },
	{ ELFOSABI_OPENBSD, "ELFOSABI_OPENBSD" },
	{ ELFOSABI_ARM, "ELFOSABI_ARM" },
	{ ELFOSABI_STANDALONE, "ELFOSABI_STANDALONE" },
};

/* A name of the table, or PREFIX_<number>; NULL when memory is out. */
static const char *
elf_name(const struct number_name *names, size_t n, unsigned number,
	 const char *prefix, struct arena *arena)
{
	const char *name = name_of(names, n, number);

	return name ? name : arena_printf(arena, "%s_%u", prefix, number).p;
}

/* Offsets of the fields that depend on the class: Elf32_Ehdr, Elf64_Ehdr. */
struct elf_layout {
	size_t header_bytes, entry, phoff, ehsize, phentsize, phnum, shnum;
	size_t word_bytes, program_header_bytes;
};

static const struct elf_layout layouts[] = {
	{ 52, 24, 28, 40, 42, 44, 48, 4, 32 },
	{ 64, 24, 32, 52, 54, 56, 60, 8, 56 },
};
static_assert(sizeof(Elf32_Ehdr) == 52 && sizeof(Elf64_Ehdr) == 64, "elf(5)");
static_assert(sizeof(Elf32_Phdr) == 32 && sizeof(Elf64_Phdr) == 56, "elf(5)");

/* PN_XNUM (more than 65,534 headers) is beyond what the kernel loads. */
static void
elf_locate_table(const struct elf_reader *r, const struct elf_layout *l,
		 struct elf_table *t)
{
	size_t size = (size_t)elf_get(r, l->phentsize, 2);
	size_t count = (size_t)elf_get(r, l->phnum, 2);

	*t = (struct elf_table){
		.offset = elf_get(r, l->phoff, l->word_bytes),
		.entry_bytes = size,
		.big_endian = r->big_endian,
	};
	if (size != l->program_header_bytes || t->offset > INT64_MAX)
		return;
	if (count > ELF_TABLE_MAX_BYTES / size)
		count = ELF_TABLE_MAX_BYTES / size;
	t->n_bytes = count * size;
}

static bool
elf_makes_sense(const struct elf_reader *r, const struct elf_layout *l,
		const struct elf_table *t)
{
	unsigned type = (unsigned)elf_get(r, 16, 2);

	if (r->p[EI_VERSION] != EV_CURRENT || elf_get(r, 20, 4) != EV_CURRENT)
		return false;
	if (type == ET_NONE || (type > ET_CORE && type < ET_LOOS))
		return false;
	if (elf_get(r, l->ehsize, 2) < l->header_bytes)
		return false;
	return elf_get(r, l->phnum, 2) == 0 || t->n_bytes > 0;
}

bool
elf_read_header(struct view head, struct arena *arena, struct elf_facts *out,
		struct elf_table *t)
{
	struct elf_reader r = { (const unsigned char *)head.p, head.n, false };
	const struct elf_layout *l;

	*out = (struct elf_facts){ 0 };
	*t = (struct elf_table){ 0 };
	if (head.n < SELFMAG || memcmp(head.p, ELFMAG, SELFMAG) != 0)
		return false;
	if (head.n < EI_NIDENT || r.p[EI_CLASS] < ELFCLASS32 ||
	    r.p[EI_CLASS] > ELFCLASS64 || r.p[EI_DATA] < ELFDATA2LSB ||
	    r.p[EI_DATA] > ELFDATA2MSB)
		return true;
	l = &layouts[r.p[EI_CLASS] == ELFCLASS64];
	r.big_endian = r.p[EI_DATA] == ELFDATA2MSB;
	if (head.n < l->header_bytes)
		return true;
	out->class = l->word_bytes == 8 ? "ELFCLASS64" : "ELFCLASS32";
	out->data = r.big_endian ? "ELFDATA2MSB" : "ELFDATA2LSB";
	out->type = elf_name(type_names, ARRAY_LEN(type_names),
			     (unsigned)elf_get(&r, 16, 2), "ET", arena);
	out->architecture = elf_name(machine_names, ARRAY_LEN(machine_names),
				     (unsigned)elf_get(&r, 18, 2), "EM", arena);
	out->os_abi = elf_name(abi_names, ARRAY_LEN(abi_names), r.p[EI_OSABI],
			       "ELFOSABI", arena);
	out->entrypoint = elf_get(&r, l->entry, l->word_bytes);
	out->shnum = (uint16_t)elf_get(&r, l->shnum, 2);
	elf_locate_table(&r, l, t);
	out->valid = elf_makes_sense(&r, l, t);
	return true;
}

bool
elf_table_has_interpreter(struct view bytes, const struct elf_table *t)
{
	struct elf_reader r = { (const unsigned char *)bytes.p, bytes.n,
				t->big_endian };

	if (t->n_bytes == 0)
		return false;
	/* p_type is the first word in both classes. */
	for (size_t at = 0; at + t->entry_bytes <= bytes.n &&
			    at + t->entry_bytes <= t->n_bytes;
	     at += t->entry_bytes)
		if (elf_get(&r, at, 4) == PT_INTERP)
			return true;
	return false;
}
