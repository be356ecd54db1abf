// SPDX-License-Identifier: GPL-2.0
/*
 * Measures nlpeer and its counterparts in C: the cost of an echo and of an object in
 * a dump, in ticks of the time stamp counter. Under QEMU's icount these are
 * instructions, of user space and kernel together.
 *
 *   bench [--settle SECONDS] [--contend CLIENTS]
 *
 * Prints one line for each figure: WHAT FAMILY VALUE.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <x86intrin.h>

#include "../lib/nl.h"
#include "../../rust/nlpeer/nlpeer.h"
#include "measure.h"

#define ECHOES	1001
#define WARM	200
#define DUMPS	9
#define OBJECTS	10000
#define BUFFER	32768
/* For the largest parts. */
#define LARGE_BUFFER	(3 * 65536)

static const char *const families[] = { "nlpeer", "nlpeer-c", "nlpeer-tuned", "nlpeer-minimal" };

static unsigned char *buffer;
static struct nl_msg request;

static void fail(const char *what, const char *family, int err)
{
	fprintf(stderr, "bench: %s: %s: %s\n", family, what, strerror(-err));
	exit(1);
}

static struct nl_sock open_socket(void)
{
	struct nl_sock s;
	int err = nl_open(&s);

	if (err)
		fail("socket", "netlink", err);
	return s;
}

static uint16_t family_id(struct nl_sock *s, const char *name)
{
	static struct nl_family family;
	int err = nl_get_family(s, name, 0, &family);

	if (err)
		fail("it is not there: load nlpeer and nlpeer_c", name, err);
	return family.id;
}

/* Five attributes, 296 bytes with the headers. */
static void make_echo(uint16_t id)
{
	unsigned char bytes[200];
	size_t nest;

	memset(bytes, 5, sizeof(bytes));
	nl_start(&request, id, 0, NLPEER_CMD_ECHO, NLPEER_FAMILY_VERSION);
	nl_put_u32(&request, NLPEER_A_VALUE_U32, 7);
	nl_put_u64(&request, NLPEER_A_VALUE_U64, 0x1122334455667788);
	nl_put_str(&request, NLPEER_A_VALUE_STRING, "hello generic netlink");
	nl_put(&request, NLPEER_A_VALUE_BINARY, bytes, sizeof(bytes));
	nest = nl_nest(&request, NLPEER_A_VALUE_NEST);
	nl_put_u32(&request, NLPEER_A_NESTED_VALUE_U32, 9);
	nl_put_str(&request, NLPEER_A_NESTED_VALUE_STRING, "inner");
	nl_nest_end(&request, nest);
}

static void make_getfamily(const char *name)
{
	nl_start(&request, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 2);
	nl_put_str(&request, CTRL_ATTR_FAMILY_NAME, name);
}

static void make_trouble(uint16_t id, uint16_t attr, uint32_t value)
{
	nl_start(&request, id, 0, NLPEER_CMD_TROUBLE_GET, NLPEER_FAMILY_VERSION);
	nl_put_u32(&request, attr, value);
}

static void make_string(uint16_t id, size_t len)
{
	char text[NLPEER_STRING_MAX + 1];

	memset(text, 'x', len);
	text[len] = 0;
	nl_start(&request, id, 0, NLPEER_CMD_ECHO, NLPEER_FAMILY_VERSION);
	nl_put_str(&request, NLPEER_A_VALUE_STRING, text);
}

static size_t receive_size = BUFFER;

static uint64_t round_trip(struct nl_sock *s, const char *family)
{
	const struct nlmsghdr *nlh = (const void *)buffer;
	uint64_t start;
	ssize_t len;

	nl_finish(s, &request);
	start = __rdtsc();
	if (send(s->fd, request.data, request.len, 0) < 0)
		fail("send", family, -errno);
	len = recv(s->fd, buffer, receive_size, 0);
	start = __rdtsc() - start;
	if (len < 0)
		fail("recv", family, -errno);
	if (nlh->nlmsg_type == NLMSG_ERROR)
		fail("refused", family, *(const int *)NLMSG_DATA(nlh));
	return start;
}

static uint64_t measure_round_trips(struct nl_sock *s, const char *family)
{
	static uint64_t values[ECHOES];
	int i;

	for (i = 0; i < WARM; i++)
		round_trip(s, family);
	for (i = 0; i < ECHOES; i++)
		values[i] = round_trip(s, family);
	return median(values, ECHOES);
}

/* Reads a whole dump and nothing of its objects; returns the ticks. */
static uint64_t dump(struct nl_sock *s, const char *family, uint16_t id, uint32_t count)
{
	uint32_t objects = 0;
	uint64_t start;

	nl_start(&request, id, NLM_F_DUMP, NLPEER_CMD_OBJECT_GET, NLPEER_FAMILY_VERSION);
	nl_put_u32(&request, NLPEER_A_OBJECT_COUNT, count);
	nl_finish(s, &request);
	start = __rdtsc();
	if (send(s->fd, request.data, request.len, 0) < 0)
		fail("send", family, -errno);
	for (;;) {
		ssize_t len = recv(s->fd, buffer, BUFFER, 0);
		const unsigned char *p = buffer;

		if (len < 0)
			fail("recv", family, -errno);
		while (p < buffer + len) {
			const struct nlmsghdr *nlh = (const void *)p;

			if (nlh->nlmsg_type == NLMSG_DONE) {
				start = __rdtsc() - start;
				if (objects != count)
					fail("wrong count of objects", family, -EPROTO);
				return start;
			}
			if (nlh->nlmsg_type == NLMSG_ERROR)
				fail("refused", family, *(const int *)NLMSG_DATA(nlh));
			objects++;
			p += NLMSG_ALIGN(nlh->nlmsg_len);
		}
	}
}

