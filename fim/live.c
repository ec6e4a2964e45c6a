/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as records: set-up, and the fields that every event has. */
#include "fim/live.h"

#include "fim/fields.h"
#include "fim/version.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- the host -------------------------------------------------------- */

static struct view
read_line(const char *path, struct arena *arena)
{
	struct buf text = { 0 };
	struct view line = VIEW_NONE;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return VIEW_NONE;
	if (fd_read_all(fd, 4096, &text) == 0)
		line = arena_copy(arena, view_trim(buf_view(&text)));
	buf_free(&text);
	close(fd);
	return line;
}

void
host_read(struct host *h, struct arena *arena)
{
	struct utsname u;
	struct view boot = read_line("/proc/sys/kernel/random/boot_id", arena);

	h->boot = view_sub(boot, 0, 8);
	h->id = read_line("/etc/machine-id", arena);
	if (h->id.n == 0)
		h->id = boot;
	if (uname(&u) == 0) {
		h->name = arena_copy(arena, view_of(u.nodename));
		h->architecture = arena_copy(arena, view_of(u.machine));
	}
	h->wall_offset_ns = clock_wall_ns() - clock_boot_ns();
}

/* ---- values ---------------------------------------------------------------
 */

static void
set_one(struct live *l, struct slot *s, struct value value)
{
	struct value *v = arena_alloc(&l->arena, sizeof(*v));

	if (v == NULL)
		return;
	*v = value;
	s->v = v;
	s->n = 1;
}

void
live_set_string(struct live *l, struct slot *s, struct view string)
{
	if (string.p != NULL)
		set_one(l, s, (struct value){ VALUE_STRING, .s = string });
}

void
live_set_int(struct live *l, struct slot *s, int64_t i)
{
	set_one(l, s, (struct value){ VALUE_INT, .i = i });
}

void
live_set_real(struct live *l, struct slot *s, double d)
{
	set_one(l, s, (struct value){ VALUE_REAL, .d = d });
}

void
live_set_bool(struct live *l, struct slot *s, bool b)
{
	set_one(l, s, (struct value){ VALUE_BOOL, .b = b });
}

void
live_set_time(struct live *l, struct slot *s, uint64_t wall_ns)
{
	struct buf text = { 0 };

	buf_rfc3339(&text, wall_ns);
	live_set_string(l, s, arena_take(&l->arena, &text));
}

void
live_set_id(struct live *l, struct slot *s, uint32_t id)
{
	if (id != ID_UNKNOWN)
		live_set_string(l, s, arena_printf(&l->arena, "%" PRIu32, id));
}

void
live_set_items(struct live *l, struct slot *s, struct view items)
{
	struct view rest = items, item;
	struct value *v;
	uint32_t n = 0;

	while (view_next_item(&rest, &item))
		n++;
	if (n == 0)
		return;
	v = arena_array(&l->arena, n, sizeof(*v));
	if (v == NULL)
		return;
	for (uint32_t i = 0; i < n && view_next_item(&items, &item); i++)
		v[i] = (struct value){ VALUE_STRING, .s = item };
	s->v = v;
	s->n = n;
}

/* ---- fields of every event --------------------------------------------------
 */

/* syslog(3): LOG_AUTH and LOG_AUTHPRIV, shifted. */
static bool
is_auth(const struct event *e)
{
	return e->kind != EVENT_LOG_MESSAGE || e->log->facility == 4 ||
	       e->log->facility == 10;
}

enum dataset {
#define DATASET(id, name, module) DATASET_##id,
#include "fim/datasets.def"
#undef DATASET
	DATASET_NONE
};

static const struct {
	struct view name, module;
} datasets[] = {
#define DATASET(id, name, module) { VIEW(name), VIEW(module) },
#include "fim/datasets.def"
#undef DATASET
};

static enum dataset
dataset(const struct live *l)
{
	const char *category = event_category(l->event->kind);

	if (l->event->log != NULL && l->event->log->audit)
		return DATASET_AUDITD;
	if (l->event->log != NULL)
		return is_auth(l->event) ? DATASET_AUTH : DATASET_SYSLOG;
	if (strcmp(category, "file") == 0)
		return DATASET_FILE;
	if (strcmp(category, "network") == 0)
		return DATASET_NETWORK;
	return DATASET_PROCESS;
}

/* Where else rules look for the same event. */
static void
set_other_dataset(struct live *l, struct slot *s)
{
	enum dataset d = dataset(l);

	if (d == DATASET_PROCESS)
		live_set_string(l, s, datasets[DATASET_AUDITD].name);
	else if (d == DATASET_FILE)
		live_set_string(l, s, datasets[DATASET_FIM].name);
}

/* Words of events.def, comma separated. */
static void
set_words(struct live *l, struct slot *s, const char *words)
{
	struct view rest = view_of(words), item;
	struct value v[8];
	uint32_t n = 0;

	while (n < ARRAY_LEN(v) && view_next_split(&rest, ',', &item)) {
		if (item.n > 0)
			v[n++] = (struct value){ VALUE_STRING, .s = item };
	}
	s->v = arena_array(&l->arena, n, sizeof(v[0]));
	if (n == 0 || s->v == NULL)
		return;
	memcpy((void *)s->v, v, n * sizeof(v[0]));
	s->n = n;
}

