// SPDX-License-Identifier: GPL-2.0
/*
 * The module: loading and unloading it, what nlctrl tells about that, what
 * happens to those who use the family meanwhile, and the second module that
 * wants to register the same name.
 *
 * NLPEER_KO and NLPEER_DUP_KO are the files of the modules; run_tests.sh finds
 * them. Each test begins and ends with nlpeer loaded.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "module.h"

/*
 * Loading fails since the name of the family is taken: EEXIST, which newer
 * kernels turn into EBUSY, so that it is not taken for a loaded module.
 */
static void expect_name_taken(const char *variable, const char *name)
{
	int err = load(variable);

	EXPECT(err == EEXIST || err == EBUSY, "%s", strerror(err));
	EXPECT(!loaded(name), "it is loaded");
}

static const char *const groups[] = { NLPEER_MCGRP_EVENTS, NLPEER_MCGRP_ADMIN_EVENTS };

/* What nlctrl has to say about nlpeer, by the header that comes of the spec. */
static void expect_description(const struct nl_family *f)
{
	static const struct {
		uint32_t id, flags;
	} ops[] = {
		{ NLPEER_CMD_ECHO, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_OBJECT_GET, GENL_CMD_CAP_DUMP | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_STATUS_GET, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_RESET,
		  GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL | GENL_ADMIN_PERM },
		{ NLPEER_CMD_EVENT_SEND, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_TROUBLE_GET,
		  GENL_CMD_CAP_DO | GENL_CMD_CAP_DUMP | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_TYPES, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_BIG_GET, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_SEVERAL_GET, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_DELAYED_GET, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_REFUSE, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_BURST,
		  GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL | GENL_ADMIN_PERM },
		{ NLPEER_CMD_SENDER_GET, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_COUNTER_GET, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_NETNS_ADMIN,
		  GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL | GENL_UNS_ADMIN_PERM },
		{ NLPEER_CMD_CHANGE, GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL },
		{ NLPEER_CMD_ODD_GET,
		  GENL_CMD_CAP_DO | GENL_CMD_CAP_DUMP | GENL_CMD_CAP_HASPOL },
	};

	EXPECT_STR(f->name, NLPEER_FAMILY_NAME);
	EXPECT_EQ(f->version, NLPEER_FAMILY_VERSION);
	EXPECT_EQ(f->hdrsize, 0);
	EXPECT_EQ(f->maxattr, 0);
	EXPECT_EQ(f->nops, ARRAY_SIZE(ops));
	for (int i = 0; i < f->nops; i++) {
		EXPECT_EQ(f->ops[i].id, ops[i].id);
		EXPECT_EQ(f->ops[i].flags, ops[i].flags);
	}
	EXPECT_EQ(f->ngroups, ARRAY_SIZE(groups));
	for (int i = 0; i < f->ngroups; i++)
		EXPECT_STR(f->groups[i].name, groups[i]);
}

static void cycles(const void *arg)
{
	struct nl_family f;
	struct peer p;

	begin();
	for (int i = 0; i < 10; i++) {
		EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "cycle %d", i);
		EXPECT_EQ(unload("nlpeer"), 0);
		EXPECT(!loaded("nlpeer"), "cycle %d", i);
		EXPECT(!find_family(NLPEER_FAMILY_NAME, &f), "cycle %d", i);
		EXPECT_EQ(load("NLPEER_KO"), 0);
		EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "cycle %d", i);
		expect_description(&f);
		EXPECT_EQ(references(), 0);
		/* It begins anew each time. */
		peer_open(&p);
		peer_ping(&p, i);
		EXPECT_EQ(peer_status(&p).requests, 2);
		EXPECT_EQ(peer_status(&p).dumps, 0);
		peer_close(&p);
	}
}

static void unknown_when_unloaded(const void *arg)
{
	struct nl_family f;
	struct peer p;

	begin();
	peer_open(&p);
	peer_ping(&p, 1);
	EXPECT_EQ(unload("nlpeer"), 0);
	/* The id leads nowhere, in requests and in questions to nlctrl. */
	EXPECT_EQ(echo_to(&p.sock, p.family.id), ENOENT);
	EXPECT_EQ(nl_get_family(&p.sock, NULL, p.family.id, &f), -ENOENT);
	EXPECT_EQ(load("NLPEER_KO"), 0);
	/* The socket outlives the family and serves its successor. */
	EXPECT(find_family(NLPEER_FAMILY_NAME, &p.family), "not loaded");
	peer_ping(&p, 2);
}

