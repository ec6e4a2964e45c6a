/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers of content in memory, within scan/ alone: no descriptor, no system
 * call, so that tests and fuzzers reach them directly. Whatever they keep is
 * copied to the arena they are given.
 */
#ifndef SCAN_CONTENT_H
#define SCAN_CONTENT_H

#include "scan/scan.h"

/* The kernel refuses larger program header tables (fs/binfmt_elf.c). */
#define ELF_TABLE_MAX_BYTES 65536u

/* Where an ELF file's program headers lie. */
struct elf_table {
	uint64_t offset;
	size_t n_bytes; /* 0: none, or nonsense */
	size_t entry_bytes;
	bool big_endian;
};

/* Reads the file header at the start of `head`; false if it is no ELF. */
bool elf_read_header(struct view head, struct arena *, struct elf_facts *,
		     struct elf_table *);
/* Whether the table, or what there is of it, has a PT_INTERP. */
bool elf_table_has_interpreter(struct view bytes, const struct elf_table *);

/* From the beginning of a file; `whole`: it ends there. */
enum content_kind content_classify(struct view head, bool whole);
/* The program after #!, as the kernel reads it; into `head`, may be none. */
struct view script_interpreter(struct view head);

bool pidfile_name(struct view name); /* *.pid, *.lock, *.reboot, pid, … */
void pidfile_read(struct view head, struct pidfile_facts *);

/* The words of ld.so.preload; how many. */
size_t preload_read(struct view head, struct arena *, const struct view **out);

bool unit_name(struct view name); /* a unit's name, or a drop-in's */
/* -1 with ENOMEM; `out` then has what was found. */
int unit_read(struct view text, struct view name, struct arena *,
	      struct unit_facts *out);

/* The words of a value, decoded; space is what systemd calls so. The next word
 * is added to the buffer, false at the end. A command ends at a semicolon
 * that stands alone, and replaces what is in the buffer. */
bool unit_is_space(char);
struct view unit_skip_space(struct view);
bool unit_take_word(struct view *rest, struct buf *);
void unit_take_command(struct view *rest, struct buf *);

/* Adds to a histogram of byte values; bits a byte of one. */
void entropy_count(struct view, uint64_t counts[256]);
double entropy_of(const uint64_t counts[256]);

#endif
