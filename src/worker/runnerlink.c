/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/runnerlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "lease/leases.h"
#include "lease/stderr.h"
#include "worker/worker.h"

struct runnerlink_message {
	TAILQ_ENTRY(runnerlink_message) entry;
	struct frame frame;
	int fds[CALL_FDS];
	size_t n_fds;
	struct call *call;	/* of RUN */
};

/* One at a time goes to the runner, which may have to ask another worker. */
struct runnerlink_cancel {
	TAILQ_ENTRY(runnerlink_cancel) entry;
	struct frame frame;
	bool is_posted;
	call_cancelled_fn *fn;
	void *who;		/* NULL: gone */
};

static void runnerlink_lost(struct worker *w);

void
runnerlink_init(struct runnerlink *l)
{
	l->io = (struct loop_io){ .fd = -1 };
	TAILQ_INIT(&l->unsent);
	TAILQ_INIT(&l->cancels);
}

static void
message_free(struct runnerlink_message *m)
{
	channel_close_fds(m->fds, m->n_fds);
	free(m);
}

void
runnerlink_done(struct worker *w)
{
	struct runnerlink *l = &w->link;
	struct runnerlink_message *m;
	struct runnerlink_cancel *waiting;

	loop_close_shared(&w->loop, &l->io);
	while ((m = TAILQ_FIRST(&l->unsent)) != NULL) {
		TAILQ_REMOVE(&l->unsent, m, entry);
		message_free(m);
	}
	while ((waiting = TAILQ_FIRST(&l->cancels)) != NULL) {
		TAILQ_REMOVE(&l->cancels, waiting, entry);
		free(waiting);
	}
}

/* Sends one message; true when it is out of our hands. */
static bool
message_send(struct worker *w, const struct runnerlink_message *m)
{
	if (w->link.io.fd < 0 || channel_send(w->link.io.fd, &m->frame, m->fds, m->n_fds) < 0)
		return false;
	if (m->call != NULL)
		m->call->sent = true;
	return true;
}

