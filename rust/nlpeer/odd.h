/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What odd.c does for the Rust half of the module. odd.rs has the same in Rust.
 */

#ifndef _NLPEER_ODD_H
#define _NLPEER_ODD_H

#include <linux/types.h>

struct genl_info;
struct sk_buff;

bool nlpeer_odd_wants_ack(const struct genl_info *info, u32 what);
int nlpeer_odd_send(struct sk_buff *request, const struct genl_info *info, u32 what,
		    bool wants_ack);
void nlpeer_odd_lose(const struct sk_buff *request);

#endif /* _NLPEER_ODD_H */
