/* SPDX-License-Identifier: ISC */
/*
 * Questions of workers whether a request may be cancelled, and their answers.
 * No allocation: this runs in the broker.
 */
#include "config.h"

#include "broker/cancel.h"

#include "base/clock.h"
#include "broker/link.h"
#include "broker/run.h"
#include "broker/broker.h"

/*
 * A healthy worker answers at once. Each worker asks one question at a time, so
 * a worker that hangs must not keep the asking ones waiting.
 */
#define ANSWER_USEC (1 * USEC_PER_SEC)

static loop_timer_fn on_unanswered;

void
cancel_init(struct link *l)
{
	l->cancel.timer.fn = on_unanswered;
}

/* The request of that id, if it can be cancelled and belongs to that owner; else NULL. */
static struct entry *
find_running(struct broker *b, uint64_t id, const struct digest *owner)
{
	struct entry *e = table_find(&b->table, id);

	if (e == NULL || digest_is_none(owner) || !digest_eq(&e->owner, owner))
		return NULL;
	return e->state == ENTRY_LINGERING || e->state == ENTRY_OVER ? NULL : e;
}

/* The same for a request that was given a token. */
static struct entry *
find_named(struct broker *b, const struct frame *ask)
{
	const struct token *k = tokens_find(&b->tokens, &ask->cancel.token);

	return k == NULL ? NULL : find_running(b, k->id, &ask->cancel.owner);
}

/* Answers the worker that asked, now or when it reads again. */
static void
cancel_finish(struct link *l)
{
	struct cancel *c = &l->cancel;
	struct frame answer = c->ask;
	struct entry *e = NULL;

	if (c->state != CANCEL_DECIDED || !link_has_room(l))
		return;
	c->state = CANCEL_NONE;
	/* A text that looks like a number may be a token. */
	if (!answer.cancel.found)
		e = find_named(l->broker, &answer);
	answer.type = FRAME_CANCELLED;
	mail_mark_answer(&answer, &c->ask);
	answer.cancel.found |= e != NULL;
	(void)link_answer(l, &answer);
	if (e != NULL)
		run_cancel(e, answer.cancel.reason);
}

static void
cancel_decide(struct link *l, bool found)
{
	loop_disarm(&l->broker->loop, &l->cancel.timer);
	l->cancel.state = CANCEL_DECIDED;
	l->cancel.ask.cancel.found = found;
	cancel_finish(l);
}

static void
on_unanswered(struct loop_timer *t)
{
	struct link *l = CONTAINER_OF(t, struct link, cancel.timer);

	if (l->cancel.state == CANCEL_UNSENT)
		l->broker->links[l->cancel.to].n_asked--;
	cancel_decide(l, false);
}

/* Passes the question on to the other worker, now or when that worker reads again. */
static void
cancel_send(struct link *to, struct cancel *c)
{
	struct frame f = c->ask;

	/*
	 * The serial number belongs to the question of the first worker, so the
	 * other one does not see it.
	 */
	f.serial = 0;
	if (!link_has_room(to) || !link_answer(to, &f)) {
		link_look_again(to->broker);
		return;
	}
	c->state = CANCEL_SENT;
	to->n_asked--;
}

/* The other worker that may have a call of that id, or NULL. */
static struct link *
cancel_judge(struct link *l, const struct frame *f)
{
	struct broker *b = l->broker;
	uint16_t slot = request_slot(f->id);

	if (f->id == 0 || digest_is_none(&f->cancel.owner) || slot == l->slot ||
	    slot >= BROKER_MAX_LINKS || !link_is_open(&b->links[slot]) ||
	    table_find(&b->table, f->id) != NULL)
		return NULL;
	return &b->links[slot];
}

const char *
cancel_ask(struct link *l, const struct frame *f)
{
	struct cancel *c = &l->cancel;
	struct entry *e = find_running(l->broker, f->id, &f->cancel.owner);
	struct link *to = e == NULL ? cancel_judge(l, f) : NULL;

	if (c->state != CANCEL_NONE)
		return "sent a cancel before the last one was answered";
	c->ask = *f;
	c->ask.slot = l->slot;
	if (to == NULL) {
		cancel_decide(l, e != NULL);
		if (e != NULL)
			run_cancel(e, f->cancel.reason);
		return NULL;
	}
	c->to = to->slot;
	c->state = CANCEL_UNSENT;
	to->n_asked++;
	loop_arm(&l->broker->loop, &c->timer, clock_usec() + ANSWER_USEC);
	cancel_send(to, c);
	return NULL;
}

const char *
cancel_answer(struct link *l, const struct frame *f)
{
	struct link *from;

	if (f->slot >= BROKER_MAX_LINKS)
		return "sent an answer to no worker";
	from = &l->broker->links[f->slot];
	/* Otherwise the worker that asked is gone. */
	if (from->cancel.state == CANCEL_SENT && from->cancel.to == l->slot &&
	    from->cancel.ask.id == f->id)
		cancel_decide(from, f->cancel.found != 0);
	return NULL;
}

void
cancel_flush(struct link *l)
{
	cancel_finish(l);
	for (size_t i = 0; l->n_asked > 0 && i < BROKER_MAX_LINKS; i++) {
		struct cancel *c = &l->broker->links[i].cancel;

		if (c->state == CANCEL_UNSENT && c->to == l->slot)
			cancel_send(l, c);
	}
}

void
cancel_abandon(struct link *l)
{
	if (l->cancel.state == CANCEL_UNSENT)
		l->broker->links[l->cancel.to].n_asked--;
	loop_disarm(&l->broker->loop, &l->cancel.timer);
	l->cancel.state = CANCEL_NONE;
	l->n_asked = 0;
	for (size_t i = 0; i < BROKER_MAX_LINKS; i++) {
		struct link *from = &l->broker->links[i];
		const struct cancel *c = &from->cancel;

		if ((c->state == CANCEL_UNSENT || c->state == CANCEL_SENT) && c->to == l->slot)
			cancel_decide(from, false);
	}
}
