/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schema from fields.def and ecs.def, and the encoder of records. */
#include "fim/fields.h"

struct field_info {
	bool array;
	unsigned alias;
};

static const struct rules_field fields_table[] = {
#define FIELD(id, name, type, alias) { name, RULES_##type, NULL },
#define ALERT(id, name, type) { name, RULES_##type, "only alerts have it" },
#define ALERT_ARRAY ALERT
#include "fim/fields.def"
#undef FIELD
#define ECS(name, type, why) { name, RULES_##type, why },
#define ABSENT(field, value, why)
#include "fim/ecs.def"
#undef ABSENT
#undef ECS
};

/* FIELD_NONE is an id of its own; `NONE` in fields.def becomes it. */
static const struct field_info fields_info[] = {
#define ARRAY(id, name, type) { true, FIELD_NONE },
#define FIELD(id, name, type, alias) { false, FIELD_##alias },
#include "fim/fields.def"
#undef FIELD
};

/* What events.def and datasets.def say of events, and nothing else. */
static const char *const actions[] = {
#define EVENT(kind, action, category, type, aliases) action, aliases,
#include "fim/events.def"
#undef EVENT
};
static const char *const categories[] = {
#define EVENT(kind, action, category, type, aliases) category,
#include "fim/events.def"
#undef EVENT
};
static const char *const types[] = {
#define EVENT(kind, action, category, type, aliases) type,
#include "fim/events.def"
#undef EVENT
};
static const char *const datasets[] = {
#define DATASET(id, name, module) name,
#include "fim/datasets.def"
#undef DATASET
};
static const char *const modules[] = {
#define DATASET(id, name, module) module,
#include "fim/datasets.def"
#undef DATASET
};
static const char *const module_syscalls[] = { "init_module", "finit_module" };
static const char *const kinds[] = { "event" };
static const char *const systems[] = { "linux" };

#define ONLY(field, values, why)                              \
	{                                                     \
		FIELD_##field, values, ARRAY_LEN(values), why \
	}
#define NO_OTHER_EVENT "no event of this host is so"

static const struct rules_only only[] = {
	ONLY(EVENT_ACTION, actions, NO_OTHER_EVENT),
	ONLY(EVENT_CATEGORY, categories, NO_OTHER_EVENT),
	ONLY(EVENT_TYPE, types, NO_OTHER_EVENT),
	ONLY(EVENT_KIND, kinds, NO_OTHER_EVENT),
	ONLY(EVENT_DATASET, datasets, NO_OTHER_EVENT),
	ONLY(EVENT_MODULE, modules, NO_OTHER_EVENT),
	ONLY(DATA_STREAM_DATASET, datasets, NO_OTHER_EVENT),
	ONLY(HOST_OS_TYPE, systems, "this host runs Linux"),
	ONLY(AUDIT_SYSCALL, module_syscalls,
	     "audit records of other system calls are not read"),
};

static const struct rules_absent absent[] = {
#define ECS(name, type, why)
#define ABSENT(field, value, why) { field, value, why },
#include "fim/ecs.def"
#undef ABSENT
#undef ECS
};

/* A file is opened, read to the end, or looked for in the packages' database,
 * when somebody asks. */
static unsigned
cost_of(unsigned field)
{
	if (field == FIELD_FILE_SHA256 || field == FIELD_FILE_ENTROPY ||
	    field == FIELD_PACKAGE_MATCHES)
		return 100000;
	if (field == FIELD_FILE_HEADER_BYTES ||
	    field == FIELD_FILE_TARGET_PATH ||
	    (field >= FIELD_ELF_CLASS && field <= FIELD_ELF_ARCHITECTURE) ||
	    field == FIELD_FILE_KIND || field == FIELD_FILE_INTERPRETER ||
	    field == FIELD_FILE_CHANGED || field == FIELD_FILE_CAPABILITIES ||
	    (field >= FIELD_PIDFILE_VALID && field <= FIELD_PRELOAD_LIBRARIES))
		return 10000;
	if ((field >= FIELD_FILE_SIZE && field <= FIELD_FILE_CREATED) ||
	    field == FIELD_FILE_NLINK || field == FIELD_FILE_TYPE ||
	    field == FIELD_PACKAGE_NAME)
		return 1000;
	return 0;
}

