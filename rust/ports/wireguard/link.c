// SPDX-License-Identifier: GPL-2.0
/*
 * The C half of the module: interfaces of the kind "wireguard". Each has a device, which
 * is the Rust half's; here it is only kept, and found again. There is no data plane: what
 * is sent through an interface is dropped.
 */
#include <crypto/utils.h>
#include <linux/if_arp.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/udp.h>
#include <net/ip_tunnels.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>

#include "link.h"

/* What the headers of C's messages take of a packet: IPv6, UDP, and their own. */
#define OVERHEAD	(sizeof(struct ipv6hdr) + sizeof(struct udphdr) + 32)
#define PADDING		16

#define KEY_LEN		32

struct wg_link {
	struct list_head list;
	struct net_device *dev;
	const void *device;
	struct net __rcu *creating_net;
};

/* All interfaces, under the rtnl lock. */
static LIST_HEAD(links);

static int link_init(struct net_device *dev)
{
	struct wg_link *link = netdev_priv(dev);

	link->device = genl_wg_device_new(dev);
	if (!link->device)
		return -ENOMEM;
	list_add(&link->list, &links);
	return 0;
}

/* Nobody finds it any more: the core has waited for those who read under RCU. */
static void link_uninit(struct net_device *dev)
{
	struct wg_link *link = netdev_priv(dev);

	list_del(&link->list);
	genl_wg_device_gone(link->device);
}

static netdev_tx_t link_xmit(struct sk_buff *skb, struct net_device *dev)
{
	DEV_STATS_INC(dev, tx_errors);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops link_netdev_ops = {
	.ndo_init = link_init,
	.ndo_uninit = link_uninit,
	.ndo_start_xmit = link_xmit,
};

static const struct device_type link_type = { .name = "wireguard" };

static void link_setup(struct net_device *dev)
{
	struct wg_link *link = netdev_priv(dev);

	link->dev = dev;
	dev->netdev_ops = &link_netdev_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->lltx = true;
	dev->mtu = ETH_DATA_LEN - OVERHEAD;
	dev->max_mtu = round_down(INT_MAX, PADDING) - OVERHEAD;
	dev->needs_free_netdev = true;
	SET_NETDEV_DEVTYPE(dev, &link_type);
}

static int link_new(struct net_device *dev, struct rtnl_newlink_params *params,
		    struct netlink_ext_ack *extack)
{
	struct wg_link *link = netdev_priv(dev);

	rcu_assign_pointer(link->creating_net, rtnl_newlink_link_net(params));
	return register_netdevice(dev);
}

static struct rtnl_link_ops link_ops = {
	.kind = "wireguard",
	.priv_size = sizeof(struct wg_link),
	.setup = link_setup,
	.newlink = link_new,
};

/* An interface may have been moved, and outlive the namespace that it was made in. */
static void __net_exit links_exit_rtnl(struct net *net, struct list_head *dev_kill_list)
{
	struct wg_link *link;

	list_for_each_entry(link, &links, list) {
		if (rcu_access_pointer(link->creating_net) == net) {
			netif_carrier_off(link->dev);
			RCU_INIT_POINTER(link->creating_net, NULL);
		}
	}
}

static struct pernet_operations links_net_ops = {
	.exit_rtnl = links_exit_rtnl,
};

int genl_wg_links_register(void)
{
	int err = register_pernet_device(&links_net_ops);

	if (err)
		return err;
	err = rtnl_link_register(&link_ops);
	if (err)
		unregister_pernet_device(&links_net_ops);
	return err;
}

/* The interfaces go as well. */
void genl_wg_links_unregister(void)
{
	rtnl_link_unregister(&link_ops);
	unregister_pernet_device(&links_net_ops);
}

/*
 * The device of the interface that has this name or, without a name, this index, with a
 * reference for the caller, or an error pointer.
 */
const void *genl_wg_link_find(struct net *net, u32 index, const char *name)
{
	const void *device = ERR_PTR(-ENODEV);
	struct net_device *dev;

	rcu_read_lock();
	dev = name ? dev_get_by_name_rcu(net, name) : dev_get_by_index_rcu(net, index);
	if (dev && dev->rtnl_link_ops != &link_ops) {
		device = ERR_PTR(-EOPNOTSUPP);
	} else if (dev) {
		const struct wg_link *link = netdev_priv(dev);

		device = genl_wg_device_get(link->device);
	}
	rcu_read_unlock();
	return device;
}

/*
 * Reads the index, and the name into IFNAMSIZ bytes; returns the length of that. The
 * caller has the rtnl lock.
 */
size_t genl_wg_link_read(const struct net_device *dev, char *name, u32 *index)
{
	size_t len;

	*index = dev->ifindex;
	/* A fortified strnlen() could stop the machine, as far as the checks see. */
	for (len = 0; len < IFNAMSIZ && dev->name[len]; len++)
		name[len] = dev->name[len];
	return len;
}

/* Whether who asks is the administrator of where the interface was made. */
bool genl_wg_link_capable(const struct net_device *dev)
{
	const struct wg_link *link = netdev_priv(dev);
	struct net *net;
	bool capable;

	rcu_read_lock();
	net = rcu_dereference(link->creating_net);
	capable = net && ns_capable(net->user_ns, CAP_NET_ADMIN);
	rcu_read_unlock();
	return capable;
}

bool genl_wg_same_key(const u8 *a, const u8 *b)
{
	return !crypto_memneq(a, b, KEY_LEN);
}

void genl_wg_wipe_key(u8 *key)
{
	memzero_explicit(key, KEY_LEN);
}
