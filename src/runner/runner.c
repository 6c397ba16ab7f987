/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/runner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/sparse.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "runner/orders.h"

/* Descriptors that one message may bring, and some. */
#define FD_RESERVE 300
#define FAREWELL_USEC USEC_PER_SEC
/* Whoever still runs at the deadline of a stop has had his grace from the broker. */
#define LAST_GRACE_USEC (200 * USEC_PER_MSEC)

/* ------------------------------------------------------- from the master --- */

/* A master that does not read has other worries. */
static void
master_post(struct runner *r, const struct frame *f)
{
	(void)channel_send(r->master.fd, f, NULL, 0);
}

static void
master_answer(struct runner *r, const struct frame *f, enum frame_type type, const char *text)
{
	struct frame answer = { .type = (uint16_t)type, .generation = f->generation, .id = f->id };

	if (text != NULL)
		(void)strlcpy(answer.text, text, sizeof(answer.text));
	master_post(r, &answer);
}

void
runner_accuse_broker(struct runner *r, const char *what)
{
	struct frame f = {
		.type = FRAME_FAULT, .slot = r->broker_slot, .fault = { .serial = r->broker_serial },
	};

	r->stats->bad_frames++;
	(void)strlcpy(f.fault.text, what, sizeof(f.fault.text));
	master_post(r, &f);
	orders_close(r);
}

static void
master_prepare(struct runner *r, const struct frame *f, int *fds, size_t n_fds)
{
	char why[sizeof(f->text)];

	(void)n_fds;
	r->prepared = conf_unref(r->prepared);
	if (conf_read_sealed(fds[0], f->generation, &r->prepared, why, sizeof(why)) < 0)
		master_answer(r, f, FRAME_REFUSED, why);
	else
		master_answer(r, f, FRAME_PREPARED, NULL);
}

static void
master_commit(struct runner *r, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (r->prepared == NULL || r->prepared->generation != f->generation) {
		master_answer(r, f, FRAME_REFUSED, "this generation was not prepared");
		return;
	}
	(void)conf_unref(r->past[RUNNER_PAST - 1]);
	memmove(&r->past[1], &r->past[0], (RUNNER_PAST - 1) * sizeof(r->past[0]));
	r->past[0] = r->current;
	r->current = TAKE_PTR(r->prepared);
	log_set_level(r->current->log_level);
	master_answer(r, f, FRAME_COMMITTED, NULL);
}

static void
master_abort(struct runner *r, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (r->prepared != NULL && r->prepared->generation == f->generation)
		r->prepared = conf_unref(r->prepared);
}

static void
master_link(struct runner *r, const struct frame *f, int *fds, size_t n_fds)
{
	if (n_fds == 2)
		orders_open(r, (struct mail_ends){ TAKE_FD(fds[0]), TAKE_FD(fds[1]) }, f->slot,
		    f->link.serial);
}

static void
master_unlink(struct runner *r, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (f->link.serial == r->broker_serial)
		orders_close(r);
}

static void
master_stop(struct runner *r, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	r->is_draining = true;
	r->is_ending = false;
	loop_arm(&r->loop, &r->stop_timer, f->id == 0 ? 1 : f->id);
}

static void
master_ping(struct runner *r, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	master_answer(r, f, FRAME_PONG, NULL);
}

typedef void master_fn(struct runner *r, const struct frame *f, int *fds, size_t n_fds);

static master_fn *const master_frames[FRAME_TYPE_N] = {
	[FRAME_PREPARE] = master_prepare,
	[FRAME_COMMIT] = master_commit,
	[FRAME_ABORT] = master_abort,
	[FRAME_LINK] = master_link,
	[FRAME_UNLINK] = master_unlink,
	[FRAME_STOP] = master_stop,
	[FRAME_PING] = master_ping,
};

static void
read_master(struct runner *r)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n_fds;
	int error;

	while (!r->is_over) {
		error = channel_receive(r->master.fd, &f, fds, &n_fds);
		if (error == -EAGAIN)
			return;
		if (error != CHANNEL_OK) {
			r->is_over = true;
			return;
		}
		if (master_frames[f.type] != NULL)
			master_frames[f.type](r, &f, fds, n_fds);
		channel_close_fds(fds, n_fds);
	}
}

static void
on_master(struct loop_io *io, uint32_t events)
{
	(void)events;
	read_master(CONTAINER_OF(io, struct runner, master));
}

static struct conf *
find_conf(struct runner *r, uint32_t generation)
{
	if (r->current != NULL && r->current->generation == generation)
		return r->current;
	if (r->prepared != NULL && r->prepared->generation == generation)
		return r->prepared;
	for (size_t i = 0; i < RUNNER_PAST; i++) {
		if (r->past[i] != NULL && r->past[i]->generation == generation)
			return r->past[i];
	}
	return NULL;
}

