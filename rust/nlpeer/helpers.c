// SPDX-License-Identifier: GPL-2.0
/* The C half of rust/genl, for this module. */
#include "../genl/helpers.c"
