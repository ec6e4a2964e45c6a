/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema of this host's events, from fields.def, and the two directions
 * in which a record and ECS JSON meet: encoding (events, traces, alerts) and
 * reading a trace back. What is encoded and read back encodes the same again,
 * byte for byte.
 */
#ifndef FIM_FIELDS_H
#define FIM_FIELDS_H

#include "rules/rules.h"

enum field {
#define FIELD(id, name, type, alias) FIELD_##id,
#include "fim/fields.def"
#undef FIELD
	FIELDS_FILLED, /* from here on: known ECS names never filled here */
	FIELD_NONE = FIELDS_FILLED
};

/* fields.def, then ecs.def: names that rules may use and this host agent does
 * not have. Static; never freed. */
const struct rules_schema *fields_schema(void);
const char *field_name(unsigned field);
/* Must the encoder write an array even for one value? */
bool field_is_array(unsigned field);
/* The field whose values are further values of `field`, or FIELD_NONE. */
unsigned field_alias(unsigned field);

/* Every field of the record as one nested JSON object in the order of
 * fields.def, without a line end. `skip` (may be NULL) leaves fields out. */
void
fields_encode(struct record *, bool (*skip)(unsigned field), struct buf *out);

#endif
