/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/tocsin/tocsin.yaml: keys, defaults and limits are rows of config.def,
 * from which tocsin.yaml(5) is made, too. All that is wrong with a file is
 * reported, not the first thing only.
 *
 * It may have to be signed: with the keys of --config-key, or else with the one
 * in trusted.pub beside the file, if that is there. These cannot be
 * named in the file itself, which is what they decide about.
 */
#ifndef FIM_CONFIG_H
#define FIM_CONFIG_H

#include "fim/in_force.h"
#include "fim/options.h"

#define CONFIG_PATH "/etc/tocsin/tocsin.yaml"
#define CONFIG_KEY_NAME "trusted.pub"
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

/* Whose word the file is. */
struct config_origin {
	struct view path;      /* without links; "" = there is no file */
	struct view signed_by; /* id of the key; "" = none was asked for */
	uint64_t signed_s;     /* since 1970 */
	struct view sha256;    /* of its text, hex */
};

/* Views are followed by a NUL. Zero-initialise; config_free. */
struct config {
	struct config_list rules, exceptions, watch, sensors, env_vars,
		public_keys, keep;
	struct view state, format, output, journal, metrics, heartbeat_key,
		file_queue; /* "" = not set */
	int64_t args_bytes, max_file_bytes, keep_bytes, read_bytes, budget;
	uint64_t learning_period_ns, process_grace_ns, poll_ns, patience_ns,
		heartbeat_ns;
	struct config_outputs outputs;
	bool require_signature;
	struct config_origin origin;
	struct view state_folder; /* by config_load; "" = as it is spelled */
	struct arena arena;
};

/* The file of --config, else CONFIG_PATH, which may be absent, on top of the
 * defaults. Refuses a file that others than root and we ourselves could have
 * written; for root, also one in a folder that others could write (trust.h):
 * EXIT_CONFIG, as for what is wrong in it. EXIT_TAMPERED when it is not as it
 * was signed, or missing, and a signature is asked for. */
enum exit_code
config_load(struct config *, const struct options *, struct err *);
/* The state folder: --state, else the file's, with no link above it; borrowed
 * from either. */
const char *config_state(const struct config *, const struct options *);
/* Is it older than one that was in force here? Asks the journal in `state`.
 * EXIT_TAMPERED or EXIT_STATE with `err`. */
enum exit_code
config_check_newest(const struct config *, const char *state, struct err *);
/* Notes in the journal that it is in force; `dropped`: it is not signed, and
 * one before it was. -1 with `err`. */
int config_record(const struct config *, const char *state, bool *dropped,
		  struct err *);
/* The same from memory; `file` is for diagnostics. */
int
config_read(struct config *, const char *file, struct view yaml, struct err *);
void config_free(struct config *);

/* "host:port" or "[address]:port"; false if it is neither. */
bool config_host_port(struct view text, struct view *host, struct view *port);

/* The list of keys for tocsin.yaml(5), mdoc(7). */
void config_manual(struct buf *out);

#endif
