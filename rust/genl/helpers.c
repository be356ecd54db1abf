// SPDX-License-Identifier: GPL-2.0
/*
 * The C half of rust/genl: inline functions of the kernel's headers, what the requests of
 * a datagram have cost so far, which callback a task is in, and what a module does last of
 * all. A module that uses rust/genl links this file in through a stub of one line.
 */

#include <linux/hash.h>
#include <linux/moduleparam.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include "helpers.h"

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include "genl_trace.h"

/* What a module does not call is not in it: Kbuild looks what its other objects lack. */
#ifndef GENL_RS_NEEDS
#error "rust/genl: Kbuild has to include what the module needs of this file"
#endif

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

struct genl_rs_cb {
	struct netlink_skb_parms netlink;
	u32 spent;
};

static_assert(GENL_RS_DEFERRED_MAX <= SKB_WITH_OVERHEAD(65536));
static_assert(sizeof(struct genl_rs_cb) <= sizeof_field(struct sk_buff, cb));

#ifdef GENL_RS_NEEDS_multicast_netns
int genl_rs_multicast_netns(const struct genl_family *family, struct net *net,
			    struct sk_buff *skb, u32 portid, unsigned int group,
			    gfp_t flags)
{
	return genlmsg_multicast_netns(family, net, skb, portid, group, flags);
}
#endif

#ifdef GENL_RS_NEEDS_copy
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
#endif

/*
 * The messages of one datagram are handled in a row, and their replies go to a
 * queue that the sender reads when it is back from its system call. Replies
 * beyond what the queue has room for are of no use, and netlink would throw
 * them away. These have the rule of netlink_attachskb(), with the least that
 * an skb can be charged for: nothing is refused that would have gone in. Some
 * is built and thrown away all the same: what was allocated may be larger, and
 * a queue that was full counts as full until it is empty. What was spent
 * bounds that.
 *
 * Where another thread reads meanwhile the queue is never full. As if it were
 * not read, all that one datagram makes us send may take what the queue can
 * hold, or its sender would keep the lock of all families for as long as it
 * likes. What was spent is kept behind what netlink keeps in the datagram. An
 * update may get lost where a round of a dump runs at the same time; it need
 * not be exact.
 */
#if defined(GENL_RS_NEEDS_has_room) || defined(GENL_RS_NEEDS_may_answer)
bool genl_rs_has_room(const struct sk_buff *request, size_t size)
{
	const struct sock *sk = NETLINK_CB(request).sk;
	size_t queued = sk ? atomic_read(&sk->sk_rmem_alloc) : 0;

	return !queued || size_add(queued, SKB_TRUESIZE(size)) <= READ_ONCE(sk->sk_rcvbuf);
}
#endif

static inline size_t genl_rs_cost(size_t messages, size_t size)
{
	return size_mul(messages, size_add(size, SKB_TRUESIZE(0)));
}

static inline void genl_rs_set_spent(struct sk_buff *request, size_t spent)
{
	struct genl_rs_cb *cb = (struct genl_rs_cb *)request->cb;

	WRITE_ONCE(cb->spent, min_t(size_t, spent, U32_MAX));
}

#if defined(GENL_RS_NEEDS_spend) || defined(GENL_RS_NEEDS_may_answer)
/* To ask for a capability may be audited: not of those who lack it. */
static noinline bool genl_rs_may_overdraw(const struct sk_buff *request)
{
	return ns_capable_noaudit(&init_user_ns, CAP_NET_ADMIN) &&
	       netlink_capable(request, CAP_NET_ADMIN);
}

static __always_inline bool genl_rs_take(struct sk_buff *request, size_t cost)
{
	const struct genl_rs_cb *cb = (struct genl_rs_cb *)request->cb;
	const struct sock *sk = cb->netlink.sk;
	size_t before = READ_ONCE(cb->spent), spent = size_add(before, cost);

	if (unlikely(before && sk && spent > READ_ONCE(sk->sk_rcvbuf)) &&
	    !genl_rs_may_overdraw(request))
		return false;
	genl_rs_set_spent(request, spent);
	return true;
}
#endif

#ifdef GENL_RS_NEEDS_charge
void genl_rs_charge(struct sk_buff *request, size_t messages, size_t size)
{
	const struct genl_rs_cb *cb = (struct genl_rs_cb *)request->cb;

	genl_rs_set_spent(request, size_add(READ_ONCE(cb->spent), genl_rs_cost(messages, size)));
}
#endif

#ifdef GENL_RS_NEEDS_spend
bool genl_rs_spend(struct sk_buff *request, size_t messages, size_t size)
{
	return genl_rs_take(request, genl_rs_cost(messages, size));
}
#endif

#ifdef GENL_RS_NEEDS_may_answer
bool genl_rs_may_answer(struct sk_buff *request, size_t size)
{
	return genl_rs_has_room(request, size) && genl_rs_take(request, genl_rs_cost(1, size));
}
#endif

#ifdef GENL_RS_NEEDS_grow
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
#endif