/* To Elastic's endpoint, user.id is the effective user, as here; to auditd the
 * real one, whom it tells from user.effective.id. Only auditd has that, and
 * rules that ask for both mean a program that has become somebody else. */
static const struct rules_meaning meanings[] = {
	{ FIELD_USER_EFFECTIVE_ID, FIELD_USER_ID, FIELD_USER_REAL_ID },
};

static const struct rules_schema schema = {
	.cost = cost_of,
	.fields = fields_table,
	.n = ARRAY_LEN(fields_table),
	.only = only,
	.n_only = ARRAY_LEN(only),
	.absent = absent,
	.n_absent = ARRAY_LEN(absent),
	.meanings = meanings,
	.n_meanings = ARRAY_LEN(meanings),
};

const struct rules_schema *
fields_schema(void)
{
	return &schema;
}

const char *
field_name(unsigned field)
{
	return field < schema.n ? fields_table[field].name : "";
}

bool
field_is_array(unsigned field)
{
	return field < FIELDS_FILLED && fields_info[field].array;
}

unsigned
field_alias(unsigned field)
{
	return field < FIELDS_FILLED ? fields_info[field].alias : FIELD_NONE;
}

static void
encode_value(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VALUE_STRING:
		buf_json_string(out, v->s);
		break;
	case VALUE_INT:
		buf_printf(out, "%lld", (long long)v->i);
		break;
	case VALUE_REAL:
		buf_json_double(out, v->d);
		break;
	case VALUE_BOOL:
		buf_puts(out, v->b ? "true" : "false");
		break;
	}
}

static void
encode_values(unsigned field, const struct slot *s, struct buf *out)
{
	/* Values past the first of a field with an alias stand in that. */
	uint32_t n = field_alias(field) == FIELD_NONE ? s->n : 1;

	if (n == 1 && !field_is_array(field)) {
		encode_value(&s->v[0], out);
		return;
	}
	buf_putc(out, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(out, ',');
		encode_value(&s->v[i], out);
	}
	buf_putc(out, ']');
}

/* Bytes that both names share up to and including a last common dot. */
static size_t
common_path(const char *a, const char *b)
{
	size_t shared = 0;

	for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
		if (a[i] == '.')
			shared = i + 1;
	}
	return shared;
}

/* Closes the objects of `last` that `name` is not in, opens those it needs,
 * and writes the key. Relies on fields.def keeping prefixes together. */
static void
encode_key(const char *last, const char *name, struct buf *out)
{
	size_t at = common_path(last, name);
	const char *dot;

	for (const char *p = last + at; (dot = strchr(p, '.')); p = dot + 1)
		buf_putc(out, '}');
	if (last[0] != '\0')
		buf_putc(out, ',');
	for (const char *p = name + at; (dot = strchr(p, '.')); p = dot + 1) {
		buf_json_string(out, (struct view){ p, (size_t)(dot - p) });
		buf_puts(out, ":{");
		at = (size_t)(dot + 1 - name);
	}
	buf_json_string(out, view_of(name + at));
	buf_putc(out, ':');
}

void
fields_encode(struct record *r, bool (*skip)(unsigned field), struct buf *out)
{
	const char *last = "", *dot;

	buf_putc(out, '{');
	for (unsigned f = 0; f < FIELDS_FILLED; f++) {
		const struct slot *s;

		if (skip != NULL && skip(f))
			continue;
		s = record_get(r, f);
		if (s->n == 0)
			continue;
		encode_key(last, fields_table[f].name, out);
		encode_values(f, s, out);
		last = fields_table[f].name;
	}
	for (const char *p = last; (dot = strchr(p, '.')); p = dot + 1)
		buf_putc(out, '}');
	buf_putc(out, '}');
}
