// SPDX-License-Identifier: GPL-2.0
/*
 * genl_kids: the work of the family "genl-parent" registers and drops the family
 * "genl-kid".
 */
#include "accept.h"

#define PARENT	"genl-parent"
#define KID	"genl-kid"

/* What the parent can be asked to do; from REGISTER_HERE on it does it in the handler. */
enum { ACT = 1 };
enum {
	REGISTER = 1, DROP, FORGET, DOUBLE, REGISTER_HERE, DROP_HERE, TOGGLE,
	FORGET_STATES
};

/* What the kid can be asked. */
enum { LEAVE = 1, COUNT };
enum { NUMBERS = 10000 };

/* Returns 0 or the errno with which it was refused, before or after the work. */
static int act(struct peer *p, uint32_t what)
{
	struct nl_msg *m = test_start(p, 0, ACT);
	const struct nlattr *attrs[2];
	struct nl_ack ack;

	nl_put_u32(m, 1, what);
	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv(p, m);
	EXPECT_EQ(nl_hdr(m)->nlmsg_seq, p->sock.seq);
	if (!nl_read_ack(nl_hdr(m), &ack))
		return -ack.error;
	EXPECT_EQ(nl_hdr(m)->nlmsg_type, p->family.id);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), attrs, 1));
	EXPECT_EQ(test_u32(attrs, 1), what);
	return 0;
}

/* The parent, without a kid. */
static void open_parent(struct peer *p)
{
	if (!loaded("genl_kids"))
		EXPECT_EQ(load("GENL_KIDS_KO"), 0);
	open_family(p, PARENT);
	act(p, DROP);
	EXPECT(!is_there(KID), "a kid that was not registered here");
}

/* All that the kid has to say. */
static void expect_kid(void)
{
	struct numbers n;
	struct peer kid;

	open_family(&kid, KID);
	numbers_begin(&kid, COUNT, &n);
	numbers_end(&kid, &n);
	EXPECT_EQ(n.error, 0);
	EXPECT_EQ(n.next, NUMBERS);
	nl_close(&kid.sock);
}

static void by_work(const void *arg)
{
	struct peer p;

	open_parent(&p);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(act(&p, REGISTER), 0);
		expect_kid();
		EXPECT_EQ(act(&p, DROP), 0);
		EXPECT(!is_there(KID), "it did not go");
	}
	EXPECT_EQ(act(&p, DROP), ENOENT);
}

static void in_handler(const void *arg)
{
	struct peer p;

	open_parent(&p);
	EXPECT_EQ(act(&p, REGISTER_HERE), EDEADLK);
	EXPECT(!is_there(KID), "it is there");
	/* That leaves nothing behind that would be in the way. */
	EXPECT_EQ(act(&p, REGISTER), 0);
	expect_kid();
	EXPECT_EQ(act(&p, REGISTER_HERE), EDEADLK);
	expect_kid();
}

static void dropped_in_handler(const void *arg)
{
	struct peer p;

	open_parent(&p);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(act(&p, REGISTER), 0);
		EXPECT_EQ(act(&p, DROP_HERE), 0);
		WAIT_FOR(!is_there(KID));
	}
	/* Not before it has gone can it be registered again. */
	EXPECT_EQ(act(&p, REGISTER), 0);
	expect_kid();
}

/* The request is answered, and then there is nobody any more. */
static void leaves(const void *arg)
{
	struct peer p, kid;

	open_parent(&p);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(act(&p, REGISTER), 0);
		open_family(&kid, KID);
		peer_command(&kid, test_start(&kid, 0, LEAVE), 0);
		WAIT_FOR(!is_there(KID));
		peer_command(&kid, test_start(&kid, 0, LEAVE), ENOENT);
		nl_close(&kid.sock);
	}
}

static void one_at_a_time(const void *arg)
{
	struct peer p;

	open_parent(&p);
	EXPECT_EQ(act(&p, REGISTER), 0);
	EXPECT_EQ(act(&p, REGISTER), EEXIST);
	expect_kid();
	EXPECT_EQ(act(&p, DROP), 0);
	EXPECT(!is_there(KID), "it did not go");
	EXPECT_EQ(act(&p, REGISTER), 0);
	expect_kid();
}

