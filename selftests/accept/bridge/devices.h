/* SPDX-License-Identifier: GPL-2.0 */
/* What the Rust half of the module calls; bridge_main.rs has the same prototypes. */
#ifndef DEVICES_H
#define DEVICES_H

#include <net/genetlink.h>

/* Attributes of a request. The nest has the index as its only attribute. */
enum { DEVICES_A_NAME = 1, DEVICES_A_BY_INDEX };
enum { DEVICES_A_INDEX = 1 };

typedef void devices_seen_t(void *context, struct net *net, int index);

int devices_find(struct net *net, const struct genl_info *info,
		 struct netlink_ext_ack *extack);
void devices_for_each(struct net *net, devices_seen_t *seen, void *context);
int devices_family(const struct genl_family *family, struct net *net);
u32 devices_sender(const struct sk_buff *skb, const struct genl_info *info);

#endif /* DEVICES_H */