static void load_twice(const void *arg)
{
	struct peer p;

	begin();
	peer_open(&p);
	EXPECT_EQ(load("NLPEER_KO"), EEXIST);
	peer_ping(&p, 1);
}

/* A listener to what nlctrl tells everybody. */
static void listen_to_nlctrl(struct nl_sock *s)
{
	struct nl_family ctrl;

	EXPECT_OK(nl_open(s));
	EXPECT_OK(nl_get_family(s, "nlctrl", 0, &ctrl));
	EXPECT_OK(nl_group(&ctrl, "notify"));
	EXPECT_OK(nl_membership(s, nl_group(&ctrl, "notify"), true));
}

/* The next notification about nlpeer is @cmd; others may be loaded as well. */
static void expect_notification(struct nl_sock *s, uint8_t cmd, struct nl_family *f)
{
	static struct nl_msg m;

	do {
		EXPECT_OK(nl_recv_msg(s, &m));
		EXPECT_OK(nl_read_family(nl_hdr(&m), f));
	} while (strcmp(f->name, NLPEER_FAMILY_NAME));
	EXPECT_EQ(nl_genl(nl_hdr(&m))->cmd, cmd);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_seq, 0);
	EXPECT_EQ(nl_hdr(&m)->nlmsg_pid, 0);
}

/* The next notification is about the group number @i of the family. */
static void expect_group(struct nl_sock *s, uint8_t cmd, const struct nl_family *family, int i)
{
	struct nl_family group;

	expect_notification(s, cmd, &group);
	EXPECT_EQ(group.id, family->id);
	EXPECT_EQ(group.ngroups, 1);
	EXPECT_STR(group.groups[0].name, groups[i]);
	EXPECT_EQ(group.groups[0].id, family->groups[i].id);
}

static void expect_loading(struct nl_sock *s, struct nl_family *family)
{
	expect_notification(s, CTRL_CMD_NEWFAMILY, family);
	expect_description(family);
	for (int i = 0; i < family->ngroups; i++)
		expect_group(s, CTRL_CMD_NEWMCAST_GRP, family, i);
}

static void expect_unloading(struct nl_sock *s, const struct nl_family *family)
{
	struct nl_family f;

	for (int i = 0; i < family->ngroups; i++)
		expect_group(s, CTRL_CMD_DELMCAST_GRP, family, i);
	expect_notification(s, CTRL_CMD_DELFAMILY, &f);
	EXPECT_EQ(f.id, family->id);
}

static void notifications(const void *arg)
{
	struct nl_family before, after, now;
	struct nl_sock s, inside;
	int fd;

	begin();
	EXPECT(find_family(NLPEER_FAMILY_NAME, &before), "not loaded");
	listen_to_nlctrl(&s);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	enter_new_netns();
	listen_to_nlctrl(&inside);
	EXPECT(!setns(fd, CLONE_NEWNET), "setns");

	EXPECT_EQ(unload("nlpeer"), 0);
	EXPECT_EQ(load("NLPEER_KO"), 0);
	EXPECT_EQ(unload("nlpeer"), 0);
	EXPECT_EQ(load("NLPEER_KO"), 0);

	expect_unloading(&s, &before);
	expect_loading(&s, &after);
	expect_unloading(&s, &after);
	expect_loading(&s, &after);
	EXPECT(find_family(NLPEER_FAMILY_NAME, &now), "not loaded");
	EXPECT_EQ(after.id, now.id);
	/* A family that is there in all namespaces is announced in all. */
	expect_unloading(&inside, &before);
	expect_loading(&inside, &after);
}

