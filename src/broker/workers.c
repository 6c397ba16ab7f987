/* SPDX-License-Identifier: ISC */
/* Frames of the workers, one function for each type. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/workers.h"

#include <string.h>

#include "ipc/logrec.h"
#include "broker/cancel.h"
#include "broker/run.h"
#include "broker/handler.h"
#include "broker/stock.h"
#include "broker/link.h"
#include "broker/tokenlookup.h"
#include "broker/broker.h"
#include "broker/twin.h"

void
workers_close(struct link *l)
{
	if (!link_is_open(l))
		return;
	entries_abandon(l->broker, l);
	twins_abandon(l->broker, l->slot);
	stock_link_closed(l);
	/* Serial 0: the file of jobs is not used any more. */
	(void)mail_post(&l->broker->runner, &(struct frame){
		.type = FRAME_MAKE_JOBS, .slot = l->slot,
	}, NULL, 0);
	mail_close(&l->mail);
	cancel_abandon(l);
	pools_link_closed(l->broker, l->slot);
}

static void
workers_accuse(struct link *l, const char *what)
{
	if (!link_is_open(l))
		return;
	l->broker->stats->bad_frames++;
	member_accuse(&l->broker->member, l->slot, l->serial, what);
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

/* --------------------------------------------------------------- frames --- */

/* A function of this type takes one frame and returns what is wrong with it, or NULL. */
typedef const char *worker_fn(struct link *l, const struct frame *f);

static const char *
worker_run(struct link *l, const struct frame *f)
{
	struct broker *b = l->broker;
	uint64_t serial = l->serial;
	struct conf *conf = member_conf(&b->member, f->generation);
	bool has_input = (f->run.flags & RUN_HAS_INPUT) != 0;
	struct entry *e;

	/* To look for a configuration the master is heard, who may have closed the link. */
	if (!link_is_open(l) || l->serial != serial)
		return NULL;
	if (request_slot(f->id) != l->slot)
		return "sent the request id of another worker";
	/*
	 * One table has the requests that wait or run, the other those whose
	 * result is not here yet.
	 */
	if (table_find(&b->table, f->id) != NULL || tokens_find_id(&b->tokens, f->id) != NULL)
		return "sent a request id that is in use";
	if (conf == NULL || (f->run.service < conf->n_services &&
	    conf->services[f->run.service].unavailable != NULL)) {
		if (stock_claim(l, f->run.kit, has_input) == KIT_GOOD)
			stock_drop(b, f->run.kit);
		refuse_run(l, f->id, OUTCOME_UNAVAIL, 0);
		return NULL;
	}
	if (f->run.service >= conf->n_services)
		return "sent an unknown service number";
	if (conf->services[f->run.service].handler != NULL)
		return "sent a request to start a handler";
	if (!link_has_door(l, &conf->services[f->run.service]))
		return "sent a request for a service of other workers";

	switch (stock_claim(l, f->run.kit, has_input)) {
	case KIT_FORGED:
		return "named a kit that is not its own";
	case KIT_VOID:
		refuse_run(l, f->id, OUTCOME_LOST, 0);
		return NULL;
	case KIT_GOOD:
		break;
	}
	/* Handlers, and requests of which a frame is unsent, have places, too. */
	b->admission.n_taken = b->table.n_used - admission_count(&b->admission);
	e = table_take(&b->table, f->id);
	if (e == NULL) {
		stock_drop(b, f->run.kit);
		refuse_run(l, f->id, OUTCOME_BUSY, BUSY_TABLE_FULL);
	} else {
		run_accept(e, l, f, conf);
	}
	return NULL;
}

static const char *
worker_cancel(struct link *l, const struct frame *f)
{
	struct entry *e = table_find(&l->broker->table, f->id);

	if (request_slot(f->id) != l->slot)
		return "sent a cancel for another worker's request";
	/* No entry: the request has ended meanwhile. */
	if (e != NULL)
		run_cancel(e, f->cancel.reason);
	return NULL;
}

static const char *
worker_deposit(struct link *l, const struct frame *f)
{
	if (request_slot(f->id) != l->slot)
		return "sent the result of another worker's request";
	return twins_deposit(l->broker, f->id);
}

static const char *
worker_want(struct link *l, const struct frame *f)
{
	/* Frames of the master about this generation come first. */
	struct conf *conf = member_conf(&l->broker->member, f->generation);
	const struct service *s;

	if (!link_is_open(l))
		return NULL;
	s = conf != NULL ? conf_find_service(conf, f->lease.service, strlen(f->lease.service)) : NULL;
	if (s != NULL && !link_has_door(l, s))
		return "wants a handler of a service of other workers";
	pools_want(l, f->lease.service);
	return NULL;
}

static worker_fn *const worker_frames[FRAME_TYPE_N] = {
	[FRAME_RUN] = worker_run,
	[FRAME_CANCEL] = worker_cancel,
	[FRAME_LOOK_UP] = tokenlookup_ask,
	[FRAME_CANCEL_OWNED] = cancel_ask,
	[FRAME_CANCELLED] = cancel_answer,
	[FRAME_DEPOSIT] = worker_deposit,
	[FRAME_WANT] = worker_want,
	[FRAME_RETURN] = handler_return,
	[FRAME_UNKIT] = stock_returned,
	[FRAME_MAKE_JOBS] = stock_jobs_wanted,
	[FRAME_PROVEN] = handler_proven,
	[FRAME_BROKE] = handler_broke,
};

/* ---------------------------------------------------------------- links --- */

static void
on_frame(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct link *l = CONTAINER_OF(m, struct link, mail);
	const char *wrong = "sent a message that is not for the broker";

	(void)fds;
	(void)n_fds;
	if (worker_frames[f->type] != NULL)
		wrong = worker_frames[f->type](l, f);
	if (wrong != NULL)
		workers_accuse(l, wrong);
}

static void
on_lost(struct mail *m, enum mail_end how)
{
	struct link *l = CONTAINER_OF(m, struct link, mail);

	if (how == MAIL_BAD)
		workers_accuse(l, "sent a bad message");
	else
		workers_close(l);
}

void
workers_flush(struct link *l)
{
	if (link_flush(l))
		cancel_flush(l);
}

static void
on_room(struct mail *m)
{
	workers_flush(CONTAINER_OF(m, struct link, mail));
}

void
workers_init(struct broker *b)
{
	static const struct mail_ops ops = {
		.frame = on_frame, .lost = on_lost, .room = on_room, .max_unsent = LINK_LETTERS,
	};

	for (uint16_t i = 0; i < BROKER_MAX_LINKS; i++) {
		struct link *l = &b->links[i];

		l->broker = b;
		l->slot = i;
		l->accuse = workers_accuse;
		TAILQ_INIT(&l->late);
		cancel_init(l);
		mail_init(&l->mail, MAIL_ABOVE, &b->loop, &ops);
	}
}

void
workers_open(struct link *l, struct mail_ends ends, uint64_t serial)
{
	char name[ROLE_TEXT];
	int error;

	workers_close(l);
	l->serial = serial;
	l->n_kits[0] = l->n_kits[1] = 0;
	l->is_short[0] = l->is_short[1] = false;
	l->is_filling[0] = l->is_filling[1] = false;
	l->kits_usec = l->jobs_usec = 0;
	l->has_jobs = false;
	error = mail_open(&l->mail, ends);
	role_format(ROLE_WORKER, l->slot, name);
	if (error < 0)
		log_err("cannot watch the link of %s: %s", name, strerror(-error));
	pools_link_opened(l->broker);
}
