/* SPDX-License-Identifier: ISC */
/* No allocation: this runs in the runner. */
#include "config.h"

#include "runner/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "runner/cancel.h"
#include "runner/entry.h"
#include "runner/handler.h"
#include "runner/link.h"
#include "runner/runner.h"
#include "runner/twin.h"

void
workers_close(struct link *l)
{
	if (!link_is_open(l))
		return;
	entries_abandon(l->runner, l);
	twins_abandon(l->runner, l->slot);
	link_close(l);
	cancel_abandon(l);
	pools_link_closed(l->runner, l->slot);
}

/* A bad frame costs the worker its life: the master kills it. */
static void
worker_fail(struct link *l, const char *why)
{
	struct frame f = {
		.type = FRAME_FAULT, .slot = l->slot, .fault = { .serial = l->serial },
	};

	l->runner->stats->bad_frames++;
	(void)strlcpy(f.fault.text, why, sizeof(f.fault.text));
	if (!link_answer(&l->runner->master, &f))
		log_err("worker %u sent %s, and the master does not hear of it", l->slot, why);
	workers_close(l);
}

static void
refuse_run(struct link *l, uint64_t id, enum outcome_kind outcome, uint8_t reason)
{
	struct frame f = { .type = FRAME_ENDED, .slot = l->slot, .id = id };

	f.ended.outcome = (uint8_t)outcome;
	f.ended.reason = reason;
	(void)link_answer(l, &f);
}

static struct conf *
conf_of(struct runner *r, uint32_t generation)
{
	if (r->current != NULL && r->current->generation == generation)
		return r->current;
	for (size_t i = 0; i < RUNNER_PAST; i++) {
		if (r->past[i] != NULL && r->past[i]->generation == generation)
			return r->past[i];
	}
	return NULL;
}

/* --------------------------------------------------------------- frames --- */

/*
 * Each of these looks at one frame and returns what is wrong with it, or NULL.
 * Descriptors it keeps it takes out of fds.
 */
typedef const char *worker_fn(struct link *l, const struct frame *f, int *fds, size_t n_fds);

static const char *
worker_run(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	struct runner *r = l->runner;
	struct conf *conf = conf_of(r, f->generation);
	struct entry *e = NULL;
	int highest = 0;

	if (request_slot(f->id) != l->slot)
		return "the request id of another worker";
	if (table_find(&r->table, f->id) != NULL)
		return "a request id that is in use";
	if (conf == NULL) {
		/* It may have been told of its COMMIT before we read ours. */
		runner_read_master(r);
		if (!link_is_open(l))
			return NULL;
		conf = conf_of(r, f->generation);
	}
	if (conf == NULL) {
		refuse_run(l, f->id, OUTCOME_UNAVAIL, 0);
		return NULL;
	}
	if (f->run.service >= conf->n_services)
		return "an unknown service number";

	for (size_t i = 0; i < n_fds; i++)
		highest = fds[i] > highest ? fds[i] : highest;
	if (highest < r->fd_limit)
		e = table_take(&r->table, f->id);
	if (e == NULL)
		refuse_run(l, f->id, OUTCOME_BUSY, BUSY_TABLE_FULL);
	else
		entry_accept(e, l, f, conf, fds, n_fds);
	return NULL;
}

static const char *
worker_cancel(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	struct entry *e = table_find(&l->runner->table, f->id);

	(void)fds;
	(void)n_fds;
	if (request_slot(f->id) != l->slot)
		return "a cancel for another worker's request";
	/* Not there: it has ended meanwhile. */
	if (e != NULL)
		entry_cancel(e, f->cancel.reason);
	return NULL;
}

static const char *
worker_cancel_owned(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	return cancel_ask(l, f);
}

static const char *
worker_cancelled(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	return cancel_answer(l, f);
}

static const char *
worker_deposit(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	int seals = fcntl(fds[0], F_GET_SEALS);

	(void)n_fds;
	if (request_slot(f->id) != l->slot)
		return "the result of another worker's request";
	if (seals < 0 || (seals & F_SEAL_WRITE) == 0)
		return "a result that is not sealed";
	twins_deposit(l->runner, f->id, TAKE_FD(fds[0]));
	return NULL;
}

static const char *
worker_want(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	struct runner *r = l->runner;

	(void)fds;
	(void)n_fds;
	/* As with RUN: it may have been told of its COMMIT before we read ours. */
	if (conf_of(r, f->generation) == NULL)
		runner_read_master(r);
	if (link_is_open(l))
		pools_want(l, f->lease.service);
	return NULL;
}

static const char *
worker_return(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	return handler_return(l, f);
}

static const char *
worker_proven(struct link *l, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	return handler_proven(l, f);
}

static worker_fn *const worker_frames[FRAME_TYPE_N] = {
	[FRAME_RUN] = worker_run,
	[FRAME_CANCEL] = worker_cancel,
	[FRAME_CANCEL_OWNED] = worker_cancel_owned,
	[FRAME_CANCELLED] = worker_cancelled,
	[FRAME_DEPOSIT] = worker_deposit,
	[FRAME_WANT] = worker_want,
	[FRAME_RETURN] = worker_return,
	[FRAME_PROVEN] = worker_proven,
};

/* ---------------------------------------------------------------- links --- */

static void
on_worker(struct loop_io *io, uint32_t events)
{
	struct link *l = CONTAINER_OF(io, struct link, io);
	const char *wrong = "a message that is not for the runner";
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n_fds;
	int r;

	(void)events;
	r = link_flush(l);
	if (r == 0)
		r = channel_receive(l->io.fd, &f, fds, &n_fds);
	if (r == -EAGAIN)
		return;
	if (r == CHANNEL_BAD) {
		worker_fail(l, "a bad message");
		return;
	}
	if (r != CHANNEL_OK) {
		workers_close(l);
		return;
	}
	if (worker_frames[f.type] != NULL)
		wrong = worker_frames[f.type](l, &f, fds, n_fds);
	channel_close_fds(fds, n_fds);
	if (wrong != NULL)
		worker_fail(l, wrong);
}

void
workers_open(struct link *l, uint64_t serial, int fd)
{
	int error;

	workers_close(l);
	l->serial = serial;
	error = link_open(l, fd, on_worker);
	if (error < 0)
		log_err("cannot watch the link of worker %u: %s", l->slot, strerror(-error));
	pools_link_opened(l->runner);
}
