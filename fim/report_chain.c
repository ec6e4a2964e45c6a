/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which report was the last one. */
#include "fim/report_chain.h"

#include <jansson.h>

#include "baselines/journal.h"

static uint64_t
number_of(const json_t *json, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(json, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* Lines that the journal has found whole are our own. */
static void
take_record(void *ctx, struct view line)
{
	struct report_link *l = ctx;
	const json_t *detail;
	const char *action;
	json_t *json;

	if (view_search(line, VIEW("\"action\":\"report\""), 0) < 0)
		return;
	json = json_loadb(line.p, line.n, 0, NULL);
	action = json_string_value(json_object_get(json, "action")) ?: "";
	if (strcmp(action, "report") != 0) {
		json_decref(json);
		return;
	}
	detail = json_object_get(json, "detail");
	buf_clear(&l->sha256);
	buf_puts(&l->sha256,
		 json_string_value(json_object_get(detail, "sha256")) ?: "");
	l->to_ns = number_of(detail, "to_ns");
	l->alerts_seq = number_of(detail, "alerts_seq");
	l->gaps_seq = number_of(detail, "gaps_seq");
	json_decref(json);
}

enum exit_code
report_link_find(const char *state, struct report_link *l, struct err *err)
{
	struct journal_state s = { 0 };
	int rc = journal_read(state, VIEW_NONE, &s, take_record, l, err);

	journal_state_free(&s);
	if (rc == 0)
		return EXIT_NOTHING;
	return rc > 0 ? EXIT_TAMPERED : EXIT_STATE;
}

/* The generation stays out of the record: the journal's last word on that is
 * what finds a baseline that was turned back. */
int
report_link_add(const char *state, const struct report_link *l, struct err *err)
{
	struct buf detail = { 0 };
	struct journal_record record = { .action = "report" };
	int rc = -1;

	buf_puts(&detail, "{\"sha256\":");
	buf_json_string(&detail, buf_view(&l->sha256));
	buf_puts(&detail, ",\"made_by\":");
	buf_json_string(&detail, buf_view(&l->made_by));
	buf_printf(&detail,
		   ",\"to_ns\":%llu,\"alerts_seq\":%llu,\"gaps_seq\":%llu}",
		   (unsigned long long)l->to_ns,
		   (unsigned long long)l->alerts_seq,
		   (unsigned long long)l->gaps_seq);
	record.detail = buf_view(&detail);
	if (detail.failed)
		err_add(err, (struct place){ 0 }, "out of memory");
	else
		rc = journal_append(state, &record, err);
	buf_free(&detail);
	return rc;
}

void
report_link_free(struct report_link *l)
{
	buf_free(&l->sha256);
	buf_free(&l->made_by);
	*l = (struct report_link){ 0 };
}
