// SPDX-License-Identifier: GPL-2.0
/*
 * Measures families of the kernel: the module in C, or the port in Rust that has its
 * name, whichever is loaded. In ticks of the time stamp counter, which under QEMU's
 * icount are instructions, of user space and kernel together.
 *
 *   ports FAMILY SIDE [profile]
 *
 * Prints one line for each figure: WHAT SIDE VALUE. With 'profile' each is done once
 * more, in a window in which scripts/check/bench_profile.py looks at each instruction.
 */

#include <arpa/inet.h>
#include <linux/fou.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/psample.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/wait.h>
#include <x86intrin.h>

#include "../lib/nl.h"
#include "measure.h"

#define TIMES		9
/* Making and removing the peers of a device takes longer than all else. */
#define DEVICES		3
#define BUFFER		32768
#define FOU_PORTS	1000
#define PEERS		1000
#define ALLOWED		4
/* As wg does: as many peers in a message as a page holds. */
#define PEERS_IN_ONE	20
/* How many messages of these are looked at, each instruction of which is a line. */
#define LOOKED_AT	5
#define SAMPLES		200
#define SAMPLE_BYTES	100
/* What somebody does who has nothing to do, until all samples are there. */
#define SPIN		2000000

#define DEVICE		"wgbench0"
#define PACKETS		"smbench0"

/* The family by which the port of psample is asked to sample: rust/ports/psample. */
enum { SOURCE_GET = 1, SOURCE_SAMPLE = 3 };
enum { SOURCE_GROUP = 1, SOURCE_RATE = 2, SOURCE_OIF = 5, SOURCE_PROTO = 6, SOURCE_HEAD = 7,
	SOURCE_COUNT = 14, SOURCE_PERIOD = 15 };

static const char *side;
/* Whether all is done once more to be looked at, and whether this is that. */
static bool profiling, looked_at;
static struct nl_sock sock;
static struct nl_family family;
static struct nl_msg m;

static void fail(const char *what, int err)
{
	fprintf(stderr, "ports: %s, %s: %s\n", side, what, strerror(-err));
	exit(1);
}

static void must(const char *what, int err)
{
	if (err < 0)
		fail(what, err);
}

static void shell(const char *command)
{
	if (system(command)) {
		fprintf(stderr, "ports: %s: %s\n", side, command);
		exit(1);
	}
}

static void print(const char *what, double value)
{
	printf("%s %s %.1f\n", what, side, value);
	fflush(stdout);
}

/* Their addresses tell where what is looked at begins and ends. */
__attribute__((noinline)) void profile_begin(void)
{
	asm volatile("");
}

__attribute__((noinline)) void profile_end(void)
{
	asm volatile("");
}

/* Do something once more; who looks on gets some time to begin and to end. */
static void look_on(const char *what, uint64_t (*once)(void))
{
	if (!profiling)
		return;
	printf("profile %s %s\n", what, side);
	fflush(stdout);
	sleep(3);
	looked_at = true;
	once();
	looked_at = false;
	printf("profile off\n");
	fflush(stdout);
	sleep(3);
}

static void find(const char *name)
{
	must("socket", nl_open(&sock));
	must(name, nl_get_family(&sock, name, 0, &family));
}

/* Send the message, which has NLM_F_ACK, and take the ack. */
static void send_and_ack(const char *what, struct nl_msg *request)
{
	static union {
		struct nlmsghdr hdr;
		unsigned char data[BUFFER];
	} answer;
	struct nl_ack ack;

	must(what, nl_send(&sock, request));
	must(what, nl_recv(&sock, answer.data, sizeof(answer), 0));
	must(what, nl_read_ack(&answer.hdr, &ack));
	must(ack.text ? ack.text : what, ack.error);
}

/* Called for each message of a dump that is looked at. */
typedef void look_fn(const struct nlmsghdr *nlh);

/* How many messages that were, and how many bytes. */
static unsigned int messages, bytes;

