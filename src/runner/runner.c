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
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "runner/entry.h"
#include "runner/twin.h"
#include "runner/workers.h"

/* Descriptors that one message may bring, and some. */
#define FD_RESERVE 300
#define FAREWELL_USEC USEC_PER_SEC
/* At a stop no program has more grace than this. */
#define LAST_GRACE_USEC (200 * USEC_PER_MSEC)

static void runner_advance(struct runner *r);

/* ------------------------------------------------------- from the master --- */

static void
master_answer(struct runner *r, const struct frame *f, enum frame_type type, const char *text)
{
	struct frame answer = { .type = (uint16_t)type, .generation = f->generation, .id = f->id };

	if (text != NULL)
		(void)strlcpy(answer.text, text, sizeof(answer.text));
	(void)link_answer(&r->master, &answer);
}

static void
forget_prepared(struct runner *r)
{
	r->is_preparing = false;
	pools_abort(r);
	r->prepared = conf_unref(r->prepared);
}

static void
master_prepare(struct runner *r, const struct frame *f, int *fds)
{
	char why[sizeof(f->text)];

	forget_prepared(r);
	if (r->is_draining) {
		master_answer(r, f, FRAME_REFUSED, "stopping");
		return;
	}
	if (conf_read_sealed(fds[0], f->generation, &r->prepared, why, sizeof(why)) < 0) {
		master_answer(r, f, FRAME_REFUSED, why);
		return;
	}
	if (pools_prepare(r, r->prepared) < 0) {
		forget_prepared(r);
		master_answer(r, f, FRAME_REFUSED, "too many handlers");
		return;
	}
	r->is_preparing = true;
	runner_advance(r);
}

/* PREPARED or REFUSED, once it is known whether the new handlers come up. */
static void
preparing_advance(struct runner *r)
{
	struct frame f = { .type = FRAME_PREPARED, .generation = r->prepared->generation };
	enum rising state = pools_rising(r, f.text, sizeof(f.text));

	if (state == RISING_WAIT)
		return;
	if (state == RISING_FAILED)
		f.type = FRAME_REFUSED;
	if (!link_answer(&r->master, &f))
		return;
	r->is_preparing = false;
	if (state == RISING_FAILED)
		forget_prepared(r);
}

static void
master_commit(struct runner *r, const struct frame *f, int *fds)
{
	const struct conf *c = r->prepared;

	(void)fds;
	if (c == NULL || c->generation != f->generation) {
		master_answer(r, f, FRAME_REFUSED, "this generation was not prepared");
		return;
	}
	(void)conf_unref(r->past[RUNNER_PAST - 1]);
	memmove(&r->past[1], &r->past[0], (RUNNER_PAST - 1) * sizeof(r->past[0]));
	r->past[0] = r->current;
	r->current = TAKE_PTR(r->prepared);
	r->is_preparing = false;
	log_set_level(c->log_level);
	for (size_t i = 0; i < c->n_services; i++) {
		const struct service *s = &c->services[i];

		admission_set_limits(&r->admission, s->name,
		    (struct lane_limits){ s->concurrency, s->queue });
	}
	pools_commit(r);
	master_answer(r, f, FRAME_COMMITTED, NULL);
}

static void
master_abort(struct runner *r, const struct frame *f, int *fds)
{
	(void)fds;
	if (r->prepared != NULL && r->prepared->generation == f->generation)
		forget_prepared(r);
}

static void
master_link(struct runner *r, const struct frame *f, int *fds)
{
	if (f->slot < RUNNER_MAX_LINKS)
		workers_open(&r->links[f->slot], f->link.serial, TAKE_FD(fds[0]));
}

static void
master_unlink(struct runner *r, const struct frame *f, int *fds)
{
	(void)fds;
	if (f->slot < RUNNER_MAX_LINKS && r->links[f->slot].serial == f->link.serial)
		workers_close(&r->links[f->slot]);
}

static void
master_stop(struct runner *r, const struct frame *f, int *fds)
{
	(void)fds;
	r->is_draining = true;
	r->is_ending = false;
	pools_retire(r);
	loop_arm(&r->loop, &r->stop_timer, f->id == 0 ? 1 : f->id);
}

static void
master_ping(struct runner *r, const struct frame *f, int *fds)
{
	(void)fds;
	master_answer(r, f, FRAME_PONG, NULL);
}

typedef void master_fn(struct runner *r, const struct frame *f, int *fds);

static master_fn *const master_frames[FRAME_TYPE_N] = {
	[FRAME_PREPARE] = master_prepare,
	[FRAME_COMMIT] = master_commit,
	[FRAME_ABORT] = master_abort,
	[FRAME_LINK] = master_link,
	[FRAME_UNLINK] = master_unlink,
	[FRAME_STOP] = master_stop,
	[FRAME_PING] = master_ping,
};

/* Reads until nothing is left or an answer has to wait. */
void
runner_read_master(struct runner *r)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n_fds;
	int error;

	while (!r->is_over) {
		error = link_flush(&r->master);
		if (error == 0)
			error = channel_receive(r->master.io.fd, &f, fds, &n_fds);
		if (error == -EAGAIN)
			return;
		if (error != CHANNEL_OK) {
			r->is_over = true;
			return;
		}
		if (master_frames[f.type] != NULL)
			master_frames[f.type](r, &f, fds);
		channel_close_fds(fds, n_fds);
	}
}