#ifdef GENL_RS_NEEDS_dump_net
/* netlink_dump() charges the buffer to the socket of who reads it. */
struct net *genl_rs_dump_net(const struct sk_buff *skb)
{
	return sock_net(skb->sk);
}
#endif

#ifdef GENL_RS_NEEDS_get_net
struct net *genl_rs_get_net(struct net *net)
{
	return get_net(net);
}
#endif

#ifdef GENL_RS_NEEDS_put_net
void genl_rs_put_net(struct net *net)
{
	put_net(net);
}
#endif

#ifdef GENL_RS_NEEDS_net_generic
void *genl_rs_net_generic(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
}
#endif

#ifdef GENL_RS_NEEDS_sock_hold
void genl_rs_sock_hold(struct sock *sk)
{
	sock_hold(sk);
}
#endif

#ifdef GENL_RS_NEEDS_sock_put
void genl_rs_sock_put(struct sock *sk)
{
	sock_put(sk);
}
#endif

#ifdef GENL_RS_NEEDS_sock_dead
bool genl_rs_sock_dead(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD);
}
#endif

/*
 * A task in a callback has a slot, by its address, or a node in a list where
 * another has that. Nobody but the task itself looks for its marks.
 */
struct genl_rs_mark {
	struct genl_rs_slot *slot;
	struct hlist_node node;
	const struct task_struct *task;
	const void *family;
};

static_assert(sizeof(struct genl_rs_mark) == GENL_RS_MARK_WORDS * sizeof(long));

#define GENL_RS_SLOT_BITS	6

static struct genl_rs_slot {
	struct task_struct *task;
	const void *family;
} genl_rs_slots[1 << GENL_RS_SLOT_BITS];

static DEFINE_SPINLOCK(genl_rs_marks_lock);
static HLIST_HEAD(genl_rs_marks);

static noinline void genl_rs_enter_list(struct genl_rs_mark *mark,
					const void *family)
{
	mark->slot = NULL;
	mark->task = current;
	mark->family = family;
	spin_lock(&genl_rs_marks_lock);
	hlist_add_head(&mark->node, &genl_rs_marks);
	spin_unlock(&genl_rs_marks_lock);
}

static noinline void genl_rs_leave_list(struct genl_rs_mark *mark)
{
	spin_lock(&genl_rs_marks_lock);
	__hlist_del(&mark->node);
	spin_unlock(&genl_rs_marks_lock);
}

bool genl_rs_enter(unsigned long *words, const void *family)
{
	struct genl_rs_mark *mark = (struct genl_rs_mark *)words;
	struct genl_rs_slot *slot = &genl_rs_slots[hash_ptr(current, GENL_RS_SLOT_BITS)];

	if (unlikely(cmpxchg(&slot->task, NULL, current))) {
		genl_rs_enter_list(mark, family);
	} else {
		slot->family = family;
		mark->slot = slot;
	}
	return fatal_signal_pending(current);
}

void genl_rs_leave(unsigned long *words)
{
	struct genl_rs_mark *mark = (struct genl_rs_mark *)words;

	if (unlikely(!mark->slot)) {
		genl_rs_leave_list(mark);
		return;
	}
	/* Pairs with cmpxchg() in genl_rs_enter(): the next task writes its family later. */
	smp_store_release(&mark->slot->task, NULL);
}

bool genl_rs_inside(const void *family)
{
	const struct genl_rs_mark *mark;
	const struct genl_rs_slot *slot;
	bool inside = false;

	for (slot = genl_rs_slots; slot < genl_rs_slots + ARRAY_SIZE(genl_rs_slots); slot++)
		inside |= READ_ONCE(slot->task) == current &&
			  (!slot->family || slot->family == family);
	/* Only process context ends a family, and no interrupt has a mark. */
	spin_lock(&genl_rs_marks_lock);
	hlist_for_each_entry(mark, &genl_rs_marks, node)
		inside |= mark->task == current &&
			  (!mark->family || mark->family == family);
	spin_unlock(&genl_rs_marks_lock);
	return inside;
}

struct module *genl_rs_this_module(void)
{
	return THIS_MODULE;
}

static void (*genl_rs_end_call)(void *);
static void *genl_rs_end_arg;

void genl_rs_at_end(void (*call)(void *), void *arg)
{
	genl_rs_end_call = call;
	genl_rs_end_arg = arg;
}

static int genl_rs_no_param(const char *value, const struct kernel_param *param)
{
	return -ENOENT;
}

static void genl_rs_end(void *unused)
{
	if (genl_rs_end_call)
		genl_rs_end_call(genl_rs_end_arg);
}

/*
 * A module notifier hears that its own module goes, and cannot unregister
 * itself while it is called. The parameters of a module are freed after that
 * and before its text, on each way out (free_module()), so a parameter that
 * nobody can set is told last of all.
 */
static const struct kernel_param_ops genl_rs_end_ops = {
	.set = genl_rs_no_param,
	.free = genl_rs_end,
};
module_param_cb(genl_rs_end, &genl_rs_end_ops, NULL, 0);
