// SPDX-License-Identifier: GPL-2.0
/*
 * genl_ports: two platform devices for the driver of genl_drv, which finds them
 * by their name.
 */

#include <linux/err.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static struct platform_device *ports[2];

static int __init genl_ports_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = platform_device_register_simple("genl_drv", i, NULL, 0);
		if (IS_ERR(ports[i])) {
			int err = PTR_ERR(ports[i]);

			while (i--)
				platform_device_unregister(ports[i]);
			return err;
		}
	}
	return 0;
}

static void __exit genl_ports_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++)
		platform_device_unregister(ports[i]);
}

module_init(genl_ports_init);
module_exit(genl_ports_exit);

MODULE_DESCRIPTION("Platform devices for the tests of rust/genl");
MODULE_LICENSE("GPL");