/* Look at all messages of the dump that the message asks for, which warms up as well. */
static void look_at_dump(look_fn *look)
{
	static unsigned char buffer[BUFFER];

	messages = 0;
	bytes = 0;
	must("dump", nl_send(&sock, &m));
	for (;;) {
		ssize_t len = nl_recv(&sock, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *nlh = (const void *)buffer;

		must("dump", len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				return;
			if (nlh->nlmsg_type != family.id)
				fail("dump", *(const int *)NLMSG_DATA(nlh));
			messages++;
			bytes += nlh->nlmsg_len;
			look(nlh);
		}
	}
}

/* Read the dump that the message asks for, and nothing of it; returns the ticks. */
static uint64_t dump(void)
{
	static unsigned char buffer[BUFFER];
	unsigned int count = 0;
	uint64_t start;

	nl_finish(&sock, &m);
	start = __rdtsc();
	profile_begin();
	if (send(sock.fd, m.data, m.len, 0) < 0)
		fail("send", -errno);
	for (;;) {
		ssize_t len = recv(sock.fd, buffer, sizeof(buffer), 0);
		const unsigned char *p = buffer;

		if (len < 0)
			fail("recv", -errno);
		while (p < buffer + len) {
			const struct nlmsghdr *nlh = (const void *)p;

			if (nlh->nlmsg_type == NLMSG_DONE) {
				profile_end();
				start = __rdtsc() - start;
				if (count != messages)
					fail("not as many messages as before", -EPROTO);
				return start;
			}
			count++;
			p += NLMSG_ALIGN(nlh->nlmsg_len);
		}
	}
}

/* The median of some dumps. */
static uint64_t measure_dumps(void)
{
	uint64_t values[TIMES];
	int i;

	for (i = 0; i < TIMES; i++)
		values[i] = dump();
	return median(values, TIMES);
}

static void look_at_fou(const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[FOU_ATTR_MAX + 1];

	must("port", nla_index(nl_attrs(nlh), nl_attrs_len(nlh), attrs, FOU_ATTR_MAX));
	if (!attrs[FOU_ATTR_PORT])
		fail("a message without a port", -EBADMSG);
}

/*
 * Of the ports that there are, C loses one at the end of each buffer. It gets so many
 * that both tell as much.
 */
static void measure_fou(void)
{
	int ports = 0;

	find(FOU_GENL_NAME);
	do {
		uint16_t port = htons(10000 + ports++);
		uint8_t type = FOU_ENCAP_DIRECT, proto = 4;

		nl_start(&m, family.id, NLM_F_ACK, FOU_CMD_ADD, FOU_GENL_VERSION);
		nl_put(&m, FOU_ATTR_PORT, &port, sizeof(port));
		nl_put(&m, FOU_ATTR_TYPE, &type, sizeof(type));
		nl_put(&m, FOU_ATTR_IPPROTO, &proto, sizeof(proto));
		send_and_ack("add", &m);
		if (ports < FOU_PORTS)
			continue;
		nl_start(&m, family.id, NLM_F_DUMP, FOU_CMD_GET, FOU_GENL_VERSION);
		look_at_dump(look_at_fou);
	} while (messages < FOU_PORTS);
	print("fou-ports", ports);
	print("fou-messages", messages);
	print("fou-bytes", bytes);
	print("fou-dump", measure_dumps());
	look_on("fou-dump", dump);
}

static unsigned int wg_peers, wg_allowed;

static void look_at_wg(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *peer, *part, *ip;
	size_t a, b, c, d;

	nla_for_each(attr, nl_attrs(nlh), nl_attrs_len(nlh), a) {
		if ((attr->nla_type & NLA_TYPE_MASK) != WGDEVICE_A_PEERS)
			continue;
		nla_for_each(peer, nla_data(attr), nla_len(attr), b) {
			nla_for_each(part, nla_data(peer), nla_len(peer), c) {
				/* A peer that goes on in another message has no endpoint there. */
				wg_peers += part->nla_type == WGPEER_A_ENDPOINT;
				if ((part->nla_type & NLA_TYPE_MASK) != WGPEER_A_ALLOWEDIPS)
					continue;
				nla_for_each(ip, nla_data(part), nla_len(part), d)
					wg_allowed++;
			}
		}
	}
}

static void put_peer(struct nl_msg *request, unsigned int number)
{
	struct sockaddr_in endpoint = {
		.sin_family = AF_INET,
		.sin_port = htons(51820),
		.sin_addr.s_addr = htonl(0xc6120000 + number),
	};
	uint32_t flags = WGPEER_F_REPLACE_ALLOWEDIPS;
	size_t peer = nl_nest(request, 0), ips, one;
	uint16_t v4 = AF_INET;
	uint8_t cidr = 32, key[32];
	int i;

	memset(key, 0x42, sizeof(key));
	memcpy(key, &number, sizeof(number));
	nl_put(request, WGPEER_A_PUBLIC_KEY, key, sizeof(key));
	nl_put_u32(request, WGPEER_A_FLAGS, flags);
	nl_put(request, WGPEER_A_ENDPOINT, &endpoint, sizeof(endpoint));
	ips = nl_nest(request, WGPEER_A_ALLOWEDIPS);
	for (i = 0; i < ALLOWED; i++) {
		uint32_t ip = htonl(0x0a000000 + number * ALLOWED + i);

		one = nl_nest(request, 0);
		nl_put(request, WGALLOWEDIP_A_FAMILY, &v4, sizeof(v4));
		nl_put(request, WGALLOWEDIP_A_IPADDR, &ip, sizeof(ip));
		nl_put(request, WGALLOWEDIP_A_CIDR_MASK, &cidr, sizeof(cidr));
		nl_nest_end(request, one);
	}
	nl_nest_end(request, ips);
	nl_nest_end(request, peer);
}

/* The ticks that so many messages take, which are ready, and of which each adds peers. */
static uint64_t set(size_t count)
{
	static struct nl_msg requests[PEERS / PEERS_IN_ONE];
	uint64_t start;
	unsigned int n;
	size_t i;

	for (i = 0; i < count; i++) {
		size_t peers;

		nl_start(&requests[i], family.id, NLM_F_ACK, WG_CMD_SET_DEVICE,
			 WG_GENL_VERSION);
		nl_put_str(&requests[i], WGDEVICE_A_IFNAME, DEVICE);
		peers = nl_nest(&requests[i], WGDEVICE_A_PEERS);
		for (n = 0; n < PEERS_IN_ONE; n++)
			put_peer(&requests[i], i * PEERS_IN_ONE + n);
		nl_nest_end(&requests[i], peers);
	}
	start = __rdtsc();
	profile_begin();
	for (i = 0; i < count; i++)
		send_and_ack("set", &requests[i]);
	profile_end();
	return __rdtsc() - start;
}

/* Give the device all of its configuration. */
static uint64_t set_all(void)
{
	return set(PEERS / PEERS_IN_ONE);
}

static uint64_t set_some(void)
{
	return set(LOOKED_AT);
}

/*
 * The device has no private key. With one, C computes a shared secret for each new peer,
 * which is no part of the control plane, and would be nearly all that is counted. It makes
 * a thread of the kernel for each as well, so only the second time both do the same.
 */
static void measure_wireguard(void)
{
	uint64_t first[DEVICES], again[DEVICES];
	int i;

	for (i = 0; i < DEVICES; i++) {
		shell("ip link add " DEVICE " type wireguard");
		if (!i)
			find(WG_GENL_NAME);
		first[i] = set_all();
		again[i] = set_all();
		if (i < DEVICES - 1)
			shell("ip link del " DEVICE);
	}
	print("wireguard-set", median(first, DEVICES));
	print("wireguard-set-again", median(again, DEVICES));
	look_on("wireguard-set-again", set_some);
	nl_start(&m, family.id, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
	nl_put_str(&m, WGDEVICE_A_IFNAME, DEVICE);
	look_at_dump(look_at_wg);
	print("wireguard-peers", wg_peers);
	print("wireguard-allowed", wg_allowed);
	print("wireguard-messages", messages);
	print("wireguard-bytes", bytes);
	print("wireguard-dump", measure_dumps());
	look_on("wireguard-dump", dump);
	shell("ip link del " DEVICE);
}

/* Where packets leave, for the module in C, or who samples, for the port. */
static int packets = -1;
static struct nl_family source;

/*
 * Have packets sampled by a timer. Somebody is busy meanwhile: a machine that waits for
 * the timer has ticks in which it does nothing.
 */
static uint64_t sample_by_timer(void)
{
	uint64_t start = __rdtsc();
	pid_t pid = fork();
	int i, status;

	if (pid < 0)
		fail("fork", -errno);
	if (!pid) {
		profile_begin();
		send_and_ack("sample", &m);
		profile_end();
		_exit(0);
	}
	/* What it does is not worth a look. */
	for (i = 0; i < SPIN && !looked_at; i++)
		asm volatile("");
	if (waitpid(pid, &status, looked_at ? 0 : WNOHANG) != pid || status)
		fail("it was not busy long enough", -ETIME);
	return __rdtsc() - start;
}

/* Have some packets sampled: by tc as they leave a device, or by a timer. */
static uint64_t sample_some(void)
{
	unsigned char packet[SAMPLE_BYTES];
	uint16_t oif = if_nametoindex(PACKETS), proto = ETH_P_IP;
	uint64_t start;
	int i;

	memset(packet, 0xff, sizeof(packet));
	packet[12] = ETH_P_IP >> 8;
	packet[13] = ETH_P_IP & 0xff;
	if (packets < 0) {
		nl_start(&m, source.id, NLM_F_ACK, SOURCE_SAMPLE, 1);
		nl_put_u32(&m, SOURCE_GROUP, 1);
		nl_put(&m, SOURCE_OIF, &oif, sizeof(oif));
		nl_put(&m, SOURCE_PROTO, &proto, sizeof(proto));
		nl_put(&m, SOURCE_HEAD, packet, sizeof(packet));
		nl_put_u32(&m, SOURCE_COUNT, SAMPLES);
		nl_put_u32(&m, SOURCE_PERIOD, 1);
		return sample_by_timer();
	}
	start = __rdtsc();
	profile_begin();
	for (i = 0; i < SAMPLES; i++)
		if (send(packets, packet, sizeof(packet), 0) != sizeof(packet))
			fail("packet", -errno);
	profile_end();
	return __rdtsc() - start;
}

static int open_packets(void)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(PACKETS),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		fail("packet socket", -errno);
	return fd;
}

/* What a notification adds where somebody listens: made, and put into his queue. */
static void measure_psample(void)
{
	bool in_rust = !strcmp(side, "rust");
	static unsigned char sample[BUFFER];
	uint64_t with[TIMES], without[TIMES];
	int size = 1 << 24, group, i, n;
	struct nl_sock listener;

	shell("ip link add " PACKETS " type dummy && ip link set " PACKETS " up");
	find(PSAMPLE_GENL_NAME);
	if (in_rust) {
		must("psample-source", nl_get_family(&sock, "psample-source", 0, &source));
		nl_start(&m, source.id, NLM_F_ACK, SOURCE_GET, 1);
		nl_put_u32(&m, SOURCE_GROUP, 1);
		send_and_ack("group", &m);
	} else {
		shell("tc qdisc add dev " PACKETS " clsact");
		shell("tc filter add dev " PACKETS " egress matchall action sample rate 1 group 1");
		packets = open_packets();
	}
	must("socket", nl_open(&listener));
	if (setsockopt(listener.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		fail("SO_RCVBUFFORCE", -errno);
	group = nl_group(&family, PSAMPLE_NL_MCGRP_SAMPLE_NAME);
	must("group", group);
	sample_some();
	for (i = 0; i < TIMES; i++) {
		without[i] = sample_some();
		must("join", nl_membership(&listener, group, true));
		with[i] = sample_some();
		must("leave", nl_membership(&listener, group, false));
		for (n = 0; nl_recv(&listener, sample, sizeof(sample), MSG_DONTWAIT) > 0; n++)
			;
		if (n != SAMPLES) {
			fprintf(stderr, "ports: %s: %d samples, not %d\n", side, n, SAMPLES);
			exit(1);
		}
	}
	print("psample-event", (double)(median(with, TIMES) - median(without, TIMES)) / SAMPLES);
	print("psample-bytes", ((struct nlmsghdr *)sample)->nlmsg_len);
	must("join", nl_membership(&listener, group, true));
	look_on("psample-event", sample_some);
	if (!in_rust)
		shell("tc qdisc del dev " PACKETS " clsact");
	shell("ip link del " PACKETS);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*measure)(void);
	} families[] = {
		{ "fou", measure_fou },
		{ "wireguard", measure_wireguard },
		{ "psample", measure_psample },
	};
	size_t i;

	for (i = 0; argc >= 3 && i < ARRAY_SIZE(families); i++) {
		if (!strcmp(argv[1], families[i].name)) {
			side = argv[2];
			profiling = argc == 4 && !strcmp(argv[3], "profile");
			families[i].measure();
			return 0;
		}
	}
	fprintf(stderr, "usage: ports fou|wireguard|psample c|rust [profile]\n");
	return 2;
}
