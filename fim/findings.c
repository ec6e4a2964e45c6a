/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings in groups. */
#include "fim/findings.h"

#include <stdlib.h>

struct findings_group {
	const struct rule *rule;
	uint64_t n, more; /* told, and only counted */
	struct buf text;
};

static struct findings_group *
group_of(struct findings *f, const struct rule *rule)
{
	struct findings_group *v;

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].rule == rule)
			return &f->v[i];
	v = reallocarray(f->v, f->n + 1, sizeof(*v));
	if (v == NULL)
		return NULL;
	f->v = v;
	v[f->n] = (struct findings_group){ .rule = rule };
	return &v[f->n++];
}

void
findings_add(struct findings *f, const struct alert *a)
{
	struct findings_group *g = group_of(f, a->rule);

	if (g == NULL) {
		f->failed = true;
		return;
	}
	if (a->suppressed > 0) {
		g->more += a->suppressed;
		return;
	}
	if (g->n++ > 0)
		buf_putc(&g->text, '\n');
	alert_put_facts(a, &g->text);
	f->failed |= g->text.failed;
}

static int
group_cmp(const void *a, const void *b)
{
	const struct findings_group *x = a, *y = b;

	if (x->rule->risk_score != y->rule->risk_score)
		return y->rule->risk_score - x->rule->risk_score;
	return view_cmp(x->rule->id, y->rule->id);
}

static void
put_group(const struct findings_group *g, bool colour, struct buf *out)
{
	alert_put_title(g->rule, colour, out);
	buf_printf(out, "  %llu %s\n", (unsigned long long)(g->n + g->more),
		   g->n + g->more == 1 ? "finding" : "findings");
	alert_put_reason(g->rule, out);
	buf_putc(out, '\n');
	buf_put(out, buf_view(&g->text));
	if (g->more > 0)
		buf_printf(out, "\n    … and %llu more\n",
			   (unsigned long long)g->more);
}

void
findings_put(struct findings *f, bool colour, struct buf *out)
{
	if (f->n > 1)
		qsort(f->v, f->n, sizeof(*f->v), group_cmp);
	for (size_t i = 0; i < f->n; i++) {
		if (i > 0)
			buf_putc(out, '\n');
		put_group(&f->v[i], colour, out);
	}
}

void
findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		buf_free(&f->v[i].text);
	free(f->v);
	*f = (struct findings){ 0 };
}
