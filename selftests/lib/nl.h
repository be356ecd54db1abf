/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client of generic netlink on a raw socket, in one header and with nothing
 * beside libc: building requests, sending, receiving, walking attributes,
 * reading extended acks, resolving a family.
 *
 * It is raw on purpose. Most tests send what libmnl, libnl and YNL's library in C do
 * not send: attributes with a wrong length, several requests in one datagram,
 * requests of which the reply is never fetched. They look at each byte of a reply,
 * and say when and into how large a buffer it is received. Programs such as
 * genl_parallel would do with a library, but ask genltest, which has no spec that
 * YNL could make a client of; they take this one, as the others do. Where raw is
 * not the point at all, tests ask through YNL in Python (family.py, nl_tools.py),
 * and those in clients/ through libmnl, libnl and YNL in C, among others.
 *
 * Functions return a negative errno where they fail. Messages have a fixed
 * size, since this is a client for tests; overrunning one is a bug of the test
 * and aborts.
 */
#ifndef NL_H
#define NL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "slow.h"

#define NL_MSG_SIZE	(3 * 65536)
/* Offset of the first attribute in a message of a family without own header. */
#define NL_ATTRS	(NLMSG_HDRLEN + GENL_HDRLEN)
/* How long to wait for a message that has to come. */
#define NL_TIMEOUT_SEC	10

struct nl_sock {
	int fd;
	uint32_t portid;
	uint32_t seq;
};

struct nl_msg {
	size_t len;
	union {
		struct nlmsghdr hdr;	/* for the alignment */
		unsigned char data[NL_MSG_SIZE];
	};
};

static inline struct nlmsghdr *nl_hdr(const struct nl_msg *m)
{
	return (struct nlmsghdr *)m->data;
}

static inline struct genlmsghdr *nl_genl(const struct nlmsghdr *nlh)
{
	return NLMSG_DATA(nlh);
}

/* Room for @len bytes at the end of a message, zeroed. */
static inline void *nl_reserve(struct nl_msg *m, size_t len)
{
	void *room = m->data + m->len;

	if (len > NL_MSG_SIZE - m->len)
		abort();
	memset(room, 0, len);
	m->len += len;
	return room;
}

/* Begin a message; its length and sequence number are filled in by nl_send(). */
static inline void nl_start(struct nl_msg *m, uint16_t family, uint16_t flags,
			    uint8_t cmd, uint8_t version)
{
	m->len = 0;
	nl_reserve(m, NL_ATTRS);
	nl_hdr(m)->nlmsg_type = family;
	nl_hdr(m)->nlmsg_flags = NLM_F_REQUEST | flags;
	nl_genl(nl_hdr(m))->cmd = cmd;
	nl_genl(nl_hdr(m))->version = version;
}

/* Add an attribute. @data may be NULL, for a payload of zeros. */
static inline void nl_put(struct nl_msg *m, uint16_t type, const void *data,
			  size_t len)
{
	struct nlattr *nla = nl_reserve(m, NLA_HDRLEN + NLA_ALIGN(len));

	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + len;
	if (data && len)
		memcpy((unsigned char *)nla + NLA_HDRLEN, data, len);
}

static inline void nl_put_u32(struct nl_msg *m, uint16_t type, uint32_t value)
{
	nl_put(m, type, &value, sizeof(value));
}

static inline void nl_put_u64(struct nl_msg *m, uint16_t type, uint64_t value)
{
	nl_put(m, type, &value, sizeof(value));
}

static inline void nl_put_str(struct nl_msg *m, uint16_t type, const char *str)
{
	nl_put(m, type, str, strlen(str) + 1);
}

/* Open a nest; what is added up to nl_nest_end() goes into it. */
static inline size_t nl_nest(struct nl_msg *m, uint16_t type)
{
	size_t start = m->len;

	nl_put(m, type | NLA_F_NESTED, NULL, 0);
	return start;
}

