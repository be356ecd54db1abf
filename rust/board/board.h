/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	rust/board/board.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: make regen */

#ifndef _UAPI_LINUX_BOARD_H
#define _UAPI_LINUX_BOARD_H

#define BOARD_FAMILY_NAME	"board"
#define BOARD_FAMILY_VERSION	1

#define BOARD_NAME_MAX	31
#define BOARD_TEXT_MAX	255
#define BOARD_NOTES_MAX	256

/**
 * enum board_change - What has happened to a note.
 * @BOARD_CHANGE_POSTED: It is new.
 * @BOARD_CHANGE_REPLACED: It has another text.
 * @BOARD_CHANGE_REMOVED: It is gone.
 */
enum board_change {
	BOARD_CHANGE_POSTED,
	BOARD_CHANGE_REPLACED,
	BOARD_CHANGE_REMOVED,
};

enum {
	BOARD_A_NOTE_NAME = 1,
	BOARD_A_NOTE_TEXT,
	BOARD_A_NOTE_CHANGE,

	__BOARD_A_NOTE_MAX,
	BOARD_A_NOTE_MAX = (__BOARD_A_NOTE_MAX - 1)
};

enum {
	BOARD_CMD_POST = 1,
	BOARD_CMD_REMOVE,
	BOARD_CMD_GET,
	BOARD_CMD_CHANGED,

	__BOARD_CMD_MAX,
	BOARD_CMD_MAX = (__BOARD_CMD_MAX - 1)
};

#define BOARD_MCGRP_CHANGES	"changes"

#endif /* _UAPI_LINUX_BOARD_H */
