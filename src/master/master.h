/* SPDX-License-Identifier: ISC */
/*
 * master: reads the configuration, binds the sockets, starts and watches
 * the other processes. Never reads a byte that came from the network.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "master/beat.h"
#include "master/control.h"
#include "master/listen.h"
#include "master/process.h"
#include "master/reload.h"

/* All there are or could be, whether they run or not. */
#define FOR_EACH_PROCESS(p, m)                                               \
	for ((p) = (m)->processes; (p) < (m)->processes + ROLE_MAX_PROCESSES; (p)++)

struct master_options {
	const char *conf_file;
	bool json_log;
};

struct master {
	struct loop loop;
	struct loop_io signals;
	bool done;			/* all have ended */
	struct master_options options;
	struct conf *conf;
	int conf_text;			/* sealed canonical text of conf */
	int log_read;			/* our own records, for the log */
	struct listen_set listeners;
	struct passed_set passed;
	struct process processes[ROLE_MAX_PROCESSES];	/* by their numbers */
	size_t n_workers;		/* wanted, at least one */
	struct reload reload;
	struct control control;
	bool ready;			/* READY=1 has been said */
	bool stopping;
	bool failed;			/* could not come up; ends with an error */
	uint32_t sealed;		/* listeners that a stop has ended, by number */
	uint64_t stop_usec;		/* deadline of the stop */
	uint64_t started_usec;
	struct beat beat;
	struct loop_timer strays;	/* orphans of a runner are being killed */
	uint64_t strays_usec;		/* since then */
	uint64_t n_reloads;		/* begun */
	uint64_t n_starts;		/* of processes */
};

/* Runs until told to stop. Returns an exit code. */
int master_main(const struct master_options *options);

/* From process.c. */
void master_on_started(struct process *p);
void master_on_frame(struct process *p, const struct frame *f);
void master_on_died(struct process *p);

/*
 * It cannot start for a reason that stays. Before reqd has ever served that is its
 * end, with the reason on standard error, as the log may not be there.
 */
void master_on_unable(struct process *p);

/* Gives a process the configuration in force. */
void master_prepare(struct process *p);

/*
 * Processes that were held back go on, unless those that they await will serve
 * soon.
 */
void master_release_held(struct master *m);

/* Every process there can be, none of them started. */
void master_init_processes(struct master *m);

/* Overrides of the command line, laid over what was loaded. */
void master_override(const struct master *m, struct conf *c);

/* Its canonical text, sealed, for the other processes. A descriptor, or -errno. */
int master_seal(const struct conf *c);

/* How many workers a configuration asks for. */
size_t master_workers_wanted(const struct conf *c);

/*
 * From now on so many workers are wanted: starts what is missing. One that
 * is too many has been given no listeners and ends with its last connection.
 */
void master_scale_workers(struct master *m, size_t wanted);

/* True if the configuration in force asks for this process; else it may end at any time. */
bool master_wants(const struct process *p);

static inline struct process *
master_process(struct master *m, enum role_kind kind, size_t slot)
{
	return &m->processes[ROLE_PROCESS(kind, slot)];
}
