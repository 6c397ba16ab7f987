/* SPDX-License-Identifier: ISC */
/*
 * kept: the bytes that a call keeps, and calls that wait until they may keep more.
 *
 * A call whose caller has its share of kept bytes is hungry: nothing is read of its
 * program, which waits then. One hungry call of the worker is favoured: it may
 * go on beyond the share, up to what one reply may have. So calls that together
 * keep too much end one after the other, instead of waiting for each other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct call;
struct call_desk;

/* Counts the bytes of a call anew. */
void kept_count(struct call *call);

/* True if so many bytes, which are still elsewhere, may be kept for a call. Counts a refusal. */
bool kept_admits(struct call *call, uint64_t more);

/* True if a call may get so many bytes more. False: it is hungry, and is woken when it may. */
bool kept_may_grow(struct call *call, uint64_t more);

/* The call ends. */
void kept_leave(struct call *call);

/* Bytes have become fewer: wakes the calls that may go on. */
void kept_feed(struct call_desk *desk);