static void
on_master(struct loop_io *io, uint32_t events)
{
	(void)events;
	runner_read_master(CONTAINER_OF(io, struct runner, master.io));
}

/* ------------------------------------------------------------------ time --- */

/*
 * The time to drain is over: what waits is told, what runs is asked to end,
 * and then made to, because the master gives us only half a second more.
 */
static void
on_stop_due(struct loop_timer *t)
{
	struct runner *r = CONTAINER_OF(t, struct runner, stop_timer);
	struct entry *e = NULL;

	while ((e = table_next(&r->table, e)) != NULL) {
		if (r->is_ending)
			entry_cut(e);
		else if (e->state == ENTRY_QUEUED)
			entry_over(e, OUTCOME_DRAINING, 0);
		else
			entry_cancel(e, CANCEL_BY_SHUTDOWN);
	}
	if (r->is_ending)
		strays_cut(r);
	else
		loop_arm(&r->loop, t, clock_usec() + LAST_GRACE_USEC);
	r->is_ending = true;
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

/*
 * Zeroed memory that costs nothing until it is touched, and nothing at a
 * fork, as children do not get it.
 */
static void *
sparse_alloc(size_t n, size_t size)
{
	void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, n * size, MADV_DONTFORK);
#ifdef __SANITIZE_ADDRESS__
	/* What is reached from here is not lost. */
	__lsan_register_root_region(p, n * size);
#endif
	return p;
}

static int
tables_init(struct runner *r)
{
	struct entry *entries = sparse_alloc(RUNNER_MAX_REQUESTS, sizeof(*entries));
	struct lane *lanes = sparse_alloc(RUNNER_MAX_REQUESTS, sizeof(*lanes));
	struct token *tokens = sparse_alloc(RUNNER_MAX_TOKENS, sizeof(*tokens));
	int *leaves = sparse_alloc(RUNNER_MAX_REQUESTS, sizeof(*leaves));
	struct pool *pools = sparse_alloc(RUNNER_MAX_POOLS, sizeof(*pools));

	if (pools == NULL || entries == NULL || lanes == NULL || tokens == NULL || leaves == NULL)
		return -ENOMEM;
	table_init(&r->table, entries, RUNNER_MAX_REQUESTS);
	admission_init(&r->admission, lanes, RUNNER_MAX_REQUESTS);
	tokens_init(&r->tokens, tokens, RUNNER_MAX_TOKENS);
	cgroups_init(&r->cgroups, leaves, RUNNER_MAX_REQUESTS);
	pools_init(&r->pools, pools, RUNNER_MAX_POOLS);
	TAILQ_INIT(&r->lingering);
	strays_init(&r->strays);
	return 0;
}

static void
links_init(struct runner *r)
{
	r->master = (struct link){ .io.fd = -1, .runner = r };
	for (uint16_t i = 0; i < RUNNER_MAX_LINKS; i++)
		r->links[i] = (struct link){ .io.fd = -1, .runner = r, .slot = i };
}

static void
on_stall(struct loop *l, uint64_t usec)
{
	(void)usec;
	CONTAINER_OF(l, struct runner, loop)->resumed_usec = clock_usec();
}

static int
runner_init(struct runner *r)
{
	rlim_t limit;
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
	r->loop.on_stall = on_stall;
	if (error == 0)
		error = tables_init(r);
	if (error == 0)
		error = spawner_init(r->spawner, RUNNER_MAX_REQUESTS);
	if (error < 0)
		return error;
	limit = r->spawner->nofile.rlim_max;
	r->fd_limit = limit > INT32_MAX ? INT32_MAX : (int)limit;
	r->fd_limit -= r->fd_limit > 4 * FD_RESERVE ? FD_RESERVE : r->fd_limit / 4;

	r->token_timer.fn = on_token_due;
	r->reap_timer.fn = on_reap_due;
	r->stop_timer.fn = on_stop_due;
	links_init(r);
	r->sigchld.fn = on_sigchld;
	r->sigchld.fd = signals_init();
	if (r->sigchld.fd < 0)
		return r->sigchld.fd;
	error = loop_add(&r->loop, &r->sigchld, EPOLLIN);
	if (error < 0)
		return error;
	return link_open(&r->master, ROLE_CHANNEL_FD, on_master);
}

/* What follows from all that happened in this turn of the loop. */
static void
runner_advance(struct runner *r)
{
	struct ticket *t;

	while ((t = admission_next(&r->admission)) != NULL)
		entry_start(CONTAINER_OF(t, struct entry, ticket));
	pools_advance(r);
	if (r->is_preparing)
		preparing_advance(r);
	r->stats->running = r->admission.running;
	r->stats->queued = r->admission.waiting;
	if (r->is_draining && !r->is_drained && r->table.n_used == 0 && r->strays.n_used == 0)
		r->is_drained = link_answer(&r->master, &(struct frame){ .type = FRAME_DRAINED });
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
	(void)link_answer(&r->master, &(struct frame){ .type = FRAME_READY });

	while (!r->is_over && error == 0) {
		error = loop_turn(&r->loop);
		runner_advance(r);
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