static void second_name(const void *arg)
{
	struct nl_family before, f;
	struct peer_dump dump;
	struct peer p, q;
	struct nl_sock s;

	module_file("NLPEER_DUP_KO");
	begin();
	if (loaded("nlpeer_dup"))
		EXPECT_EQ(unload("nlpeer_dup"), 0);
	peer_open(&p);
	peer_open(&q);
	listen_to_nlctrl(&s);
	EXPECT(find_family(NLPEER_FAMILY_NAME, &before), "not loaded");
	dump = peer_send_dump(&q, 5000);
	peer_read_datagram(&q, &dump, 8192);

	for (int i = 0; i < 3; i++) {
		expect_name_taken("NLPEER_DUP_KO", "nlpeer_dup");
		peer_ping(&p, i);
		EXPECT_EQ(peer_status(&p).dumps, 1);
	}

	/* The dump that was open goes on as if nothing had been. */
	peer_read_dump(&q, &dump, 8192);
	EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "it is gone");
	EXPECT_BYTES(&f, sizeof(f), &before, sizeof(before));
	/* Nobody was told of a family that came or went. */
	EXPECT_EQ(unload("nlpeer"), 0);
	expect_unloading(&s, &before);
	EXPECT_EQ(load("NLPEER_KO"), 0);
}

/* What the module's own init has returned, which only a tracepoint shows. */
static void second_name_errno(const void *arg)
{
	static const char dir[] = "/sys/kernel/tracing/instances/nlpeer_selftest";
	static char path[128], trace[8192];
	ssize_t len;
	int fd;

	module_file("NLPEER_DUP_KO");
	begin();
	/* In a mount namespace of our own, lest it be mounted for all. */
	if (access("/sys/kernel/tracing/instances", F_OK) &&
	    (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	     mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL)))
		SKIP("no tracefs: %s", strerror(errno));
	/* One that an earlier run has left behind may hold an old trace. */
	rmdir(dir);
	if (mkdir(dir, 0700))
		SKIP("%s: %s", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/events/initcall/initcall_finish/enable", dir);
	if (write_file(path, "1")) {
		rmdir(dir);
		SKIP("%s is missing", path);
	}
	expect_name_taken("NLPEER_DUP_KO", "nlpeer_dup");
	snprintf(path, sizeof(path), "%s/trace", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (len = 0; fd >= 0 && len < (ssize_t)sizeof(trace) - 1;) {
		ssize_t more = read(fd, trace + len, sizeof(trace) - 1 - len);

		if (more <= 0)
			break;
		len += more;
	}
	close(fd);
	EXPECT(!rmdir(dir), "%s", strerror(errno));
	EXPECT(strstr(trace, "ret=-17"), "%s", trace);
}

/* The name is free once its owner is gone; then nlpeer is the second one. */
static void second_name_first(const void *arg)
{
	struct nl_family f;
	struct peer p;

	module_file("NLPEER_DUP_KO");
	begin();
	EXPECT_EQ(unload("nlpeer"), 0);
	EXPECT_EQ(load("NLPEER_DUP_KO"), 0);
	EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "not registered");
	EXPECT_EQ(f.nops, 0);
	EXPECT_EQ(f.ngroups, 0);
	expect_name_taken("NLPEER_KO", "nlpeer");
	EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "the first one is gone");
	EXPECT_EQ(unload("nlpeer_dup"), 0);
	EXPECT_EQ(load("NLPEER_KO"), 0);
	peer_open(&p);
	peer_ping(&p, 1);
	expect_description(&p.family);
}

static void unload_during_dump(const void *arg)
{
	struct peer_dump dump;
	struct peer p, q;

	begin();
	peer_open(&p);
	peer_open(&q);
	EXPECT_EQ(references(), 0);
	dump = peer_send_dump(&p, 20000);
	EXPECT_EQ(references(), 1);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(unload("nlpeer"), EWOULDBLOCK);
		peer_read_datagram(&p, &dump, 8192);
		peer_ping(&q, i);
	}
	/* Nobody is hurt by the attempts, and when it is over it goes. */
	peer_read_dump(&p, &dump, NL_MSG_SIZE);
	EXPECT_EQ(references(), 0);
	EXPECT_EQ(unload("nlpeer"), 0);

	/* The same with a dump that is closed instead of read. */
	EXPECT_EQ(load("NLPEER_KO"), 0);
	peer_open(&p);
	dump = peer_send_dump(&p, 20000);
	EXPECT_EQ(unload("nlpeer"), EWOULDBLOCK);
	peer_close(&p);
	WAIT_FOR(references() == 0);
	EXPECT_EQ(unload("nlpeer"), 0);
	EXPECT_EQ(load("NLPEER_KO"), 0);
}

