/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sensors' events to alerts, without a kernel: order, family, evidence,
 * suppression. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "fim/fields.h"
#include "fim/pipeline.h"

#define MAX_ALERTS 512

struct fixture {
	struct host host;
	struct arena arena;
	struct rules *rules;
	struct pipeline *pipeline;
	json_t *alerts[MAX_ALERTS];
	char *lines[MAX_ALERTS];
	size_t n;
	uint64_t now_ns;
};

/* What is read back from JSON gets its field's type; so it has it from the
 * beginning. */
static void
check_types(const struct alert *a)
{
	for (unsigned k = 0; k < FIELDS_FILLED; k++) {
		const struct slot *s = record_get(a->record, k);

		for (uint32_t i = 0; i < s->n; i++)
			if (!value_is_of(fields_schema()->fields[k].type,
					 s->v[i].type))
				fail_msg("%s is of another type",
					 field_name(k));
	}
}

static void
keep(void *ctx, const struct alert *a)
{
	struct fixture *f = ctx;
	struct buf line = { 0 };

	assert_true(f->n < MAX_ALERTS);
	check_types(a);
	alert_format_json(a, &line);
	f->alerts[f->n] = json_loadb(line.p, line.n, 0, NULL);
	assert_non_null(f->alerts[f->n]);
	buf_putc(&line, '\0');
	f->lines[f->n++] = line.p;
}

static void
start(struct fixture *f, const char *query)
{
	struct pipeline_config config = { .host = &f->host,
					  .alerts = { keep, f } };
	struct err err = { 0 };

	f->rules = rules_new(fields_schema());
	assert_int_equal(
		rules_add_query(f->rules, "r", view_of(query), false, &err), 0);
	assert_int_equal(rules_seal(f->rules, &err), 0);
	f->pipeline = pipeline_new(&config);
	assert_non_null(f->pipeline);
	assert_int_equal(pipeline_use_rules(f->pipeline, f->rules), 0);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->host = (struct host){ .id = VIEW("host"),
				 .boot = VIEW("b00t"),
				 .wall_offset_ns = 1700000000 * NS_PER_SEC };
	f->now_ns = 1000;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	pipeline_free(f->pipeline);
	rules_free(f->rules);
	for (size_t i = 0; i < f->n; i++) {
		json_decref(f->alerts[i]);
		free(f->lines[i]);
	}
	arena_free(&f->arena);
	free(f);
	return 0;
}

static void
start_file(struct fixture *f, const char *yaml)
{
	struct pipeline_config config = { .host = &f->host,
					  .alerts = { keep, f } };
	char path[] = "/tmp/tocsin-rule-XXXXXX.yml";
	int fd = mkstemps(path, 4);
	struct err err = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, view_of(yaml)), 0);
	close(fd);
	f->rules = rules_new(fields_schema());
	assert_int_equal(rules_load_path(f->rules, path, &err), 0);
	unlink(path);
	assert_int_equal(rules_seal(f->rules, &err), 0);
	f->pipeline = pipeline_new(&config);
	assert_int_equal(pipeline_use_rules(f->pipeline, f->rules), 0);
}

/* ---- acts -------------------------------------------------------------------
 */

static struct event
event(struct fixture *f, enum event_kind kind, uint32_t pid)
{
	f->now_ns += 1000;
	return (struct event){ .kind = kind,
			       .attribution = ATTRIBUTION_KERNEL,
			       .time_ns = f->now_ns,
			       .key = { pid, pid * 100 + 1 },
			       .pidfd = -1,
			       .proc.sid = 1 };
}

static void
take(struct fixture *f, const struct event *e)
{
	pipeline_take(f->pipeline, e);
}

static void
do_fork(struct fixture *f, uint32_t parent, uint32_t pid)
{
	struct event e = event(f, EVENT_FORK, pid);

	e.proc.parent = (struct proc_key){ parent, parent * 100 + 1 };
	take(f, &e);
}

static void
do_exec(struct fixture *f, uint32_t pid, const char *path)
{
	struct event e = event(f, EVENT_EXEC, pid);

	e.exec.given = e.exec.interp = e.exec.image = view_of(path);
	e.exec.args = (struct view){ path, strlen(path) + 1 };
	e.exec.argc = 1;
	take(f, &e);
}

