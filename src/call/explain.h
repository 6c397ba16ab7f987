/* SPDX-License-Identifier: ISC */
/*
 * explain: a call that does not run (call_by_explain). Its request is checked as that of any
 * call, and its value is a map that tells how the call would run.
 */
#pragma once

#include "base/slice.h"
#include "proto/outcome.h"

/* The part of the map that only the door knows: the answer of the rules. */
struct explanation {
	const char *role;		/* opens the service, or closes it; NULL: no role does */
	const char *why;		/* one sentence */
	enum outcome_kind refused;	/* the outcome without a start; OUTCOME_N: it would start */
};
