// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes of each type that a policy can have, there and back: genltest
 * returns what it has read. What must be refused is refused with the errno and
 * the text of lib/nlattr.c, and points at the attribute.
 */
#include "genltest.h"

static const unsigned char large[40001] = { 1, 2, 3, 4, 5, 6, 7 };

ROWS(bounds) = {
	{ 1, V(uint8_t, 0) },
	{ 1, V(uint8_t, UINT8_MAX) },
	{ 2, V(uint16_t, 0) },
	{ 2, V(uint16_t, UINT16_MAX) },
	{ 3, V(uint32_t, 0) },
	{ 3, V(uint32_t, UINT32_MAX) },
	{ 4, V(uint64_t, 0) },
	{ 4, V(uint64_t, UINT64_MAX) },
	{ 4, V(uint64_t, 0x0123456789abcdef) },
	{ 5, V(int8_t, INT8_MIN) },
	{ 5, V(int8_t, INT8_MAX) },
	{ 6, V(int16_t, INT16_MIN) },
	{ 6, V(int16_t, INT16_MAX) },
	{ 7, V(int32_t, INT32_MIN) },
	{ 7, V(int32_t, INT32_MAX) },
	{ 8, V(int64_t, INT64_MIN) },
	{ 8, V(int64_t, INT64_MAX) },
	{ 11, B("\x00\x00") },
	{ 11, B("\x12\x34") },
	{ 11, B("\xff\xff") },
	{ 12, B("\x12\x34\x56\x78") },
	{ 12, B("\xff\xff\xff\xff") },
	{ 13, V(uint64_t, 0) },
	{ 13, V(uint64_t, UINT64_MAX) },
	{ 14, {} },
	END
};

/* Numbers of any size: the shorter form wherever it fits. */
ROWS(any_size) = {
	{ 9, V(uint32_t, 0) },
	{ 9, V(uint32_t, UINT32_MAX) },
	{ 9, V(uint64_t, 1ULL << 32) },
	{ 9, V(uint64_t, UINT64_MAX) },
	{ 9, V(uint64_t, 7), .back = V(uint32_t, 7) },
	{ 10, V(int32_t, INT32_MIN) },
	{ 10, V(int32_t, INT32_MAX) },
	{ 10, V(int64_t, INT32_MIN - 1LL) },
	{ 10, V(int64_t, INT32_MAX + 1LL) },
	{ 10, V(int64_t, INT64_MIN) },
	{ 10, V(int64_t, INT64_MAX) },
	{ 10, V(int64_t, -7), .back = V(int32_t, -7) },
	{ 9, B("\x01"), EINVAL, LENGTH },
	{ 9, B("123456"), EINVAL, LENGTH },
	{ 9, {}, EINVAL, LENGTH },
	{ 10, B("\x01\x02"), EINVAL, LENGTH },
	{ 10, B("123456789"), EINVAL, LENGTH },
	END
};

ROWS(lengths) = {
	{ 1, {}, EINVAL, LENGTH },
	{ 1, V(uint16_t, 1), EINVAL, LENGTH },
	{ 2, V(uint8_t, 1), EINVAL, LENGTH },
	{ 2, V(uint32_t, 1), EINVAL, LENGTH },
	{ 3, V(uint16_t, 1), EINVAL, LENGTH },
	{ 3, V(uint64_t, 1), EINVAL, LENGTH },
	{ 4, V(uint32_t, 1), EINVAL, LENGTH },
	{ 4, B("123456789"), EINVAL, LENGTH },
	{ 5, V(int16_t, 1), EINVAL, LENGTH },
	{ 6, V(int8_t, 1), EINVAL, LENGTH },
	{ 7, V(int64_t, 1), EINVAL, LENGTH },
	{ 8, V(int32_t, 1), EINVAL, LENGTH },
	{ 11, B("\x01"), EINVAL, LENGTH },
	{ 11, B("\x01\x02\x03\x04"), EINVAL, LENGTH },
	{ 12, B("\x01\x02\x03"), EINVAL, LENGTH },
	/* These have no length in nla_attr_len[], but a smallest one. */
	{ 13, V(uint32_t, 1), ERANGE, FAILED },
	{ 14, B("\x01"), ERANGE, FAILED },
	END
};

