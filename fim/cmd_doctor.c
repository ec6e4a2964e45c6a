/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin doctor: what works on this host, what is used and why. */
#include "fim/config.h"
#include "fim/fields.h"
#include "fim/load.h"
#include "fim/options.h"
#include "fim/sensors.h"
#include "fim/status.h"
#include "fim/watchset.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum verdict { FINE, POOR, BROKEN };

/* One line of the report. */
struct finding {
	const char *subject;
	enum verdict verdict;
	struct view detail;
};

struct report {
	struct buf text;
	bool json, array, colour; /* objects; all in one array */
	bool poor;		  /* something is not as it could be */
};

static const char *const words[] = { "ok", "limited", "missing" };
static const char *const colours[] = { "\033[32m", "\033[33m", "\033[31m" };

static void
put_json(struct report *r, const struct finding *f)
{
	if (r->array)
		buf_puts(&r->text, r->text.n == 0 ? "[\n" : ",\n");
	buf_puts(&r->text, "{\"subject\":");
	buf_json_string(&r->text, view_of(f->subject));
	buf_printf(&r->text,
		   ",\"status\":\"%s\",\"detail\":", words[f->verdict]);
	buf_json_string(&r->text, f->detail);
	buf_puts(&r->text, r->array ? "}" : "}\n");
}

static void
put_text(struct report *r, const struct finding *f)
{
	buf_printf(&r->text, "%s%-8s%s%-18s ",
		   r->colour ? colours[f->verdict] : "", words[f->verdict],
		   r->colour ? "\033[0m" : "", f->subject);
	buf_text(&r->text, f->detail);
	buf_putc(&r->text, '\n');
}

static void
put(struct report *r, const char *subject, enum verdict verdict,
    const char *detail)
{
	struct finding f = { subject, verdict, view_of(detail) };

	if (verdict != FINE)
		r->poor = true;
	if (r->json)
		put_json(r, &f);
	else
		put_text(r, &f);
}

static void
put_buf(struct report *r, const char *subject, enum verdict verdict,
	struct buf *detail)
{
	buf_putc(detail, '\0');
	put(r, subject, verdict, detail->failed ? "" : detail->p);
	buf_free(detail);
}

/* ---- what is looked at ----------------------------------------------- */

static void
look_at_kernel(struct report *r)
{
	struct buf text = { 0 };
	struct utsname u;

	if (uname(&u) != 0)
		return;
	buf_printf(&text, "%s %s %s", u.sysname, u.release, u.machine);
	put_buf(r, "kernel", FINE, &text);
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		put(r, "BTF", FINE, "/sys/kernel/btf/vmlinux");
	else
		put(r, "BTF", BROKEN,
		    "no /sys/kernel/btf/vmlinux: the bpf sensor cannot work "
		    "(needs a kernel with CONFIG_DEBUG_INFO_BTF)");
}

static void
look_at_lockdown(struct report *r)
{
	struct buf text = { 0 };
	struct view v;
	bool strict;
	int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		put(r, "lockdown", FINE, "not in force, or not shown");
		return;
	}
	if (fd_read_all(fd, 4096, &text) != 0)
		buf_puts(&text, "unknown");
	close(fd);
	v = view_trim(buf_view(&text));
	strict = view_search(v, VIEW("[confidentiality]"), 0) >= 0;
	text.n = v.n; /* without the line end */
	put_buf(r, "lockdown", strict ? POOR : FINE, &text);
}

/* Of each role the first that works is used, if the configuration lets it. A
 * fallback that is not needed may be missing. */
static void
look_at_sensors(struct report *r, const struct sensor_choice *choice)
{
	const struct sensor_row *used[ROLES] = { NULL };

	for (size_t i = 0; i < n_sensor_rows; i++) {
		const struct sensor_row *row = &sensor_rows[i];
		bool may = sensors_may_use(choice, row);
		struct probe p = { 0 };
		struct buf subject = { 0 }, text = { 0 };
		enum verdict verdict;

		row->probe(&p);
		buf_printf(&subject, "%s by %s", role_name(row->role),
			   row->name);
		buf_putc(&subject, '\0');
		if (p.works && may && used[row->role] == NULL) {
			used[row->role] = row;
			verdict = row->blind[0] == '\0' ? FINE : POOR;
			buf_printf(&text, "used: %s", p.why);
			if (row->blind[0] != '\0')
				buf_printf(&text, "; not seen: %s", row->blind);
		} else {
			verdict = p.works			      ? FINE
				  : used[row->role] != NULL	      ? FINE
				  : may && row->role != ROLE_MESSAGES ? BROKEN
								      : POOR;
			buf_printf(&text, "%s: %s",
				   !p.works ? "cannot be used"
				   : may    ? "not needed"
					    : "not in the configuration",
				   p.why);
		}
		put_buf(r, subject.failed ? "sensor" : subject.p, verdict,
			&text);
		buf_free(&subject);
	}
}