static void
do_connect(struct fixture *f, uint32_t pid, const char *address)
{
	struct event e = event(f, EVENT_CONNECT, pid);

	e.net.family = AF_INET6;
	e.net.proto = NET_TCP;
	e.net.remote_port = 443;
	assert_int_equal(inet_pton(AF_INET6, address, e.net.remote), 1);
	take(f, &e);
}

static void
do_create(struct fixture *f, uint32_t pid, const char *path)
{
	struct event e = event(f, EVENT_CREATE, pid);

	e.key.start_ns = 0; /* fanotify knows the pid alone */
	e.file.path = view_of(path);
	take(f, &e);
}

static const char *
text(json_t *object, const char *dotted)
{
	char *name = strdup(dotted), *rest = name, *part;

	while (object != NULL && (part = strsep(&rest, ".")) != NULL)
		object = json_is_array(object)
				 ? json_array_get(object, (size_t)atol(part))
				 : json_object_get(object, part);
	free(name);
	return json_is_string(object) ? json_string_value(object) : "(none)";
}

/* ---- cases ------------------------------------------------------------------
 */

static void
test_child_of_a_shell(void **state)
{
	struct fixture *f = *state;

	start(f, "process where event.action == \"exec\" and "
		 "process.parent.name == \"bash\" and process.name == \"id\"");
	do_exec(f, 10, "/bin/bash");
	do_fork(f, 10, 11);
	do_exec(f, 11, "/usr/bin/id");
	do_exec(f, 12, "/usr/bin/id"); /* nobody's child */
	assert_int_equal(f->n, 1);
	assert_string_equal(text(f->alerts[0], "process.executable"),
			    "/usr/bin/id");
	assert_string_equal(text(f->alerts[0], "process.parent.executable"),
			    "/bin/bash");
	assert_string_equal(text(f->alerts[0], "event.kind"), "alert");
	assert_string_equal(text(f->alerts[0], "process.entity_id"),
			    "b00t-11-1101");
	assert_string_equal(
		text(f->alerts[0], "tocsin.process.ancestors.name.0"), "bash");
}

/* The connection of an earlier image, found again on a descriptor. */
static void
test_exec_then_connection(void **state)
{
	struct fixture *f = *state;

	start(f, "sequence by process.entity_id with maxspan=1s "
		 "[process where process.name == \"cat\" and "
		 "event.action == \"exec\"] "
		 "[network where process.name == \"cat\"]");
	do_exec(f, 10, "/bin/bash");
	do_fork(f, 10, 11);
	do_connect(f, 11, "2001:db8::1"); /* still bash */
	do_exec(f, 11, "/bin/cat");
	assert_int_equal(f->n, 0);
	do_connect(f, 11, "2001:db8::1");
	assert_int_equal(f->n, 1);
	assert_string_equal(text(f->alerts[0], "destination.ip"),
			    "2001:db8::1");
	assert_string_equal(text(f->alerts[0], "tocsin.alert.events.0"),
			    "b00t-4");
	assert_string_equal(text(f->alerts[0], "tocsin.alert.events.1"),
			    "b00t-5");
	assert_non_null(strstr(text(f->alerts[0], "tocsin.alert.stages.0"),
			       "ran: /bin/cat"));
	do_connect(f, 11, "2001:db8::2"); /* the sequence is used up */
	assert_int_equal(f->n, 1);
}

static void
test_file_names_its_author(void **state)
{
	struct fixture *f = *state;

	start(f, "file where file.extension == \"pid\" and "
		 "process.name == \"touch\"");
	do_exec(f, 10, "/bin/touch");
	do_create(f, 10, "/run/a.pid");
	do_create(f, 10, "/run/a.pidx");
	do_create(f, 99, "/run/b.pid"); /* unknown process */
	assert_int_equal(f->n, 1);
	assert_string_equal(text(f->alerts[0], "file.path"), "/run/a.pid");
	assert_string_equal(text(f->alerts[0], "tocsin.attribution"), "kernel");
}

/* Nobody is named, but rules that leave out what an agent could not see do
 * not leave this out. */
