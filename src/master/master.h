/* SPDX-License-Identifier: ISC */
/*
 * master: reads the configuration, binds the sockets, starts and watches
 * the other processes. Never reads a byte that came from the network.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "master/beat.h"
#include "master/edition.h"
#include "master/orphans.h"
#include "master/overlay.h"
#include "master/passed.h"
#include "master/process.h"
#include "master/recovery.h"
#include "master/reload.h"

struct master {
	struct loop loop;
	struct loop_io signals;
	bool done;			/* all processes have ended */
	struct master_options options;
	struct edition now;		/* in force */
	struct passed_set passed;
	struct processes processes;
	struct reload reload;
	struct overlay overlay;
	struct recovery recovery;
	struct beat beat;
	struct orphans orphans;		/* orphans of a runner are being killed */
	bool ready;			/* READY=1 has been said */
	bool failed;			/* could not come up; ends with an error */
	struct loop_timer leave;	/* the listeners close then */
	uint64_t stop_usec;		/* deadline of the stop */
	uint64_t started_usec;
	uint64_t certificates_usec;	/* the last look at the end of certificates */
	uint64_t reload_asked;		/* the newest question of control for a reload; 0: none */
	uint64_t reload_answers;	/* the newest that the last reload answers; 0: none */
};

/* Nothing is read, opened or started yet. */
void master_init(struct master *m, const struct master_options *options);

/* Runs until told to stop. Returns an exit code. */
int master_main(const struct master_options *options);
