// SPDX-License-Identifier: GPL-2.0
/*
 * The C half of the module: it works with devices of the network, and gets all
 * that it needs from the handler in Rust.
 */
#include <linux/netdevice.h>

#include "devices.h"

/*
 * The index of the device that the request names, or a negative errno, with the
 * attribute that is to blame and a text.
 */
int devices_find(struct net *net, const struct genl_info *info,
		 struct netlink_ext_ack *extack)
{
	const struct nlattr *name = info->attrs[DEVICES_A_NAME];
	const struct nlattr *nest = info->attrs[DEVICES_A_BY_INDEX], *index = NULL;
	struct net_device *dev = NULL;
	int found = -ENODEV;

	if (nest)
		index = nla_find_nested(nest, DEVICES_A_INDEX);
	rcu_read_lock();
	if (name)
		dev = dev_get_by_name_rcu(net, nla_data(name));
	else if (index)
		dev = dev_get_by_index_rcu(net, nla_get_u32(index));
	if (dev)
		found = dev->ifindex;
	rcu_read_unlock();

	if (found > 0)
		return found;
	if (name)
		NL_SET_ERR_MSG_ATTR_FMT(extack, name, "no device is called %s",
					(const char *)nla_data(name));
	else if (index)
		NL_SET_ERR_MSG_ATTR(extack, index, "no device has this index");
	else
		NL_SET_ERR_ATTR_MISS(extack, nest, nest ? DEVICES_A_INDEX : DEVICES_A_NAME);
	return name || index ? found : -EINVAL;
}

/* Shows each device of the namespace to the other half. */
void devices_for_each(struct net *net, devices_seen_t *seen, void *context)
{
	struct net_device *dev;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev)
		seen(context, dev_net(dev), dev->ifindex);
	rcu_read_unlock();
}

/* The number of the family, if nobody listens to its only group. */
int devices_family(const struct genl_family *family, struct net *net)
{
	return genl_has_listeners(family, net, 0) ? 0 : family->id;
}

/* The port of the sender, if both sides of the request have the same. */
u32 devices_sender(const struct sk_buff *skb, const struct genl_info *info)
{
	return NETLINK_CB(skb).portid == info->snd_portid ? info->snd_portid : 0;
}
