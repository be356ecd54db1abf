// SPDX-License-Identifier: GPL-2.0
/*
 * genl_two: two families in one module, a door and a lamp, which is on while the
 * door is open.
 */
#include <sys/stat.h>

#include "accept.h"

#define DOOR	"genl-door"
#define LAMP	"genl-lamp"

/* The do of either family, and what it tells. */
enum { CHANGE = 1, CHANGED };

static int change(struct peer *p, uint32_t value)
{
	struct nl_msg *m = test_start(p, NLM_F_ACK, CHANGE);
	struct nl_ack ack;

	nl_put_u32(m, 1, value);
	EXPECT_OK(nl_send(&p->sock, m));
	peer_recv(p, m);
	EXPECT_OK(nl_read_ack(nl_hdr(m), &ack));
	return -ack.error;
}

static void expect(struct peer *p, uint32_t value)
{
	EXPECT_EQ(test_u32(recv_told(p, CHANGED), 1), value);
}

static void both_there(const void *arg)
{
	struct nl_family door, lamp;

	EXPECT(find_family(DOOR, &door), "no door");
	EXPECT(find_family(LAMP, &lamp), "no lamp");
	EXPECT(door.id != lamp.id, "both have %u", door.id);
	EXPECT_EQ(door.ngroups, 1);
	EXPECT_EQ(lamp.ngroups, 1);
	EXPECT_STR(door.groups[0].name, "moves");
	EXPECT_STR(lamp.groups[0].name, "light");
	EXPECT(door.groups[0].id != lamp.groups[0].id, "both have %u", door.groups[0].id);
}

static void own_do_and_group(const void *arg)
{
	struct peer door, lamp, at_door, at_lamp;

	open_family(&door, DOOR);
	open_family(&lamp, LAMP);
	open_listener(&at_door, DOOR, "moves");
	open_listener(&at_lamp, LAMP, "light");

	EXPECT_EQ(change(&lamp, 30), 0);
	expect(&at_lamp, 30);
	peer_expect_silence(&at_door);
	/* A handler of the one that sends for the other. */
	EXPECT_EQ(change(&door, 1), 0);
	expect(&at_door, 1);
	expect(&at_lamp, 100);
	EXPECT_EQ(change(&door, 0), 0);
	expect(&at_door, 0);
	expect(&at_lamp, 0);
	/* What is the same as before is not told. */
	EXPECT_EQ(change(&lamp, 0), 0);
	peer_expect_silence(&at_lamp);
}

/* Each has a policy of its own for the same command and attribute. */
static void own_policy(const void *arg)
{
	struct peer door, lamp;

	open_family(&door, DOOR);
	open_family(&lamp, LAMP);
	EXPECT_EQ(change(&door, 2), ERANGE);
	EXPECT_EQ(change(&lamp, 2), 0);
	EXPECT_EQ(change(&lamp, 101), ERANGE);
}

#define MODPROBE	"/proc/sys/kernel/modprobe"
#define PROGRAM		"/run/genl-selftest-modprobe"

static void ask_as_nobody(const void *name)
{
	struct nl_family f;
	struct nl_sock s;

	become_nobody();
	EXPECT_OK(nl_open(&s));
	EXPECT_OK(nl_get_family(&s, name, 0, &f));
	EXPECT_STR(f.name, name);
}

/*
 * The kernel asks a program of ours for a module by its alias, which loads genl_two
 * if it has that alias, as modprobe would if genl_two were installed.
 */
static void loaded_by_name(const void *name)
{
	char program[512], before[256] = "";
	int fd = open(MODPROBE, O_RDONLY | O_CLOEXEC), status;
	pid_t pid;

	if (fd < 0 || read(fd, before, sizeof(before) - 1) <= 0)
		SKIP("this kernel does not load modules by itself");
	close(fd);
	snprintf(program, sizeof(program), "#!/bin/sh\n"
		 "for name; do :; done\n"
		 "modinfo -F alias '%s' | grep -qxF \"$name\" && exec insmod '%s'\n",
		 module_file("GENL_TWO_KO"), module_file("GENL_TWO_KO"));
	unlink(PROGRAM);
	close(open(PROGRAM, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	EXPECT_OK(write_file(PROGRAM, program));
	EXPECT_EQ(chmod(PROGRAM, 0755), 0);
	EXPECT_EQ(unload_soon("genl_two"), 0);
	EXPECT(!is_there(name), "it did not go");

	EXPECT_OK(write_file(MODPROBE, PROGRAM));
	pid = spawn(ask_as_nobody, name);
	waitpid(pid, &status, 0);
	EXPECT_OK(write_file(MODPROBE, before));
	unlink(PROGRAM);
	EXPECT_EQ(status, 0);
	EXPECT(loaded("genl_two"), "it was not loaded");
}

static void both_gone(const void *arg)
{
	EXPECT_EQ(unload_soon("genl_two"), 0);
	EXPECT(!is_there(DOOR), "the door is still there");
	EXPECT(!is_there(LAMP), "the lamp is still there");
	EXPECT_EQ(load("GENL_TWO_KO"), 0);
	both_there(NULL);
}

static const struct module modules[] = { { "genl_two", "GENL_TWO_KO" } };

static const struct ktap_test tests[] = {
	/* covers: surface 10c */
	{ "two families of one module, each with a group", both_there },
	/* covers: surface 10c, trap 25 */
	{ "each has its own do, and tells its own listeners", own_do_and_group },
	{ "each has its own policy", own_policy },
	{ "asking for the one loads the module", loaded_by_name, DOOR },
	/* covers: surface 10c */
	{ "asking for the other loads the module", loaded_by_name, LAMP },
	{ "both go and come with the module", both_gone },
};

int main(void)
{
	return accept_run(modules, ARRAY_SIZE(modules), tests, ARRAY_SIZE(tests));
}
