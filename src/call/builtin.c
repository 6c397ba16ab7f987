/* SPDX-License-Identifier: ISC */
/*
 * builtin: calls that the worker answers by itself.
 */
#include "config.h"

#include "call/builtin.h"

#include "base/cleanup.h"
#include "call/call.h"

/* Limit of the length of an answer. */
#define ANSWER_MAX (1u << 20)

static int
builtin_start(struct call *call, const struct call_request *rq, const struct values *values,
    const char **ret_why)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(ANSWER_MAX);
	struct result res = { .service = slice_of(call->service->name), .id = call->id };
	int r;

	(void)values;
	(void)ret_why;
	r = rq->builtin->run(call, &out);
	if (r < 0)
		return r;
	res.out = buf_slice(&out);
	call_deliver(call, &res);
	return 0;
}

/* A builtin never waits for anything, so it holds nothing to release. */
static void
builtin_release(struct call *call)
{
	(void)call;
}

const struct call_backend call_by_builtin = {
	.start = builtin_start,
	.release = builtin_release,
};
