/* SPDX-License-Identifier: ISC */
/*
 * handlercall: what a call does that a handler answers, where that is not
 * what one of a command does (call_of_handler): its input, its end, its time.
 * Who gets a process, and when, is the business of leases.h.
 */
#pragma once

#include <stdint.h>

struct call;

/* When the call has to have got on: from the queue, or to its end. */
uint64_t handler_call_due(const struct call *call);

/*
 * Its input comes by INPUT and belongs into its request, the rest of which is
 * in call->in_data: the call is begun when the input is whole.
 */
void handler_call_wait_for_input(struct call *call);
