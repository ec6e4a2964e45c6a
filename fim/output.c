/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts on their way out. */
#include "fim/output.h"

void
output_take(void *output, const struct alert *a)
{
	struct output *o = output;

	o->alerts++;
	buf_clear(&o->json);
	alert_format_json(a, &o->json);
	if (o->json.failed)
		o->state_failed = true;
	else if (o->state != NULL &&
		 state_add_alert(o->state, a->id, a->rule->id, a->time_ns,
				 view_trim(buf_view(&o->json))) != 0)
		o->state_failed = true;
	if (o->text)
		alert_format_text(a, o->colour, &o->pending);
	else
		buf_put(&o->pending, buf_view(&o->json));
}

int
output_flush(struct output *o)
{
	int failed = 0;

	if (o->state != NULL && state_commit(o->state) != 0)
		o->state_failed = true;
	if (o->pending.n > 0 &&
	    (fwrite(o->pending.p, 1, o->pending.n, o->out) != o->pending.n ||
	     fflush(o->out) != 0))
		o->out_failed = true;
	if (o->pending.failed)
		o->out_failed = true;
	if (o->state_failed || o->out_failed)
		failed = -1;
	buf_clear(&o->pending);
	o->pending.failed = false;
	return failed;
}

void
output_free(struct output *o)
{
	buf_free(&o->pending);
	buf_free(&o->json);
}