/* Its pid is known, what it ran is not. */
bool
live_is_gone(const struct live *l)
{
	return l->image != NULL && l->image->missing;
}

static void
set_attribution(struct live *l, struct slot *s)
{
	switch (l->event->attribution) {
	case ATTRIBUTION_LOST:
		live_set_string(l, s, VIEW("lost"));
		break;
	case ATTRIBUTION_OFFLINE:
		live_set_string(l, s, VIEW("offline"));
		break;
	case ATTRIBUTION_POLLED:
		live_set_string(l, s, VIEW("polled"));
		break;
	case ATTRIBUTION_UNAVAILABLE:
		live_set_string(l, s, VIEW("unavailable"));
		break;
	case ATTRIBUTION_SCAN:
		live_set_string(l, s, VIEW("scan"));
		break;
	case ATTRIBUTION_KERNEL:
	case ATTRIBUTION_NONE:
		live_set_string(l, s,
				l->self == NULL	  ? VIEW("unknown")
				: live_is_gone(l) ? VIEW("gone")
						  : VIEW("kernel"));
		break;
	}
}

/* A scan's events are also what rules for the beginning look for. */
static enum event_kind
beginning(const struct event *e)
{
	return e->attribution == ATTRIBUTION_SCAN ? event_beginning(e->kind)
						  : e->kind;
}

static void
set_type(struct live *l, struct slot *s)
{
	enum event_kind kind = l->event->kind, more = beginning(l->event);
	struct view words;

	if (more == kind) {
		set_words(l, s, event_type(kind));
		return;
	}
	words = arena_printf(&l->arena, "%s,%s", event_type(kind),
			     event_type(more));
	if (words.n > 0)
		set_words(l, s, words.p);
}

static void
set_aliases(struct live *l, struct slot *s)
{
	enum event_kind kind = l->event->kind, more = beginning(l->event);
	struct view words;

	if (more == kind) {
		set_words(l, s, event_aliases(kind));
		return;
	}
	words = arena_printf(&l->arena, "%s,%s", event_action(more),
			     event_aliases(more));
	if (words.n > 0)
		set_words(l, s, words.p);
}

/* What a scan finds has the same name in every scan of it. */
static struct view
lasting_id(struct live *l)
{
	const struct event *e = l->event;
	struct buf b = { 0 };
	uint8_t digest[32];

	buf_printf(&b, "%s%c%.*s %u %llu ", event_action(e->kind), 0,
		   (int)l->host->boot.n, l->host->boot.p, e->key.pid,
		   (unsigned long long)e->key.start_ns);
	if (e->file.path.n > 0) {
		buf_clear(&b);
		buf_put(&b, e->file.path);
	}
	buf_put(&b, (struct view){ (const char *)e->net.remote,
				   sizeof(e->net.remote) });
	buf_printf(&b, "%u", e->net.remote_port);
	if (!b.failed) {
		digest_sha256(buf_view(&b), digest);
		buf_clear(&b);
		buf_puts(&b, "scan-");
		buf_hex(&b, digest, 12);
	}
	return arena_take(&l->arena, &b);
}

static struct view
event_id(struct live *l)
{
	if (l->event->attribution == ATTRIBUTION_SCAN)
		return lasting_id(l);
	return arena_printf(&l->arena, "%.*s-%" PRIu64, (int)l->host->boot.n,
			    l->host->boot.p, l->record.seq);
}

/* What processes did is told once it is done. Whether a connection comes about
 * is not waited for; the log says of its acts itself how they ended. */
static bool
is_done(enum event_kind kind)
{
	switch (kind) {
	case EVENT_EXEC:
	case EVENT_FORK:
	case EVENT_UID_CHANGE:
	case EVENT_GID_CHANGE:
	case EVENT_SESSION_CHANGE:
	case EVENT_ACCEPT:
	case EVENT_CREATE:
	case EVENT_RENAME:
	case EVENT_DELETE:
	case EVENT_MODIFY:
	case EVENT_ATTRIBUTES:
		return true;
	default:
		return false;
	}
}

