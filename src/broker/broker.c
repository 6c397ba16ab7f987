/* SPDX-License-Identifier: ISC */
/* The main loop of the broker: frames of the master, timers, start and stop. */
#include "config.h"

#include "broker/broker.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/signals.h"
#include "base/sparse.h"
#include "ipc/confinement.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "broker/run.h"
#include "broker/runnerlink.h"
#include "broker/twin.h"
#include "broker/workers.h"

/* At a stop no program has more grace than this. */
#define LAST_GRACE_USEC (200 * USEC_PER_MSEC)

/* ------------------------------------------------------- from the master --- */

static void
on_prepare(struct member *m)
{
	struct broker *b = CONTAINER_OF(m, struct broker, member);

	if (b->is_draining)
		member_prepared(m, "stopping");
	else if (pools_prepare(b, m->prepared) < 0)
		member_prepared(m, "too many handlers");
	else
		b->is_preparing = true;
}

static void
on_abort(struct member *m)
{
	struct broker *b = CONTAINER_OF(m, struct broker, member);

	b->is_preparing = false;
	pools_abort(b);
}

/* Answers the master's PREPARE, once it is known whether the new handlers come up. */
static void
preparing_advance(struct broker *b)
{
	char why[sizeof(((struct frame *)NULL)->text)];
	enum rising state = pools_rising(b, why, sizeof(why));

	if (state == RISING_WAIT)
		return;
	b->is_preparing = false;
	member_prepared(&b->member, state == RISING_FAILED ? why : NULL);
}

static void
on_commit(struct member *m)
{
	struct broker *b = CONTAINER_OF(m, struct broker, member);
	const struct conf *c = m->current;
	struct entry *e = NULL;

	b->is_preparing = false;
	stock_divide(&b->stock, role_workers_wanted(c));
	tokens_limit(&b->tokens, c->kept_limit);
	for (size_t i = 0; i < c->n_services; i++) {
		const struct service *s = &c->services[i];

		admission_set_limits(&b->admission, s->name, lane_limits_of(s));
	}
	pools_commit(b);
	entries_publish(b);
	while ((e = table_next(&b->table, e)) != NULL) {
		if (!e->handler.is_handler)
			run_judge_anew(e);
	}
}

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct broker *b = CONTAINER_OF(m, struct broker, member);
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
on_unlink(struct member *m, const struct frame *f)
{
	struct broker *b = CONTAINER_OF(m, struct broker, member);

	if (f->slot < BROKER_MAX_LINKS && b->links[f->slot].serial == f->link.serial)
		workers_close(&b->links[f->slot]);
	else if (f->slot >= BROKER_MAX_LINKS && b->runner_serial == f->link.serial)
		runnerlink_close(b);
}

static void
on_stop(struct member *m, uint64_t due_usec)
{
	struct broker *b = CONTAINER_OF(m, struct broker, member);

	b->is_draining = true;
	b->is_ending = false;
	pools_retire(b);
	loop_arm(&b->loop, &b->stop_timer, due_usec);
}

static void
on_frame(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (f->type == FRAME_RESTART)
		pools_restart(CONTAINER_OF(m, struct broker, member), f);
}

static const struct member_ops member_ops = {
	.prepare = on_prepare, .abort = on_abort, .commit = on_commit, .link = on_link,
	.unlink = on_unlink, .stop = on_stop, .frame = on_frame,
};

/* ------------------------------------------------------------------ time --- */

/*
 * The time to drain is over: waiting requests are refused, running programs are
 * asked to end and then killed, because the master gives the broker only half a
 * second more.
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
			run_over(e, OUTCOME_DRAINING, 0);
		else
			run_cancel(e, CANCEL_BY_SHUTDOWN);
	}
	if (!b->is_ending)
		loop_arm(&b->loop, t, clock_usec() + LAST_GRACE_USEC);
	b->is_ending = true;
}

static void
on_look_due(struct loop_timer *t)
{
	struct broker *b = CONTAINER_OF(t, struct broker, look_timer);

	for (size_t i = 0; i < BROKER_MAX_LINKS; i++) {
		if (link_is_open(&b->links[i]) && link_has_room(&b->links[i]))
			workers_flush(&b->links[i]);
	}
}

/* ------------------------------------------------------------------ role --- */

/*
 * Raises the limit of open files as far as it goes: each handler and kit needs
 * some. Returns the limit.
 */
static uint64_t
raise_limit(void)
{
	struct rlimit nofile;

	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return 0;
	nofile.rlim_cur = nofile.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &nofile);
	return nofile.rlim_max;
}

