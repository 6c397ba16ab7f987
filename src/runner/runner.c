/* SPDX-License-Identifier: ISC */
/* The main loop of the runner: frames of the master, SIGCHLD, stop. */
#include "config.h"

#include "runner/runner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/signals.h"
#include "base/sparse.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "runner/orders.h"

/* Open files that no kit takes: for a reload, a new broker, and what is read in /proc. */
#define FD_RESERVE 10
#define FAREWELL_USEC USEC_PER_SEC
/*
 * The broker has given every program its grace; at the deadline of a stop there
 * is only this much more.
 */
#define LAST_GRACE_USEC (200 * USEC_PER_MSEC)

/* ------------------------------------------------------- from the master --- */

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	if (n_fds == 2)
		orders_open(CONTAINER_OF(m, struct runner, member),
		    (struct mail_ends){ TAKE_FD(fds[0]), TAKE_FD(fds[1]) }, f->slot,
		    f->link.serial);
}

static void
on_unlink(struct member *m, const struct frame *f)
{
	struct runner *r = CONTAINER_OF(m, struct runner, member);

	if (f->link.serial == r->broker_serial)
		orders_close(r);
}

static void
on_stop(struct member *m, uint64_t due_usec)
{
	struct runner *r = CONTAINER_OF(m, struct runner, member);

	r->is_draining = true;
	r->is_ending = false;
	loop_arm(&r->loop, &r->stop_timer, due_usec);
}

static const struct member_ops member_ops = {
	.link = on_link, .unlink = on_unlink, .stop = on_stop,
};

/* ------------------------------------------------------------------ time --- */

/*
 * The time to drain is over. The broker, which was told before the runner, has
 * asked its programs to end. Programs that still run a little later are killed,
 * because the master gives the runner only half a second more.
 */
static void
on_stop_due(struct loop_timer *t)
{
	struct runner *r = CONTAINER_OF(t, struct runner, stop_timer);

	if (!r->is_ending) {
		r->is_ending = true;
		loop_arm(&r->loop, t, clock_usec() + LAST_GRACE_USEC);
		return;
	}
	programs_cut(r);
	strays_cut(r);
}

static void
on_reap_due(struct loop_timer *t)
{
	reap_children(CONTAINER_OF(t, struct runner, reap_timer));
}

static void
on_sigchld(struct loop_io *io, uint32_t events)
{
	struct runner *r = CONTAINER_OF(io, struct runner, sigchld);
	struct signalfd_siginfo si;

	(void)events;
	/* The signal only says that some child has ended; the kernel tells which. */
	(void)!read(io->fd, &si, sizeof(si));
	reap_children(r);
}

/* Does all that follows from the events of this turn of the loop. */
static void
runner_settle(struct loop *l)
{
	struct runner *r = CONTAINER_OF(l, struct runner, loop);

	ends_advance(&r->ends);
	r->stats->running = r->programs.n_used;
	if (r->is_draining && !r->is_drained && r->programs.n_used == 0 && r->strays.n == 0) {
		member_tell(&r->member, &(struct frame){ .type = FRAME_DRAINED });
		r->is_drained = true;
	}
}

/* ------------------------------------------------------------------ role --- */

static int
tables_init(struct runner *r)
{
	struct program *programs = sparse_alloc(PROGRAMS_MAX, sizeof(*programs));
	struct program **by_ref = sparse_alloc(FRAME_MAX_REFS, sizeof(struct program *));
	struct ends_kit *kits = sparse_alloc(FRAME_MAX_KITS, sizeof(*kits));
	int *leaves = sparse_alloc(PROGRAMS_MAX, sizeof(*leaves));
	rlim_t limit;

	if (programs == NULL || by_ref == NULL || kits == NULL || leaves == NULL)
		return -ENOMEM;
	programs_init(&r->programs, programs, by_ref);
	limit = r->spawner->nofile.rlim_max > INT32_MAX ? INT32_MAX : r->spawner->nofile.rlim_max;
	cgroups_init(&r->cgroups, leaves, PROGRAMS_MAX);
	temporary_init(&r->temporary);
	strays_init(r);
	orders_init(r);
	ends_init(&r->ends, &r->broker, kits, (int)limit - FD_RESERVE);
	return 0;
}

static int
runner_init(struct runner *r)
{
	int error;

	log_open(ROLE_LOG_FD);
	for (int fd = 0; fd < ROLE_N_FDS; fd++)
		(void)fd_set_cloexec(fd, true);
	r->stats = stats_map_own(ROLE_STATS_FD);
	if (r->stats == NULL)
		return -errno;
	r->stats->pid = (uint32_t)getpid();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;

	error = loop_init(&r->loop);
	r->loop.on_settle = runner_settle;
	if (error == 0)
		error = spawner_init(r->spawner, PROGRAMS_MAX);
	if (error == 0)
		error = tables_init(r);
	if (error < 0)
		return error;

	r->reap_timer.fn = on_reap_due;
	r->stop_timer.fn = on_stop_due;
	r->sigchld.fn = on_sigchld;
	/*
	 * Every signal stays blocked for the runner's whole life, and SIGCHLD
	 * is read. So there is no moment around a fork to protect, and a signal
	 * from a terminal or from a careless operator cannot end the process
	 * that ends the programs. All dispositions are the default from now on,
	 * and children start with them.
	 */
	signals_reset();
	signals_block();
	r->sigchld.fd = signals_open(SIGCHLD);
	if (r->sigchld.fd < 0)
		return r->sigchld.fd;
	error = loop_add(&r->loop, &r->sigchld, EPOLLIN);
	if (error < 0)
		return error;
	return member_init(&r->member, &member_ops, &r->loop);
}

int
runner_main(void)
{
	static struct spawner spawner;
	struct runner *r = sparse_alloc(1, sizeof(*r));
	int error = -ENOMEM;

	if (r != NULL) {
		r->spawner = &spawner;
		error = runner_init(r);
	}
	if (error < 0) {
		log_err("cannot start: %s", strerror(-error));
		return ROLE_EXIT_SETUP;
	}
	member_tell(&r->member, &(struct frame){ .type = FRAME_READY });

	while (!r->member.is_over && error == 0)
		error = loop_turn(&r->loop);
	/* Without a master, the workers end soon: no process is left that could get a result. */
	reap_everything(r, r->sigchld.fd, clock_usec() + FAREWELL_USEC);
	cgroups_done(&r->cgroups);
	temporary_close(&r->temporary);
	member_done(&r->member);
	return ROLE_EXIT_OK;
}