static void
unsent_push(struct worker *w)
{
	struct runnerlink *l = &w->link;
	struct runnerlink_message *m;

	while ((m = TAILQ_FIRST(&l->unsent)) != NULL) {
		if (!message_send(w, m))
			break;
		TAILQ_REMOVE(&l->unsent, m, entry);
		message_free(m);
	}
	if (l->io.fd >= 0)
		(void)loop_modify(&w->loop, &l->io,
		    TAILQ_EMPTY(&l->unsent) ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

/* Takes the descriptors. */
static int
message_post(struct worker *w, const struct frame *f, int *fds, size_t n_fds, struct call *call)
{
	struct runnerlink_message m = { .frame = *f, .n_fds = n_fds, .call = call }, *kept;

	if (n_fds > 0)
		memcpy(m.fds, fds, n_fds * sizeof(*fds));
	if (TAILQ_EMPTY(&w->link.unsent) && message_send(w, &m)) {
		channel_close_fds(m.fds, n_fds);
		return 0;
	}
	kept = malloc(sizeof(*kept));
	if (kept == NULL) {
		channel_close_fds(m.fds, n_fds);
		return -ENOMEM;
	}
	*kept = m;
	TAILQ_INSERT_TAIL(&w->link.unsent, kept, entry);
	if (w->link.io.fd >= 0)
		(void)loop_modify(&w->loop, &w->link.io, EPOLLIN | EPOLLOUT);
	return 0;
}

static struct worker *
worker_of(const struct call_desk *desk)
{
	return CONTAINER_OF(desk, struct worker, desk);
}

static int
link_run(struct call *call, int fds[], size_t n_fds)
{
	struct frame f = {
		.type = FRAME_RUN,
		.generation = call->conf->generation,
		.id = call->id,
		.run = call->run,
	};

	return message_post(worker_of(call->desk), &f, fds, n_fds, call);
}

/* A frame without descriptors. 0 or -ENOMEM. */
static int
runnerlink_post(struct worker *w, const struct frame *f)
{
	return message_post(w, f, NULL, 0, NULL);
}

int
runnerlink_post_lease(struct leases *ls, const struct frame *f)
{
	return runnerlink_post(CONTAINER_OF(ls, struct worker, leases), f);
}

static void
link_withdraw(struct call *call)
{
	struct worker *w = worker_of(call->desk);
	struct runnerlink_message *m, *next;

	TAILQ_FOREACH_SAFE(m, &w->link.unsent, entry, next) {
		if (m->call != call)
			continue;
		TAILQ_REMOVE(&w->link.unsent, m, entry);
		message_free(m);
	}
}

static void
link_cancel(struct call *call, enum cancel_reason reason)
{
	struct frame f = { .type = FRAME_CANCEL, .id = call->id, .cancel.reason = (uint8_t)reason };

	/* Without memory the deadline ends it. */
	(void)runnerlink_post(worker_of(call->desk), &f);
}

/* The first that waits, unless that is under way. */
static void
cancel_post(struct worker *w)
{
	struct runnerlink_cancel *first = TAILQ_FIRST(&w->link.cancels);

	/* Without memory the next one tries again, or the next runner. */
	if (first != NULL && !first->is_posted)
		first->is_posted = runnerlink_post(w, &first->frame) == 0;
}

static int
link_cancel_owned(struct call_desk *desk, uint64_t id, const struct digest *token,
    const struct digest *owner, call_cancelled_fn *fn, void *who)
{
	struct worker *w = worker_of(desk);
	struct runnerlink_cancel *waiting = malloc(sizeof(*waiting));

	if (waiting == NULL)
		return -ENOMEM;
	*waiting = (struct runnerlink_cancel){
		.fn = fn,
		.who = who,
		.frame = {
			.type = FRAME_CANCEL_OWNED,
			.id = id,
			.cancel = { .owner = *owner, .token = *token, .reason = CANCEL_BY_CLIENT },
		},
	};
	TAILQ_INSERT_TAIL(&w->link.cancels, waiting, entry);
	cancel_post(w);
	return 0;
}

static void
link_forget(struct call_desk *desk, const void *who)
{
	struct runnerlink_cancel *waiting;

	TAILQ_FOREACH(waiting, &worker_of(desk)->link.cancels, entry) {
		if (waiting->who == who)
			waiting->who = NULL;
	}
}

static void
link_deposit(struct call *call, int fd)
{
	struct frame f = { .type = FRAME_DEPOSIT, .id = call->id };

	(void)message_post(worker_of(call->desk), &f, &fd, 1, NULL);
}

const struct call_link_ops runnerlink_ops = {
	.run = link_run,
	.withdraw = link_withdraw,
	.cancel = link_cancel,
	.deposit = link_deposit,
	.cancel_owned = link_cancel_owned,
	.forget = link_forget,
};

/* The one that is under way; the next goes, perhaps to the next runner. */
static void
cancel_answered(struct worker *w, bool found)
{
	struct runnerlink_cancel *first = TAILQ_FIRST(&w->link.cancels);

	if (first == NULL || !first->is_posted)
		return;
	TAILQ_REMOVE(&w->link.cancels, first, entry);
	if (first->who != NULL)
		first->fn(first->who, found);
	free(first);
	cancel_post(w);
}

/* Another worker's client means a call of this one. */
static void
cancel_asked(struct worker *w, const struct frame *f)
{
	struct call *call = call_find_owned(&w->desk, f->id, &f->cancel.owner);
	struct frame answer = *f;

	answer.type = FRAME_CANCELLED;
	answer.cancel.found = call != NULL;
	(void)runnerlink_post(w, &answer);
	if (call != NULL)
		call_cancel(call, CANCEL_BY_CLIENT);
}

static void
frame_handle(struct worker *w, const struct frame *f, int *fds, size_t n_fds)
{
	struct call *call = call_find(&w->desk, f->id);

	/* The runner knows none but those that were sent to it. */
	if (call != NULL && !call->sent)
		call = NULL;
	switch (f->type) {
	case FRAME_STARTED:
		if (call != NULL)
			call_on_started(call);
		return;
	case FRAME_ENDED:
		if (call != NULL)
			call_on_ended(call, &f->ended);
		return;
	case FRAME_ATTACHED:
		if (call != NULL)
			call_on_attached(call, f->is_awaited != 0);
		return;
	case FRAME_RESULT:
		if (call != NULL)
			call_on_result(call, n_fds > 0 ? TAKE_FD(fds[0]) : -1);
		return;
	case FRAME_CANCEL_OWNED:
		cancel_asked(w, f);
		return;
	case FRAME_CANCELLED:
		cancel_answered(w, f->cancel.found != 0);
		return;
	case FRAME_LEASE:
		leases_on_granted(&w->leases, f, fds);
		return;
	case FRAME_RECALL:
		leases_on_recalled(&w->leases, f->id);
		return;
	case FRAME_UNABLE:
		leases_on_unable(&w->leases, &f->unable);
		return;
	case FRAME_WORDS:
		lease_stderr_log_dead(f->lease.service, f->lease.pid, fds[0]);
		return;
	default:
		log_err("runner sent an unexpected message, ignoring it: %s",
		    frame_type_name(f->type));
		return;
	}
}

static void
on_link(struct loop_io *io, uint32_t events)
{
	struct worker *w = CONTAINER_OF(io, struct worker, link.io);

	if ((events & EPOLLOUT) != 0)
		unsent_push(w);
	/* A batch at a time, so that connections get their turn. */
	for (int i = 0; i < 64; i++) {
		int fds[FRAME_MAX_FDS];
		struct frame f;
		size_t n_fds;
		int r;

		r = channel_receive(io->fd, &f, fds, &n_fds);
		if (r == -EAGAIN)
			return;
		if (r != CHANNEL_OK) {
			runnerlink_lost(w);
			return;
		}
		frame_handle(w, &f, fds, n_fds);
		channel_close_fds(fds, n_fds);
		if (io->fd < 0)
			return;
	}
}

/*
 * The runner is gone: what it held ends now, in one error each; what it had
 * not been sent waits for the next one.
 */
static void
runnerlink_lost(struct worker *w)
{
	struct runnerlink_message *m, *next_message;

	if (w->link.io.fd < 0)
		return;
	loop_close_shared(&w->loop, &w->link.io);

	TAILQ_FOREACH_SAFE(m, &w->link.unsent, entry, next_message) {
		if (m->frame.type == FRAME_RUN)
			continue;
		TAILQ_REMOVE(&w->link.unsent, m, entry);
		message_free(m);
	}
	leases_on_lost(&w->leases);
	cancel_answered(w, false);
	calls_on_lost(&w->desk);
}

void
runnerlink_attach(struct worker *w, int fd)
{
	runnerlink_lost(w);
	w->link.io = (struct loop_io){ .fn = on_link, .fd = fd };
	if (loop_add(&w->loop, &w->link.io, EPOLLIN) < 0) {
		(void)close(TAKE_FD(w->link.io.fd));
		return;
	}
	unsent_push(w);
}
