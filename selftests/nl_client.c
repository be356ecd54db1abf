// SPDX-License-Identifier: GPL-2.0
/*
 * The client in C that the kernel's own generator makes from the spec of nlpeer
 * (ynl_gen_c.py), on the library of the kernel (tools/net/ynl/lib): nobody has
 * written a line of it for nlpeer. What it returns is compared with the spec.
 */
#include <stdlib.h>
#include <string.h>

/* An attribute is called errno, which <errno.h> makes a macro: its header is first. */
#include "nlpeer-user.h"

#include <errno.h>
#include <ynl.h>

#include "ktap.h"

static struct ynl_sock *client(void)
{
	struct ynl_error err;
	struct ynl_sock *ys = ynl_sock_create(&ynl_nlpeer_family, &err);

	EXPECT(ys, "%s", err.msg);
	return ys;
}

static void echo(const void *arg)
{
	static const unsigned char bytes[] = { 0, 1, 2, 255 };
	struct nlpeer_echo_req *req = nlpeer_echo_req_alloc();
	struct ynl_sock *ys = client();
	struct nlpeer_echo_rsp *rsp;

	nlpeer_echo_req_set_u32(req, 42);
	nlpeer_echo_req_set_u64(req, 1ULL << 40);
	nlpeer_echo_req_set_string(req, "hello");
	nlpeer_echo_req_set_binary(req, bytes, sizeof(bytes));
	nlpeer_echo_req_set_nest_u32(req, 7);
	nlpeer_echo_req_set_nest_string(req, "inside");
	rsp = nlpeer_echo(ys, req);
	EXPECT(rsp, "%s", ys->err.msg);
	EXPECT(rsp->_present.u32 && rsp->u32 == 42, "%u", rsp->u32);
	EXPECT(rsp->_present.u64 && rsp->u64 == 1ULL << 40, "%llu", rsp->u64);
	EXPECT(rsp->_len.string && !strcmp(rsp->string, "hello"), "%s", rsp->string);
	EXPECT(rsp->_len.binary == sizeof(bytes), "%u", rsp->_len.binary);
	EXPECT(!memcmp(rsp->binary, bytes, sizeof(bytes)), "other bytes");
	EXPECT(rsp->_present.nest && rsp->nest._present.u32, "no nest");
	EXPECT(rsp->nest.u32 == 7, "%u", rsp->nest.u32);
	EXPECT(!strcmp(rsp->nest.string, "inside"), "%s", rsp->nest.string);
}

static void echo_of_nothing(const void *arg)
{
	struct nlpeer_echo_req *req = nlpeer_echo_req_alloc();
	struct ynl_sock *ys = client();
	struct nlpeer_echo_rsp *rsp = nlpeer_echo(ys, req);

	EXPECT(rsp, "%s", ys->err.msg);
	EXPECT(!rsp->_present.u32 && !rsp->_present.u64, "a number");
	EXPECT(!rsp->_len.string && !rsp->_len.binary && !rsp->_present.nest, "more");
}

static void dump(const void *arg)
{
	struct nlpeer_object_get_req *req = nlpeer_object_get_req_alloc();
	struct nlpeer_object_get_list *list;
	struct ynl_sock *ys = client();
	unsigned int n = 0;
	char name[16];

	nlpeer_object_get_req_set_count(req, 1000);
	list = nlpeer_object_get_dump(ys, req);
	EXPECT(list, "%s", ys->err.msg);
	ynl_dump_foreach(list, object) {
		snprintf(name, sizeof(name), "obj-%u", n);
		EXPECT(object->id == n, "%u, not %u", object->id, n);
		EXPECT(object->counter == ((__u64)n << 32 | n), "object %u", n);
		EXPECT(!strcmp(object->name, name), "%s, not %s", object->name, name);
		EXPECT(object->pair.a == n + 1 && object->pair.b == n + 2, "object %u", n);
		EXPECT(object->v1 == n + 10 && object->v6 == n + 15, "object %u", n);
		EXPECT(object->_present.extra == (n % 4 == 0), "object %u", n);
		EXPECT(n % 4 || object->extra == (n ^ 0xffff), "object %u", n);
		n++;
	}
	EXPECT(n == 1000, "%u objects", n);
}

/* The library puts names of the spec into what the kernel has said. */
static void refusal(const void *arg)
{
	struct nlpeer_object_get_req *req = nlpeer_object_get_req_alloc();
	struct ynl_sock *ys = client();

	EXPECT(!nlpeer_object_get_dump(ys, req), "not refused");
	EXPECT((int)ys->err.code == EINVAL, "%d: %s", (int)ys->err.code, ys->err.msg);
	EXPECT(strstr(ys->err.msg, "required attribute is missing"), "%s", ys->err.msg);
	EXPECT(strstr(ys->err.msg, ".count"), "%s", ys->err.msg);
}

static void event(const void *arg)
{
	struct nlpeer_event_send_req *req = nlpeer_event_send_req_alloc();
	struct ynl_sock *ys = client(), *sender = client();
	struct nlpeer_event *got;

	EXPECT(!ynl_subscribe(ys, NLPEER_MCGRP_EVENTS), "%s", ys->err.msg);
	nlpeer_event_send_req_set_cookie(req, 99);
	nlpeer_event_send_req_set_text(req, "text");
	EXPECT(!nlpeer_event_send(sender, req), "%s", sender->err.msg);
	EXPECT(!ynl_ntf_check(ys), "%s", ys->err.msg);
	EXPECT(ynl_has_ntf(ys), "nothing has come");
	got = (struct nlpeer_event *)ynl_ntf_dequeue(ys);
	EXPECT(got->cmd == NLPEER_CMD_EVENT, "%u", got->cmd);
	EXPECT(got->obj.cookie == 99, "%u", got->obj.cookie);
	EXPECT(!strcmp(got->obj.text, "text"), "%s", got->obj.text);
}

static const struct ktap_test tests[] = {
	{ "echo of all attributes", echo },
	{ "echo of nothing", echo_of_nothing },
	{ "a dump of 1,000 objects, each value of each", dump },
	{ "a refusal names the attribute", refusal },
	{ "an event", event },
};

int main(void)
{
	return ktap_run(tests, KTAP_COUNT(tests));
}
