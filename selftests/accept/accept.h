/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the acceptance tests have in common: their families, which are small and
 * look alike, and the modules that these are in.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include "genltest.h"

/* How often something is repeated: TEST_LOOPS says so where there is time, up to @most. */
static inline int loops(int otherwise, int most)
{
	const char *value = getenv("TEST_LOOPS");
	int count = value ? atoi(value) : 0;

	if (count <= 0)
		return otherwise;
	return count < most ? count : most;
}

/* A socket for a family, which is there. */
static inline void open_family(struct peer *p, const char *name)
{
	EXPECT(find_family(name, &p->family), "there is no family %s", name);
	EXPECT_OK(nl_open(&p->sock));
}

/* A socket that listens to the one group of a family. */
static inline void open_listener(struct peer *p, const char *name, const char *group)
{
	open_family(p, name);
	EXPECT_EQ(p->family.ngroups, 1);
	EXPECT_OK(nl_membership(&p->sock, nl_group(&p->family, group), true));
}

static inline bool is_there(const char *name)
{
	struct nl_family f;

	return find_family(name, &f);
}

/* The attributes of the next message, from 1 to 3, and its sequence number. */
static inline const struct nlattr **recv_attrs(struct peer *p, uint8_t cmd, uint32_t *seq)
{
	static const struct nlattr *attrs[4];
	static struct nl_msg m;

	peer_recv(p, &m);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_type, p->family.id);
	EXPECT_EQ(nl_genl(nl_hdr(&m))->cmd, cmd);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(&m)), nl_attrs_len(nl_hdr(&m)), attrs, 3));
	*seq = nl_hdr(&m)->nlmsg_seq;
	return attrs;
}

/* The attributes of the next message, which nobody has asked for, from 1 to 3. */
static inline const struct nlattr **recv_told(struct peer *p, uint8_t cmd)
{
	uint32_t seq;
	const struct nlattr **attrs = recv_attrs(p, cmd, &seq);

	EXPECT_EQ(seq, 0);
	return attrs;
}

/* A buffer for one datagram of a dump, small enough for a dump to need several. */
#define DUMP_BUFFER	8192

/* How a dump of numbers has gone so far: they are counted up from 0. */
struct numbers {
	uint32_t next;
	bool done;
	int error;		/* of the request or of the dump, negative */
};

/*
 * Receive a datagram of a dump; an empty one ends it as well, with the error that
 * the kernel has kept for us.
 */
static inline void numbers_recv(struct peer *p, struct numbers *n)
{
	static unsigned char buffer[DUMP_BUFFER];
	struct nlmsghdr *nlh = (void *)buffer;
	const struct nlattr *attrs[2];
	ssize_t len = nl_recv(&p->sock, buffer, sizeof(buffer), 0);

	EXPECT_OK(len);
	EXPECT(len, "an empty datagram");
	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		EXPECT(!n->done, "a message after the end");
		EXPECT_EQ(nlh->nlmsg_seq, p->sock.seq);
		if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
			n->done = true;
			n->error = *(int *)NLMSG_DATA(nlh);
			continue;
		}
		EXPECT_EQ(nlh->nlmsg_type, p->family.id);
		EXPECT_OK(nla_index(nl_attrs(nlh), nl_attrs_len(nlh), attrs, 1));
		EXPECT_EQ(test_u32(attrs, 1), n->next);
		n->next++;
	}
}

/* Begin a dump, and receive what comes first. */
static inline void numbers_begin(struct peer *p, uint8_t cmd, struct numbers *n)
{
	*n = (struct numbers){ 0 };
	EXPECT_OK(nl_send(&p->sock, test_start(p, NLM_F_DUMP, cmd)));
	numbers_recv(p, n);
}

static inline void numbers_end(struct peer *p, struct numbers *n)
{
	while (!n->done)
		numbers_recv(p, n);
	peer_expect_silence(p);
}

/* Load modules, run tests, unload the modules, the last one first. */
struct module {
	const char *name, *variable;
};

static inline int accept_run(const struct module *modules, size_t nmodules,
			     const struct ktap_test *tests, size_t ntests)
{
	int rc = KSFT_PASS;
	size_t i;

	for (i = 0; i < nmodules && !rc; i++)
		rc = test_load(modules[i].name, modules[i].variable);
	if (!rc)
		rc = ktap_run(tests, ntests);
	while (i--) {
		int err = loaded(modules[i].name) ? unload_soon(modules[i].name) : 0;

		if (!err)
			continue;
		DIAG("%s cannot be unloaded: %s", modules[i].name, strerror(err));
		rc = KSFT_FAIL;
	}
	return rc;
}

#endif /* ACCEPT_H */