static inline void nl_nest_end(struct nl_msg *m, size_t start)
{
	((struct nlattr *)(m->data + start))->nla_len = m->len - start;
}

/* Open and bind a socket that asks for extended acks. */
/* A socket with the port @portid, or with one that the kernel chooses for 0. */
static inline int nl_open_at(struct nl_sock *s, uint32_t portid)
{
	struct timeval timeout = { .tv_sec = slow(NL_TIMEOUT_SEC) };
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = portid };
	socklen_t len = sizeof(addr);
	int one = 1;

	s->seq = 0;
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (s->fd < 0)
		return -errno;
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(s->fd, (struct sockaddr *)&addr, &len)) {
		int err = -errno;

		close(s->fd);
		return err;
	}
	s->portid = addr.nl_pid;
	return 0;
}

static inline int nl_open(struct nl_sock *s)
{
	return nl_open_at(s, 0);
}

static inline void nl_close(struct nl_sock *s)
{
	close(s->fd);
	s->fd = -1;
}

/* Send bytes to the kernel as they are. */
static inline int nl_send_raw(struct nl_sock *s, const void *data, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t sent = sendto(s->fd, data, len, 0, (struct sockaddr *)&kernel,
			      sizeof(kernel));

	return sent < 0 ? -errno : 0;
}

/* Complete a message with its length and the next sequence number. */
static inline void nl_finish(struct nl_sock *s, struct nl_msg *m)
{
	nl_hdr(m)->nlmsg_len = m->len;
	nl_hdr(m)->nlmsg_seq = ++s->seq;
}

static inline int nl_send(struct nl_sock *s, struct nl_msg *m)
{
	nl_finish(s, m);
	return nl_send_raw(s, m->data, m->len);
}

/*
 * Receive one datagram from the kernel. With @flags MSG_DONTWAIT, -EAGAIN says
 * that there is none; without, that none came in time.
 */
static inline ssize_t nl_recv(struct nl_sock *s, void *buf, size_t size, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct sockaddr_nl from = { 0 };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t len = recvmsg(s->fd, &msg, flags);

	if (len < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	/* Any process may send to our port; only port 0 is the kernel. */
	if (msg.msg_namelen != sizeof(from) || from.nl_pid)
		return -EBADMSG;
	return len;
}

/* Receive one datagram into a message. */
static inline int nl_recv_msg(struct nl_sock *s, struct nl_msg *m)
{
	ssize_t len = nl_recv(s, m->data, sizeof(m->data), 0);

	if (len < 0)
		return len;
	m->len = len;
	return NLMSG_OK(nl_hdr(m), m->len) ? 0 : -EBADMSG;
}

static inline const struct nlattr *nl_attrs(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)nlh + NL_ATTRS);
}

static inline size_t nl_attrs_len(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len < NL_ATTRS ? 0 : nlh->nlmsg_len - NL_ATTRS;
}

static inline const void *nla_data(const struct nlattr *nla)
{
	return (const char *)nla + NLA_HDRLEN;
}

static inline size_t nla_len(const struct nlattr *nla)
{
	return nla->nla_len - NLA_HDRLEN;
}

/* Payloads are aligned to 4 bytes only, hence the copies. */
static inline uint64_t nla_u64(const struct nlattr *nla)
{
	uint64_t value;

	memcpy(&value, nla_data(nla), sizeof(value));
	return value;
}

static inline uint32_t nla_u32(const struct nlattr *nla)
{
	uint32_t value;

	memcpy(&value, nla_data(nla), sizeof(value));
	return value;
}

static inline uint16_t nla_u16(const struct nlattr *nla)
{
	uint16_t value;

	memcpy(&value, nla_data(nla), sizeof(value));
	return value;
}

/*
 * Step through @len bytes of attributes: the next one, and *@len is what
 * remains from it on; NULL at the end, with *@len 0 unless bytes are left over.
 */
