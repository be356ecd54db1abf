/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading and unloading nlpeer, and using it without knowing whether it is there.
 *
 * NLPEER_KO and NLPEER_DUP_KO are the files of the modules; run_tests.sh finds
 * them.
 */
#ifndef MODULE_H
#define MODULE_H

#include <sys/syscall.h>

#include <linux/module.h>

#include "peer.h"

#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE	4
#endif

static inline bool loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

static inline int references(void)
{
	char text[16] = "";
	int fd = open("/sys/module/nlpeer/refcnt", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		FAIL("refcnt: %s", strerror(errno));
	close(fd);
	return atoi(text);
}

/* The file of a module that can be loaded, or the test is skipped. */
static inline const char *module_file(const char *variable)
{
	const char *path = getenv(variable);

	if (!path || !*path)
		SKIP("set %s to the file of the module, or install it", variable);
	if (access(path, R_OK))
		SKIP("%s: %s", path, strerror(errno));
	return path;
}

/* Load a module from the file that @variable names; returns 0 or an errno. */
static inline int load_with(const char *variable, const char *params)
{
	const char *path = module_file(variable);
	int fd, flags, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	flags = strcmp(strrchr(path, '.'), ".ko") ? MODULE_INIT_COMPRESSED_FILE : 0;
	err = syscall(SYS_finit_module, fd, params, flags) ? errno : 0;
	close(fd);
	return err;
}

static inline int load(const char *variable)
{
	return load_with(variable, "");
}

static inline int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

/* To be called before anything is unloaded, or it could not be loaded again. */
static inline void begin(void)
{
	module_file("NLPEER_KO");
	if (!loaded("nlpeer"))
		EXPECT_EQ(load("NLPEER_KO"), 0);
}

/* Find a family among all; asking for its name would load its module. */
static inline bool find_family(const char *name, struct nl_family *f)
{
	static struct nl_msg m;
	bool found = false;
	struct nl_sock s;

	EXPECT_OK(nl_open(&s));
	nl_start(&m, GENL_ID_CTRL, NLM_F_DUMP, CTRL_CMD_GETFAMILY, 2);
	EXPECT_OK(nl_send(&s, &m));
	for (;;) {
		struct nlmsghdr *nlh = nl_hdr(&m);
		ssize_t len = nl_recv(&s, m.data, sizeof(m.data), 0);
		struct nl_family other;

		EXPECT_OK(len);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_DONE) {
				nl_close(&s);
				return found;
			}
			EXPECT_OK(nl_read_family(nlh, &other));
			if (!strcmp(other.name, name)) {
				EXPECT(!found, "two families of this name");
				found = true;
				*f = other;
			}
		}
	}
}

/* An echo to a family id: 0, or the errno of the refusal. */
static inline int echo_to(struct nl_sock *s, uint16_t id)
{
	static struct nl_msg m;
	struct nl_ack ack;

	nl_start(&m, id, 0, NLPEER_CMD_ECHO, NLPEER_FAMILY_VERSION);
	EXPECT_OK(nl_send(s, &m));
	EXPECT_OK(nl_recv_msg(s, &m));
	EXPECT_EQ(nl_hdr(&m)->nlmsg_seq, s->seq);
	if (!nl_read_ack(nl_hdr(&m), &ack))
		return -ack.error;
	EXPECT_EQ(nl_hdr(&m)->nlmsg_type, id);
	return 0;
}

#endif /* MODULE_H */
