/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlets share. */
#include "fim/outlet.h"

#include <assert.h>

#include "rules/doc.h"

void
outlet_add_path(struct outlet *o, const char *path, unsigned access)
{
	assert(o->n_paths < OUTLET_PATHS);
	o->paths[o->n_paths++] = (struct sandbox_path){ path, access };
}

void
outlet_add_network_paths(struct outlet *o)
{
	/* resolv.conf may be a link into /run; libc loads what nsswitch.conf
	 * names; certificates are in /etc/ssl, /usr/share or, on some, in
	 * /var/lib. */
	static const char *const places[] = {
		"/etc",
		"/usr",
		"/lib",
		"/lib64",
		"/run/systemd/resolve",
		"/run/resolvconf",
		"/run/NetworkManager",
		"/var/lib/ca-certificates",
		"/dev/urandom",
		"/dev/null",
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		outlet_add_path(o, places[i], SANDBOX_READ | SANDBOX_OPTIONAL);
}

static struct view
text_at(const struct doc_node *map, const char *outer, const char *inner)
{
	const struct doc_node *n = map != NULL ? doc_get(map, outer) : NULL;

	if (n != NULL && inner != NULL)
		n = n->type == DOC_MAP ? doc_get(n, inner) : NULL;
	return n != NULL ? n->text : VIEW_NONE;
}

static int
priority_of(struct view level)
{
	static const char *const levels[] = { "critical", "high", "medium",
					      "low" };

	for (int i = 0; i < (int)ARRAY_LEN(levels); i++)
		if (view_eq(level, view_of(levels[i])))
			return 2 + i;
	return 4;
}

void
outlet_facts(const struct cursor_alert *a, struct arena *arena,
	     struct outlet_facts *f)
{
	struct err err = { 0 };
	struct doc doc = {
		.file = "alert", .source = a->json, .arena = arena, .err = &err
	};
	const struct doc_node *map = doc_read_json(&doc);

	if (map != NULL && map->type != DOC_MAP)
		map = NULL;
	*f = (struct outlet_facts){
		.message = text_at(map, "message", NULL),
		.rule_name = text_at(map, "rule", "name"),
		.level = text_at(map, "rule", "level"),
		.severity = text_at(map, "event", "severity"),
		.host = text_at(map, "host", "name"),
		.user = text_at(map, "user", "name"),
		.file = text_at(map, "file", "path"),
	};
	f->priority = priority_of(f->level);
	err_free(&err);
}