ROWS(ranges) = {
	{ 26, V(uint8_t, 9), ERANGE, INTEGER },
	{ 26, V(uint8_t, 10) },
	{ 26, V(uint8_t, 20) },
	{ 26, V(uint8_t, 21), ERANGE, INTEGER },
	{ 27, V(uint64_t, 0), ERANGE, INTEGER },
	{ 27, V(uint64_t, 1) },
	{ 27, V(uint64_t, 1ULL << 40) },
	{ 27, V(uint64_t, (1ULL << 40) + 1), ERANGE, INTEGER },
	{ 28, V(int32_t, -6), ERANGE, INTEGER },
	{ 28, V(int32_t, -5) },
	{ 28, V(int32_t, 5) },
	{ 28, V(int32_t, 6), ERANGE, INTEGER },
	{ 29, V(int64_t, -(1LL << 40) - 1), ERANGE, INTEGER },
	{ 29, V(int64_t, -(1LL << 40)) },
	{ 29, V(int64_t, 1LL << 40) },
	{ 29, V(int64_t, (1LL << 40) + 1), ERANGE, INTEGER },
	{ 33, V(uint32_t, 0) },
	{ 33, V(uint64_t, 1ULL << 33) },
	{ 33, V(uint64_t, (1ULL << 33) + 1), ERANGE, INTEGER },
	{ 34, V(int8_t, -101), ERANGE, INTEGER },
	{ 34, V(int8_t, -100) },
	{ 34, V(int8_t, 100) },
	{ 34, V(int8_t, 101), ERANGE, INTEGER },
	END
};

/* 1000 to 2000: in another byte order, the bounds would be others. */
ROWS(network_ranges) = {
	{ 32, B("\x03\xe7"), ERANGE, INTEGER },
	{ 32, B("\x03\xe8") },
	{ 32, B("\x07\xd0") },
	{ 32, B("\x07\xd1"), ERANGE, INTEGER },
	{ 32, B("\xe8\x03"), ERANGE, INTEGER },
	END
};

/* These come back with the flag of network byte order. */
ROWS(network_flag) = {
	{ 51 | NLA_F_NET_BYTEORDER, B("\x12\x34") },
	{ 52 | NLA_F_NET_BYTEORDER, B("\x12\x34\x56\x78") },
	{ 52 | NLA_F_NET_BYTEORDER, B("\x12\x34"), EINVAL, LENGTH },
	END
};

ROWS(masks) = {
	{ 30, V(uint32_t, 0) },
	{ 30, V(uint32_t, 0xf0) },
	{ 30, V(uint32_t, 0x0f), EINVAL, RESERVED },
	{ 30, V(uint32_t, 0x1f0), EINVAL, RESERVED },
	END
};

ROWS(checks) = {
	{ 31, V(uint32_t, 1) },
	{ 31, V(uint32_t, 0x80000000) },
	{ 31, V(uint32_t, 0), EINVAL, "must be a power of two" },
	{ 31, V(uint32_t, 3), EINVAL, "must be a power of two" },
	{ 31, V(uint16_t, 1), EINVAL, LENGTH },
	END
};

ROWS(checks_of_bytes) = {
	{ 41, B("\0") },
	{ 41, B("abcdefghijklmnop\0") },
	{ 41, B("ab1\0"), EINVAL, "letters only" },
	{ 41, B("abc\0001\0"), .back = B("abc\0") },
	/* The length comes first. */
	{ 41, B("1bcdefghijklmnopq\0"), EINVAL, FAILED },
	{ 41, B("abc"), EINVAL, FAILED },
	{ 42, B("a") },
	{ 42, B("abcdefghijklmnop") },
	{ 42, B("a b"), EINVAL, "letters only" },
	{ 42, B("ab\0001"), .back = B("ab") },
	{ 42, {}, ERANGE, FAILED },
	{ 43, {} },
	{ 43, B("1"), EINVAL, "one is left over" },
	{ 43, B("12") },
	{ 43, B("0123456789abcdef") },
	{ 43, B("0123456789abcdefg"), ERANGE, FAILED },
	END
};

