/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the C families of the benchmark share: the objects of nlpeer and the
 * place of a dump among them.
 */

#ifndef _NLPEER_TWINS_H
#define _NLPEER_TWINS_H

#include <net/genetlink.h>

#include "../../rust/specs/nlpeer.h"

/* An object of nlpeer: all that it says follows from its id. */
struct twin_object {
	u32 id;
	u8 len;
	char name[15];
};

struct twin_cursor {
	struct twin_object next;
	u32 count;
};

extern const struct nla_policy twin_value_policy[NLPEER_A_VALUE_MAX + 1];
extern const struct nla_policy twin_count_policy[NLPEER_A_OBJECT_COUNT + 1];
extern const struct nla_policy twin_trouble_policy[NLPEER_A_TROUBLE_NUMBERS + 1];

/* The data of an object, as nlpeer has it. */
extern u8 twin_pattern[NLPEER_SIZE_MAX];

int twin_start(struct netlink_callback *cb);

static inline void twin_first(struct twin_object *object)
{
	memset(object, 0, sizeof(*object));
	strscpy(object->name, "obj-0");
	object->len = 5;
}

/* Counts up the digits of a name, as nlpeer does; returns its new length. */
static inline size_t twin_count_up(char *name, size_t len)
{
	char *first = name + 4, *digit = name + len;

	while (digit > first) {
		digit--;
		if (*digit < '9') {
			++*digit;
			return len;
		}
		*digit = '0';
	}
	*first = '1';
	name[len] = '0';
	return len + 1;
}

static inline void twin_advance(struct twin_object *object)
{
	object->id++;
	object->len = twin_count_up(object->name, object->len);
}

/* Each of the families, in a file of its own. */
extern struct genl_family twin_idiomatic;
extern struct genl_family twin_best;
extern struct genl_family twin_floor;

int twin_floor_render(void);
void twin_floor_free(void);

#endif /* _NLPEER_TWINS_H */
