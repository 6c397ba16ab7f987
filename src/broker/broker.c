/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "broker/broker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/sparse.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "broker/entry.h"
#include "broker/runnerlink.h"
#include "broker/twin.h"
#include "broker/workers.h"

#define LOOK_USEC (10 * USEC_PER_MSEC)
/* At a stop no program has more grace than this. */
#define LAST_GRACE_USEC (200 * USEC_PER_MSEC)

static void broker_advance(struct broker *b);

/* ------------------------------------------------------- from the master --- */

/* A master that does not read has other worries. */
void
broker_tell_master(struct broker *b, const struct frame *f)
{
	(void)channel_send(b->master.fd, f, NULL, 0);
}

static void
master_answer(struct broker *b, const struct frame *f, enum frame_type type, const char *text)
{
	struct frame answer = { .type = (uint16_t)type, .generation = f->generation, .id = f->id };

	if (text != NULL)
		(void)strlcpy(answer.text, text, sizeof(answer.text));
	broker_tell_master(b, &answer);
}

static void
forget_prepared(struct broker *b)
{
	b->is_preparing = false;
	pools_abort(b);
	b->prepared = conf_unref(b->prepared);
}

static void
master_prepare(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	char why[sizeof(f->text)];

	(void)n_fds;
	forget_prepared(b);
	if (b->is_draining) {
		master_answer(b, f, FRAME_REFUSED, "stopping");
		return;
	}
	if (conf_read_sealed(fds[0], f->generation, &b->prepared, why, sizeof(why)) < 0) {
		master_answer(b, f, FRAME_REFUSED, why);
		return;
	}
	if (pools_prepare(b, b->prepared) < 0) {
		forget_prepared(b);
		master_answer(b, f, FRAME_REFUSED, "too many handlers");
		return;
	}
	b->is_preparing = true;
	broker_advance(b);
}

/* PREPARED or REFUSED, once it is known whether the new handlers come up. */
static void
preparing_advance(struct broker *b)
{
	struct frame f = { .type = FRAME_PREPARED, .generation = b->prepared->generation };
	enum rising state = pools_rising(b, f.text, sizeof(f.text));

	if (state == RISING_WAIT)
		return;
	if (state == RISING_FAILED)
		f.type = FRAME_REFUSED;
	broker_tell_master(b, &f);
	b->is_preparing = false;
	if (state == RISING_FAILED)
		forget_prepared(b);
}

static void
master_commit(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	const struct conf *c = b->prepared;

	(void)fds;
	(void)n_fds;
	if (c == NULL || c->generation != f->generation) {
		master_answer(b, f, FRAME_REFUSED, "this generation was not prepared");
		return;
	}
	(void)conf_unref(b->past[BROKER_PAST - 1]);
	memmove(&b->past[1], &b->past[0], (BROKER_PAST - 1) * sizeof(b->past[0]));
	b->past[0] = b->current;
	b->current = TAKE_PTR(b->prepared);
	b->is_preparing = false;
	log_set_level(c->log_level);
	for (size_t i = 0; i < c->n_services; i++) {
		const struct service *s = &c->services[i];

		admission_set_limits(&b->admission, s->name,
		    (struct lane_limits){ s->concurrency, s->queue });
	}
	pools_commit(b);
	master_answer(b, f, FRAME_COMMITTED, NULL);
}

static void
master_abort(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (b->prepared != NULL && b->prepared->generation == f->generation)
		forget_prepared(b);
}

static void
master_link(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	struct mail_ends ends;

	if (n_fds != 2)
		return;
	ends = (struct mail_ends){ TAKE_FD(fds[0]), TAKE_FD(fds[1]) };
	if (f->slot < BROKER_MAX_LINKS)
		workers_open(&b->links[f->slot], ends, f->link.serial);
	else
		runnerlink_open(b, ends, f->link.serial);
}

static void
master_unlink(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (f->slot < BROKER_MAX_LINKS && b->links[f->slot].serial == f->link.serial)
		workers_close(&b->links[f->slot]);
	else if (f->slot >= BROKER_MAX_LINKS && b->runner_serial == f->link.serial)
		runnerlink_close(b);
}

static void
master_stop(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	b->is_draining = true;
	b->is_ending = false;
	pools_retire(b);
	loop_arm(&b->loop, &b->stop_timer, f->id == 0 ? 1 : f->id);
}

static void
master_ping(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	master_answer(b, f, FRAME_PONG, NULL);
}

typedef void master_fn(struct broker *b, const struct frame *f, int *fds, size_t n_fds);

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
broker_read_master(struct broker *b)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n_fds;
	int error;

	while (!b->is_over) {
		error = channel_receive(b->master.fd, &f, fds, &n_fds);
		if (error == -EAGAIN)
			return;
		if (error != CHANNEL_OK) {
			b->is_over = true;
			return;
		}
		if (master_frames[f.type] != NULL)
			master_frames[f.type](b, &f, fds, n_fds);
		channel_close_fds(fds, n_fds);
	}
}

static void
on_master(struct loop_io *io, uint32_t events)
{
	(void)events;
	broker_read_master(CONTAINER_OF(io, struct broker, master));
}

/* ------------------------------------------------------------------ time --- */

/*
 * The time to drain is over: what waits is told, what runs is asked to end,
 * and then made to, because the master gives us only half a second more.
 */