struct conf *
runner_conf(struct runner *r, uint32_t generation)
{
	struct conf *c = find_conf(r, generation);

	if (c == NULL) {
		/* The broker may have been told of it before we read ours. */
		read_master(r);
		c = find_conf(r, generation);
	}
	return c;
}

/* ------------------------------------------------------------------ time --- */

/*
 * The time to drain is over. The broker, which has been told before us, has
 * asked its programs to end; what is left a little later is made to, because
 * the master gives us only half a second more.
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
	/* It only says that something has ended; what, the kernel tells. */
	(void)!read(io->fd, &si, sizeof(si));
	reap_children(r);
}

/* ------------------------------------------------------------------ role --- */

/*
 * Every signal stays blocked for the runner's whole life, and SIGCHLD is
 * read. So there is no moment around a fork to protect, and a terminal's or
 * a careless operator's signal cannot take away who ends the programs. All
 * dispositions are put to the default once, which children then start with.
 */
static int
signals_init(void)
{
	sigset_t all, chld;
	int fd;

	/*
	 * The system call itself, because the C library's function refuses the
	 * two signals it keeps for threads, which whoever started us may ignore.
	 * All zero is the default, however the kernel lays the struct out.
	 */
	for (int sig = 1; sig < NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, &(char[64]){ 0 }, NULL, (NSIG - 1) / 8);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int
tables_init(struct runner *r)
{
	struct program *programs = sparse_alloc(PROGRAMS_MAX, sizeof(*programs));
	struct program **by_ref = sparse_alloc(FRAME_MAX_REFS, sizeof(struct program *));
	struct ends_kit *kits = sparse_alloc(FRAME_MAX_KITS, sizeof(*kits));
	int *leaves = sparse_alloc(PROGRAMS_MAX, sizeof(*leaves));
	rlim_t limit;

	r->letters = sparse_alloc(RUNNER_MAX_LETTERS, sizeof(*r->letters));
	if (programs == NULL || by_ref == NULL || kits == NULL || leaves == NULL ||
	    r->letters == NULL)
		return -ENOMEM;
	programs_init(&r->programs, programs, by_ref);
	limit = r->spawner->nofile.rlim_max > INT32_MAX ? INT32_MAX : r->spawner->nofile.rlim_max;
	limit -= limit > 4 * FD_RESERVE ? FD_RESERVE : limit / 4;
	ends_init(r, kits, (int)limit);
	cgroups_init(&r->cgroups, leaves, PROGRAMS_MAX);
	strays_init(&r->strays);
	TAILQ_INIT(&r->unflushed);
	orders_init(r);
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
	if (error == 0)
		error = spawner_init(r->spawner, PROGRAMS_MAX);
	if (error == 0)
		error = tables_init(r);
	if (error < 0)
		return error;

	r->reap_timer.fn = on_reap_due;
	r->stop_timer.fn = on_stop_due;
	r->sigchld.fn = on_sigchld;
	r->sigchld.fd = signals_init();
	if (r->sigchld.fd < 0)
		return r->sigchld.fd;
	error = loop_add(&r->loop, &r->sigchld, EPOLLIN);
	if (error < 0)
		return error;
	r->master = (struct loop_io){ .fn = on_master, .fd = ROLE_CHANNEL_FD };
	error = fd_set_nonblock(r->master.fd, true);
	return error < 0 ? error : loop_add(&r->loop, &r->master, EPOLLIN);
}

/* What follows from all that happened in this turn of the loop. */
static void
runner_settle(struct runner *r)
{
	ends_pay(r);
	mail_flush_all(&r->unflushed);
	ends_part_advance(r);
	r->stats->running = r->programs.n_used;
	if (r->is_draining && !r->is_drained && r->programs.n_used == 0 && r->strays.n_used == 0) {
		master_post(r, &(struct frame){ .type = FRAME_DRAINED });
		r->is_drained = true;
	}
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
	master_post(r, &(struct frame){ .type = FRAME_READY });

	while (!r->is_over && error == 0) {
		error = loop_turn(&r->loop);
		runner_settle(r);
	}
	/* No master, no workers soon: nobody is left to whom a result could go. */
	reap_everything(r, r->sigchld.fd, clock_usec() + FAREWELL_USEC);
	cgroups_done(&r->cgroups);
	(void)conf_unref(r->current);
	(void)conf_unref(r->prepared);
	for (size_t i = 0; i < RUNNER_PAST; i++)
		(void)conf_unref(r->past[i]);
	return ROLE_EXIT_OK;
}
