/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two halves of the module call of each other. link.rs has the same in Rust.
 */

#ifndef _GENL_WG_LINK_H
#define _GENL_WG_LINK_H

#include <linux/types.h>

struct net;
struct net_device;

/* In C: interfaces. */
int genl_wg_links_register(void);
void genl_wg_links_unregister(void);
const void *genl_wg_link_find(struct net *net, u32 index, const char *name);
size_t genl_wg_link_read(const struct net_device *dev, char *name, u32 *index);
bool genl_wg_link_capable(const struct net_device *dev);

/* And keys, of 32 bytes. */
bool genl_wg_same_key(const u8 *a, const u8 *b);
void genl_wg_wipe_key(u8 *key);

/* In Rust: what an interface is configured with. */
const void *genl_wg_device_new(struct net_device *dev);
const void *genl_wg_device_get(const void *device);
void genl_wg_device_gone(const void *device);

#endif /* _GENL_WG_LINK_H */
