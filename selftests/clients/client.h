/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the clients in C share: the protocol of clients.py, which its first
 * lines describe. A client is a table of behaviours and a call of serve().
 */

#ifndef CLIENT_H
#define CLIENT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nlpeer.h"

#define OBJECTS		10000
#define INTERRUPT_AFTER	5000
#define LAST		UINT32_MAX
#define LARGE		65531

/* What is odd about the reply that is asked for now. */
static uint32_t odd_what;

/* What echo is asked for. */
static const uint32_t echo_u32 = 42;
static const uint64_t echo_u64 = 1ULL << 40;
static const char echo_string[] = "hello, kernel";
static const uint8_t echo_binary[] = { 0, 1, 2 };
static const uint32_t echo_nest_u32 = 7;
static const char echo_nest_string[] = "inside";

struct behaviour {
	const char *name;
	void (*run)(void);
};

/* One line of what was seen. */
#define tell(format, ...)	printf(format "\n", ##__VA_ARGS__)

static inline void tell_bytes(const char *what, const void *data, size_t len)
{
	const uint8_t *byte = data;

	printf("%s ", what);
	for (size_t i = 0; i < len; i++)
		printf("%02x", byte[i]);
	putchar('\n');
}

/* A line that the runner waits for. */
static inline void mark(const char *what)
{
	tell("%s", what);
	fflush(stdout);
}

/* Waits until the runner says go. */
static inline void await_go(void)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		exit(1);
}

static inline int serve(const char *name, const char *version, const struct behaviour *table)
{
	const struct behaviour *entry;
	char line[64];

	tell("client %s %s", name, version);
	for (entry = table; entry->name; entry++)
		tell("has %s", entry->name);
	mark(".");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "odd %u", &odd_what) == 1)
			line[3] = '\0';
		for (entry = table; entry->name; entry++)
			if (!strcmp(line, entry->name))
				entry->run();
		mark(".");
	}
	return 0;
}

#endif /* CLIENT_H */
