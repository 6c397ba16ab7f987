/* SPDX-License-Identifier: ISC */
/*
 * roletable: what the master does with each role. A new role is a row of this
 * table and a row of ipc/roles.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/roles.h"

enum role_account {
	ROLE_AS_MASTER,		/* keeps the master's account, so that it may take others */
	ROLE_AS_USER,		/* the configured account, and no way to another one */
};

enum role_stop {
	ROLE_STOP_BY_FRAME,	/* STOP, with a deadline */
	ROLE_STOP_BY_CLOSING,	/* the end of its channel; it may be started until then */
};

/* A set of roles. */
#define ROLE_BIT(kind) (1u << (kind))

struct role_rules {
	enum role_account account;
	enum role_stop stop;
	int oomscore;			/* above the master's own */
	unsigned commit_step;		/* of a reload: lower steps are committed before */
	unsigned stop_step;		/* of a stop: lower steps have ended before */
	uint64_t silence_usec;		/* how long one that serves may owe a sign of life */
	bool has_page;			/* of statistics */
	bool has_records;		/* has a socket to the log */
	bool has_file_limits;		/* writes no larger file than a request needs, and opens fewer */
	bool listens;			/* is given the listening sockets */
	bool has_control_socket;	/* is given that */
	bool only_asks;			/* of those linked to it none asks it anything */
	bool may_refuse;		/* a new configuration; else it is replaced */
	bool dies_with_master;		/* at once, by the kernel; else when its channel ends */
	bool leaves_children;		/* when it dies, to the master */
	unsigned channels;		/* set: above it, and linked to it: descriptors come from there */
	unsigned pages;			/* set: of these it reads the statistics */
	unsigned awaits;		/* set: it begins to serve when these do */
};

/* In the order in which they are started. */
extern const struct role_rules role_rules[ROLE_N];

/* The last steps there are. */
#define ROLE_COMMIT_STEPS 3
#define ROLE_STOP_STEPS 5

/* The step of a reload in which the listening sockets change. */
unsigned role_listening_step(void);
