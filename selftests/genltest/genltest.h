/* SPDX-License-Identifier: GPL-2.0 */
/*
 * genltest in C: its commands, and what the tests of it have in common. The
 * family is written by hand, so that these numbers stand here and in
 * selftests/genltest/module/. A program loads it for its own tests and unloads it after.
 */
#ifndef GENLTEST_H
#define GENLTEST_H

#include <linux/capability.h>

#include "module.h"

#define GENLTEST_NAME	"genltest"
#define SERIAL_NAME	"genltest-serial"

enum {
	GENLTEST_OLD = 1,
	GENLTEST_TYPES,
	GENLTEST_REFUSE,
	GENLTEST_SEVERAL,
	GENLTEST_DEFER,
	GENLTEST_GUARDED,
	GENLTEST_GUARDED_SET,
	GENLTEST_OBJECTS,	/* a do that changes them, and a dump */
	GENLTEST_TELL,
	GENLTEST_WATCHED,
	GENLTEST_NEWS,		/* of each group */
	GENLTEST_WHO,
	GENLTEST_COUNT,
	GENLTEST_ADMIN_ONLY,
	GENLTEST_NETNS_ADMIN_ONLY,
	GENLTEST_BUSY,
	GENLTEST_HOLD,
	GENLTEST_OWN,
	GENLTEST_STAY,
	GENLTEST_NESTS,
	GENLTEST_NETNS = 40,
	GENLTEST_MIRROR,
	GENLTEST_DEVICE,
	GENLTEST_OPTIONS,
	GENLTEST_KEEP,
};

/* The payload of an attribute, in a table. */
struct payload {
	const void *data;
	size_t len;
};

#define V(type, value)	((struct payload){ &(const type){ value }, sizeof(type) })
#define B(bytes)	((struct payload){ bytes, sizeof(bytes) - 1 })

#define GENLTEST_MAX	52	/* no message has an attribute above this */

static inline void test_open(struct peer *p)
{
	struct nl_sock s;

	/* A test may have failed with the module unloaded. */
	if (!loaded("genltest"))
		EXPECT_EQ(load("GENLTEST_KO"), 0);
	EXPECT_OK(nl_open(&s));
	EXPECT_OK(nl_get_family(&s, GENLTEST_NAME, 0, &p->family));
	nl_close(&s);
	EXPECT_OK(nl_open(&p->sock));
}

/* Begin a request on the socket of a test, with room that is used again. */
static inline struct nl_msg *test_start(struct peer *p, uint16_t flags, uint8_t cmd)
{
	static struct nl_msg m;

	nl_start(&m, p->family.id, flags, cmd, 1);
	return &m;
}

/* Send a request and receive its reply, whose attributes are indexed. */
static inline const struct nlattr **test_ask(struct peer *p, struct nl_msg *m)
{
	static const struct nlattr *attrs[GENLTEST_MAX + 1];
	uint8_t cmd = nl_genl(nl_hdr(m))->cmd;

	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv_reply(p, m, cmd);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), attrs,
			    GENLTEST_MAX));
	return attrs;
}

/* A nest of two numbers. */
static inline void put_pair(struct nl_msg *m, uint16_t type, uint32_t a, uint16_t b)
{
	size_t nest = nl_nest(m, type);

	nl_put_u32(m, 1, a);
	nl_put(m, 2, &b, sizeof(b));
	nl_nest_end(m, nest);
}

/* A number of 32 bits that a reply must have. */
static inline uint32_t test_u32(const struct nlattr **attrs, int type)
{
	if (!attrs[type])
		FAIL("no attribute %d", type);
	EXPECT_EQ(nla_len(attrs[type]), 4);
	return nla_u32(attrs[type]);
}

/* Send a request, and it is refused with all of this, once. */
static inline void test_refused(struct peer *p, struct nl_msg *m, int error,
				const char *text, int64_t offset)
{
	struct nl_ack ack;

	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv_ack(p, m, error, &ack);
	EXPECT_STR(ack.text, text);
	EXPECT_EQ(ack.offset, offset);
	EXPECT_EQ(ack.missing, -1);
	peer_expect_silence(p);
}

/* What lib/nlattr.c says. */
#define FAILED		"Attribute failed policy validation"
#define LENGTH		"invalid attribute length"
#define INTEGER		"integer out of range"
#define BINARY		"binary attribute size out of range"
#define RESERVED	"reserved bit set"

/* An attribute, and how a command answers it that returns what it has read. */
struct attr_row {
	uint16_t type;
	struct payload sent;
	int error;		/* 0: it comes back */
	const char *text;
	struct payload back;	/* where it is not what was sent */
};

/* A terminated list of rows, as the argument of a test. */
#define ROWS(name)	static const struct attr_row name[]
#define END		{ 0 }

