// SPDX-License-Identifier: GPL-2.0
/*
 * Events: who gets them, what they look like to the byte, and that nobody else
 * gets them. That nothing came is shown by sending something afterwards that
 * must come, and looking at what comes first.
 */
#include "peer.h"

#define EVENTS	1000

/* A listener: a socket that has joined the group. */
static void listen_to(struct peer *p)
{
	int group;

	peer_open(p);
	group = nl_group(&p->family, NLPEER_MCGRP_EVENTS);
	EXPECT_OK(group);
	EXPECT_OK(nl_membership(&p->sock, group, true));
}

/* Have an event sent, and wait for the ack. */
static void send_event(struct peer *p, uint32_t cookie, const char *text)
{
	static struct nl_msg m;

	peer_start(p, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, cookie);
	if (text)
		nl_put_str(&m, NLPEER_A_EVENT_TEXT, text);
	peer_command(p, &m, 0);
}

/* The event comes next, alone in its datagram, and to the byte. */
static void expect_event(struct peer *p, uint32_t cookie, const char *text)
{
	static struct nl_msg got, want;

	nl_start(&want, p->family.id, 0, NLPEER_CMD_EVENT, NLPEER_FAMILY_VERSION);
	/* From nobody's request: no flags, no number, no port. */
	nl_hdr(&want)->nlmsg_flags = 0;
	nl_put_u32(&want, NLPEER_A_EVENT_COOKIE, cookie);
	if (text)
		nl_put_str(&want, NLPEER_A_EVENT_TEXT, text);
	nl_hdr(&want)->nlmsg_len = want.len;

	EXPECT_OK(nl_recv_msg(&p->sock, &got));
	EXPECT_BYTES(got.data, got.len, want.data, want.len);
}

static void exact(const void *arg)
{
	struct peer p, listener;

	peer_open(&p);
	listen_to(&listener);
	send_event(&p, 0, NULL);
	expect_event(&listener, 0, NULL);
	send_event(&p, 0xffffffff, "text");
	expect_event(&listener, 0xffffffff, "text");
	peer_expect_silence(&listener);
	peer_expect_silence(&p);
}

static void texts(const void *arg)
{
	char text[NLPEER_TEXT_MAX + 1] = "";
	struct peer p, listener;

	peer_open(&p);
	listen_to(&listener);
	for (int len = 0; len <= NLPEER_TEXT_MAX; len++) {
		send_event(&p, len, text);
		expect_event(&listener, len, text);
		if (len < NLPEER_TEXT_MAX)
			text[len] = "az09 AZ~!/"[len % 10];
	}
	/* Each byte that is allowed. */
	for (char c = ' '; c <= '~'; c++) {
		send_event(&p, c, (char []){ c, '\0' });
		expect_event(&listener, c, (char []){ c, '\0' });
	}
}

/* Attributes come in the order of the spec, whatever the request had. */
static void order(const void *arg)
{
	struct peer p, listener;
	struct nl_msg m;

	peer_open(&p);
	listen_to(&listener);
	peer_start(&p, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_str(&m, NLPEER_A_EVENT_TEXT, "abc");
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 7);
	peer_command(&p, &m, 0);
	expect_event(&listener, 7, "abc");
}

/* Without NLM_F_ACK the sender hears nothing at all. */
static void no_ack(const void *arg)
{
	struct peer p, listener;
	struct nl_msg m;

	peer_open(&p);
	listen_to(&listener);
	peer_start(&p, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 8);
	EXPECT_OK(nl_send(&p.sock, &m));
	expect_event(&listener, 8, NULL);
	peer_ping(&p, 9);
}

/* A sender that listens gets its own event, in front of the ack. */
static void own_event(const void *arg)
{
	struct peer listener;
	struct nl_ack ack;
	struct nl_msg m;

	listen_to(&listener);
	peer_start(&listener, &m, NLM_F_ACK, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 10);
	EXPECT_OK(nl_send(&listener.sock, &m));
	expect_event(&listener, 10, NULL);
	peer_recv_ack(&listener, &m, 0, &ack);
	peer_expect_silence(&listener);
}

static void many(const void *arg)
{
	struct peer p, listeners[3], bystander;
	int size = 1 << 20;

	peer_open(&p);
	peer_open(&bystander);
	for (int i = 0; i < 3; i++) {
		listen_to(&listeners[i]);
		setsockopt(listeners[i].sock.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
			   sizeof(size));
	}
	for (int i = 0; i < EVENTS; i++)
		send_event(&p, i, i % 2 ? "odd" : NULL);
	for (int l = 0; l < 3; l++) {
		for (int i = 0; i < EVENTS; i++)
			expect_event(&listeners[l], i, i % 2 ? "odd" : NULL);
		peer_expect_silence(&listeners[l]);
	}
	peer_expect_silence(&bystander);
}

