/* SPDX-License-Identifier: ISC */
/* Requests with one token: starts the first, gives the others its result. */
#include "config.h"

#include "broker/twin.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/entry.h"
#include "broker/broker.h"
#include "broker/token.h"

/* A worker writes a result in one piece, so its file has few others between holes. */
#define RESULT_EXTENTS 8

/*
 * Makes a file for a result. Its size is fixed, so that the worker that writes
 * it cannot make it expensive for those that get it.
 */
static int
result_file(void)
{
	CLEANUP_CLOSE int fd = memfd_create("reqd-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, FRAME_RESULT_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return -1;
	return TAKE_FD(fd);
}

size_t
twin_paper(const struct entry *e, int *ret)
{
	const struct token *k = e->token;

	if (k == NULL || e->state == ENTRY_ATTACHED || k->state == TOKEN_DONE || k->fd < 0)
		return 0;
	*ret = k->fd;
	return 1;
}

/* Gives an ATTACHED request the result. Borrows fd; -1: the result is lost. */
static void
twin_result(struct entry *e, int fd)
{
	if (fd >= 0)
		e->fds[0] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	entry_deliver(e, UNSENT_RESULT);
	entry_finish(e);
}

static void
twins_arm(struct broker *b)
{
	uint64_t due = tokens_due(&b->tokens);

	if (due == USEC_NEVER)
		loop_disarm(&b->loop, &b->token_timer);
	else
		loop_arm(&b->loop, &b->token_timer, due);
}

/* The request that runs this token, while the broker still has it; or NULL. */
static struct entry *
twin_original(struct broker *b, const struct token *k)
{
	struct entry *e = table_find(&b->table, k->id);

	return e != NULL && e->token == k ? e : NULL;
}

/* Takes a waiting request off the token; NULL: there is none. */
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

/* Gives all waiting requests the result, or tells them that it is lost (fd -1). */
static void
twins_answer(struct broker *b, struct token *k, int fd)
{
	struct entry *e = twin_original(b, k);

	if (e != NULL)
		e->token = NULL;
	while ((e = twin_next(k)) != NULL)
		twin_result(e, fd);
}

/* Ends a token whose result will not come any more. */
static void
twins_lose(struct broker *b, struct token *k)
{
	twins_answer(b, k, -1);
	token_remove(&b->tokens, k);
}

/* Ends a token whose program has run and whose result is not to be had: it must not run again. */
static void
twins_spend(struct broker *b, struct token *k)
{
	twins_answer(b, k, -1);
	if (k->fd >= 0)
		(void)close(TAKE_FD(k->fd));
	token_finish(&b->tokens, k, 0, clock_usec());
}

void
twin_lose(struct entry *e)
{
	if (e->token != NULL)
		twins_lose(e->broker, e->token);
}

bool
twin_is_awaited(const struct entry *e)
{
	return e->token != NULL && !TAILQ_EMPTY(&e->token->twins);
}

bool
twin_first(struct entry *e, const struct digest *token)
{
	struct broker *b = e->broker;
	struct token *k = tokens_find(&b->tokens, token);
	enum admission_verdict verdict;
	struct entry *original;

	if (k == NULL) {
		e->token = tokens_add(&b->tokens, token, &e->ticket.party, e->id, result_file());
		if (e->token != NULL) {
			entry_deliver(e, UNSENT_PAPER);
			return true;
		}
		entry_over(e, OUTCOME_BUSY, BUSY_TABLE_FULL);
		return false;
	}

	entry_drop_kit(e);
	if (k->state == TOKEN_DONE && k->fd < 0) {
		entry_over(e, OUTCOME_LOST, LOST_SPENT);
		return false;
	}
	if (k->state == TOKEN_DONE) {
		twin_result(e, k->fd);
		return false;
	}
	/* Requests that wait for a twin take a place in the service's queue like all others. */
	verdict = admission_attach(&b->admission, e->service->name, entry_limits(e), &e->ticket);
	if (verdict != ADMISSION_QUEUE) {
		entry_refuse(e, verdict);
		return false;
	}
	entry_publish(e);
	e->state = ENTRY_ATTACHED;
	entry_deliver(e, UNSENT_WAITING);
	e->token = k;
	TAILQ_INSERT_TAIL(&k->twins, e, next);
	loop_arm(&b->loop, &e->timer, e->deadline_usec);
	original = twin_original(b, k);
	if (original != NULL)
		entry_deliver(original, UNSENT_ATTACHED);
	return false;
}

void
twin_detach(struct entry *e, enum outcome_kind outcome, uint8_t reason)
{
	struct broker *b = e->broker;
	struct token *k = TAKE_PTR(e->token);
	const struct frame_ended *end = &e->ended;
	struct entry *twin;

	if (k == NULL)
		return;
	if (e->state == ENTRY_ATTACHED) {
		struct entry *original = twin_original(b, k);

		TAILQ_REMOVE(&k->twins, e, next);
		if (original != NULL && TAILQ_EMPTY(&k->twins))
			entry_deliver(original, UNSENT_ATTACHED);
		return;
	}
	while ((twin = twin_next(k)) != NULL) {
		twin->ended.stage = end->stage;
		twin->ended.error = end->error;
		entry_over(twin, outcome, reason);
	}
	token_remove(&b->tokens, k);
}

void
twin_end(struct entry *e)
{
	struct broker *b = e->broker;

	if (e->token == NULL)
		return;
	token_end(&b->tokens, e->token, clock_usec());
	twins_arm(b);
}

/*
 * The memory that a result takes: its file is large and mostly holes. fstat() would tell,
 * but it is a call that takes a path, which no confined process may have.
 */
static uint64_t
result_bytes(int fd)
{
	uint64_t bytes = 0;
	off_t begin, end = 0;

	for (int i = 0; i < RESULT_EXTENTS; i++) {
		begin = lseek(fd, end, SEEK_DATA);
		if (begin < 0)
			return bytes;
		end = lseek(fd, begin, SEEK_HOLE);
		if (end < 0)
			break;
		bytes += (uint64_t)(end - begin);
	}
	return FRAME_RESULT_BYTES;
}

const char *
twins_deposit(struct broker *b, uint64_t id)
{
	struct token *k = tokens_find_id(&b->tokens, id);

	if (k == NULL)
		return NULL;	/* too late: the token was given up */
	if (k->fd < 0) {
		twins_spend(b, k);
		return NULL;
	}
	/*
	 * The worker has to seal it, because sealing may have to wait for a
	 * process that has the file mapped.
	 */
	if ((fcntl(k->fd, F_GET_SEALS) & F_SEAL_WRITE) == 0)
		return "sent a result that is not sealed";
	twins_answer(b, k, k->fd);
	token_finish(&b->tokens, k, result_bytes(k->fd), clock_usec());
	twins_arm(b);
	return NULL;
}

void
twins_abandon(struct broker *b, uint16_t slot)
{
	struct token *k = tokens_next_unfinished(&b->tokens, NULL);

	while (k != NULL) {
		struct token *next = tokens_next_unfinished(&b->tokens, k);

		if (request_slot(k->id) == slot)
			twins_lose(b, k);
		k = next;
	}
	twins_arm(b);
}

void
on_token_due(struct loop_timer *t)
{
	struct broker *b = CONTAINER_OF(t, struct broker, token_timer);
	uint64_t now = clock_usec();
	struct token *k;

	while ((k = tokens_expired(&b->tokens, now)) != NULL) {
		if (k->state == TOKEN_ENDED)
			twins_spend(b, k);
		else
			token_remove(&b->tokens, k);
	}
	twins_arm(b);
}