/* A request for each row, with its attribute only. */
static inline void test_rows(uint8_t cmd, const struct attr_row *rows)
{
	struct peer p;

	test_open(&p);
	for (const struct attr_row *row = rows; row->type; row++) {
		struct nl_msg *m = test_start(&p, 0, cmd);
		static struct nl_msg want;
		char what[96];
		struct nl_ack ack;
		int err;

		snprintf(what, sizeof(what), "row %zu, attribute %u with %zu bytes",
			 row - rows, row->type & NLA_TYPE_MASK, row->sent.len);
		nl_put(m, row->type, row->sent.data, row->sent.len);
		EXPECT_OK(nl_send(&p.sock, m));
		peer_recv(&p, m);
		err = nl_read_ack(nl_hdr(m), &ack) ? 0 : -ack.error;
		if (err != row->error)
			FAIL("%s: %s, not %s: %s", what, strerror(err),
			     strerror(row->error), ack.text ?: "no text");
		if (err) {
			if (!ack.text || strcmp(ack.text, row->text) ||
			    ack.offset != NL_ATTRS)
				FAIL("%s: \"%s\" at %lld", what, ack.text ?: "",
				     (long long)ack.offset);
			continue;
		}
		want.len = 0;
		if (row->back.data)
			nl_put(&want, row->type, row->back.data, row->back.len);
		else
			nl_put(&want, row->type, row->sent.data, row->sent.len);
		if (nl_attrs_len(nl_hdr(m)) != want.len ||
		    memcmp(nl_attrs(nl_hdr(m)), want.data, want.len))
			DIAG("%s:", what);
		EXPECT_BYTES(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)),
			     want.data, want.len);
	}
	peer_expect_silence(&p);
}

/* The socket is alive, and nothing came before: a request with one reply. */
static inline void test_ping(struct peer *p)
{
	struct nl_msg *m = test_start(p, 0, GENLTEST_SEVERAL);

	nl_put_u32(m, 1, 1);
	EXPECT_EQ(test_u32(test_ask(p, m), 1), 1);
}

/* An attribute of an error message or an ack, or NULL. */
static inline const struct nlattr *test_ack_attr(const struct nlmsghdr *nlh, int type)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	const struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];
	size_t skip = NLMSG_HDRLEN + sizeof(*err);

	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	EXPECT_OK(nla_index((const char *)nlh + skip, nlh->nlmsg_len - skip, attrs,
			    NLMSGERR_ATTR_MAX));
	return attrs[type];
}

/* The cookie of the network namespace of a socket. */
static inline uint64_t netns_cookie(struct peer *p)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	EXPECT_EQ(getsockopt(p->sock.fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len), 0);
	return cookie;
}

/* Become root of a user namespace of one's own: all capabilities, but only there. */
static inline void enter_user_namespace(int more)
{
	char map[32];
	int uid = getuid(), gid = getgid();

	/* Or its files in /proc are not its own, after it has become another user. */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | more))
		SKIP("no user namespaces: %s", strerror(errno));
	EXPECT_OK(write_file("/proc/self/setgroups", "deny"));
	snprintf(map, sizeof(map), "0 %d 1", uid);
	EXPECT_OK(write_file("/proc/self/uid_map", map));
	snprintf(map, sizeof(map), "0 %d 1", gid);
	EXPECT_OK(write_file("/proc/self/gid_map", map));
	EXPECT_EQ(setuid(0), 0);
}

/* Have this capability, one of the first 32, and no other one. */
static inline void only_capability(int cap)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = { 0 };

	caps[0].effective = 1u << cap;
	caps[0].permitted = 1u << cap;
	EXPECT_EQ(syscall(SYS_capset, &header, caps), 0);
}

/* Unload a module as soon as nothing holds it; returns 0 or an errno. */
static inline int unload_soon(const char *name)
{
	int64_t end = ktap_now_ms() + slow(KTAP_DEADLINE_MS);
	int err;

	/* What closed sockets held goes a little later. */
	while ((err = unload(name)) && (err == EAGAIN || err == EBUSY) &&
	       ktap_now_ms() < end)
		ktap_pause();
	return err;
}

/* Load a module for the tests, which are skipped without its file; returns 0 or 1. */
static inline int test_load(const char *name, const char *variable)
{
	const char *path = getenv(variable);
	int err;

	if (!path || !*path || access(path, R_OK))
		ksft_exit_skip("set %s to the file of the module\n", variable);
	if (loaded(name))
		return 0;
	err = load(variable);
	if (err) {
		DIAG("%s cannot be loaded: %s", name, strerror(err));
		return KSFT_FAIL;
	}
	return 0;
}

/* Run tests with genltest loaded. */
static inline int test_run(const struct ktap_test *tests, size_t count)
{
	int rc = test_load("genltest", "GENLTEST_KO"), err;

	if (rc)
		return rc;
	rc = ktap_run(tests, count);
	err = unload_soon("genltest");
	if (err) {
		DIAG("genltest cannot be unloaded: %s", strerror(err));
		return KSFT_FAIL;
	}
	return rc;
}

#endif /* GENLTEST_H */