static void no_listener(const void *arg)
{
	uint64_t before;
	struct peer p;

	peer_open(&p);
	before = peer_status(&p).requests;
	send_event(&p, 11, "to nobody");
	EXPECT_EQ(peer_status(&p).requests, before + 2);
}

static void left(const void *arg)
{
	struct peer p, listener;
	int group;

	peer_open(&p);
	listen_to(&listener);
	group = nl_group(&listener.family, NLPEER_MCGRP_EVENTS);
	send_event(&p, 1, NULL);
	EXPECT_OK(nl_membership(&listener.sock, group, false));
	send_event(&p, 2, NULL);
	EXPECT_OK(nl_membership(&listener.sock, group, true));
	send_event(&p, 3, NULL);
	expect_event(&listener, 1, NULL);
	expect_event(&listener, 3, NULL);
	peer_expect_silence(&listener);
}

/* An event stays in the network namespace of its sender. */
static void other_netns(const void *arg)
{
	struct peer p, listener, inside, listener_inside;

	peer_open(&p);
	listen_to(&listener);
	enter_new_netns();
	peer_open(&inside);
	/* Nobody listens in here yet, which is no error. */
	send_event(&inside, 1, "to nobody inside");
	listen_to(&listener_inside);
	send_event(&p, 2, "outside");
	send_event(&inside, 3, "inside");
	expect_event(&listener_inside, 3, "inside");
	peer_expect_silence(&listener_inside);
	expect_event(&listener, 2, "outside");
	peer_expect_silence(&listener);
}

static void unprivileged(const void *arg)
{
	struct peer p, listener;

	become_nobody();
	peer_open(&p);
	listen_to(&listener);
	send_event(&p, 12, "nobody");
	expect_event(&listener, 12, "nobody");
}

/*
 * A listener that does not keep up learns that it has lost events, goes on with
 * later ones, and is no trouble for the sender or for others.
 */
static void overrun(const void *arg)
{
	struct peer p, slow, fast;
	int size = 4096, lost_at;
	struct nl_msg m;

	peer_open(&p);
	listen_to(&slow);
	listen_to(&fast);
	setsockopt(slow.sock.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (int i = 0; i < 200; i++) {
		send_event(&p, i, NULL);
		expect_event(&fast, i, NULL);
	}
	EXPECT_EQ(nl_recv(&slow.sock, m.data, sizeof(m.data), MSG_DONTWAIT), -ENOBUFS);
	for (lost_at = 0; lost_at < 200; lost_at++) {
		ssize_t len = nl_recv(&slow.sock, m.data, sizeof(m.data), MSG_DONTWAIT);

		if (len == -EAGAIN)
			break;
		EXPECT_OK(len);
		EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), lost_at);
	}
	EXPECT(lost_at && lost_at < 200, "%d events", lost_at);
	send_event(&p, 1000, "again");
	expect_event(&slow, 1000, "again");
}

/* A refused request sends nothing. */
static void refused(const void *arg)
{
	struct peer p, listener;
	struct nl_msg m;

	peer_open(&p);
	listen_to(&listener);
	peer_start(&p, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 13);
	nl_put_str(&m, NLPEER_A_EVENT_TEXT, "bell: \a");
	peer_command(&p, &m, EINVAL);
	peer_start(&p, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_str(&m, NLPEER_A_EVENT_TEXT, "no cookie");
	peer_command(&p, &m, EINVAL);
	send_event(&p, 14, NULL);
	expect_event(&listener, 14, NULL);
	peer_expect_silence(&listener);
}

static const struct ktap_test tests[] = {
	{ "a listener gets the event, to the byte", exact },
	{ "texts of each length and of each byte", texts },
	{ "the order of the spec", order },
	{ "the sender gets nothing but the ack it asked for", no_ack },
	{ "a sender that listens gets its own event", own_event },
	{ "three listeners, a thousand events in order", many },
	/* covers: trap 24, trap 30 */
	{ "without listeners it is no error", no_listener },
	/* covers: trap 24 */
	{ "who has left gets none", left },
	/* covers: trap 27 */
	{ "events stay in their network namespace", other_netns },
	{ "an unprivileged user may send and listen", unprivileged },
	{ "a slow listener is told and goes on", overrun },
	{ "a refused request sends nothing", refused },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