static void
test_unknown_author_is_no_exception(void **state)
{
	struct fixture *f = *state;

	start(f, "file where file.extension == \"timer\" and "
		 "not (process.executable == null or "
		 "process.executable : \"/usr/*\")");
	do_create(f, 99, "/etc/a.timer");
	assert_int_equal(f->n, 1);
	assert_string_equal(text(f->alerts[0], "process.executable"), "(none)");
	assert_string_equal(text(f->alerts[0], "process.name"), "(none)");
	assert_string_equal(text(f->alerts[0], "tocsin.attribution"),
			    "unknown");
	do_create(f, 0, "/etc/b.timer"); /* outside our pid namespace */
	assert_int_equal(f->n, 1);
}

static void
test_relative_path_has_both_values(void **state)
{
	struct fixture *f = *state;
	struct event e;

	start(f, "process where process.executable : \"./*\" and "
		 "process.executable : \"/tmp/x\"");
	e = event(f, EVENT_EXEC, 10);
	e.exec.given = e.exec.interp = VIEW("./x");
	e.exec.cwd = VIEW("/tmp");
	take(f, &e);
	assert_int_equal(f->n, 1);
	assert_string_equal(text(f->alerts[0], "process.executable"), "/tmp/x");
	assert_string_equal(text(f->alerts[0], "tocsin.process.exec_path"),
			    "./x");
}

static void
test_other_words_for_exec(void **state)
{
	struct fixture *f = *state;

	start(f, "process where event.action == \"exec_event\"");
	do_exec(f, 10, "/bin/x");
	assert_int_equal(f->n, 1);
	assert_string_equal(text(f->alerts[0], "event.action"), "exec");
}

/* A hundred alerts, then one that says how many more there were. */
static void
test_summary_instead_of_a_flood(void **state)
{
	struct fixture *f = *state;

	start(f, "file where file.extension == \"pid\"");
	for (int i = 0; i < 150; i++)
		do_create(f, 10, "/run/a.pid");
	assert_int_equal(f->n, 100);
	pipeline_tick(f->pipeline, f->now_ns + 299 * NS_PER_SEC);
	assert_int_equal(f->n, 100);
	pipeline_tick(f->pipeline, f->now_ns + 301 * NS_PER_SEC);
	assert_int_equal(f->n, 101);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json_object_get(f->alerts[100],
								 "tocsin"),
						 "alert"),
				 "suppressed")),
			 50);
	f->now_ns += 400 * NS_PER_SEC;
	do_create(f, 10, "/run/a.pid");
	assert_int_equal(f->n, 102);
}

#define RULE_HEAD                                                        \
	"rule_id: r\nname: n\ntype: eql\nlanguage: eql\nseverity: low\n" \
	"risk_score: 1\nquery: file where file.extension == \"pid\"\n"

/* The same path by the same process is one story for a minute. */
static void
test_the_same_is_said_once(void **state)
{
	struct fixture *f = *state;

	start_file(f, RULE_HEAD "alert_suppression:\n"
				"  group_by: [file.path, process.entity_id]\n"
				"  duration: {value: 1, unit: m}\n");
	do_exec(f, 10, "/bin/x");
	do_exec(f, 11, "/bin/x");
	do_create(f, 10, "/run/a.pid");
	do_create(f, 10, "/run/a.pid");
	assert_int_equal(f->n, 1);
	do_create(f, 10, "/run/b.pid");
	do_create(f, 11, "/run/a.pid");
	assert_int_equal(f->n, 3);
	f->now_ns += 59 * NS_PER_SEC;
	do_create(f, 10, "/run/a.pid");
	assert_int_equal(f->n, 3);
	f->now_ns += 2 * NS_PER_SEC;
	do_create(f, 10, "/run/a.pid");
	assert_int_equal(f->n, 4);
	assert_int_equal(pipeline_count(f->pipeline).alike, 2);
}

