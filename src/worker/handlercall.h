/* SPDX-License-Identifier: ISC */
/*
 * handlercall: a call that a handler answers (call_by_handler): its request, its
 * input, its end, its time. Who gets a process, and when, is the business of
 * leases.h.
 */
#pragma once

#include <stdint.h>

struct call;

/* When the call has to have got on: from the queue, or to its end. */
uint64_t handler_call_due(const struct call *call);
