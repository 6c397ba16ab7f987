/* SPDX-License-Identifier: ISC */
/* The link to the broker: questions of calls and leases, and its reports. */
#include "config.h"

#include "worker/brokerlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "call/kits.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "lease/leases.h"
#include "lease/stderr.h"
#include "worker/worker.h"

/* Limit of unsent frames: more than the calls of a worker, each with a few frames, need. */
#define LETTERS (64u << 10)

/* A cancel of any worker's call. One at a time goes to the broker, which may ask a worker. */
struct brokerlink_cancel {
	TAILQ_ENTRY(brokerlink_cancel) entry;
	struct mail_ask ask;
	struct worker *worker;
	struct frame frame;
	call_cancelled_fn *fn;
	void *who;		/* NULL: gone */
};

static void on_frame(struct mail *m, const struct frame *f, int *fds, size_t n_fds);
static void on_lost(struct mail *m, enum mail_end how);

void
brokerlink_init(struct worker *w)
{
	static const struct mail_ops ops = {
		.frame = on_frame, .lost = on_lost, .max_unsent = LETTERS,
	};

	TAILQ_INIT(&w->link.cancels);
	kits_init(&w->kits);
	mail_init(&w->link.mail, MAIL_BELOW, &w->loop, &ops);
}

void
brokerlink_done(struct worker *w)
{
	struct brokerlink *l = &w->link;
	struct brokerlink_cancel *waiting;

	mail_flush(&l->mail);
	while ((waiting = TAILQ_FIRST(&l->cancels)) != NULL) {
		TAILQ_REMOVE(&l->cancels, waiting, entry);
		mail_forget(&l->mail, &waiting->ask);
		free(waiting);
	}
	mail_close(&l->mail);
	kits_drop(&w->kits);
	jobs_close(&w->kits.jobs);
}

/* 0 or -ENOMEM: there is no broker, or it is far behind. */
static int
brokerlink_post(struct worker *w, const struct frame *f)
{
	return mail_post(&w->link.mail, f, NULL, 0) ? 0 : -ENOMEM;
}

int
brokerlink_post_lease(struct leases *ls, const struct frame *f)
{
	return brokerlink_post(CONTAINER_OF(ls, struct worker, leases), f);
}

static struct worker *
worker_of(const struct call_desk *desk)
{
	return CONTAINER_OF(desk, struct worker, desk);
}

static int
link_run(struct call *call, uint32_t kit)
{
	struct frame f = {
		.type = FRAME_RUN,
		.generation = call->conf->generation,
		.id = call->id,
		.run = call->run,
	};
	int r;

	f.run.kit = kit;
	f.run.place = (uint16_t)job_place(call->placed_job);
	r = brokerlink_post(worker_of(call->desk), &f);
	if (r == 0)
		call->sent = true;
	return r;
}

static void
link_unkit(struct call_desk *desk, uint32_t kit, bool has_input)
{
	(void)brokerlink_post(worker_of(desk), &(struct frame){
		.type = FRAME_UNKIT, .kit = { .number = kit, .has_input = has_input },
	});
}

static void
link_cancel(struct call *call, enum cancel_reason reason)
{
	struct frame f = { .type = FRAME_CANCEL, .id = call->id, .cancel.reason = (uint8_t)reason };

	/* Without memory the deadline ends it. */
	(void)brokerlink_post(worker_of(call->desk), &f);
}

static void on_cancelled(struct mail_ask *ask, const struct frame *answer);

/* The first that waits, unless that is under way. */
static void
cancel_post(struct worker *w)
{
	struct brokerlink_cancel *first = TAILQ_FIRST(&w->link.cancels);

	/* Without a broker the next one is asked. */
	if (first != NULL && first->ask.serial == 0)
		(void)mail_ask(&w->link.mail, &first->frame, &first->ask);
}

