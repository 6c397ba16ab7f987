/* SPDX-License-Identifier: ISC */
/*
 * roletable: the master's rules for each role. A new role is a row of this
 * table and a row of ipc/roles.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/roles.h"

enum role_account {
	ROLE_AS_MASTER,		/* keeps the master's account, to be able to take others */
	ROLE_AS_USER,		/* the configured account, with no way to another one */
};

enum role_stop {
	ROLE_STOP_BY_FRAME,	/* STOP, with a deadline */
	ROLE_STOP_BY_CLOSING,	/* the end of its channel; restarted until then */
};

/* A set of roles. */
#define ROLE_BIT(kind) (1u << (kind))

struct role_rules {
	enum role_account account;
	enum role_stop stop;
	int oomscore;			/* above the master's own */
	unsigned commit_step;		/* of a reload: lower steps commit before */
	unsigned stop_step;		/* of a stop: lower steps end before */
	uint64_t silence_usec;		/* limit for a sign of life while it serves */
	bool has_page;			/* of statistics */
	bool has_records;		/* has a socket to the log */
	bool has_file_limits;		/* has lower limits on the size and number of files */
	bool listens;			/* gets the listening sockets */
	bool has_control_socket;	/* gets the control socket */
	bool has_keys;			/* gets the open files of private keys */
	bool has_passwords;		/* gets the sealed hashes of passwords */
	bool only_asks;			/* processes linked to it ask it nothing */
	bool may_refuse;		/* may refuse a new configuration; else it is replaced */
	bool dies_with_master;		/* killed with the master; else ends with its channel */
	bool leaves_children;		/* children go to the master when it dies */
	unsigned channels;		/* set of roles above it, which send it descriptors */
	unsigned pages;			/* set of roles whose statistics it reads */
	unsigned awaits;		/* set of roles that have to serve before it does */
};

/* In the order in which they are started. */
extern const struct role_rules role_rules[ROLE_N];

/* Number of steps in a reload and in a stop. */
#define ROLE_COMMIT_STEPS 3
#define ROLE_STOP_STEPS 5

/* The step of a reload in which the listening sockets change. */
unsigned role_listening_step(void);
