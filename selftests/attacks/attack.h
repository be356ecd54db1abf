/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the attacks have in common: datagrams that are full of requests, and what
 * they cost; sockets with queues that are full, or full and not empty any more;
 * the memory of the kernel.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <pthread.h>
#include <sys/resource.h>

#include <linux/sock_diag.h>

#include "genltest.h"

/* Many copies of one request, one after the other, as one sendto() has them. */
struct datagram {
	unsigned char *data;
	size_t len;
	size_t count;
};

/* The default of sk_sndbuf (SK_WMEM_DEFAULT) is 212992, less what sendmsg() keeps. */
#define DEFAULT_DATAGRAM	(212992 - 32)

/* As many copies of a request as fit into @room bytes, and at most @most. */
static inline struct datagram datagram_of(const struct nl_msg *m, size_t room, size_t most)
{
	size_t step = NLMSG_ALIGN(m->len);
	struct datagram d = { .count = room / step };

	if (d.count > most)
		d.count = most;
	d.len = d.count * step;
	d.data = calloc(1, d.len);
	EXPECT(d.data && d.count, "no memory for %zu requests", d.count);
	for (size_t i = 0; i < d.count; i++) {
		struct nlmsghdr *nlh = (void *)(d.data + i * step);

		memcpy(nlh, m->data, m->len);
		nlh->nlmsg_len = m->len;
		nlh->nlmsg_seq = i + 1;
	}
	return d;
}

/* Look-ups of a family by its number, as many as fit into @room bytes, and at most @most. */
static inline struct datagram datagram_of_nlctrl(size_t room, size_t most)
{
	const uint16_t id = GENL_ID_CTRL;
	static struct nl_msg m;

	nl_start(&m, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 2);
	nl_put(&m, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	return datagram_of(&m, room, most);
}

static inline int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* How long a sendto() takes, in microseconds. */
static inline int64_t time_of(struct nl_sock *s, const struct datagram *d)
{
	int64_t begin = now_us();

	EXPECT_OK(nl_send_raw(s, d->data, d->len));
	return now_us() - begin;
}

/* Room in a socket as anybody can have it: @bytes, which the kernel doubles. */
static inline void set_buffer(struct nl_sock *s, int which, int bytes)
{
	EXPECT_EQ(setsockopt(s->fd, SOL_SOCKET, which, &bytes, sizeof(bytes)), 0);
}

/* What the messages in the queue of a socket are charged. */
static inline uint32_t queued(struct nl_sock *s)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	EXPECT_EQ(getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len), 0);
	return info[SK_MEMINFO_RMEM_ALLOC];
}

/* Take the error that says that messages are lost; whether there was one. */
static inline bool take_enobufs(struct nl_sock *s)
{
	socklen_t len = sizeof(int);
	int error = 0;

	EXPECT_EQ(getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	EXPECT(!error || error == ENOBUFS, "%s", strerror(error));
	return error;
}

/* Ask nlctrl until its replies are lost: from here on the queue is congested. */
static inline void congest(struct nl_sock *s)
{
	struct datagram d = datagram_of_nlctrl(DEFAULT_DATAGRAM, 1000);

	for (int i = 0; !take_enobufs(s); i++) {
		EXPECT(i < 1000, "the queue is never full");
		EXPECT_OK(nl_send_raw(s, d.data, d.len));
	}
	free(d.data);
}

/* Read all but the last message: there is room, but the queue stays congested. */
static inline void leave_one(struct nl_sock *s)
{
	static unsigned char buffer[NL_MSG_SIZE];
	uint32_t before, after = queued(s);

	do {
		before = after;
		EXPECT(recv(s->fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0, "%s",
		       strerror(errno));
		after = queued(s);
	} while (after > before - after);
	EXPECT(after, "the queue is empty");
}

/* Read what there is; returns the number of messages. */
static inline int drain(struct nl_sock *s)
{
	static unsigned char buffer[NL_MSG_SIZE];
	int count = 0;

	for (;;) {
		if (recv(s->fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0) {
			count++;
			continue;
		}
		if (errno == EAGAIN)
			return count;
		EXPECT(errno == ENOBUFS, "%s", strerror(errno));
	}
}

/* A thread that reads all the time. */
struct reader {
	struct nl_sock *sock;
	pthread_t thread;
	bool over;
	uint64_t messages, bytes;
};

static inline void *read_all(void *arg)
{
	static __thread unsigned char buffer[NL_MSG_SIZE];
	struct reader *r = arg;

	while (!__atomic_load_n(&r->over, __ATOMIC_SEQ_CST)) {
		ssize_t len = recv(r->sock->fd, buffer, sizeof(buffer), 0);

		if (len > 0) {
			r->messages++;
			r->bytes += len;
		}
	}
	return NULL;
}

static inline void reader_start(struct reader *r, struct nl_sock *s)
{
	/* It looks up from an empty queue as often. */
	struct timeval timeout = { .tv_usec = 20000 };

	*r = (struct reader){ .sock = s };
	EXPECT_EQ(setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
	EXPECT(!pthread_create(&r->thread, NULL, read_all, r), "no thread");
}

static inline void reader_stop(struct reader *r)
{
	__atomic_store_n(&r->over, true, __ATOMIC_SEQ_CST);
	pthread_join(r->thread, NULL);
}

/* A line of /proc/meminfo, in KiB. */
static inline long kib_of(const char *name)
{
	char line[128];
	long value = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	EXPECT(f, "%s", strerror(errno));
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			sscanf(line + strlen(name) + 1, "%ld", &value);
	fclose(f);
	EXPECT(value >= 0, "/proc/meminfo has no %s", name);
	return value;
}

/* Open @count descriptors more than usual. */
static inline void raise_files(int count)
{
	struct rlimit limit = { count + 100, count + 100 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP("no %d open files: %s", count, strerror(errno));
}

/*
 * A time that is too short for what comes after @never milliseconds, also where
 * all else is slow.
 */
static inline int soon(int ms, int never)
{
	return slow(ms) < never * 3 / 4 ? slow(ms) : never * 3 / 4;
}

#endif /* ATTACK_H */
