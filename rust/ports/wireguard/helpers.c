// SPDX-License-Identifier: GPL-2.0
/* The C half of rust/genl for this module, and the name of its trace events. */
#define GENL_RS_TRACE_SYSTEM genl_wireguard
#include "../../genl/helpers.c"
