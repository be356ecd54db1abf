// SPDX-License-Identifier: GPL-2.0
/*
 * genl_drv: a family that owns a driver, and a driver that has a family for the
 * device that is bound. genl_ports has two devices, of which one can be bound.
 */
#include "accept.h"

#define DRIVER	"/sys/bus/platform/drivers/genl_drv/"
#define FIRST	"genl_drv.0"
#define SECOND	"genl_drv.1"

enum { CAME = 1, WENT };	/* told by genl-ports */
enum { READ = 1, REGISTERS };	/* of genl-port */
enum { COUNT = 5000 };		/* numbers in a dump */

static int bind_to(const char *device)
{
	return -write_file(DRIVER "bind", device);
}

static int unbind_from(const char *device)
{
	return -write_file(DRIVER "unbind", device);
}

static bool is_bound(const char *device)
{
	char path[128];

	snprintf(path, sizeof(path), DRIVER "%s", device);
	return !access(path, F_OK);
}

/* As it is when both modules are loaded. */
static void begin_bound(void)
{
	if (is_bound(SECOND))
		EXPECT_EQ(unbind_from(SECOND), 0);
	if (!is_bound(FIRST))
		EXPECT_EQ(bind_to(FIRST), 0);
}

/* The answer to a request for one number, or the errno of the refusal. */
static int read_one(struct peer *p)
{
	struct nl_msg *m = test_start(p, 0, READ);
	const struct nlattr *attrs[2];
	struct nl_ack ack;

	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv(p, m);
	EXPECT_EQ(nl_hdr(m)->nlmsg_seq, p->sock.seq);
	if (!nl_read_ack(nl_hdr(m), &ack))
		return ack.error;
	EXPECT_EQ(nl_hdr(m)->nlmsg_type, p->family.id);
	EXPECT_OK(nla_index(nl_attrs(nl_hdr(m)), nl_attrs_len(nl_hdr(m)), attrs, 1));
	return test_u32(attrs, 1);
}

static void expect_told(struct peer *p, uint8_t cmd, const char *device)
{
	const struct nlattr **attrs = recv_told(p, cmd);

	EXPECT(attrs[1], "no name");
	EXPECT_STR((const char *)nla_data(attrs[1]), device);
}

static void probed(const void *arg)
{
	struct peer p;

	EXPECT(is_bound(FIRST), "it is not bound");
	EXPECT(is_there("genl-ports"), "the family with the driver is not there");
	open_family(&p, "genl-port");
	EXPECT_EQ(read_one(&p), 42);
}

/* The probe of the second device cannot register the family once more. */
static void second(const void *arg)
{
	struct peer p;

	begin_bound();
	EXPECT(!is_bound(SECOND), "both are bound");
	EXPECT_EQ(bind_to(SECOND), EEXIST);
	EXPECT(!is_bound(SECOND), "it is bound after all");
	open_family(&p, "genl-port");
	EXPECT_EQ(read_one(&p), 42);

	EXPECT_EQ(unbind_from(FIRST), 0);
	EXPECT_EQ(bind_to(SECOND), 0);
	EXPECT_EQ(bind_to(FIRST), EEXIST);
	EXPECT(is_there("genl-port"), "the second device has no family");
	EXPECT_EQ(unbind_from(SECOND), 0);
	EXPECT(!is_there("genl-port"), "it did not go");
}

static void told(const void *arg)
{
	struct peer ports, port;

	begin_bound();
	open_listener(&ports, "genl-ports", "ports");
	open_family(&port, "genl-port");
	EXPECT_EQ(unbind_from(FIRST), 0);
	expect_told(&ports, WENT, FIRST);
	EXPECT_EQ(read_one(&port), -ENOENT);
	EXPECT_EQ(bind_to(SECOND), 0);
	expect_told(&ports, CAME, SECOND);
	EXPECT_EQ(unbind_from(SECOND), 0);
	expect_told(&ports, WENT, SECOND);
	peer_expect_silence(&ports);
}

/* Unbinding does not wait for a reader who takes a break. */
static void open_dump(const void *arg)
{
	struct numbers n;
	struct peer p;

	for (int again = 0; again <= 1; again++) {
		begin_bound();
		open_family(&p, "genl-port");
		numbers_begin(&p, REGISTERS, &n);
		EXPECT(!n.done, "it was too short");
		EXPECT_EQ(unbind_from(FIRST), 0);
		/* The family that comes after it is not the one that was asked. */
		if (again)
			EXPECT_EQ(bind_to(FIRST), 0);
		numbers_end(&p, &n);
		EXPECT_EQ(n.error, -ENODEV);
		EXPECT(n.next < COUNT, "%u objects", n.next);
		nl_close(&p.sock);
	}
}

/* What the clients share with who binds and unbinds. */
static struct load {
	uint32_t id;		/* of the family, as it was registered last */
	unsigned long served[2], refused[2], ended;
	bool calm;		/* no new dumps */
	bool over;
} *under;

#define GET(field)		__atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define SET(field, value)	__atomic_store_n(&(field), value, __ATOMIC_SEQ_CST)
#define COUNT_UP(field)		__atomic_fetch_add(&(field), 1, __ATOMIC_SEQ_CST)