static inline const struct nlattr *nla_first(const void *head, size_t *len)
{
	const struct nlattr *nla = head;

	if (*len < NLA_HDRLEN || nla->nla_len < NLA_HDRLEN || nla->nla_len > *len)
		return NULL;
	return nla;
}

static inline const struct nlattr *nla_next(const struct nlattr *nla, size_t *len)
{
	size_t step = NLA_ALIGN(nla->nla_len);

	/* The padding of the last attribute may be missing. */
	*len -= step < *len ? step : *len;
	return nla_first((const char *)nla + step, len);
}

#define nla_for_each(nla, head, len, left)				\
	for (left = (len), nla = nla_first(head, &left); nla;		\
	     nla = nla_next(nla, &left))

/*
 * Index attributes by type. Returns -EBADMSG where bytes are left over, where a
 * type is above @max, or where one comes twice.
 */
static inline int nla_index(const void *head, size_t len,
			    const struct nlattr **index, int max)
{
	const struct nlattr *nla;
	size_t left;

	memset(index, 0, sizeof(*index) * (max + 1));
	nla_for_each(nla, head, len, left) {
		int type = nla->nla_type & NLA_TYPE_MASK;

		if (type > max || index[type])
			return -EBADMSG;
		index[type] = nla;
	}
	return left ? -EBADMSG : 0;
}

/* What an NLMSG_ERROR message says; no extended ack leaves NULL and -1. */
struct nl_ack {
	int error;
	const char *text;
	int64_t offset;
	int64_t missing;
	int64_t missing_nest;
};

static inline int nl_read_ack(const struct nlmsghdr *nlh, struct nl_ack *ack)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	const struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];
	size_t skip = NLMSG_HDRLEN + sizeof(*err);

	*ack = (struct nl_ack){ .offset = -1, .missing = -1, .missing_nest = -1 };
	if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_len < skip)
		return -EBADMSG;
	ack->error = err->error;

	/* The request is quoted as a whole, unless the header says otherwise. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	if (nlh->nlmsg_len < skip ||
	    nla_index((const char *)nlh + skip, nlh->nlmsg_len - skip, attrs,
		      NLMSGERR_ATTR_MAX))
		return -EBADMSG;
	if (attrs[NLMSGERR_ATTR_MSG])
		ack->text = nla_data(attrs[NLMSGERR_ATTR_MSG]);
	if (attrs[NLMSGERR_ATTR_OFFS])
		ack->offset = nla_u32(attrs[NLMSGERR_ATTR_OFFS]);
	if (attrs[NLMSGERR_ATTR_MISS_TYPE])
		ack->missing = nla_u32(attrs[NLMSGERR_ATTR_MISS_TYPE]);
	if (attrs[NLMSGERR_ATTR_MISS_NEST])
		ack->missing_nest = nla_u32(attrs[NLMSGERR_ATTR_MISS_NEST]);
	return 0;
}

/* A family as nlctrl describes it. */
struct nl_family {
	uint16_t id;
	uint32_t version;
	uint32_t hdrsize;
	uint32_t maxattr;
	char name[GENL_NAMSIZ];
	int nops;
	struct {
		uint32_t id;
		uint32_t flags;
	} ops[256];
	int ngroups;
	struct {
		uint32_t id;
		char name[GENL_NAMSIZ];
	} groups[8];
};

static inline void nl_read_name(char *name, const struct nlattr *nla)
{
	size_t len = nla_len(nla) < GENL_NAMSIZ ? nla_len(nla) : GENL_NAMSIZ - 1;

	memcpy(name, nla_data(nla), len);
	name[len] = '\0';
}