static void
on_stop_due(struct loop_timer *t)
{
	struct broker *b = CONTAINER_OF(t, struct broker, stop_timer);
	struct entry *e = NULL;

	while ((e = table_next(&b->table, e)) != NULL) {
		if (b->is_ending)
			entry_cut(e);
		else if (e->state == ENTRY_QUEUED)
			entry_over(e, OUTCOME_DRAINING, 0);
		else
			entry_cancel(e, CANCEL_BY_SHUTDOWN);
	}
	if (!b->is_ending)
		loop_arm(&b->loop, t, clock_usec() + LAST_GRACE_USEC);
	b->is_ending = true;
}

void
broker_look_again(struct broker *b)
{
	if (!loop_timer_is_armed(&b->look_timer))
		loop_arm(&b->loop, &b->look_timer, clock_usec() + LOOK_USEC);
}

static void
on_look_due(struct loop_timer *t)
{
	struct broker *b = CONTAINER_OF(t, struct broker, look_timer);

	for (size_t i = 0; i < BROKER_MAX_LINKS; i++) {
		if (link_is_open(&b->links[i]) && link_has_room(&b->links[i]))
			link_flush(&b->links[i]);
	}
}

/* ------------------------------------------------------------------ role --- */

static int
tables_init(struct broker *b)
{
	struct entry *entries = sparse_alloc(BROKER_MAX_REQUESTS, sizeof(*entries));
	struct lane *lanes = sparse_alloc(BROKER_MAX_REQUESTS, sizeof(*lanes));
	struct token *tokens = sparse_alloc(BROKER_MAX_TOKENS, sizeof(*tokens));
	struct stock_kit *kits = sparse_alloc(FRAME_MAX_KITS, sizeof(*kits));
	struct pool *pools = sparse_alloc(BROKER_MAX_POOLS, sizeof(*pools));

	if (pools == NULL || entries == NULL || lanes == NULL || tokens == NULL || kits == NULL)
		return -ENOMEM;
	table_init(&b->table, entries, BROKER_MAX_REQUESTS);
	admission_init(&b->admission, lanes, BROKER_MAX_REQUESTS);
	tokens_init(&b->tokens, tokens, BROKER_MAX_TOKENS);
	stock_init(&b->stock, kits);
	pools_init(&b->pools, pools, BROKER_MAX_POOLS);
	TAILQ_INIT(&b->unflushed);
	runnerlink_init(b);
	workers_init(b);
	return 0;
}

/* As many descriptors as we may have: handlers and kits want some each. */
static void
raise_limit(void)
{
	struct rlimit nofile;

	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return;
	nofile.rlim_cur = nofile.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &nofile);
}

static void
on_stall(struct loop *l, uint64_t usec)
{
	(void)usec;
	CONTAINER_OF(l, struct broker, loop)->resumed_usec = clock_usec();
}

static int
broker_init(struct broker *b)
{
	sigset_t all;
	int error;

	log_open(ROLE_LOG_FD);
	/* A careless operator's signal must not cost all that runs. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	for (int fd = 0; fd < ROLE_N_FDS; fd++)
		(void)fd_set_cloexec(fd, true);
	raise_limit();
	b->stats = stats_map_own(ROLE_STATS_FD);
	if (b->stats == NULL)
		return -errno;
	b->stats->pid = (uint32_t)getpid();

	error = loop_init(&b->loop);
	b->loop.on_stall = on_stall;
	if (error == 0)
		error = tables_init(b);
	if (error < 0)
		return error;
	b->token_timer.fn = on_token_due;
	b->stop_timer.fn = on_stop_due;
	b->look_timer.fn = on_look_due;
	b->master = (struct loop_io){ .fn = on_master, .fd = ROLE_CHANNEL_FD };
	error = fd_set_nonblock(b->master.fd, true);
	return error < 0 ? error : loop_add(&b->loop, &b->master, EPOLLIN);
}

/* What follows from all that happened in this turn of the loop. */
static void
broker_advance(struct broker *b)
{
	struct ticket *t;

	while ((t = admission_next(&b->admission)) != NULL)
		entry_start(CONTAINER_OF(t, struct entry, ticket));
	pools_advance(b);
	if (b->is_preparing)
		preparing_advance(b);
	b->stats->running = b->admission.running;
	b->stats->queued = b->admission.waiting;
	stock_supply(b);
	mail_flush_all(&b->unflushed);
	/* A worker was found gone just now: what follows from that, in the next turn. */
	if (!TAILQ_EMPTY(&b->pools.touched) || !TAILQ_EMPTY(&b->admission.ready))
		loop_arm(&b->loop, &b->look_timer, 1);
	if (b->is_draining && !b->is_drained && b->table.n_used == 0) {
		broker_tell_master(b, &(struct frame){ .type = FRAME_DRAINED });
		b->is_drained = true;
	}
}

int
broker_main(void)
{
	struct broker *b = sparse_alloc(1, sizeof(*b));
	int error = b == NULL ? -ENOMEM : broker_init(b);

	if (error < 0) {
		log_err("cannot start: %s", strerror(-error));
		return ROLE_EXIT_SETUP;
	}
	broker_tell_master(b, &(struct frame){ .type = FRAME_READY });

	while (!b->is_over && error == 0) {
		error = loop_turn(&b->loop);
		broker_advance(b);
	}
	(void)conf_unref(b->current);
	(void)conf_unref(b->prepared);
	for (size_t i = 0; i < BROKER_PAST; i++)
		(void)conf_unref(b->past[i]);
	return ROLE_EXIT_OK;
}
