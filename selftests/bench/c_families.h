/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the C families of the benchmark share: the objects of nlpeer and the
 * place of a dump among them.
 */

#ifndef _NLPEER_C_FAMILIES_H
#define _NLPEER_C_FAMILIES_H

#include <net/genetlink.h>

#include "../../rust/nlpeer/nlpeer.h"

/* An object of nlpeer: all that it says follows from its id. */
struct bench_object {
	u32 id;
	u8 len;
	char name[15];
};

struct bench_cursor {
	struct bench_object next;
	u32 count;
};

extern const struct nla_policy bench_value_policy[NLPEER_A_VALUE_MAX + 1];
extern const struct nla_policy bench_count_policy[NLPEER_A_OBJECT_COUNT + 1];
extern const struct nla_policy bench_trouble_policy[NLPEER_A_TROUBLE_NUMBERS + 1];

/* The data of an object, as nlpeer has it. */
extern u8 bench_pattern[NLPEER_SIZE_MAX];

int bench_start(struct netlink_callback *cb);

static inline void bench_first(struct bench_object *object)
{
	memset(object, 0, sizeof(*object));
	strscpy(object->name, "obj-0");
	object->len = 5;
}

/* Counts up the digits of a name, as nlpeer does; returns its new length. */
static inline size_t bench_count_up(char *name, size_t len)
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

static inline void bench_advance(struct bench_object *object)
{
	object->id++;
	object->len = bench_count_up(object->name, object->len);
}

/* Each of the families, in a file of its own. */
extern struct genl_family nlpeer_idiomatic;
extern struct genl_family nlpeer_tuned;
extern struct genl_family nlpeer_minimal;

int minimal_render(void);
void minimal_free(void);

#endif /* _NLPEER_C_FAMILIES_H */
