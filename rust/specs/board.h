/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	rust/specs/board.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: make regen */

#ifndef _UAPI_LINUX_BOARD_H
#define _UAPI_LINUX_BOARD_H

#define BOARD_FAMILY_NAME	"board"
#define BOARD_FAMILY_VERSION	1

#define BOARD_STEP_MAX	100

enum {
	BOARD_A_NUMBER_VALUE = 1,
	BOARD_A_NUMBER_STEP,

	__BOARD_A_NUMBER_MAX,
	BOARD_A_NUMBER_MAX = (__BOARD_A_NUMBER_MAX - 1)
};

enum {
	BOARD_CMD_GET = 1,
	BOARD_CMD_ADD,
	BOARD_CMD_CHANGED,

	__BOARD_CMD_MAX,
	BOARD_CMD_MAX = (__BOARD_CMD_MAX - 1)
};

#define BOARD_MCGRP_CHANGES	"changes"

#endif /* _UAPI_LINUX_BOARD_H */