/* Sockets that only have something to do with the family hold nothing. */
static void unload_with_sockets(const void *arg)
{
	static struct nl_msg m;
	struct peer p, listener, sender;
	struct peer_dump dump;
	int group;

	begin();
	/* One with replies that nobody has read yet. */
	peer_open(&p);
	for (int i = 0; i < 5; i++) {
		peer_start(&p, &m, 0, NLPEER_CMD_ECHO);
		EXPECT_OK(nl_send(&p.sock, &m));
	}
	/* One that listens, and has an unread event. */
	peer_open(&listener);
	peer_open(&sender);
	group = nl_group(&listener.family, NLPEER_MCGRP_EVENTS);
	EXPECT_OK(nl_membership(&listener.sock, group, true));
	peer_start(&sender, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 1);
	peer_command(&sender, &m, 0);
	/* One that has read a dump to its end. */
	dump = peer_send_dump(&sender, 100);
	peer_read_dump(&sender, &dump, NL_MSG_SIZE);

	EXPECT_EQ(unload("nlpeer"), 0);
	EXPECT_EQ(load("NLPEER_KO"), 0);

	/* What was sent before can still be read. */
	for (int i = 0; i < 5; i++)
		EXPECT_OK(nl_recv_msg(&p.sock, &m));
	EXPECT_OK(nl_recv_msg(&listener.sock, &m));
	EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), 1);

	/* The membership has gone with the family: event 2 does not come. */
	peer_close(&sender);
	peer_open(&sender);
	peer_start(&sender, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 2);
	peer_command(&sender, &m, 0);
	group = nl_group(&sender.family, NLPEER_MCGRP_EVENTS);
	EXPECT_OK(nl_membership(&listener.sock, group, true));
	peer_start(&sender, &m, 0, NLPEER_CMD_EVENT_SEND);
	nl_put_u32(&m, NLPEER_A_EVENT_COOKIE, 3);
	peer_command(&sender, &m, 0);
	EXPECT_OK(nl_recv_msg(&listener.sock, &m));
	EXPECT_EQ(nla_u32(nl_attrs(nl_hdr(&m))), 3);
}

/* A module for tests is not loaded because somebody asks nlctrl for its name. */
static void not_by_name(const void *arg)
{
	void (*prepare)(void) = *(void (*const *)(void))arg;
	struct nl_family f;
	struct nl_sock s;

	begin();
	if (system("modprobe -n nlpeer 2>/dev/null"))
		SKIP("nlpeer is not installed: make modules_install, depmod");
	if (access("/proc/sys/kernel/modprobe", F_OK))
		SKIP("this kernel does not load modules by itself");
	EXPECT_EQ(unload("nlpeer"), 0);
	prepare();
	EXPECT_OK(nl_open(&s));
	EXPECT_EQ(nl_get_family(&s, NLPEER_FAMILY_NAME, 0, &f), -ENOENT);
	EXPECT(!loaded("nlpeer"), "it is loaded");
}

static void as_root(void)
{
}

/* A name that no module has: nothing is loaded, nothing breaks. */
static void autoload_unknown(const void *arg)
{
	struct nl_family f;
	struct nl_sock s;

	begin();
	EXPECT_OK(nl_open(&s));
	EXPECT_EQ(nl_get_family(&s, "nlpeer_none", 0, &f), -ENOENT);
	/* Names are compared as a whole. */
	EXPECT_EQ(nl_get_family(&s, "nlpee", 0, &f), -ENOENT);
}

/* What the processes that use the family while it comes and goes share. */
struct storm {
	uint16_t id;
	bool calm;		/* no new dumps */
	bool over;
	unsigned int served;
	unsigned int refused;
	unsigned int early;	/* served before it was known to be loaded */
};

#define READ(field)		__atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define WRITE(field, value)	__atomic_store_n(&(field), value, __ATOMIC_SEQ_CST)

