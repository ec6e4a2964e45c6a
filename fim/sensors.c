/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sensors there are, and which to use. */
#include "fim/sensors.h"

const struct sensor_row sensor_rows[] = {
#define SENSOR(name, role, ops, probe, blind) \
	{ name, ROLE_##role, &ops, probe, blind },
#include "fim/sensors.def"
#undef SENSOR
};
const size_t n_sensor_rows = ARRAY_LEN(sensor_rows);

const char *
role_name(enum role role)
{
	static const char *const names[] = { "processes", "files", "messages" };

	return names[role];
}

static size_t
count_roles(const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < n_sensor_rows; i++)
		n += strcmp(sensor_rows[i].name, name) == 0;
	return n;
}

static int
unknown_name(const char *name, struct err *err)
{
	struct buf names = { 0 };

	for (size_t i = 0; i < n_sensor_rows; i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= strcmp(sensor_rows[k].name,
					sensor_rows[i].name) == 0;
		if (again)
			continue;
		buf_puts(&names, names.n > 0 ? ", " : "");
		buf_puts(&names, sensor_rows[i].name);
	}
	err_add(err, (struct place){ 0 },
		"--sensor wants one of %.*s, not '%s'", (int)names.n, names.p,
		name);
	buf_free(&names);
	return -1;
}

static int
force(struct sensor_choice *c, const char *name, struct err *err)
{
	bool many = count_roles(name) > 1, taken = false;

	for (size_t i = 0; i < n_sensor_rows; i++) {
		const struct sensor_row *row = &sensor_rows[i];
		const struct sensor_row **slot = &c->forced[row->role];

		if (strcmp(row->name, name) != 0)
			continue;
		if (*slot == NULL || *slot == row) {
			*slot = row;
			taken = true;
		} else if (!many) {
			return err_add(err, (struct place){ 0 },
				       "--sensor %s and --sensor %s both see "
				       "%s: name one of them",
				       (*slot)->name, name,
				       role_name(row->role));
		}
	}
	if (taken)
		return 0;
	return err_add(err, (struct place){ 0 },
		       "--sensor %s: other sensors are named for all it sees",
		       name);
}

int
sensors_choose(struct sensor_choice *c, const struct options *o,
	       const struct config *config, struct err *err)
{
	*c = (struct sensor_choice){ .allowed = &config->sensors };
	/* Names of one role first: they leave the rest to the others. */
	for (int many = 0; many < 2; many++) {
		for (size_t i = 0; i < o->sensors.n; i++) {
			size_t roles = count_roles(o->sensors.v[i]);

			if (roles == 0)
				return unknown_name(o->sensors.v[i], err);
			if ((roles > 1) == many &&
			    force(c, o->sensors.v[i], err) != 0)
				return -1;
		}
	}
	return 0;
}

bool
sensors_may_use(const struct sensor_choice *c, const struct sensor_row *row)
{
	if (c->forced[row->role] != NULL)
		return c->forced[row->role] == row;
	for (size_t i = 0; i < c->allowed->n; i++)
		if (view_eq(c->allowed->v[i], view_of(row->name)))
			return true;
	return false;
}