/* Same events, same bytes. */
static void
test_alert_ids_depend_on_events_alone(void **state)
{
	struct fixture *f = *state;
	char *first;

	start(f, "file where file.extension == \"pid\"");
	do_create(f, 10, "/run/a.pid");
	do_create(f, 10, "/run/a.pid");
	first = strdup(f->lines[0]);
	assert_string_not_equal(text(f->alerts[0], "tocsin.alert.id"),
				text(f->alerts[1], "tocsin.alert.id"));
	pipeline_free(f->pipeline);
	rules_free(f->rules);
	f->now_ns = 1000;
	start(f, "file where file.extension == \"pid\"");
	do_create(f, 10, "/run/a.pid");
	assert_string_equal(f->lines[2], first);
	free(first);
}

/* For both kinds of rules: those on processes and those on drivers. */
static void
test_module(void **state)
{
	struct event_module module = { VIEW("diamorphine"), 1u << 12 | 1u << 13,
				       true };
	struct fixture *f = *state;
	struct event e;
	json_t *flags;

	start(f, "sequence by process.pid "
		 "[process where event.action == \"load_module\" and "
		 "process.Ext.load_module.taint_flags == \"unsigned\"] "
		 "[driver where event.action == \"loaded-kernel-module\" and "
		 "auditd.data.syscall in (\"init_module\", \"finit_module\") "
		 "and not process.Ext.load_module.taint_flags != null]");
	do_fork(f, 1, 10);
	do_exec(f, 10, "/usr/sbin/insmod");
	e = event(f, EVENT_LOAD_MODULE, 10);
	e.module = &module;
	take(f, &e);
	assert_int_equal(f->n, 0);
	module.taints = 0;
	e = event(f, EVENT_LOAD_MODULE, 10);
	e.module = &module;
	take(f, &e);
	assert_int_equal(f->n, 1);
	flags = json_object_get(
		json_object_get(json_object_get(json_object_get(f->alerts[0],
								"process"),
						"Ext"),
				"load_module"),
		"name");
	assert_string_equal(json_string_value(flags), "diamorphine");
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(f->alerts[0], "process"), "name")),
		"insmod");
}

static void
test_time_never_runs_back(void **state)
{
	struct fixture *f = *state;
	struct event e;

	start(f, "process where event.action == \"exec\"");
	do_exec(f, 10, "/bin/x");
	e = event(f, EVENT_EXEC, 11);
	e.time_ns = 1;
	e.exec.given = VIEW("/bin/y");
	take(f, &e);
	assert_int_equal(f->n, 2);
	assert_string_equal(text(f->alerts[0], "@timestamp"),
			    text(f->alerts[1], "@timestamp"));
}

/* What an intruder names things stays one line and valid JSON. */
static void
test_hostile_names(void **state)
{
	struct fixture *f = *state;

	start(f, "file where file.path : \"/run/*\"");
	do_create(f, 10, "/run/a\n\033[2J\"\xff.pid");
	assert_int_equal(f->n, 1);
	assert_ptr_equal(strchr(f->lines[0], '\n'),
			 f->lines[0] + strlen(f->lines[0]) - 1);
	assert_null(strchr(f->lines[0], '\033'));
	assert_string_equal(text(f->alerts[0], "tocsin.file.path_hex"),
			    "2f72756e2f610a1b5b324a22ff2e706964");
}

/* Fields that the schema does not know have no place of their own in it. */
static void
test_optional_fields(void **state)
{
	struct fixture *f = *state;

	start(f, "sequence by ?odd.key with maxspan=1s "
		 "[process where ?odd.thing == null and not ?odd.other : \"x\" "
		 "and process.name == \"bash\"] as first "
		 "[process where concat(?first.odd.more, \"y\") == null and "
		 "process.name == \"id\"]");
	do_exec(f, 10, "/bin/bash");
	do_exec(f, 11, "/usr/bin/id");
	assert_int_equal(f->n, 1);
}

#define case_of(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		case_of(test_child_of_a_shell),
		case_of(test_exec_then_connection),
		case_of(test_file_names_its_author),
		case_of(test_unknown_author_is_no_exception),
		case_of(test_relative_path_has_both_values),
		case_of(test_other_words_for_exec),
		case_of(test_summary_instead_of_a_flood),
		case_of(test_the_same_is_said_once),
		case_of(test_alert_ids_depend_on_events_alone),
		case_of(test_module),
		case_of(test_time_never_runs_back),
		case_of(test_hostile_names),
		case_of(test_optional_fields),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
