// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions of generic netlink for Rust, nearly all of one call. A module that
 * uses rust/genl links this file in through a stub of one line.
 */

#include <net/netns/generic.h>
#include <net/sock.h>
#include "helpers.h"

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include "genl_trace.h"

/*
 * rust/genl writes messages and reads attributes by itself and relies on
 * these; a kernel in which one of them changes does not build.
 */
static_assert(NLMSG_ALIGNTO == 4 && NLMSG_HDRLEN == 16);
static_assert(NLA_ALIGNTO == 4 && NLA_HDRLEN == 4);
static_assert(GENL_HDRLEN == 4);
static_assert(offsetof(struct nlmsghdr, nlmsg_len) == 0);
static_assert(offsetof(struct nlmsghdr, nlmsg_type) == 4);
static_assert(offsetof(struct nlmsghdr, nlmsg_flags) == 6);
static_assert(offsetof(struct nlmsghdr, nlmsg_seq) == 8);
static_assert(offsetof(struct nlmsghdr, nlmsg_pid) == 12);
static_assert(offsetof(struct genlmsghdr, cmd) == 0);
static_assert(offsetof(struct genlmsghdr, version) == 1);
static_assert(NLA_TYPE_MASK == ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER));
static_assert(sizeof(((struct netlink_callback *)0)->ctx) == 48);

bool genl_rs_has_listeners(const struct genl_family *family, struct net *net,
			   unsigned int group)
{
	/* Below zero means a group that the family does not have. */
	return genl_has_listeners(family, net, group) > 0;
}

int genl_rs_multicast_netns(const struct genl_family *family, struct net *net,
			    struct sk_buff *skb, u32 portid, unsigned int group,
			    gfp_t flags)
{
	return genlmsg_multicast_netns(family, net, skb, portid, group, flags);
}

/*
 * One message of a datagram, as netlink_ack() wants it: the datagram itself may
 * have megabytes behind it. Whoever has the copy keeps both sockets.
 */
struct sk_buff *genl_rs_copy(const struct sk_buff *skb, const struct nlmsghdr *nlh)
{
	struct sk_buff *copy = alloc_skb(nlh->nlmsg_len, GFP_KERNEL_ACCOUNT);

	if (copy) {
		skb_put_data(copy, nlh, nlh->nlmsg_len);
		NETLINK_CB(copy) = NETLINK_CB(skb);
		copy->sk = skb->sk;
	}
	return copy;
}

void genl_rs_free(struct sk_buff *skb)
{
	nlmsg_free(skb);
}

int genl_rs_grow(struct sk_buff *skb, int more, gfp_t flags)
{
	unsigned int end = skb_end_offset(skb);
	int err = pskb_expand_head(skb, 0, more, flags);

	/*
	 * What belongs to a socket already is not charged anew, or readers that
	 * do not read could take any amount of memory; sock_rfree() gives back
	 * what truesize says.
	 */
	if (!err && skb->sk) {
		int grown = skb_end_offset(skb) - end;

		skb->truesize += grown;
		atomic_add(grown, &skb->sk->sk_rmem_alloc);
	}
	return err;
}

struct net *genl_rs_get_net(struct net *net)
{
	return get_net(net);
}

void genl_rs_put_net(struct net *net)
{
	put_net(net);
}

void *genl_rs_net_generic(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
}

void genl_rs_sock_hold(struct sock *sk)
{
	sock_hold(sk);
}

void genl_rs_sock_put(struct sock *sk)
{
	sock_put(sk);
}

bool genl_rs_sock_dead(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD);
}
