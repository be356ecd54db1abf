// SPDX-License-Identifier: GPL-2.0
/*
 * C families that answer as nlpeer does, for the benchmark: one written as good
 * C families are, one tuned by hand, and one that does the least that can be done.
 */

#include <linux/module.h>

#include "c_families.h"

static const struct nla_policy nested_value_policy[] = {
	[NLPEER_A_NESTED_VALUE_U32] = { .type = NLA_U32 },
	[NLPEER_A_NESTED_VALUE_STRING] = {
		.type = NLA_NUL_STRING, .len = NLPEER_TEXT_MAX,
	},
};

const struct nla_policy bench_value_policy[] = {
	[NLPEER_A_VALUE_U32] = { .type = NLA_U32 },
	[NLPEER_A_VALUE_U64] = { .type = NLA_U64 },
	[NLPEER_A_VALUE_STRING] = {
		.type = NLA_NUL_STRING, .len = NLPEER_STRING_MAX,
	},
	/* Not NLA_POLICY_MAX_LEN(): its maximum has 16 bits with a sign. */
	[NLPEER_A_VALUE_BINARY] = {
		.type = NLA_BINARY, .len = NLPEER_BINARY_MAX,
	},
	[NLPEER_A_VALUE_NEST] = NLA_POLICY_NESTED(nested_value_policy),
};

static const struct netlink_range_validation count_range = {
	.max = NLPEER_COUNT_MAX,
};

const struct nla_policy bench_count_policy[] = {
	[NLPEER_A_OBJECT_COUNT] = NLA_POLICY_FULL_RANGE(NLA_U32, &count_range),
};

static const struct netlink_range_validation size_range = {
	.max = NLPEER_SIZE_MAX,
};

static const struct netlink_range_validation numbers_range = {
	.max = NLPEER_NUMBERS_MAX,
};

const struct nla_policy bench_trouble_policy[] = {
	[NLPEER_A_TROUBLE_SIZE] = NLA_POLICY_FULL_RANGE(NLA_U32, &size_range),
	[NLPEER_A_TROUBLE_NUMBERS] = NLA_POLICY_FULL_RANGE(NLA_U32, &numbers_range),
};

u8 bench_pattern[NLPEER_SIZE_MAX];

int bench_start(struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct bench_cursor *cursor = (void *)cb->ctx;

	NL_ASSERT_CTX_FITS(struct bench_cursor);

	if (GENL_REQ_ATTR_CHECK(info, NLPEER_A_OBJECT_COUNT))
		return -EINVAL;

	bench_first(&cursor->next);
	cursor->count = nla_get_u32(info->attrs[NLPEER_A_OBJECT_COUNT]);
	return 0;
}

static int __init nlpeer_c_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < sizeof(bench_pattern); i++)
		bench_pattern[i] = i;
	err = minimal_render();
	if (err)
		return err;
	err = genl_register_family(&nlpeer_idiomatic);
	if (err)
		goto err_free;
	err = genl_register_family(&nlpeer_tuned);
	if (err)
		goto err_idiomatic;
	err = genl_register_family(&nlpeer_minimal);
	if (err)
		goto err_tuned;
	return 0;

err_tuned:
	genl_unregister_family(&nlpeer_tuned);
err_idiomatic:
	genl_unregister_family(&nlpeer_idiomatic);
err_free:
	minimal_free();
	return err;
}

static void __exit nlpeer_c_exit(void)
{
	genl_unregister_family(&nlpeer_minimal);
	genl_unregister_family(&nlpeer_tuned);
	genl_unregister_family(&nlpeer_idiomatic);
	minimal_free();
}

module_init(nlpeer_c_init);
module_exit(nlpeer_c_exit);

MODULE_DESCRIPTION("nlpeer in C, for its benchmark");
MODULE_LICENSE("GPL");