static double measure_dumps(struct nl_sock *s, const char *family, uint16_t id,
			    uint32_t count, int times)
{
	uint64_t values[DUMPS];
	int i;

	dump(s, family, id, 100);
	for (i = 0; i < times; i++)
		values[i] = dump(s, family, id, count);
	return (double)median(values, times) / count;
}

/* What a part of variable size costs: the largest, less the smallest one. */
static void measure_parts(const char *family)
{
	struct nl_sock s = open_socket();
	uint16_t id = family_id(&s, family);
	uint64_t small, large;

	receive_size = LARGE_BUFFER;
	make_string(id, 0);
	small = measure_round_trips(&s, family);
	make_string(id, NLPEER_STRING_MAX);
	large = measure_round_trips(&s, family);
	printf("part-string %s %llu\n", family, (unsigned long long)(large - small));

	make_trouble(id, NLPEER_A_TROUBLE_SIZE, 0);
	small = measure_round_trips(&s, family);
	make_trouble(id, NLPEER_A_TROUBLE_SIZE, UINT16_MAX - NLA_HDRLEN);
	large = measure_round_trips(&s, family);
	printf("part-binary %s %llu\n", family, (unsigned long long)(large - small));

	make_trouble(id, NLPEER_A_TROUBLE_NUMBERS, 0);
	small = measure_round_trips(&s, family);
	make_trouble(id, NLPEER_A_TROUBLE_NUMBERS, 8191);
	large = measure_round_trips(&s, family);
	printf("part-list %s %llu\n", family, (unsigned long long)(large - small));
	fflush(stdout);
	receive_size = BUFFER;
	nl_close(&s);
}

static void set_events(const char *value)
{
	FILE *file = fopen("/sys/kernel/tracing/events/nlpeer/enable", "w");

	if (!file || fputs(value, file) < 0 || fclose(file))
		fail("tracepoints", "nlpeer", -errno);
}

static void one_client(void)
{
	static const uint32_t counts[] = { 10, 100, 1000, 10000, 100000, 1000000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		struct nl_sock s = open_socket();
		uint16_t id = family_id(&s, families[i]);

		make_echo(id);
		printf("echo %s %llu\n", families[i],
		       (unsigned long long)measure_round_trips(&s, families[i]));
		printf("dump %s %.2f\n", families[i],
		       measure_dumps(&s, families[i], id, OBJECTS, DUMPS));
		fflush(stdout);
		nl_close(&s);
	}
	measure_parts("nlpeer");
	measure_parts("nlpeer-tuned");
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct nl_sock s = open_socket();
		uint16_t id = family_id(&s, "nlpeer");

		printf("dump-%u nlpeer %.2f\n", counts[i],
		       measure_dumps(&s, "nlpeer", id, counts[i], counts[i] > OBJECTS ? 1 : DUMPS));
		fflush(stdout);
		nl_close(&s);
	}
	{
		struct nl_sock s = open_socket();
		uint16_t id = family_id(&s, "nlpeer");

		make_getfamily("nlctrl");
		printf("getfamily nlctrl %llu\n",
		       (unsigned long long)measure_round_trips(&s, "nlctrl"));
		set_events("1");
		make_echo(id);
		printf("echo-traced nlpeer %llu\n",
		       (unsigned long long)measure_round_trips(&s, "nlpeer"));
		printf("dump-traced nlpeer %.2f\n",
		       measure_dumps(&s, "nlpeer", id, OBJECTS, DUMPS));
		set_events("0");
		nl_close(&s);
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* All clients at once; returns the seconds for each operation. */
static double contend(const char *family, int clients, bool dumps)
{
	int times = dumps ? 30 : 3000, i, go[2], status;
	double start;

	if (pipe(go))
		fail("pipe", family, -errno);
	for (i = 0; i < clients; i++) {
		if (!fork()) {
			struct nl_sock s = open_socket();
			uint16_t id = family_id(&s, family);
			char byte;

			close(go[1]);
			dump(&s, family, id, OBJECTS);
			make_echo(id);
			if (read(go[0], &byte, 1))
				_exit(1);
			for (i = 0; i < times; i++) {
				if (dumps)
					dump(&s, family, id, OBJECTS);
				else
					round_trip(&s, family);
			}
			_exit(0);
		}
	}
	close(go[0]);
	/* Each client waits at the pipe by now, or will find it closed. */
	start = seconds();
	close(go[1]);
	for (i = 0; i < clients; i++) {
		if (wait(&status) < 0 || status)
			fail("a client failed", family, -ECHILD);
	}
	return (seconds() - start) / times / clients;
}

static void many_clients(int clients)
{
	size_t i;
	int round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(families); i++) {
			printf("smp-echo %s %.9f\n", families[i],
			       contend(families[i], clients, false));
			printf("smp-dump %s %.9f\n", families[i],
			       contend(families[i], clients, true));
			fflush(stdout);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "settle", required_argument, NULL, 's' },
		{ "contend", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int option, clients = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's') {
			sleep(atoi(optarg));
		} else if (option == 'c') {
			clients = atoi(optarg);
		} else {
			fprintf(stderr, "usage: bench [--settle SECONDS] [--contend CLIENTS]\n");
			return 2;
		}
	}
	buffer = mmap(NULL, LARGE_BUFFER, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (buffer == MAP_FAILED)
		fail("mmap", "bench", -errno);
	if (clients)
		many_clients(clients);
	else
		one_client();
	return 0;
}
