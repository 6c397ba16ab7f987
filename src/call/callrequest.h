/* SPDX-License-Identifier: ISC */
/*
 * callrequest: a call as the bytes that a handler reads: the request, with the
 * context where the service wants it, and the input so far.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "conf/arguments.h"
#include "proto/callopt.h"

struct call;

/*
 * Appends the request of a call: the name under which it was called, the
 * checked arguments, the input so far. 0 or -ENOMEM.
 */
int callrequest_append(struct call *call, const struct callopt *opt, const struct values *values,
    const char *name, struct buf *out);

/* Appends gathered input, the last word of a request. 0 or -ENOMEM. */
int callrequest_append_gathered(struct buf *out, struct slice bytes);