/* Numbers that arrive in another form than that in which they are checked. */
ROWS(checks_of_forms) = {
	{ 46, V(uint32_t, 999), EINVAL, "too small" },
	{ 46, V(uint32_t, 1000) },
	{ 46, V(uint64_t, 999), EINVAL, "too small" },
	{ 46, V(uint64_t, 1ULL << 32) },
	{ 46, B("12"), EINVAL, LENGTH },
	{ 47, V(int32_t, -1001), EINVAL, "too small" },
	{ 47, V(int32_t, -1000) },
	{ 47, V(int64_t, -1001), EINVAL, "too small" },
	{ 47, V(int64_t, 1LL << 32) },
	/* 1023 and 1024; in another byte order, these would be 65283 and 4. */
	{ 48, B("\x03\xff"), EINVAL, "too small" },
	{ 48, B("\x04\x00") },
	{ 49, B("\x00\xff\xff\xff"), EINVAL, "too small" },
	{ 49, B("\x01\x00\x00\x00") },
	{ 50, V(uint64_t, 999), EINVAL, "too small" },
	{ 50, V(uint64_t, UINT64_MAX) },
	END
};

ROWS(arrays) = {
	{ 44, B("0123456789abcdef0123456789abcde"), ERANGE, BINARY },
	{ 44, B("0123456789abcdef0123456789abcdef") },
	{ 44, B("0123456789abcdef0123456789abcdefg"), ERANGE, BINARY },
	{ 45, {}, ERANGE, BINARY },
	{ 45, B("123456") },
	END
};

ROWS(strings) = {
	{ 15, B("\0") },
	{ 15, B("0123456789abcdef\0") },
	{ 15, B("0123456789abcdefg\0"), EINVAL, FAILED },
	{ 15, B("abc"), EINVAL, FAILED },
	{ 15, {}, EINVAL, FAILED },
	/* Up to the first NUL, whatever is behind it. */
	{ 15, B("ab\0cd\0"), .back = B("ab\0") },
	{ 16, B("abc") },
	{ 16, B("0123456789abcdef") },
	{ 16, B("abc\0"), .back = B("abc") },
	{ 16, B("0123456789abcdef\0"), .back = B("0123456789abcdef") },
	{ 16, B("0123456789abcdefg"), ERANGE, FAILED },
	{ 16, {}, ERANGE, FAILED },
	END
};

ROWS(binaries) = {
	{ 17, {} },
	{ 17, B("0123456789abcdef") },
	{ 17, B("0123456789abcdefg"), ERANGE, FAILED },
	{ 18, B("12345"), ERANGE, BINARY },
	{ 18, B("123456") },
	{ 18, B("1234567"), ERANGE, BINARY },
	{ 19, B("1"), ERANGE, BINARY },
	{ 19, B("12") },
	{ 19, B("12345678") },
	{ 19, B("123456789"), ERANGE, BINARY },
	{ 20, B("123"), ERANGE, BINARY },
	{ 20, B("1234") },
	{ 20, { large, sizeof(large) } },
	{ 37, B("1"), ERANGE, BINARY },
	{ 37, B("12") },
	{ 37, { large, 40000 } },
	{ 37, { large, 40001 }, ERANGE, FAILED },
	END
};

ROWS(bitfields) = {
	{ 21, V(struct nla_bitfield32, 0) },
	{ 21, B("\x05\0\0\0\x0f\0\0\0") },
	/* A selector outside, a value outside, a value that is not selected. */
	{ 21, B("\x00\0\0\0\x1f\0\0\0"), EINVAL, FAILED },
	{ 21, B("\x10\0\0\0\x0f\0\0\0"), EINVAL, FAILED },
	{ 21, B("\x03\0\0\0\x01\0\0\0"), EINVAL, FAILED },
	{ 21, V(uint32_t, 1), ERANGE, FAILED },
	END
};