static int
tables_init(struct broker *b)
{
	struct entry *entries = sparse_alloc(BROKER_MAX_REQUESTS, sizeof(*entries));
	struct lane *lanes = sparse_alloc(BROKER_MAX_REQUESTS, sizeof(*lanes));
	struct share *held = sparse_alloc(2 * BROKER_MAX_REQUESTS, sizeof(*held));
	struct token *tokens = sparse_alloc(BROKER_MAX_TOKENS, sizeof(*tokens));
	struct token_party *parties = sparse_alloc(BROKER_MAX_TOKENS, sizeof(*parties));
	struct stock_kit *kits = sparse_alloc(FRAME_MAX_KITS, sizeof(*kits));
	struct pool *pools = sparse_alloc(BROKER_MAX_POOLS, sizeof(*pools));
	uint64_t n_files;

	if (pools == NULL || entries == NULL || lanes == NULL || tokens == NULL || kits == NULL ||
	    held == NULL || parties == NULL)
		return -ENOMEM;
	table_init(&b->table, entries, BROKER_MAX_REQUESTS);
	admission_init(&b->admission, lanes, held, BROKER_MAX_REQUESTS);
	tokens_init(&b->tokens, tokens, parties, BROKER_MAX_TOKENS);
	n_files = raise_limit();
	if (n_files / 4 < b->tokens.max_kept)
		b->tokens.max_kept = (size_t)(n_files / 4);
	stock_init(&b->stock, kits, n_files);
	pools_init(&b->pools, pools, BROKER_MAX_POOLS);
	runnerlink_init(b);
	workers_init(b);
	return 0;
}

static void
on_stall(struct loop *l, uint64_t usec)
{
	(void)usec;
	CONTAINER_OF(l, struct broker, loop)->resumed_usec = clock_usec();
}

/* Does all that follows from the events of this turn of the loop. */
static void
broker_settle(struct loop *l)
{
	struct broker *b = CONTAINER_OF(l, struct broker, loop);
	struct ticket *t;

	while ((t = admission_next(&b->admission)) != NULL)
		run_start(CONTAINER_OF(t, struct entry, ticket));
	if (stock_has_news(&b->stock))
		pools_feed(b);
	pools_advance(b);
	if (b->is_preparing)
		preparing_advance(b);
	b->stats->running = b->admission.running;
	b->stats->queued = b->admission.waiting;
	b->stats->attached = b->admission.attached;
	b->stats->kept_bytes = b->tokens.bytes;
	b->stats->kept_results = b->tokens.n_kept;
	b->stats->spent_results = b->tokens.n_spent;
	stock_supply(b);
	if (b->is_draining && !b->is_drained && b->table.n_used == 0) {
		member_tell(&b->member, &(struct frame){ .type = FRAME_DRAINED });
		b->is_drained = true;
	}
}

static int
broker_init(struct broker *b)
{
	int error;

	log_open(ROLE_LOG_FD);
	/*
	 * An operator's signal, sent to the broker by mistake, must not end
	 * every running program.
	 */
	signals_block();
	for (int fd = 0; fd < ROLE_N_FDS; fd++)
		(void)fd_set_cloexec(fd, true);
	b->stats = stats_map_own(ROLE_STATS_FD);
	if (b->stats == NULL)
		return -errno;
	b->stats->pid = (uint32_t)getpid();

	error = loop_init(&b->loop);
	b->loop.on_stall = on_stall;
	b->loop.on_settle = broker_settle;
	if (error == 0)
		error = tables_init(b);
	if (error < 0)
		return error;
	b->token_timer.fn = on_token_due;
	b->stop_timer.fn = on_stop_due;
	b->look_timer.fn = on_look_due;
	return member_init(&b->member, &member_ops, &b->loop);
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
	if (confinement_begin(ROLE_BROKER, 0) < 0)
		return ROLE_EXIT_SETUP;
	member_tell(&b->member, &(struct frame){ .type = FRAME_READY });

	while (!b->member.is_over && error == 0) {
		error = loop_turn(&b->loop);
		/*
		 * Mail has found a worker's link closed: the next turn does what follows
		 * from that.
		 */
		if (!TAILQ_EMPTY(&b->pools.touched) || !TAILQ_EMPTY(&b->admission.ready))
			loop_arm(&b->loop, &b->look_timer, 1);
	}
	member_done(&b->member);
	return ROLE_EXIT_OK;
}
