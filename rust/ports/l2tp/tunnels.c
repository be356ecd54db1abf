// SPDX-License-Identifier: GPL-2.0
/*
 * The tunnels of l2tp_core.ko, whose structures no binding has: what the family
 * asks of them, and what it tells of them.
 */

#include <linux/in.h>
#include <linux/l2tp.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>

#include <../net/l2tp/l2tp_core.h>

#include "tunnels.h"

/* As tunnels.rs has them. */
static_assert(sizeof(struct tunnel_ends) == 42);
static_assert(offsetof(struct tunnel_config, ends) == 20);
static_assert(sizeof(struct tunnel_config) == 64);
static_assert(sizeof(struct tunnel_state) == 144);

/* Creates a tunnel, and returns a reference to it. */
int genl_l2tp_tunnel_create(struct net *net, const struct tunnel_config *config,
			    struct l2tp_tunnel **tunnel)
{
	const struct tunnel_ends *ends = &config->ends;
	struct in6_addr local, peer;
	struct l2tp_tunnel_cfg cfg = {
		.encap = config->encap,
		.local_udp_port = ends->local_port,
		.peer_udp_port = ends->peer_port,
		.use_udp_checksums = ends->csum,
		.udp6_zero_tx_checksums = ends->zero_csum6_tx,
		.udp6_zero_rx_checksums = ends->zero_csum6_rx,
	};
	int err;

	memcpy(&local, ends->local, sizeof(local));
	memcpy(&peer, ends->peer, sizeof(peer));
	cfg.local_ip.s_addr = ends->v6 ? 0 : local.s6_addr32[0];
	cfg.peer_ip.s_addr = ends->v6 ? 0 : peer.s6_addr32[0];
#if IS_ENABLED(CONFIG_IPV6)
	if (ends->v6) {
		cfg.local_ip6 = &local;
		cfg.peer_ip6 = &peer;
	}
#endif
	err = l2tp_tunnel_create(config->fd, config->version, config->id,
				 config->peer_id, &cfg, tunnel);
	if (err)
		return err;
	/* The core has one reference from now on, and the caller the other one. */
	refcount_inc(&(*tunnel)->ref_count);
	err = l2tp_tunnel_register(*tunnel, net, &cfg);
	if (err)
		kfree(*tunnel);
	return err;
}

static void read_ends(const struct sock *sk, struct tunnel_ends *ends)
{
	const struct inet_sock *inet = inet_sk(sk);

	ends->has_socket = true;
	ends->local_port = ntohs(inet->inet_sport);
	ends->peer_port = ntohs(inet->inet_dport);
	ends->csum = !sk->sk_no_check_tx;
#if IS_ENABLED(CONFIG_IPV6)
	ends->v6 = sk->sk_family == AF_INET6;
	if (ends->v6) {
		memcpy(ends->local, &inet6_sk(sk)->saddr, sizeof(ends->local));
		memcpy(ends->peer, &sk->sk_v6_daddr, sizeof(ends->peer));
		return;
	}
#endif
	memcpy(ends->local, &inet->inet_saddr, sizeof(inet->inet_saddr));
	memcpy(ends->peer, &inet->inet_daddr, sizeof(inet->inet_daddr));
}

/* Reads what is told of a tunnel. */
void genl_l2tp_tunnel_read(const struct l2tp_tunnel *tunnel, struct tunnel_state *state)
{
	const struct l2tp_stats *stats = &tunnel->stats;
	struct tunnel_ends *ends = &state->config.ends;
	const atomic_long_t *counters[TUNNEL_COUNTERS] = {
		&stats->tx_packets, &stats->tx_bytes, &stats->tx_errors,
		&stats->rx_packets, &stats->rx_bytes, &stats->rx_seq_discards,
		&stats->rx_cookie_discards, &stats->rx_oos_packets,
		&stats->rx_errors, &stats->rx_invalid,
	};
	struct sock *sk = tunnel->sock;
	int i;

	state->config.fd = tunnel->fd;
	state->config.id = tunnel->tunnel_id;
	state->config.peer_id = tunnel->peer_tunnel_id;
	state->config.encap = tunnel->encap;
	state->config.version = tunnel->version;
	for (i = 0; i < TUNNEL_COUNTERS; i++)
		state->counters[i] = atomic_long_read(counters[i]);
	memset(ends, 0, sizeof(*ends));
	if (!sk)
		return;
	read_ends(sk, ends);
	/* Only sockets of UDP have these. */
	if (ends->v6 && tunnel->encap == L2TP_ENCAPTYPE_UDP) {
		ends->zero_csum6_tx = udp_get_no_check6_tx(sk);
		ends->zero_csum6_rx = udp_get_no_check6_rx(sk);
	}
}