static void
look_at_config(struct report *r, const struct config *config)
{
	const struct config_origin *origin = &config->origin;
	struct buf text = { 0 };

	if (origin->path.n == 0) {
		put(r, "configuration", FINE, "no file: the defaults");
		return;
	}
	buf_put(&text, origin->path);
	if (origin->signed_by.n > 0) {
		buf_puts(&text, ", signed by key ");
		buf_put(&text, origin->signed_by);
		buf_puts(&text, " at ");
		buf_rfc3339(&text, origin->signed_s * NS_PER_SEC);
	} else {
		buf_puts(&text, ", no signature asked for");
	}
	put_buf(r, "configuration", FINE, &text);
}

static void
look_at_rules(struct report *r, const struct rules *rules, int broken)
{
	struct buf text = { 0 };
	size_t counts[RULE_DISABLED + 1] = { 0 };

	for (size_t i = 0; i < rules_count(rules); i++)
		counts[rules_at(rules, i)->status]++;
	buf_printf(&text, "%zu in force, %zu broken, %zu unsupported",
		   counts[RULE_OK], counts[RULE_ERROR],
		   counts[RULE_UNSUPPORTED]);
	if (counts[RULE_DISABLED] > 0)
		buf_printf(&text, ", %zu disabled", counts[RULE_DISABLED]);
	if (broken != 0)
		buf_puts(&text, "; tocsin rules check says why");
	put_buf(r, "rules",
		counts[RULE_OK] == 0 ? BROKEN
		: broken != 0	     ? POOR
				     : FINE,
		&text);
}

static void
look_at_watchset(struct report *r, const struct rules *rules,
		 const struct config *config)
{
	struct watchset set = { 0 };
	struct buf text = { 0 };
	size_t vague = 0;

	if (watchset_derive(&set, rules, FIELD_FILE_PATH, config->watch.v,
			    config->watch.n, &vague) != 0)
		return;
	buf_printf(&text, "%zu places", set.n);
	if (vague > 0)
		buf_printf(&text, "; %zu pattern%s of rules name%s no place",
			   vague, vague == 1 ? "" : "s", vague == 1 ? "s" : "");
	put_buf(r, "watch set", FINE, &text);
	watchset_free(&set);
}

static void
look_at_state(struct report *r, const struct options *options,
	      const struct config *config)
{
	const char *folder = config_state(config, options);
	struct buf text = { 0 };
	struct stat st;
	enum verdict verdict = FINE;

	buf_puts(&text, folder);
	if (stat(folder, &st) != 0) {
		buf_puts(&text, errno == ENOENT
					? ": will be made at the first start"
					: ": cannot be read");
		verdict = errno == ENOENT ? FINE : BROKEN;
	} else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
		   (st.st_mode & 022) != 0) {
		buf_puts(&text, ": must be a folder of yours with mode 0700");
		verdict = BROKEN;
	}
	put_buf(r, "state", verdict, &text);
}

/* What the monitor that uses this state said last. */
static void
look_at_watcher(struct report *r, const struct options *options,
		const struct config *config)
{
	const char *folder = config_state(config, options);
	struct buf text = { 0 };
	bool running = false;

	if (!status_read(folder, &text, &running)) {
		buf_free(&text);
		text = (struct buf){ 0 };
		buf_puts(&text, "has not run with this state");
	}
	put_buf(r, "watcher", FINE, &text);
	text = (struct buf){ 0 };
	if (running && status_read_limits(folder, &text))
		put_buf(r, "limits", FINE, &text);
	else
		buf_free(&text);
}

enum exit_code
cmd_doctor(const struct options *options, struct cmd_io *io)
{
	struct report r = {
		.json = options->format == FORMAT_JSON ||
			options->format == FORMAT_NDJSON,
		.array = options->format == FORMAT_JSON,
		.colour = io->color,
	};
	struct config config = { 0 };
	struct rules *rules;
	struct sensor_choice choice;
	struct err ignored = { 0 };
	enum exit_code code;
	int broken;

	if (options->format >= FORMAT_HTML) {
		err_add(&io->err, (struct place){ 0 },
			"what works is shown as text, json or ndjson");
		return EXIT_USAGE;
	}
	code = config_load(&config, options, &io->err);
	rules = rules_new(fields_schema());
	if (code == EXIT_NOTHING &&
	    (rules == NULL ||
	     sensors_choose(&choice, options, &config, &io->err)))
		code = EXIT_CONFIG;
	if (code != EXIT_NOTHING) {
		rules_free(rules);
		config_free(&config);
		return code;
	}
	broken = load_rules(rules, options, &config, NULL, &ignored);
	look_at_kernel(&r);
	look_at_lockdown(&r);
	look_at_sensors(&r, &choice);
	look_at_config(&r, &config);
	look_at_rules(&r, rules, broken);
	look_at_watchset(&r, rules, &config);
	look_at_state(&r, options, &config);
	look_at_watcher(&r, options, &config);
	if (r.array)
		buf_puts(&r.text, "\n]\n");
	fwrite(r.text.p, 1, r.text.n, io->out);
	buf_free(&r.text);
	rules_free(rules);
	err_free(&ignored);
	config_free(&config);
	return r.poor ? EXIT_FINDINGS : EXIT_NOTHING;
}
