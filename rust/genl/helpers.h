/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What include/net/genetlink.h and include/linux/skbuff.h offer only inline,
 * as functions that Rust can call. bindgen reads this file, so that the Rust
 * declarations cannot differ from the C prototypes.
 */

#ifndef _GENL_RS_HELPERS_H
#define _GENL_RS_HELPERS_H

#include <linux/version.h>
#include <net/genetlink.h>
#include "genl_trace.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
#error "rust/genl needs Linux 7.3 or later: build against a newer kernel"
#endif

/* These are BIT() in include/net/genetlink.h, which bindgen does not evaluate. */
static const u8 __maybe_unused GENL_RS_MCAST_CAP_NET_ADMIN = GENL_MCAST_CAP_NET_ADMIN;
static const u8 __maybe_unused GENL_RS_MCAST_CAP_SYS_ADMIN = GENL_MCAST_CAP_SYS_ADMIN;

/* What the core allocates for a message whose size nobody has thought about. */
static const size_t __maybe_unused GENL_RS_GOODSIZE = NLMSG_GOODSIZE;

/* The longest request of which a copy is kept: it is allocated as 64 KiB. */
#define GENL_RS_DEFERRED_MAX	64512

/* A group is meant by its index into the table of its family. */
int genl_rs_multicast_netns(const struct genl_family *family, struct net *net,
			    struct sk_buff *skb, u32 portid, unsigned int group,
			    gfp_t flags);
struct sk_buff *genl_rs_copy(const struct sk_buff *skb, const struct nlmsghdr *nlh);
bool genl_rs_has_room(const struct sk_buff *request, size_t size);
bool genl_rs_may_answer(struct sk_buff *request, size_t size);
void genl_rs_charge(struct sk_buff *request, size_t messages, size_t size);
bool genl_rs_spend(struct sk_buff *request, size_t messages, size_t size);
int genl_rs_grow(struct sk_buff *skb, int more, gfp_t flags);

struct net *genl_rs_dump_net(const struct sk_buff *skb);
struct net *genl_rs_get_net(struct net *net);
void genl_rs_put_net(struct net *net);
void *genl_rs_net_generic(const struct net *net, unsigned int id);

void genl_rs_sock_hold(struct sock *sk);
void genl_rs_sock_put(struct sock *sk);
bool genl_rs_sock_dead(const struct sock *sk);

/*
 * What the current task is in the middle of: a callback of a family, or of the
 * core with one of its locks (then @family is NULL). A mark is on the stack.
 */
#define GENL_RS_MARK_WORDS	5
/* Returns whether the task is being killed. */
bool genl_rs_enter(unsigned long *mark, const void *family);
void genl_rs_leave(unsigned long *mark);
bool genl_rs_inside(const void *family);

/* The module that this is linked into, and what it does as its very last thing. */
struct module *genl_rs_this_module(void);
void genl_rs_at_end(void (*call)(void *), void *arg);

#endif /* _GENL_RS_HELPERS_H */
