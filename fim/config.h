/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/tocsin/tocsin.yaml: keys, defaults and limits are rows of config.def,
 * from which tocsin.yaml(5) is made, too. All that is wrong with a file is
 * reported, not the first thing only.
 */
#ifndef FIM_CONFIG_H
#define FIM_CONFIG_H

#include "scan/base.h"

#define CONFIG_PATH "/etc/tocsin/tocsin.yaml"
#define CONFIG_MAX_BYTES (1u << 20)

struct config_list {
	const struct view *v;
	size_t n;
	bool given; /* an empty list is something else than none */
};

/* One item of `outputs`: who gets alerts besides standard output. */
struct config_output {
	struct view type, name;
	struct view path, to, facility, url, proxy, ca, certificate,
		key; /* "" = not set */
	struct config_list headers;
	int64_t max_bytes, keep;
	uint64_t timeout_ns;
};
struct config_outputs {
	const struct config_output *v;
	size_t n;
};

/* Views are followed by a NUL. Zero-initialise; config_free. */
struct config {
	struct config_list rules, exceptions, watch, sensors, env_vars,
		public_keys, keep;
	struct view state, format, output, journal, metrics,
		heartbeat_key; /* "" = not set */
	int64_t args_bytes, max_file_bytes, keep_bytes, read_bytes, budget;
	uint64_t learning_period_ns, process_grace_ns, poll_ns, patience_ns,
		heartbeat_ns;
	struct config_outputs outputs;
	bool require_signature;
	struct arena arena;
};

/* The file, on top of the defaults. NULL = CONFIG_PATH, which may be absent.
 * Refuses a file that others than root and we ourselves could have written;
 * for root, also one in a folder that others could write (trust.h).
 * -1 with `err`. */
int config_load(struct config *, const char *path, struct err *);
/* The same from memory; `file` is for diagnostics. */
int
config_read(struct config *, const char *file, struct view yaml, struct err *);
void config_free(struct config *);

/* "host:port" or "[address]:port"; false if it is neither. */
bool config_host_port(struct view text, struct view *host, struct view *port);

/* The list of keys for tocsin.yaml(5), mdoc(7). */
void config_manual(struct buf *out);

#endif
