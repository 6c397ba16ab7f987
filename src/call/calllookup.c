/* SPDX-License-Identifier: ISC */
/*
 * calllookup: a call that runs nothing, and tells the state or the result of the caller's call
 * with the same token, whichever worker has it.
 */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "call/call.h"
#include "net/identity.h"

/* The broker has the answer at hand. */
#define ANSWER_USEC (10 * USEC_PER_SEC)

/* Ends the call with an outcome of its own. */
static void
lookup_fail(struct call *call, enum outcome_kind kind, const char *why)
{
	const struct result res = {
		.outcome.kind = kind,
		.service = slice_of(call->service->name),
		.detail = slice_of(why),
	};

	call_deliver(call, &res);
}

static int
lookup_start(struct call *call, const struct call_request *rq, const struct values *values,
    const char **ret_why)
{
	const struct slice token[] = { slice_of(call->who->text), rq->opt->token };

	(void)values;
	(void)ret_why;
	call->run.token = digest_of(token, ARRAY_LEN(token));
	if (call->desk->link->look_up(call) < 0)
		return -ENOMEM;
	loop_arm(call->desk->loop, &call->timer, call->accepted_usec + ANSWER_USEC);
	return 0;
}

void
call_on_found(struct call *call, enum look_up what, int fd)
{
	CLEANUP_CLOSE int result = fd;
	struct result_map map;
	struct result res;

	if (call->backend != &call_by_lookup)
		return;
	call->found = (uint8_t)what;
	if (what != LOOK_UP_DONE) {
		call_deliver(call, &(struct result){ .service = slice_of(call->service->name) });
		return;
	}
	if (result < 0 || result_map(result, &res, &map) < 0) {
		lookup_fail(call, OUTCOME_BUSY, "the server: out of memory");
		return;
	}
	res.service = slice_of(call->service->name);
	call_deliver(call, &res);
	result_unmap(&map);
}

static void
lookup_lost(struct call *call)
{
	lookup_fail(call, OUTCOME_BUSY, "the call could not be looked for; ask again");
}

static void
lookup_on_timer(struct loop_timer *t)
{
	lookup_lost(CONTAINER_OF(t, struct call, timer));
}

static void
lookup_cancel(struct call *call, enum cancel_reason reason)
{
	(void)reason;
	lookup_fail(call, OUTCOME_CANCELLED, "");
}

static void
lookup_nothing(struct call *call)
{
	(void)call;
}

const struct call_backend call_by_lookup = {
	.start = lookup_start,
	.cancel = lookup_cancel,
	.lost = lookup_lost,
	.room = lookup_nothing,
	.release = lookup_nothing,
	.on_timer = lookup_on_timer,
};