/* Read a message of nlctrl: CTRL_CMD_NEWFAMILY, or one of its notifications. */
static inline int nl_read_family(const struct nlmsghdr *nlh, struct nl_family *f)
{
	const struct nlattr *attrs[CTRL_ATTR_MAX + 1], *op[CTRL_ATTR_OP_MAX + 1];
	const struct nlattr *grp[CTRL_ATTR_MCAST_GRP_MAX + 1], *nla;
	size_t left;

	memset(f, 0, sizeof(*f));
	if (nlh->nlmsg_type != GENL_ID_CTRL ||
	    nla_index(nl_attrs(nlh), nl_attrs_len(nlh), attrs, CTRL_ATTR_MAX))
		return -EBADMSG;
	if (attrs[CTRL_ATTR_FAMILY_NAME])
		nl_read_name(f->name, attrs[CTRL_ATTR_FAMILY_NAME]);
	if (attrs[CTRL_ATTR_FAMILY_ID])
		f->id = nla_u16(attrs[CTRL_ATTR_FAMILY_ID]);
	if (attrs[CTRL_ATTR_VERSION])
		f->version = nla_u32(attrs[CTRL_ATTR_VERSION]);
	if (attrs[CTRL_ATTR_HDRSIZE])
		f->hdrsize = nla_u32(attrs[CTRL_ATTR_HDRSIZE]);
	if (attrs[CTRL_ATTR_MAXATTR])
		f->maxattr = nla_u32(attrs[CTRL_ATTR_MAXATTR]);

	nla = attrs[CTRL_ATTR_OPS];
	if (nla) {
		nla_for_each(nla, nla_data(nla), nla_len(nla), left) {
			if (f->nops == 256 ||
			    nla_index(nla_data(nla), nla_len(nla), op,
				      CTRL_ATTR_OP_MAX) ||
			    !op[CTRL_ATTR_OP_ID] || !op[CTRL_ATTR_OP_FLAGS])
				return -EBADMSG;
			f->ops[f->nops].id = nla_u32(op[CTRL_ATTR_OP_ID]);
			f->ops[f->nops++].flags = nla_u32(op[CTRL_ATTR_OP_FLAGS]);
		}
	}
	nla = attrs[CTRL_ATTR_MCAST_GROUPS];
	if (nla) {
		nla_for_each(nla, nla_data(nla), nla_len(nla), left) {
			if (f->ngroups == 8 ||
			    nla_index(nla_data(nla), nla_len(nla), grp,
				      CTRL_ATTR_MCAST_GRP_MAX) ||
			    !grp[CTRL_ATTR_MCAST_GRP_ID] ||
			    !grp[CTRL_ATTR_MCAST_GRP_NAME])
				return -EBADMSG;
			f->groups[f->ngroups].id =
				nla_u32(grp[CTRL_ATTR_MCAST_GRP_ID]);
			nl_read_name(f->groups[f->ngroups++].name,
				     grp[CTRL_ATTR_MCAST_GRP_NAME]);
		}
	}
	return 0;
}

/* Ask nlctrl for a family by its name, or by @id where @name is NULL. */
static inline int nl_get_family(struct nl_sock *s, const char *name, uint16_t id,
				struct nl_family *f)
{
	static struct nl_msg m;
	struct nl_ack ack;
	int err;

	nl_start(&m, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 2);
	if (name)
		nl_put_str(&m, CTRL_ATTR_FAMILY_NAME, name);
	else
		nl_put(&m, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	err = nl_send(s, &m);
	if (!err)
		err = nl_recv_msg(s, &m);
	if (err)
		return err;
	if (nl_hdr(&m)->nlmsg_seq != s->seq)
		return -EBADMSG;
	if (!nl_read_ack(nl_hdr(&m), &ack))
		return ack.error ? ack.error : -EBADMSG;
	return nl_read_family(nl_hdr(&m), f);
}

static inline int nl_group(const struct nl_family *f, const char *name)
{
	for (int i = 0; i < f->ngroups; i++)
		if (!strcmp(f->groups[i].name, name))
			return f->groups[i].id;
	return -ENOENT;
}

/* Join or leave a multicast group. */
static inline int nl_membership(struct nl_sock *s, int group, bool join)
{
	int opt = join ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;

	if (setsockopt(s->fd, SOL_NETLINK, opt, &group, sizeof(group)))
		return -errno;
	return 0;
}

#endif /* NL_H */
