/* SPDX-License-Identifier: ISC */
/* kept: counts the bytes of calls, and lets calls wait for room. */
#include "config.h"

#include "call/kept.h"

#include "call/call.h"
#include "net/identity.h"
#include "net/party.h"

/* Bytes that were touched: memory in front of the content is not free yet. */
static uint64_t
held(const struct buf *b)
{
	return b->end;
}

void
kept_count(struct call *call)
{
	party_keep(call->who->party, &call->kept, held(&call->out.data) + held(&call->err.data) +
	    held(&call->in_data) + held(&call->job) + held(&call->exchange.text) +
	    held(&call->gathered) + held(&call->answer) + call->exchange.reply_kept + call->papered);
}

bool
kept_admits(struct call *call, uint64_t more)
{
	if (more <= PARTY_FREE || party_may_keep(call->who->party, more))
		return true;
	call->desk->stats->over_share++;
	return false;
}

static void
stop_waiting(struct call *call)
{
	struct call_desk *desk = call->desk;

	if (desk->favoured == call)
		desk->favoured = NULL;
	if (!call->is_hungry)
		return;
	call->is_hungry = false;
	TAILQ_REMOVE(&desk->hungry, call, next_hungry);
	desk->n_hungry--;
}

/*
 * The most bytes that the favoured call may bring the worker to. Each hungry call was
 * read without a question until it had CALL_READ.
 */
static uint64_t
favoured_max(const struct call_desk *desk, const struct parties *all)
{
	return all->max_bytes + CALL_BUFFERED_MAX + 2 * desk->n_hungry * CALL_READ;
}

bool
kept_may_grow(struct call *call, uint64_t more)
{
	struct call_desk *desk = call->desk;
	const struct party *p = call->who->party;

	if (p == NULL || party_may_keep(p, more)) {
		stop_waiting(call);
		return true;
	}
	if (desk->favoured == NULL)
		desk->favoured = call;
	if (desk->favoured == call && p->all->bytes + more <= favoured_max(desk, p->all))
		return true;
	call->wanted = more;
	if (!call->is_hungry) {
		call->is_hungry = true;
		TAILQ_INSERT_TAIL(&desk->hungry, call, next_hungry);
		desk->n_hungry++;
		desk->stats->over_share++;
	}
	return false;
}

void
kept_leave(struct call *call)
{
	stop_waiting(call);
	party_keep(call->who->party, &call->kept, 0);
}

void
kept_feed(struct call_desk *desk)
{
	struct call *call, *next;

	TAILQ_FOREACH_SAFE(call, &desk->hungry, next_hungry, next) {
		if (!kept_may_grow(call, call->wanted))
			continue;
		if (call->is_hungry) {
			/* The favoured call is not hungry until it has read more. */
			call->is_hungry = false;
			TAILQ_REMOVE(&desk->hungry, call, next_hungry);
			desk->n_hungry--;
		}
		call->backend->room(call);
	}
}
