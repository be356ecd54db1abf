// SPDX-License-Identifier: GPL-2.0
/*
 * genl_tick in C: a timer that notifies, with the time at which it expired.
 */

#include <linux/hrtimer.h>
#include <linux/module.h>
#include <net/genetlink.h>

static unsigned int period = 1000;
module_param(period, uint, 0);
MODULE_PARM_DESC(period, "The period of the timer in microseconds");

enum { TICKED = 1 };	/* the command */
enum { TIME = 1 };	/* its attribute */

static const struct genl_multicast_group groups[] = {
	{ .name = "ticks" },
};

static struct genl_family family __ro_after_init = {
	.name		= "genl-tick-c",
	.version	= 1,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.parallel_ops	= true,
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
};

static void tell(u64 time)
{
	struct sk_buff *skb;
	void *header;

	if (!genl_has_listeners(&family, &init_net, 0))
		return;
	skb = genlmsg_new(nla_total_size_64bit(sizeof(time)), GFP_ATOMIC);
	if (!skb)
		return;
	header = genlmsg_put(skb, 0, 0, &family, 0, TICKED);
	if (!header || nla_put(skb, TIME, sizeof(time), &time)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast_netns(&family, &init_net, skb, 0, 0, GFP_ATOMIC);
}

static enum hrtimer_restart expired(struct hrtimer *timer)
{
	tell(ktime_get());
	hrtimer_forward_now(timer, us_to_ktime(period));
	return HRTIMER_RESTART;
}

static struct hrtimer timer;

static int __init genl_tick_c_init(void)
{
	int err = genl_register_family(&family);

	if (err)
		return err;
	hrtimer_setup(&timer, expired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	hrtimer_start(&timer, us_to_ktime(period), HRTIMER_MODE_REL_SOFT);
	return 0;
}

static void __exit genl_tick_c_exit(void)
{
	hrtimer_cancel(&timer);
	genl_unregister_family(&family);
}

module_init(genl_tick_c_init);
module_exit(genl_tick_c_exit);

MODULE_DESCRIPTION("A timer that notifies, in C, for the tests of rust/genl");
MODULE_LICENSE("GPL");