static int
link_cancel_owned(struct call_desk *desk, uint64_t id, const struct digest *token,
    const struct digest *owner, call_cancelled_fn *fn, void *who)
{
	struct worker *w = worker_of(desk);
	struct brokerlink_cancel *waiting = malloc(sizeof(*waiting));

	if (waiting == NULL)
		return -ENOMEM;
	*waiting = (struct brokerlink_cancel){
		.fn = fn,
		.who = who,
		.worker = w,
		.ask.fn = on_cancelled,
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
	struct brokerlink_cancel *waiting;

	TAILQ_FOREACH(waiting, &worker_of(desk)->link.cancels, entry) {
		if (waiting->who == who)
			waiting->who = NULL;
	}
}

static void
link_deposit(struct call *call)
{
	(void)brokerlink_post(worker_of(call->desk), &(struct frame){
		.type = FRAME_DEPOSIT, .id = call->id,
	});
}

static int
link_look_up(struct call *call)
{
	int r = brokerlink_post(worker_of(call->desk), &(struct frame){
		.type = FRAME_LOOK_UP, .id = call->id, .cancel.token = call->run.token,
	});

	if (r == 0)
		call->sent = true;
	return r;
}

const struct call_link_ops brokerlink_ops = {
	.run = link_run,
	.unkit = link_unkit,
	.cancel = link_cancel,
	.look_up = link_look_up,
	.deposit = link_deposit,
	.cancel_owned = link_cancel_owned,
	.forget = link_forget,
};

/* The next goes, perhaps to the next broker. */
static void
on_cancelled(struct mail_ask *ask, const struct frame *answer)
{
	struct brokerlink_cancel *first = CONTAINER_OF(ask, struct brokerlink_cancel, ask);
	struct worker *w = first->worker;

	TAILQ_REMOVE(&w->link.cancels, first, entry);
	if (first->who != NULL)
		first->fn(first->who, answer != NULL && answer->cancel.found != 0);
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
	(void)brokerlink_post(w, &answer);
	if (call != NULL)
		call_cancel(call, CANCEL_BY_CLIENT);
}

/* The runner has died: kits and the ends of them that it had are no use. */
static void
kits_are_void(struct worker *w, const struct frame *f)
{
	struct frame answer = { .type = FRAME_UNKIT };

	kits_drop(&w->kits);
	mail_mark_answer(&answer, f);
	(void)brokerlink_post(w, &answer);
}

/* No room for it: the runner is to close the rest, and another comes after a while. */
static void
kit_return(struct worker *w, const struct frame *kit)
{
	(void)brokerlink_post(w, &(struct frame){ .type = FRAME_UNKIT, .kit = kit->kit });
	kits_on_none(&w->kits, kit->kit.has_input != 0, EMFILE);
}

/* The file for jobs; when there was no room for it it is asked for again. */
static void
on_jobs(struct worker *w, const struct frame *f, int *fds, size_t n_fds)
{
	struct frame again = { .type = FRAME_MAKE_JOBS, .jobs_serial = f->jobs_serial };
	int r = n_fds == 0 ? 0 : jobs_open(&w->kits.jobs, TAKE_FD(fds[0]));

	if (n_fds == 0 || r < 0)
		(void)brokerlink_post(w, &again);
	if (r < 0)
		log_err("commands cannot be started: no memory for their arguments: %s",
		    strerror(-r));
}

/* The last words of a handler that nobody had when it died. */
static void
take_words(struct worker *w, const struct frame *f, int fd)
{
	struct frame answer = { .type = FRAME_BROKE, .id = f->id };
	struct death_words *words = &answer.broke.words;

	lease_stderr_log_dead(f->lease.service, f->lease.pid, fd, words->line,
	    sizeof(words->line));
	if (words->line[0] != '\0')
		(void)brokerlink_post(w, &answer);
}

static void
on_frame(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct worker *w = CONTAINER_OF(m, struct worker, link.mail);
	struct call *call = call_find(&w->desk, f->id);

	/* The broker knows none but those that were sent to it. */
	if (call != NULL && !call->sent)
		call = NULL;
	switch (f->type) {
	case FRAME_KIT:
		if (n_fds > 0)
			kits_on_kit(&w->kits, f, fds);
		else
			kit_return(w, f);
		return;
	case FRAME_JOBS:
		on_jobs(w, f, fds, n_fds);
		return;
	case FRAME_NO_KIT:
		kits_on_none(&w->kits, f->kit.has_input != 0, f->kit.error);
		return;
	case FRAME_UNKIT:
		kits_are_void(w, f);
		return;
	case FRAME_PAPER:
		if (call != NULL)
			call_on_paper(call, TAKE_FD(fds[0]));
		return;
	case FRAME_WAITING:
		if (call != NULL)
			call_on_waiting(call, (enum waiting)f->waiting);
		return;
	case FRAME_STARTED:
		if (call != NULL)
			call_on_started(call);
		return;
	case FRAME_ENDED:
		if (call != NULL)
			call_on_ended(call, &f->ended);
		return;
	case FRAME_FOUND:
		if (call != NULL)
			call_on_found(call, (enum look_up)f->found, n_fds > 0 ? TAKE_FD(fds[0]) : -1);
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
	case FRAME_LEASE:
		if (n_fds > 0)
			leases_on_granted(&w->leases, f, fds);
		else
			leases_on_no_room(&w->leases, f, fds);
		return;
	case FRAME_RECALL:
		leases_on_recalled(&w->leases, f->id);
		return;
	case FRAME_UNABLE:
		leases_on_unable(&w->leases, &f->unable);
		return;
	case FRAME_WORDS:
		if (n_fds > 0)
			take_words(w, f, fds[0]);
		return;
	default:
		log_err("broker sent an unexpected message, ignoring it: %s",
		    frame_type_name(f->type));
		return;
	}
}

/*
 * The broker is gone: what it held ends now, in one error each; what it had
 * not been sent waits for the next one.
 */
static void
brokerlink_lost(struct worker *w)
{
	struct brokerlink_cancel *first = TAILQ_FIRST(&w->link.cancels);

	if (!mail_is_open(&w->link.mail))
		return;
	if (first != NULL && first->ask.serial == 0)
		first = NULL;
	/* Answered when all is in order. */
	if (first != NULL)
		mail_forget(&w->link.mail, &first->ask);
	mail_close(&w->link.mail);
	kits_drop(&w->kits);
	leases_on_lost(&w->leases);
	if (first != NULL)
		on_cancelled(&first->ask, NULL);
	calls_on_lost(&w->desk);
}

static void
on_lost(struct mail *m, enum mail_end how)
{
	(void)how;
	brokerlink_lost(CONTAINER_OF(m, struct worker, link.mail));
}

void
brokerlink_attach(struct worker *w, struct mail_ends ends)
{
	struct brokerlink *l = &w->link;

	brokerlink_lost(w);
	if (mail_open(&l->mail, ends) < 0)
		return;
	leases_on_attached(&w->leases);
	cancel_post(w);
}
