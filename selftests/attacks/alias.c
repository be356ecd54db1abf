// SPDX-License-Identifier: GPL-2.0
/*
 * Who asks nlctrl for the name of a family can load its module. That is for
 * families that are made for everybody, and not for nlpeer, unless the
 * administrator says so.
 */
#include <sys/stat.h>

#include "attack.h"

#define CONFIG_DIR	"/run/modprobe.d"
#define CONFIG		CONFIG_DIR "/nlpeer-selftest.conf"
#define ALIAS		"net-pf-16-proto-16-family-"

/* nlpeer is installed, but not loaded. */
static void unload_installed(void)
{
	begin();
	if (system("modprobe -n nlpeer 2>/dev/null"))
		SKIP("nlpeer is not installed: make modules_install, depmod");
	if (access("/proc/sys/kernel/modprobe", F_OK))
		SKIP("this kernel does not load modules by itself");
	unlink(CONFIG);
	EXPECT_EQ(unload_soon("nlpeer"), 0);
}

/* Ask for the family by its name, as nobody. */
static void ask(const void *arg)
{
	const int *error = arg;
	struct nl_family f;
	struct nl_sock s;

	become_nobody();
	EXPECT_OK(nl_open(&s));
	EXPECT_EQ(-nl_get_family(&s, NLPEER_FAMILY_NAME, 0, &f), *error);
	if (!*error)
		EXPECT_EQ(echo_to(&s, f.id), 0);
}

static const int there, not_there = ENOENT;

static void not_by_nobody(const void *arg)
{
	bool is_loaded;

	unload_installed();
	in_process(ask, &not_there);
	is_loaded = loaded("nlpeer");
	if (!is_loaded)
		EXPECT_EQ(load("NLPEER_KO"), 0);
	EXPECT(!is_loaded, "nobody has loaded it");
}

static void by_configuration(const void *arg)
{
	bool is_loaded;
	pid_t pid;
	int status;

	unload_installed();
	mkdir(CONFIG_DIR, 0755);
	close(open(CONFIG, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	EXPECT_OK(write_file(CONFIG, "alias " ALIAS "nlpeer nlpeer\n"));
	pid = spawn(ask, &there);
	waitpid(pid, &status, 0);
	unlink(CONFIG);
	is_loaded = loaded("nlpeer");
	if (!is_loaded)
		EXPECT_EQ(load("NLPEER_KO"), 0);
	EXPECT(is_loaded, "it was not loaded");
	EXPECT_EQ(status, 0);
}

/* Whether the file of a module says that it may be loaded by this name. */
static bool has_alias(const char *variable, const char *name)
{
	char command[512], line[256], want[64];
	bool found = false;
	FILE *f;

	snprintf(want, sizeof(want), ALIAS "%s\n", name);
	snprintf(command, sizeof(command), "modinfo -F alias '%s'", module_file(variable));
	f = popen(command, "r");
	EXPECT(f, "%s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		found |= !strcmp(line, want);
	EXPECT_EQ(pclose(f), 0);
	return found;
}

static void files(const void *arg)
{
	EXPECT(!has_alias("NLPEER_KO", "nlpeer"), "nlpeer has the alias");
	EXPECT(has_alias("BOARD_KO", "board"), "board does not have the alias");
}

static const struct ktap_test tests[] = {
	/* covers: trap x */
	{ "nobody can load nlpeer by asking for its name", not_by_nobody },
	{ "the administrator can let everybody load it by its name", by_configuration },
	{ "board is loaded by its name, and nlpeer is not", files },
};

int main(void)
{
	return ktap_run(tests, ARRAY_SIZE(tests));
}
