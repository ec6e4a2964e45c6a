/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sensors there are (sensors.def), and which to use: those that the user
 * forces, else of each role the first that this host can run.
 */
#ifndef FIM_SENSORS_H
#define FIM_SENSORS_H

#include "fim/config.h"
#include "fim/options.h"
#include "fim/sensor.h"

struct sensor_row {
	const char *name;
	enum role role;
	const struct sensor_ops *ops;
	void (*probe)(struct probe *);
	const char *blind;
};

extern const struct sensor_row sensor_rows[];
extern const size_t n_sensor_rows;
const char *role_name(enum role); /* "processes", … */

/* What may be used for each role. */
struct sensor_choice {
	/* Not NULL: this one and no other. */
	const struct sensor_row *forced[ROLES];
	const struct config_list *allowed; /* names; borrowed */
};

/* Reads --sensor. A name that stands for several roles takes those that no
 * other name takes. -1 with `err`. */
int sensors_choose(struct sensor_choice *, const struct options *,
		   const struct config *, struct err *);
/* Is this row to be tried? */
bool sensors_may_use(const struct sensor_choice *, const struct sensor_row *);

#endif