static void storm_echo(const void *arg)
{
	struct storm *storm = (struct storm *)arg;
	struct nl_sock s;

	EXPECT_OK(nl_open(&s));
	/* Ids are given one after the other: the next one is that of the next time. */
	for (int next = 0; !READ(storm->over); next = !next) {
		uint16_t id = READ(storm->id);
		int err = echo_to(&s, id + next);

		EXPECT(!err || err == ENOENT, "%s", strerror(err));
		if (next) {
			if (!err && READ(storm->id) == id)
				__atomic_fetch_add(&storm->early, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		__atomic_fetch_add(err ? &storm->refused : &storm->served, 1,
				   __ATOMIC_SEQ_CST);
	}
}

static void storm_dump(const void *arg)
{
	struct storm *storm = (struct storm *)arg;
	static struct nl_msg m;
	struct peer p = { 0 };

	EXPECT_OK(nl_open(&p.sock));
	while (!READ(storm->over)) {
		struct peer_dump dump;
		struct nl_ack ack;
		ssize_t len;

		if (READ(storm->calm)) {
			ktap_pause();
			continue;
		}
		p.family.id = READ(storm->id);
		dump = peer_send_dump(&p, 1000);
		len = recv(p.sock.fd, m.data, sizeof(m.data), MSG_PEEK);
		EXPECT(len > 0, "%zd", len);
		if (nl_read_ack(nl_hdr(&m), &ack)) {
			/* Once begun it comes to its end, unloading or not. */
			peer_read_dump(&p, &dump, NL_MSG_SIZE);
			continue;
		}
		/* The module may be about to go when the core asks for it. */
		EXPECT(ack.error == -ENOENT || ack.error == -EPROTONOSUPPORT,
		       "%s", strerror(-ack.error));
		EXPECT_OK(nl_recv_msg(&p.sock, &m));
	}
}

static void storm(const void *arg)
{
	struct storm *storm = shared_memory(sizeof(*storm));
	struct nl_family f;
	struct peer p;
	pid_t pids[4];

	begin();
	EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "not loaded");
	WRITE(storm->id, f.id);
	for (int i = 0; i < 4; i++)
		pids[i] = spawn(i % 2 ? storm_dump : storm_echo, storm);
	for (int i = 0; i < 20; i++) {
		unsigned int served = READ(storm->served);
		unsigned int refused = READ(storm->refused);

		WAIT_FOR(READ(storm->served) > served + 10);
		/* Between two dumps, if they ever leave a gap. */
		for (int attempt = 0; loaded("nlpeer") && unload("nlpeer"); attempt++) {
			WRITE(storm->calm, attempt > 100);
			EXPECT(attempt < 5000, "it does not go");
			ktap_pause();
		}
		WRITE(storm->calm, false);
		WAIT_FOR(READ(storm->refused) > refused);
		EXPECT_EQ(load("NLPEER_KO"), 0);
		EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "not loaded");
		WRITE(storm->id, f.id);
	}
	WRITE(storm->over, true);
	for (int i = 0; i < 4; i++)
		join(pids[i]);
	/* Callbacks run as soon as the core knows the family, before loading has ended. */
	DIAG("%u requests were served before the family was known to be there",
	     READ(storm->early));
	EXPECT(READ(storm->early) > 0, "nobody came early");
	peer_open(&p);
	EXPECT_EQ(peer_status(&p).dumps, 0);
	EXPECT_EQ(references(), 0);
}

static void (*const root)(void) = as_root;
static void (*const nobody)(void) = become_nobody;
static void (*const netns)(void) = enter_new_netns;

static const struct ktap_test tests[] = {
	{ "ten times unloaded and loaded", cycles },
	{ "the id is unknown when it is unloaded", unknown_when_unloaded },
	{ "loading it twice is EEXIST", load_twice },
	{ "nlctrl tells of loading and unloading, in order", notifications },
	{ "a second family of the name is refused and harms nothing", second_name },
	/* covers: trap 3 */
	{ "a second family of the name: init returns EEXIST", second_name_errno },
	{ "a second family of the name may be first", second_name_first },
	/* covers: trap 2 */
	{ "unloading is refused while a dump is open", unload_during_dump },
	{ "unloading with sockets, listeners, unread messages", unload_with_sockets },
	{ "asking for the name does not load it", not_by_name, &root },
	/* covers: trap x */
	{ "asking for the name does not load it: unprivileged", not_by_name, &nobody },
	{ "asking for the name does not load it: network namespace", not_by_name, &netns },
	{ "asking for an unknown name", autoload_unknown },
	/* covers: trap e */
	{ "reloaded twenty times while four clients use it", storm },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