/* A dump to its end; one that was begun ends early only since the family has gone. */
static int dump_all(struct peer *p)
{
	struct numbers n;

	numbers_begin(p, REGISTERS, &n);
	if (n.done && !n.next)
		return n.error;
	numbers_end(p, &n);
	if (!n.error) {
		EXPECT_EQ(n.next, COUNT);
		return 0;
	}
	EXPECT_EQ(n.error, -ENODEV);
	COUNT_UP(under->ended);
	return n.error;
}

/* A client that does one of two things all the time. */
static void client(const void *arg)
{
	bool dumping = arg;
	struct peer p;

	alarm(0);
	EXPECT_OK(nl_open(&p.sock));
	while (!GET(under->over)) {
		int value;

		if (dumping && GET(under->calm)) {
			ktap_pause();
			continue;
		}
		p.family.id = GET(under->id);
		value = dumping ? dump_all(&p) : read_one(&p);
		if (value < 0) {
			/* A dump needs a reference to the module, which may be going. */
			EXPECT(value == -ENOENT ||
			       (dumping && (value == -ENODEV || value == -EPROTONOSUPPORT)),
			       "%s", strerror(-value));
			COUNT_UP(under->refused[dumping]);
			continue;
		}
		if (!dumping)
			EXPECT_EQ(value, 42);
		COUNT_UP(under->served[dumping]);
	}
}

/* Tell the clients which family is there now. */
static void publish(void)
{
	struct nl_family f;

	EXPECT(find_family("genl-port", &f), "there is no family");
	SET(under->id, f.id);
}

static void start_clients(pid_t *pids)
{
	alarm(0);
	under = shared_memory(sizeof(*under));
	EXPECT(under, "no memory");
	publish();
	for (long i = 0; i < 4; i++)
		pids[i] = spawn(client, (const void *)(i % 2));
}

static void stop_clients(const pid_t *pids)
{
	SET(under->over, true);
	for (int i = 0; i < 4; i++)
		join(pids[i]);
	DIAG("do: %lu served, %lu refused", under->served[0], under->refused[0]);
	DIAG("dump: %lu served, %lu refused, of these %lu on the way", under->served[1],
	     under->refused[1], under->ended);
}

/* Both kinds of clients have been served, or refused, more often than @before. */
static bool above(const unsigned long *counts, const unsigned long *before)
{
	if (waitpid(-1, NULL, WNOHANG) > 0)
		FAIL("a client has ended");
	return GET(counts[0]) > before[0] && GET(counts[1]) > before[1];
}

static void wait_above(const unsigned long *counts)
{
	unsigned long before[2] = { GET(counts[0]), GET(counts[1]) };

	WAIT_FOR(above(counts, before));
}

static void under_load(const void *arg)
{
	int count = loops(40, 200), size = 1 << 20;
	struct peer ports;
	pid_t pids[4];

	begin_bound();
	open_listener(&ports, "genl-ports", "ports");
	setsockopt(ports.sock.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	start_clients(pids);
	for (int i = 0; i < count; i++) {
		/* Mostly in the middle of what they do, whatever that is. */
		if (i % 4 == 0)
			wait_above(under->served);
		EXPECT_EQ(unbind_from(FIRST), 0);
		expect_told(&ports, WENT, FIRST);
		if (i % 4 == 1)
			wait_above(under->refused);
		EXPECT_EQ(bind_to(FIRST), 0);
		expect_told(&ports, CAME, FIRST);
		publish();
	}
	wait_above(under->served);
	stop_clients(pids);
	peer_expect_silence(&ports);
	DIAG("count bindings: %d", count);
}

/* The device goes by its own module, then the driver while it drives the device. */
static void modules_go(const void *arg)
{
	pid_t pids[4];

	begin_bound();
	start_clients(pids);
	for (int i = 0; i < 3; i++) {
		wait_above(under->served);
		EXPECT_EQ(unload_soon("genl_ports"), 0);
		EXPECT(!is_there("genl-port"), "the family of a device that has gone");
		EXPECT(is_there("genl-ports"), "the family with the driver has gone");
		EXPECT_EQ(load("GENL_PORTS_KO"), 0);
		EXPECT(is_bound(FIRST), "it is not bound");
		publish();
		wait_above(under->served);
		/* An open dump keeps the module, and there is always one. */
		SET(under->calm, true);
		EXPECT_EQ(unload_soon("genl_drv"), 0);
		EXPECT(!is_there("genl-ports"), "a family of a module that has gone");
		EXPECT(!is_there("genl-port"), "a family of a module that has gone");
		EXPECT_EQ(load("GENL_DRV_KO"), 0);
		SET(under->calm, false);
		publish();
	}
	wait_above(under->served);
	stop_clients(pids);
}

static const struct module modules[] = {
	{ "genl_ports", "GENL_PORTS_KO" },
	{ "genl_drv", "GENL_DRV_KO" },
};

static const struct ktap_test tests[] = {
	/* covers: surface 10c */
	{ "a device that is there is probed, and the probe registers a family", probed },
	{ "a second device is refused: its family is registered", second },
	{ "what is bound and unbound is told", told },
	/* covers: trap 2 */
	{ "an open dump of a device that is unbound ends with ENODEV", open_dump },
	/* covers: surface 10c, trap 2 */
	{ "bound and unbound under load", under_load },
	{ "the device and the driver go under load", modules_go },
};

int main(void)
{
	return accept_run(modules, ARRAY_SIZE(modules), tests, ARRAY_SIZE(tests));
}
