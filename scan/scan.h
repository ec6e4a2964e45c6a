/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one file says of itself: kind, size, digest, entropy, ELF header, the
 * pid in a pid file, what a systemd unit starts. Everything works on an open
 * descriptor, never on a path, and believes nothing it reads: every loop over
 * the content is bounded, "changed while read" is a value, not an error.
 *
 * Strings in `struct file_facts` live in the arena that the caller gave.
 */
#ifndef SCAN_SCAN_H
#define SCAN_SCAN_H

#include "scan/base.h"

#include <sys/stat.h>

/* What to find out; size, mode, owner and times are always given. */
enum scan_want {
	SCAN_KIND = 1 << 0,    /* header bytes, kind, interpreter, ELF header */
	SCAN_DIGEST = 1 << 1,  /* SHA-256 */
	SCAN_ENTROPY = 1 << 2, /* Shannon */
	SCAN_PIDFILE = 1 << 3,
	SCAN_UNIT = 1 << 4,
	SCAN_PRELOAD = 1 << 5, /* of a file called ld.so.preload */
};

enum content_kind {
	CONTENT_UNKNOWN, /* not a regular file, or not read */
	CONTENT_EMPTY,
	CONTENT_ELF,
	CONTENT_SCRIPT, /* begins with #! */
	CONTENT_TEXT,	/* valid UTF-8 without control bytes */
	CONTENT_DATA,
};
const char *content_kind_name(enum content_kind); /* "elf", … */

/* Elf32_Ehdr / Elf64_Ehdr, elf(5); names as ECS file.elf.* wants them. */
struct elf_facts {
	bool valid;		  /* the header is complete and makes sense */
	const char *class;	  /* "ELFCLASS64" */
	const char *data;	  /* "ELFDATA2LSB" */
	const char *type;	  /* "EXEC", "DYN", … */
	const char *architecture; /* "x86_64"; "EM_<number>" if unknown */
	const char *os_abi;
	uint64_t entrypoint;
	uint16_t shnum; /* 0: sections stripped */
	bool dynamic;	/* has PT_INTERP */
};

/* An integer and white space in under 10 bytes. */
struct pidfile_facts {
	bool judged; /* its name says it is one, and it was read */
	bool valid;
	int64_t pid; /* when valid */
};

/* systemd.unit(5), .service(5), .timer(5): the assignments that say what
 * runs, when and as whom. Lists are in file order; an empty assignment
 * clears the list, as systemd does. */
struct unit_facts {
	bool is_unit;	  /* at least one section header was understood */
	bool truncated;	  /* past a limit: only the beginning was understood */
	struct view type; /* of the name, or a drop-in's section: "timer", … */
	/* ExecStart, ExecStartPre, …: one entry a command, without prefixes
	 * (@-:+!|), quotes and escapes, words joined by one space, the first
	 * one's "//", "/./" and "/../" folded. */
	const struct view *exec;
	size_t n_exec;
	const struct view *on_calendar;
	size_t n_on_calendar;
	/* OnBootSec, OnStartupSec, … as "Name=value" */
	const struct view *on_boot;
	size_t n_on_boot;
	/* What a timer, path or socket starts: Unit=, Service=, or the default
	 * NAME.service. */
	struct view unit;
	const struct view *wanted_by; /* RequiredBy= and UpheldBy= as well */
	size_t n_wanted_by;
	struct view user;
};

struct file_facts {
	struct stat st;
	uint64_t birth_ns;   /* wall, statx; 0 = unknown */
	bool changed;	     /* while it was read */
	bool truncated;	     /* larger than the limit: digest, entropy absent */
	uint64_t bytes_read; /* from its beginning */
	bool has_digest, has_entropy;
	uint8_t sha256[32];
	double entropy; /* bits a byte, 0–8 */
	uint8_t header[16];
	uint8_t header_n;
	enum content_kind kind;
	struct view interpreter; /* of #!, without its argument */
	struct view target;	 /* of a symbolic link */
	struct elf_facts elf;
	struct pidfile_facts pidfile;
	struct unit_facts unit;
	/* ld.so(8): what is loaded into every program, in file order; in the
	 * first PRELOAD_MAX entries of the first block. */
	const struct view *preload;
	size_t n_preload;
};
#define PRELOAD_MAX 256u

struct scan_limits {
	uint64_t max_bytes;	 /* read at most this much; 0 = 64 MiB */
	uint64_t max_unit_bytes; /* parse units up to this; 0 = 256 KiB */
};

/*
 * Fills `out` for the open file `fd` (O_RDONLY or O_PATH for what is not
 * regular). `name` is its last path component, which decides whether it is a
 * unit or a pid file. -1 and errno when it cannot even be fstat'ed or read;
 * what was found by then is kept.
 */
int scan_fd(int fd, struct view name, unsigned want, const struct scan_limits *,
	    struct arena *, struct file_facts *out);

/* Opens for inspection: O_RDONLY|O_NOFOLLOW|O_CLOEXEC|O_NOCTTY|O_NONBLOCK,
 * O_NOATIME where allowed; only a regular file gives a readable descriptor, a
 * link, FIFO, socket or device an O_PATH one. -1 and errno. */
int scan_open(int dirfd, const char *name);

/* The "type" of st_mode as ECS file.type wants it: "file", "dir", … */
const char *file_type_name(mode_t);

/* SHA-256 of bytes in memory, and a running one. libgcrypt reads a few files
 * at its first use and aborts when it may not: a sandbox calls digest_sha256
 * once before it closes the door. Safe in threads. */
void digest_sha256(struct view, uint8_t out[32]);

struct digest {
	void *state; /* gcry_md_hd_t */
};
int digest_begin(struct digest *); /* -1 and errno */
void digest_add(struct digest *, struct view);
void digest_end(struct digest *, uint8_t out[32]); /* NULL: throw away */

/* The unit a timer starts, from its own facts and name: Unit= or NAME.service
 */
struct view
unit_of_timer(const struct unit_facts *, struct view name, struct arena *);

#endif
