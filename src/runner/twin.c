/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/twin.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "runner/entry.h"
#include "runner/runner.h"
#include "runner/token.h"

static void
twins_arm(struct runner *r)
{
	uint64_t due = tokens_due(&r->tokens);

	if (due == USEC_NEVER)
		loop_disarm(&r->loop, &r->token_timer);
	else
		loop_arm(&r->loop, &r->token_timer, due);
}

/* The request that runs this token, while the runner still has it. */
static struct entry *
twin_original(struct runner *r, const struct token *k)
{
	struct entry *e = table_find(&r->table, k->id);

	return e != NULL && e->token == k ? e : NULL;
}

/* Takes one of those that wait off the token. */
static struct entry *
twin_next(struct token *k)
{
	struct entry *e = TAILQ_FIRST(&k->twins);

	if (e != NULL) {
		TAILQ_REMOVE(&k->twins, e, next);
		e->token = NULL;
	}
	return e;
}

/* All that wait get the result, or hear that it is lost (fd -1). */
static void
twins_answer(struct runner *r, struct token *k, int fd)
{
	struct entry *e = twin_original(r, k);

	if (e != NULL)
		e->token = NULL;
	while ((e = twin_next(k)) != NULL)
		entry_result(e, fd);
}

/* The result will not come any more. */
static void
twins_lose(struct runner *r, struct token *k)
{
	twins_answer(r, k, -1);
	token_remove(&r->tokens, k);
}

bool
twin_is_awaited(const struct entry *e)
{
	return e->token != NULL && !TAILQ_EMPTY(&e->token->twins);
}

bool
twin_first(struct entry *e, const struct digest *token)
{
	struct runner *r = e->runner;
	struct token *k = tokens_find(&r->tokens, token);
	struct entry *original;

	if (k == NULL) {
		e->token = tokens_add(&r->tokens, token, e->id);
		if (e->token != NULL)
			return true;
		entry_over(e, OUTCOME_BUSY, BUSY_TABLE_FULL);
		return false;
	}

	channel_close_fds(e->fds, ENTRY_N_FDS);
	if (k->state == TOKEN_DONE) {
		entry_result(e, k->fd);
		return false;
	}
	e->state = ENTRY_ATTACHED;
	e->token = k;
	TAILQ_INSERT_TAIL(&k->twins, e, next);
	loop_arm(&r->loop, &e->timer, e->deadline_usec);
	original = twin_original(r, k);
	if (original != NULL)
		entry_deliver(original, UNSENT_ATTACHED);
	return false;
}

void
twin_detach(struct entry *e, enum outcome_kind outcome, uint8_t reason)
{
	struct runner *r = e->runner;
	struct token *k = TAKE_PTR(e->token);

	if (k == NULL)
		return;
	if (k->id != e->id) {
		struct entry *original = twin_original(r, k);

		TAILQ_REMOVE(&k->twins, e, next);
		if (original != NULL && TAILQ_EMPTY(&k->twins))
			entry_deliver(original, UNSENT_ATTACHED);
		return;
	}
	while ((e = twin_next(k)) != NULL)
		entry_over(e, outcome, reason);
	token_remove(&r->tokens, k);
}

void
twin_end(struct entry *e)
{
	struct runner *r = e->runner;

	if (e->token == NULL)
		return;
	token_end(&r->tokens, e->token, clock_usec());
	twins_arm(r);
}

void
twins_deposit(struct runner *r, uint64_t id, int fd)
{
	struct token *k = tokens_find_id(&r->tokens, id);

	if (k == NULL) {
		(void)close(fd);	/* too late: it was given up */
		return;
	}
	twins_answer(r, k, fd);
	token_finish(&r->tokens, k, fd, clock_usec());
	twins_arm(r);
}

void
twins_abandon(struct runner *r, uint16_t slot)
{
	struct token *k = tokens_next_unfinished(&r->tokens, NULL);

	while (k != NULL) {
		struct token *next = tokens_next_unfinished(&r->tokens, k);

		if (request_slot(k->id) == slot)
			twins_lose(r, k);
		k = next;
	}
	twins_arm(r);
}

void
on_token_due(struct loop_timer *t)
{
	struct runner *r = CONTAINER_OF(t, struct runner, token_timer);
	uint64_t now = clock_usec();
	struct token *k;

	while ((k = tokens_expired(&r->tokens, now)) != NULL)
		twins_lose(r, k);
	twins_arm(r);
}