ROWS(rejects) = {
	{ 24, V(uint32_t, 1), EINVAL, "gone since version 1" },
	{ 24, {}, EINVAL, "gone since version 1" },
	{ 53, V(uint32_t, 1), EINVAL, "Unknown attribute type" },
	{ 3 | NLA_F_NESTED, V(uint32_t, 1), EINVAL, "NLA_F_NESTED not expected" },
	{ 22, {}, EINVAL, "NLA_F_NESTED is missing" },
	{ 23, {}, EINVAL, "NLA_F_NESTED is missing" },
	END
};

static void run_rows(const void *arg)
{
	test_rows(GENLTEST_TYPES, arg);
}

/* What is sent several times is read in order; of all others the last one counts. */
static void multi(const void *arg)
{
	static const char *const strings[] = { "b", "", "a2345678" };
	static const char addresses[4][7] = { "abcdef", "ghijkl", "abcdef", "\0\1\2\3\4\5" };
	static struct nl_msg want;
	struct nl_msg *m;
	struct peer p;
	uint8_t last;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_TYPES);
	for (uint32_t i = 0; i < 20; i++) {
		last = 10 + i % 11;
		nl_put_u32(m, 25, i * i);
		nl_put(m, 26, &last, 1);
		if (i < 3)
			nl_put_str(m, 35, strings[i]);
		if (i < 2)
			put_pair(m, 36, i, 7 - i);
		if (i < 4)
			nl_put(m, 45, addresses[i], 6);
	}
	EXPECT_OK(nl_send(&p.sock, m));
	peer_recv_reply(&p, m, GENLTEST_TYPES);

	want.len = 0;
	for (uint32_t i = 0; i < 20; i++)
		nl_put_u32(&want, 25, i * i);
	nl_put(&want, 26, &last, 1);
	for (uint32_t i = 0; i < 3; i++)
		nl_put_str(&want, 35, strings[i]);
	for (uint32_t i = 0; i < 2; i++)
		put_pair(&want, 36, i, 7 - i);
	for (uint32_t i = 0; i < 4; i++)
		nl_put(&want, 45, addresses[i], 6);
	EXPECT_BYTES(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), want.data, want.len);
}

/* Each occurrence is checked, not only the last one. */
static void multi_refused(const void *arg)
{
	struct nl_msg *m;
	struct peer p;
	size_t bad;

	test_open(&p);
	m = test_start(&p, 0, GENLTEST_TYPES);
	nl_put_u32(m, 25, 1);
	bad = m->len;
	nl_put(m, 25, "\x01\x02", 2);
	nl_put_u32(m, 25, 3);
	test_refused(&p, m, EINVAL, LENGTH, bad);

	m = test_start(&p, 0, GENLTEST_TYPES);
	nl_put_str(m, 35, "good");
	bad = m->len;
	nl_put_str(m, 35, "too long!");
	nl_put_str(m, 35, "good");
	test_refused(&p, m, EINVAL, FAILED, bad);
}

/* A number of 64 bits behind an attribute of 4 bytes is not aligned to 8. */
static void unaligned(const void *arg)
{
	struct peer p;

	test_open(&p);
	for (int flags = 0; flags < 4; flags++) {
		struct nl_msg *m = test_start(&p, 0, GENLTEST_TYPES);
		uint64_t value = 0x1122334455667788;
		const struct nlattr **attrs;

		for (int i = 0; i < flags; i++)
			nl_put(m, 14, NULL, 0);
		nl_put_u64(m, 4, value);
		attrs = test_ask(&p, m);
		EXPECT(attrs[4], "missing");
		EXPECT_EQ(nla_u64(attrs[4]), value);
	}
}

