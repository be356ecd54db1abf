/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Patience: a kernel that looks for errors, on an emulated machine, is many times
 * slower. TEST_SLOW=N in the environment makes all timeouts N times as long.
 */
#ifndef SLOW_H
#define SLOW_H

#include <stdlib.h>

static inline int slow(int time)
{
	const char *factor = getenv("TEST_SLOW");

	return factor && atoi(factor) > 1 ? time * atoi(factor) : time;
}

#endif /* SLOW_H */
