/* SPDX-License-Identifier: GPL-2.0 */
/* Tunnels for the Rust half, which has the same structures in tunnels.rs. */
#ifndef GENL_L2TP_TUNNELS_H
#define GENL_L2TP_TUNNELS_H

#include <linux/types.h>
#include <net/net_namespace.h>

struct l2tp_tunnel;

/* The ends of a tunnel. IPv4 addresses are the first bytes of theirs. */
struct tunnel_ends {
	u8 local[16];
	u8 peer[16];
	u16 local_port;
	u16 peer_port;
	bool has_socket;
	bool v6;
	bool csum;		/* IPv4 */
	bool zero_csum6_tx;
	bool zero_csum6_rx;
};

struct tunnel_config {
	int fd;
	u32 id;
	u32 peer_id;
	u32 encap;
	u32 version;
	struct tunnel_ends ends;
};

#define TUNNEL_COUNTERS 10

struct tunnel_state {
	struct tunnel_config config;
	u64 counters[TUNNEL_COUNTERS];	/* in the order in which they are sent */
};

int genl_l2tp_tunnel_create(struct net *net, const struct tunnel_config *config,
			    struct l2tp_tunnel **tunnel);
void genl_l2tp_tunnel_read(const struct l2tp_tunnel *tunnel, struct tunnel_state *state);

#endif