/* A dump of the policy tells the mask, which the tools do not show. */
static void told_mask(const void *arg)
{
	const struct nlattr *table, *rule, *attrs[NL_POLICY_TYPE_ATTR_MAX + 1];
	static struct nl_msg m;
	uint64_t mask = 0;
	struct peer p;
	size_t left;

	test_open(&p);
	nl_start(&m, GENL_ID_CTRL, NLM_F_DUMP, CTRL_CMD_GETPOLICY, 2);
	nl_put_str(&m, CTRL_ATTR_FAMILY_NAME, GENLTEST_NAME);
	nl_put_u32(&m, CTRL_ATTR_OP, GENLTEST_TYPES);
	EXPECT_OK(nl_send(&p.sock, &m));
	for (bool done = false; !done;) {
		struct nlmsghdr *nlh = nl_hdr(&m);
		ssize_t len = nl_recv(&p.sock, m.data, sizeof(m.data), 0);

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			const struct nlattr *top[CTRL_ATTR_MAX + 1];

			done = nlh->nlmsg_type == NLMSG_DONE;
			if (done)
				break;
			EXPECT_OK(nla_index(nl_attrs(nlh), nl_attrs_len(nlh), top,
					    CTRL_ATTR_MAX));
			if (!top[CTRL_ATTR_POLICY])
				continue;
			/* One attribute of one policy: a nest in a nest. */
			left = nla_len(top[CTRL_ATTR_POLICY]);
			table = nla_first(nla_data(top[CTRL_ATTR_POLICY]), &left);
			left = nla_len(table);
			rule = nla_first(nla_data(table), &left);
			if ((rule->nla_type & NLA_TYPE_MASK) != 30)
				continue;
			EXPECT_OK(nla_index(nla_data(rule), nla_len(rule), attrs,
					    NL_POLICY_TYPE_ATTR_MAX));
			EXPECT(attrs[NL_POLICY_TYPE_ATTR_MASK], "no mask");
			EXPECT(!attrs[NL_POLICY_TYPE_ATTR_MAX_VALUE_U], "a range");
			mask = nla_u64(attrs[NL_POLICY_TYPE_ATTR_MASK]);
		}
	}
	EXPECT_EQ(mask, 0xf0);
}

static const struct ktap_test tests[] = {
	/* covers: surface 1a */
	{ "each scalar comes back, at its bounds", run_rows, bounds },
	/* covers: surface 1a */
	{ "uint and sint have the shorter form where it fits", run_rows, any_size },
	/* covers: surface 1a */
	{ "scalars of another length are refused", run_rows, lengths },
	/* covers: surface 1b */
	{ "ranges hold at each edge", run_rows, ranges },
	/* covers: surface 1b */
	{ "ranges in network byte order hold at each edge", run_rows, network_ranges },
	/* covers: surface 4d */
	{ "numbers with the flag of network byte order", run_rows, network_flag },
	/* covers: surface 1b */
	{ "bits outside of a mask are refused", run_rows, masks },
	/* covers: surface 1e */
	{ "a dump of the policy tells a mask", told_mask },
	/* covers: surface 1b */
	{ "a check in Rust refuses with its text", run_rows, checks },
	/* covers: surface 1b */
	{ "a check in Rust of strings and binaries", run_rows, checks_of_bytes },
	/* covers: surface 1b */
	{ "a check in Rust of numbers in each form", run_rows, checks_of_forms },
	/* covers: surface 1b, surface 2e */
	{ "an array has its length, no more and no less", run_rows, arrays },
	/* covers: surface 1a */
	{ "strings, terminated and not", run_rows, strings },
	/* covers: surface 1b */
	{ "binaries: at most, exactly, from and to, at least", run_rows, binaries },
	/* covers: surface 1a */
	{ "bits of a bitfield32 that are not allowed are refused", run_rows, bitfields },
	/* covers: surface 1d */
	{ "rejected, unknown and nested by mistake", run_rows, rejects },
	/* covers: surface 2b, surface 2e */
	{ "what is sent several times is read in order", multi },
	/* covers: surface 2b */
	{ "of what is sent several times each is checked", multi_refused },
	/* covers: surface 2d */
	{ "64-bit numbers need not be aligned", unaligned },
};

int main(void)
{
	return test_run(tests, ARRAY_SIZE(tests));
}
