/* SPDX-License-Identifier: ISC */
/*
 * callrequest: what a handler reads of a call, in bytes: its request, with
 * the context where that is wanted, and the input that there is.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "conf/arguments.h"
#include "proto/callopt.h"

struct call;

/*
 * Appends the request of a call: the name under which it was called, the
 * checked arguments, the input that there is. 0 or -ENOMEM.
 */
int callrequest_append(struct call *call, const struct callopt *opt, const struct values *values,
    const char *name, struct buf *out);

/* Appends input that was gathered, the last word of a request. 0 or -ENOMEM. */
int callrequest_append_gathered(struct buf *out, struct slice bytes);
