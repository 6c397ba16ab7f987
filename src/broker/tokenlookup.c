/* SPDX-License-Identifier: ISC */
/*
 * tokenlookup: tells what has become of a request with a token, and starts nothing. A question is
 * answered at once or, to a worker that does not read, not at all: nothing is kept for it.
 */
#include "config.h"

#include "broker/tokenlookup.h"

#include <fcntl.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/link.h"

/* Unsent answers may hold so many descriptors of results, or fewer. */
#define UNSENT_MAX 256

static enum look_up
state_of(struct broker *b, const struct token *k)
{
	const struct entry *e;

	if (k == NULL)
		return LOOK_UP_UNKNOWN;
	if (k->state == TOKEN_DONE)
		return k->fd >= 0 ? LOOK_UP_DONE : LOOK_UP_SPENT;
	e = table_find(&b->table, k->id);
	return e != NULL && e->state == ENTRY_QUEUED ? LOOK_UP_WAITS : LOOK_UP_RUNS;
}

const char *
tokenlookup_ask(struct link *l, const struct frame *f)
{
	struct broker *b = l->broker;
	struct frame answer = { .type = FRAME_FOUND, .slot = l->slot, .id = f->id };
	const struct token *k;
	int fd = -1;

	if (request_slot(f->id) != l->slot)
		return "sent the request id of another worker";
	if (table_find(&b->table, f->id) != NULL || tokens_find_id(&b->tokens, f->id) != NULL)
		return "sent a request id that is in use";
	if (digest_is_none(&f->cancel.token))
		return "looks for a request without a token";
	k = tokens_find(&b->tokens, &f->cancel.token);
	answer.found = (uint8_t)state_of(b, k);
	if (!link_has_room(l))
		return NULL;
	/* Without its descriptor the answer says that it has lost it. */
	if (answer.found == LOOK_UP_DONE && l->mail.n_unsent < UNSENT_MAX)
		fd = fcntl(k->fd, F_DUPFD_CLOEXEC, 0);
	if (!mail_post(&l->mail, &answer, &fd, fd >= 0 ? 1 : 0) && fd >= 0)
		(void)close(fd);
	return NULL;
}
