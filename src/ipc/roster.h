/* SPDX-License-Identifier: ISC */
/* roster: the state of reqd and of its processes, as the master tells control. */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "ipc/roles.h"

enum process_state {
	PROCESS_DOWN,		/* not running; the next start may be delayed */
	PROCESS_STARTING,	/* started, READY not yet received */
	PROCESS_PREPARING,	/* receives its configuration */
	PROCESS_SERVING,
	PROCESS_STOPPING,	/* told to end */
};

#define ROSTER_TIME sizeof("2027-01-31T12:00:00Z")

enum roster_state { ROSTER_STARTING, ROSTER_SERVING, ROSTER_RELOADING, ROSTER_STOPPING };

struct roster_process {
	uint32_t pid;		/* 0: none */
	uint32_t restarts;
	uint8_t state;		/* enum process_state */
};

struct roster {
	uint64_t started_usec;	/* monotonic; the master */
	uint32_t pid;		/* the master's */
	uint32_t state;		/* enum roster_state */
	/* The level of the log: in force, and by the files; set: by whom, when, until when. */
	uint8_t log_level, file_level;
	uint8_t is_level_set;
	uint32_t level_uid;
	char level_since[ROSTER_TIME];
	uint64_t level_due_usec;	/* monotonic; 0: until it is taken back */
	struct roster_process processes[ROLE_MAX_PROCESSES];	/* by number */
	char conf_file[PATH_MAX];
	char changed_file[PATH_MAX];	/* since it was read; "": none */
};
