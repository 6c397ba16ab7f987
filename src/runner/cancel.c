/* SPDX-License-Identifier: ISC */
/* No allocation: this runs in the runner. */
#include "config.h"

#include "runner/cancel.h"

#include <errno.h>

#include "ipc/channel.h"
#include "runner/entry.h"
#include "runner/link.h"
#include "runner/runner.h"

/* The request of that number, while it can be cancelled by that owner. */
static struct entry *
find_running(struct runner *r, uint64_t id, const struct digest *owner)
{
	struct entry *e = table_find(&r->table, id);

	if (e == NULL || digest_is_none(owner) || !digest_eq(&e->owner, owner))
		return NULL;
	return e->state == ENTRY_LINGERING || e->state == ENTRY_OVER ? NULL : e;
}

/* ... of that token. */
static struct entry *
find_named(struct runner *r, const struct frame *ask)
{
	const struct token *k = tokens_find(&r->tokens, &ask->cancel.token);

	return k == NULL ? NULL : find_running(r, k->id, &ask->cancel.owner);
}

/* Answers who has asked, now or when it reads again. */
static void
cancel_finish(struct link *l)
{
	struct cancel *c = &l->cancel;
	struct frame answer = c->ask;
	struct entry *e = NULL;

	if (c->state != CANCEL_DECIDED || l->has_answer)
		return;
	c->state = CANCEL_NONE;
	/* What looks like a number may be a token. */
	if (!answer.cancel.found)
		e = find_named(l->runner, &answer);
	answer.type = FRAME_CANCELLED;
	answer.cancel.found |= e != NULL;
	(void)link_answer(l, &answer);
	if (e != NULL)
		entry_cancel(e, answer.cancel.reason);
}

static void
cancel_decide(struct link *l, bool found)
{
	l->cancel.state = CANCEL_DECIDED;
	l->cancel.ask.cancel.found = found;
	cancel_finish(l);
}

/* Asks the other worker, now or when it reads again. 0 or -errno. */
static int
cancel_send(struct link *to, struct cancel *c)
{
	int r = channel_send(to->io.fd, &c->ask, NULL, 0);

	if (r < 0)
		return r;
	c->state = CANCEL_SENT;
	to->n_asked--;
	return 0;
}

/* Another worker that may have a call of that number, or NULL. */
static struct link *
cancel_judge(struct link *l, const struct frame *f)
{
	struct runner *r = l->runner;
	uint16_t slot = request_slot(f->id);

	if (f->id == 0 || digest_is_none(&f->cancel.owner) || slot == l->slot ||
	    slot >= RUNNER_MAX_LINKS || !link_is_open(&r->links[slot]) ||
	    table_find(&r->table, f->id) != NULL)
		return NULL;
	return &r->links[slot];
}

const char *
cancel_ask(struct link *l, const struct frame *f)
{
	struct cancel *c = &l->cancel;
	struct entry *e = find_running(l->runner, f->id, &f->cancel.owner);
	struct link *to = e == NULL ? cancel_judge(l, f) : NULL;

	if (c->state != CANCEL_NONE)
		return "a cancel before the last one was answered";
	c->ask = *f;
	c->ask.slot = l->slot;
	if (to == NULL) {
		cancel_decide(l, e != NULL);
		if (e != NULL)
			entry_cancel(e, f->cancel.reason);
		return NULL;
	}
	c->to = to->slot;
	c->state = CANCEL_UNSENT;
	to->n_asked++;
	if (cancel_send(to, c) < 0)
		link_wait(to);
	return NULL;
}

const char *
cancel_answer(struct link *l, const struct frame *f)
{
	struct link *from;

	if (f->slot >= RUNNER_MAX_LINKS)
		return "an answer to no worker";
	from = &l->runner->links[f->slot];
	/* Else who has asked is gone. */
	if (from->cancel.state == CANCEL_SENT && from->cancel.to == l->slot &&
	    from->cancel.ask.id == f->id)
		cancel_decide(from, f->cancel.found != 0);
	return NULL;
}

int
cancel_flush(struct link *l)
{
	cancel_finish(l);
	if (l->has_answer)
		return -EAGAIN;
	for (size_t i = 0; l->n_asked > 0 && i < RUNNER_MAX_LINKS; i++) {
		struct cancel *c = &l->runner->links[i].cancel;
		int r;

		if (c->state != CANCEL_UNSENT || c->to != l->slot)
			continue;
		r = cancel_send(l, c);
		if (r < 0)
			return r;
	}
	return 0;
}

void
cancel_abandon(struct link *l)
{
	if (l->cancel.state == CANCEL_UNSENT)
		l->runner->links[l->cancel.to].n_asked--;
	l->cancel.state = CANCEL_NONE;
	l->n_asked = 0;
	for (size_t i = 0; i < RUNNER_MAX_LINKS; i++) {
		struct link *from = &l->runner->links[i];
		const struct cancel *c = &from->cancel;

		if ((c->state == CANCEL_UNSENT || c->state == CANCEL_SENT) && c->to == l->slot)
			cancel_decide(from, false);
	}
}