static void taken(const void *arg)
{
	struct peer p;

	open_parent(&p);
	EXPECT_EQ(act(&p, DOUBLE), EEXIST);
	EXPECT_EQ(act(&p, DOUBLE), EEXIST);
	EXPECT_EQ(act(&p, REGISTER), 0);
	expect_kid();
}

static void open_dump(const void *arg)
{
	struct peer p, kid;
	struct numbers n;

	open_parent(&p);
	for (int again = 0; again <= 1; again++) {
		EXPECT_EQ(act(&p, REGISTER), 0);
		open_family(&kid, KID);
		numbers_begin(&kid, COUNT, &n);
		EXPECT(!n.done, "it was too short");
		EXPECT_EQ(act(&p, DROP), 0);
		/* The dump is not one of the family that comes after it. */
		if (again)
			EXPECT_EQ(act(&p, REGISTER), 0);
		numbers_end(&kid, &n);
		EXPECT_EQ(n.error, -ENODEV);
		EXPECT(n.next < NUMBERS, "%u objects", n.next);
		nl_close(&kid.sock);
	}
	expect_kid();
}

/* What nobody can drop any more goes with the module, and not before. */
static void forgotten(const void *arg)
{
	struct peer p, kid;
	struct numbers n;

	open_parent(&p);
	EXPECT_EQ(act(&p, REGISTER), 0);
	EXPECT_EQ(act(&p, FORGET), 0);
	expect_kid();
	EXPECT_EQ(act(&p, REGISTER), EEXIST);
	EXPECT_EQ(act(&p, DROP), ENOENT);

	open_family(&kid, KID);
	numbers_begin(&kid, COUNT, &n);
	EXPECT_EQ(unload("genl_kids"), EWOULDBLOCK);
	nl_close(&kid.sock);
	EXPECT_EQ(unload_soon("genl_kids"), 0);
	EXPECT(!is_there(KID), "a family of a module that has gone");
	EXPECT(!is_there(PARENT), "a family of a module that has gone");
	nl_close(&p.sock);
	open_parent(&p);
	EXPECT_EQ(act(&p, REGISTER), 0);
	expect_kid();
}

static void in_new_netns(const void *arg)
{
	struct peer p;

	enter_new_netns();
	EXPECT_OK(nl_open(&p.sock));
	nl_close(&p.sock);
}

/* What is forgotten is told of nothing when the module has gone. */
static void states_forgotten(const void *arg)
{
	struct peer p, other;
	int err;

	open_parent(&p);
	err = act(&p, FORGET_STATES);
	if (err == EOPNOTSUPP)
		SKIP("kmemleak would report what is forgotten");
	EXPECT_EQ(err, 0);
	/* There is one for each type. */
	open_parent(&other);
	EXPECT_EQ(act(&other, FORGET_STATES), EBUSY);
	join(spawn(in_new_netns, NULL));
	nl_close(&other.sock);

	EXPECT_EQ(unload_soon("genl_kids"), 0);
	join(spawn(in_new_netns, NULL));
	nl_close(&p.sock);
	open_parent(&p);
	EXPECT_EQ(act(&p, FORGET_STATES), 0);
	nl_close(&p.sock);
	EXPECT_EQ(unload_soon("genl_kids"), 0);
	open_parent(&p);
}

static unsigned long *seen;	/* dumps that were served, and that were not */

static void reader(const void *arg)
{
	const uint32_t *id = arg;
	struct numbers n;
	struct peer kid;

	alarm(0);
	EXPECT_OK(nl_open(&kid.sock));
	for (;;) {
		kid.family.id = __atomic_load_n(id, __ATOMIC_SEQ_CST);
		if (!kid.family.id) {
			ktap_pause();
			continue;
		}
		numbers_begin(&kid, COUNT, &n);
		numbers_end(&kid, &n);
		if (!n.error)
			EXPECT_EQ(n.next, NUMBERS);
		else
			EXPECT(n.error == (n.next ? -ENODEV : -ENOENT) ||
			       n.error == -ENODEV, "%s", strerror(-n.error));
		__atomic_fetch_add(&seen[!!n.error], 1, __ATOMIC_SEQ_CST);
	}
}

