/* SPDX-License-Identifier: ISC */
/*
 * sink: receives the events of a call. Whatever makes a call has a sink and
 * gives it to call_start(); the call knows nothing else of its maker.
 *
 * The functions of a sink may run while the sink is inside a function of
 * call.h. They must not start, feed or cancel calls: they take a note, and
 * defer the rest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct call;
struct call_sink;
struct result;

enum call_stream { CALL_STDOUT, CALL_STDERR };

struct call_sink_ops {
	/* An open call has begun, or gathers its input: input may come. */
	void (*started)(struct call_sink *s, struct call *call);

	/*
	 * The broker has a call with a token, whose result it will keep; or has a twin of it.
	 * NULL: nothing to do.
	 */
	void (*kept)(struct call_sink *s, struct call *call);

	/* Output of a streamed call has come. */
	void (*output)(struct call_sink *s, struct call *call, enum call_stream which,
	    struct slice bytes);

	/* The first n bytes of the last chunk are passed on, and the next chunk may come. */
	void (*input_taken)(struct call_sink *s, struct call *call, size_t n);

	/*
	 * An open call needs no more input: its outcome is known, and is
	 * delivered at the end of its input. A chunk under way is not passed
	 * on.
	 */
	void (*input_over)(struct call_sink *s, struct call *call);

	/*
	 * The call has ended; called exactly once, last. The result is valid
	 * until this returns; then the call is gone. call is NULL when the
	 * request was refused before a call could begin.
	 */
	void (*ended)(struct call_sink *s, struct call *call, const struct result *res);

	/* True if output may come; false: output rests until call_on_room(). */
	bool (*has_room)(const struct call_sink *s);
};

struct call_sink {
	const struct call_sink_ops *ops;
};
