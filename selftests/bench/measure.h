/* SPDX-License-Identifier: GPL-2.0 */
/* What bench.c and ports.c share: the figure that stands for several. */

#ifndef _MEASURE_H
#define _MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The one in the middle; the values are sorted. */
static uint64_t median(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

#endif /* _MEASURE_H */
