/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd's journal, with fields: journalctl TOCSIN_RULE_ID=…, and
 * TOCSIN_ALERT has the whole JSON. sd_journal_sendv(3) says nothing when there
 * is no journald, so that is asked first; what its socket has taken counts as
 * delivered, as it gives no other sign.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "fim/outlet.h"

static const struct sockaddr_un journal = {
	.sun_family = AF_UNIX,
	.sun_path = "/run/systemd/journal/socket",
};

#define FIELDS_MAX 16

struct fields {
	struct iovec v[FIELDS_MAX];
	int n;
	struct arena *arena;
	bool failed;
};

static void
add(struct fields *f, const char *name, struct view value)
{
	struct buf text = { 0 };
	struct view kept;

	if (value.n == 0)
		return;
	buf_printf(&text, "%s=", name);
	buf_put(&text, value);
	kept = arena_copy(f->arena, buf_view(&text));
	f->failed = f->failed || text.failed || kept.p == NULL;
	buf_free(&text);
	f->v[f->n++] = (struct iovec){ (void *)kept.p, kept.n };
}

static int
send_one(const struct cursor_alert *a)
{
	struct arena arena = { 0 };
	struct fields f = { .arena = &arena };
	struct outlet_facts facts;
	char priority;
	int result = -ENOMEM;

	outlet_facts(a, &arena, &facts);
	priority = (char)('0' + facts.priority);
	add(&f, "MESSAGE", facts.message);
	add(&f, "PRIORITY", (struct view){ &priority, 1 });
	add(&f, "SYSLOG_IDENTIFIER", VIEW("tocsin"));
	add(&f, "TOCSIN_ALERT_ID", a->id);
	add(&f, "TOCSIN_RULE_ID", a->rule_id);
	add(&f, "TOCSIN_RULE_NAME", facts.rule_name);
	add(&f, "TOCSIN_LEVEL", facts.level);
	add(&f, "TOCSIN_SEVERITY", facts.severity);
	add(&f, "TOCSIN_USER", facts.user);
	add(&f, "TOCSIN_FILE", facts.file);
	add(&f, "TOCSIN_ALERT", a->json);
	if (!f.failed)
		result = sd_journal_sendv(f.v, f.n);
	arena_free(&arena);
	return result;
}

static int
ask(struct buf *why)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result = -1;

	if (fd >= 0)
		result = connect(fd, (const struct sockaddr *)&journal,
				 sizeof(journal));
	if (result != 0)
		buf_printf(why, "there is no journald: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}

static int
journald_open(struct outlet *o, struct buf *why)
{
	(void)o, (void)why;
	return 0;
}

static size_t
journald_deliver(struct outlet *o, const struct cursor_alert *v, size_t n,
		 struct outlet_result *r)
{
	size_t i;
	int result;

	(void)o;
	for (i = 0; i < n; i++) {
		if (ask(&r->why) != 0)
			break;
		result = send_one(&v[i]);
		if (result < 0) {
			buf_printf(&r->why, "journald does not take it: %s",
				   strerror(-result));
			break;
		}
	}
	return i;
}

static void
journald_close(struct outlet *o)
{
	(void)o;
}

const struct outlet_ops outlet_journald = {
	.type = "journald",
	.sockets = true,
	.open = journald_open,
	.deliver = journald_deliver,
	.close = journald_close,
};
