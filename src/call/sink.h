/* SPDX-License-Identifier: ISC */
/*
 * sink: where a call tells what becomes of it. Whoever makes calls has one of
 * these and gives it to call_start(); a call knows nothing else of who made it.
 *
 * A sink may be told things while it is inside a function of call.h. It must
 * not start, feed or cancel calls from inside its own functions: it notes, and
 * defers.
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
	/* An open call has begun, or is being gathered: input may come. */
	void (*started)(struct call_sink *s, struct call *call);

	/* Output of a streamed call, as it comes. */
	void (*output)(struct call_sink *s, struct call *call, enum call_stream which,
	    struct slice bytes);

	/* Of the chunk given last n bytes are passed on, and the next one may come. */
	void (*input_taken)(struct call_sink *s, struct call *call, size_t n);

	/*
	 * An open call needs no more input: its outcome is known, and comes with
	 * the end of its input. A chunk under way is not passed on.
	 */
	void (*input_over)(struct call_sink *s, struct call *call);

	/*
	 * Exactly once, last. The result is valid until this returns; the call is
	 * gone then. call is NULL when it was refused before it could begin.
	 */
	void (*ended)(struct call_sink *s, struct call *call, const struct result *res);

	/* False: output rests until call_on_room(). */
	bool (*has_room)(const struct call_sink *s);
};

struct call_sink {
	const struct call_sink_ops *ops;
};