static void
fill_event(struct live *l, unsigned field, struct slot *s)
{
	const struct event *e = l->event;

	switch (field) {
	case FIELD_TIMESTAMP:
		live_set_time(l, s, l->record.time_ns);
		break;
	case FIELD_EVENT_KIND:
		live_set_string(l, s, VIEW("event"));
		break;
	case FIELD_EVENT_CATEGORY:
		set_words(l, s, event_category(e->kind));
		break;
	case FIELD_EVENT_TYPE:
		set_type(l, s);
		break;
	case FIELD_EVENT_ACTION:
		live_set_string(l, s, view_of(event_action(e->kind)));
		break;
	case FIELD_EVENT_ACTION_ALIASES:
		set_aliases(l, s);
		break;
	case FIELD_EVENT_OUTCOME:
		if (is_done(e->kind))
			live_set_string(l, s, VIEW("success"));
		break;
	case FIELD_EVENT_DATASET:
	case FIELD_DATA_STREAM_DATASET:
		live_set_string(l, s, datasets[dataset(l)].name);
		break;
	case FIELD_DATASET_ALIASES:
		set_other_dataset(l, s);
		break;
	case FIELD_EVENT_MODULE:
		live_set_string(l, s, datasets[dataset(l)].module);
		break;
	case FIELD_EVENT_ID:
		live_set_string(l, s, event_id(l));
		break;
	case FIELD_EVENT_SEQUENCE:
		live_set_int(l, s, (int64_t)l->record.seq);
		break;
	case FIELD_ATTRIBUTION:
		set_attribution(l, s);
		break;
	}
}

static void
fill_host(struct live *l, unsigned field, struct slot *s)
{
	switch (field) {
	case FIELD_HOST_ID:
	case FIELD_AGENT_ID:
		live_set_string(l, s, l->host->id);
		break;
	case FIELD_HOST_NAME:
		live_set_string(l, s, l->host->name);
		break;
	case FIELD_HOST_OS_TYPE:
		live_set_string(l, s, VIEW("linux"));
		break;
	case FIELD_HOST_ARCHITECTURE:
		live_set_string(l, s, l->host->architecture);
		break;
	case FIELD_AGENT_TYPE:
		live_set_string(l, s, VIEW("tocsin"));
		break;
	case FIELD_AGENT_VERSION:
		live_set_string(l, s, VIEW(TOCSIN_VERSION));
		break;
	}
}

/* `field` itself, then its aliases behind it, as fields.def says. */
static void
fill_plain(struct live *l, unsigned field, struct slot *s)
{
	if (live_fill_log(l, field, s))
		return;
	if (field < FIELD_HOST_ID || field == FIELD_ATTRIBUTION ||
	    field == FIELD_EVENT_ACTION_ALIASES ||
	    field == FIELD_DATASET_ALIASES)
		fill_event(l, field, s);
	else if (field <= FIELD_AGENT_VERSION)
		fill_host(l, field, s);
	else if (field <= FIELD_GROUP_LEADER_ENTRY_TYPE ||
		 (field >= FIELD_PROCESS_EXEC_PATH &&
		  field <= FIELD_KERNEL_THREAD))
		live_fill_process(l, field, s);
	else if (field <= FIELD_ELF_ARCHITECTURE ||
		 (field >= FIELD_FILE_ALIASES && field <= FIELD_SELF_PROGRAM))
		live_fill_file(l, field, s);
	else
		live_fill_network(l, field, s);
}

static void
append(struct live *l, struct slot *s, const struct slot *more)
{
	struct value *v;

	if (s->n == 0 || more->n == 0)
		return;
	v = arena_array(&l->arena, s->n + more->n, sizeof(*v));
	if (v == NULL)
		return;
	memcpy(v, s->v, s->n * sizeof(*v));
	memcpy(v + s->n, more->v, more->n * sizeof(*v));
	s->v = v;
	s->n += more->n;
}

static void
fill(struct record *r, unsigned field)
{
	struct live *l = (struct live *)r;
	struct slot *s = &r->slots[field];

	if (field >= FIELDS_FILLED)
		return;
	fill_plain(l, field, s);
	if (field_alias(field) != FIELD_NONE)
		append(l, s, record_get(r, field_alias(field)));
}

/* ---- life ------------------------------------------------------------ */

static int
make_room(struct live *l, size_t n)
{
	struct record *r = &l->record;
	struct slot *slots;

	if (n <= r->n_slots)
		return 0;
	slots = reallocarray(r->slots, n, sizeof(*slots));
	if (slots == NULL)
		return -1;
	memset(slots + r->n_slots, 0, (n - r->n_slots) * sizeof(*slots));
	r->slots = slots;
	r->n_slots = (uint32_t)n;
	return 0;
}

int
live_init(struct live *l, const struct host *host, struct procs *procs,
	  struct names *names)
{
	memset(l, 0, sizeof(*l));
	l->host = host;
	l->procs = procs;
	l->names = names;
	l->facts.fd = -1;
	l->record.fill = fill;
	return make_room(l, fields_schema()->n);
}

int
live_fit(struct live *l, const struct rules *rules)
{
	return make_room(l, rules_field_count(rules));
}

void
live_free(struct live *l)
{
	facts_end(&l->facts);
	arena_free(&l->arena);
	free(l->record.slots);
	l->record.slots = NULL;
}

void
live_begin(struct live *l, const struct event *e, struct proc *self,
	   struct image *image, uint64_t seq)
{
	facts_end(&l->facts);
	arena_reset(&l->arena);
	if (++l->record.generation == 0)
		l->record.generation = 1;
	l->event = e;
	l->self = self;
	l->image = image;
	l->record.seq = seq;
	l->record.time_ns = e->time_ns + l->host->wall_offset_ns;
}
