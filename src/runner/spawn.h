/* SPDX-License-Identifier: ISC */
/*
 * spawn: from a service and descriptors to a running program.
 *
 * spawn() forks and does not wait: an exec that hangs (a program on a dead
 * network mount) hangs in the child alone. The child reports a failed start
 * through shared memory, so that there is no descriptor to read from either.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/fence.h"
#include "base/oomscore.h"
#include "conf/conf.h"

/* Written by a child that could not start its program, before it exits. */
struct spawn_report {
	int stage;	/* enum start_stage */
	int error;	/* errno */
};

/* Exit status of a child that could not start its program. */
#define SPAWN_EXIT_FAILED 127

struct spawner {
	struct spawn_report *reports;	/* shared with children; one per slot */
	struct rlimit nofile;		/* as before the runner raised its own */
	int null_fd;			/* stdin of programs without input */
	sigset_t no_signals;
	struct oomscore oomscore;	/* of programs */
	struct fences fences;		/* sandboxes */
	pid_t self;
};

/* Prepares reports for n slots, /dev/null and limits. 0 or -errno. */
int spawner_init(struct spawner *sp, size_t n);

struct spawn_order {
	const struct service *service;
	size_t slot;		/* number of the report */
	int job;		/* file of jobs */
	uint32_t place;		/* place of the job in that file */
	int out, err;
	int in;			/* -1: none */
	int third;		/* descriptor 3 of the program, -1: none */
	uint64_t mark;		/* of all that descends from it */
	int cgroup;		/* directory to start in, -1: none */
	const char *directory;	/* to make and to start in; NULL: that of the service */
	int begun;		/* closed by the kernel when the program runs, -1: none */
};

/*
 * Starts a program and returns the pid or -errno. The descriptors stay the
 * caller's. All signals must be blocked. A failure with a cgroup may be the
 * cgroup's: the caller tries again without.
 */
pid_t spawn(const struct spawner *sp, const struct spawn_order *o);

/*
 * Starts a child that removes a directory which a program of this service has made, with
 * all that is in it, as the account of the service. The pid or -errno; the child's exit
 * status is 0 when nothing is left.
 */
pid_t spawn_clear(const struct spawner *sp, const struct service *s, const char *directory);

/* The report of the child of that slot; stage 0: nothing. Copied once. */
struct spawn_report spawn_report_of(const struct spawner *sp, size_t slot);