/* Queue the work that was made before, all the time, while readers dump. */
static void toggled(const void *arg)
{
	int count = loops(40, 200);
	uint32_t *id = shared_memory(sizeof(*id));
	struct nl_family f;
	pid_t pids[2];
	struct peer p;

	alarm(0);
	seen = shared_memory(2 * sizeof(*seen));
	EXPECT(seen && id, "no memory");
	open_parent(&p);
	for (int i = 0; i < 2; i++)
		pids[i] = spawn(reader, id);
	for (int i = 0; i < count; i++) {
		EXPECT_EQ(act(&p, TOGGLE), 0);
		WAIT_FOR(find_family(KID, &f));
		__atomic_store_n(id, f.id, __ATOMIC_SEQ_CST);
		if (i % 8 == 0) {
			unsigned long before = seen[0];

			WAIT_FOR(__atomic_load_n(&seen[0], __ATOMIC_SEQ_CST) > before);
		}
		EXPECT_EQ(act(&p, TOGGLE), 0);
		WAIT_FOR(!is_there(KID));
		if (i % 8 == 1) {
			unsigned long before = seen[1];

			WAIT_FOR(__atomic_load_n(&seen[1], __ATOMIC_SEQ_CST) > before);
		}
	}
	for (int i = 0; i < 2; i++) {
		int status;

		/* Unless it has failed. */
		EXPECT(waitpid(pids[i], &status, WNOHANG) == 0, "a reader has ended");
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	DIAG("count kids: %d", count);
	DIAG("%lu dumps were served, %lu ended or refused", seen[0], seen[1]);
}

/* What is queued is done or cancelled, and the kid goes, registered or not. */
static void unloaded(const void *arg)
{
	static const uint32_t last[] = { TOGGLE, REGISTER, DROP };

	for (int i = 0; i < loops(6, 50); i++) {
		struct peer p;

		open_parent(&p);
		for (int j = 0; j < 20 + i; j++) {
			struct nl_msg *m = test_start(&p, 0, ACT);

			/* Whatever becomes of them is not waited for. */
			nl_put_u32(m, 1, last[j % 3]);
			EXPECT_OK(nl_send(&p.sock, m));
		}
		EXPECT_EQ(unload_soon("genl_kids"), 0);
		EXPECT(!is_there(KID), "a family of a module that has gone");
		EXPECT(!is_there(PARENT), "a family of a module that has gone");
		nl_close(&p.sock);
	}
}

static const struct module modules[] = { { "genl_kids", "GENL_KIDS_KO" } };

static const struct ktap_test tests[] = {
	/* covers: surface 10c */
	{ "the work of a family registers another family, and drops it", by_work },
	/* covers: trap 5 */
	{ "a handler cannot register a family", in_handler },
	/* covers: trap 5 */
	{ "a family that a handler drops goes a moment later", dropped_in_handler },
	/* covers: trap 5 */
	{ "a family is dropped in its own handler", leaves },
	/* covers: surface 10c */
	{ "a family is registered once at a time", one_at_a_time },
	{ "a name that is taken", taken },
	/* covers: trap 2 */
	{ "an open dump of a family that is dropped ends with ENODEV", open_dump },
	/* covers: trap r */
	{ "a family that was forgotten goes with the module", forgotten },
	/* covers: trap r */
	{ "states that were forgotten go with the module", states_forgotten },
	{ "registered and dropped while others dump", toggled },
	/* covers: trap q */
	{ "the module goes while its work is queued", unloaded },
};

int main(void)
{
	return accept_run(modules, ARRAY_SIZE(modules), tests, ARRAY_SIZE(tests));
}
