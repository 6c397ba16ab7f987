/* SPDX-License-Identifier: ISC */
/* answer: answers of a server, printed for people on standard output. */
#pragma once

#include "client/reqd.h"
#include "ctl/ctl.h"

/*
 * Prints an answer. A text: its bytes as they are, and on a terminal a line
 * feed if they do not end in one. Numbers, true and false: a line. Arrays and
 * sets: a line for each element. Maps: "key: value" lines. The items of an
 * element stand below it, indented, with all texts escaped on one line. Null:
 * nothing. An error: nothing, because it is told with the exit status. Accepts
 * NULL.
 */
void answer_print(const struct ctl *ctl, const struct reqd_value *v);

/*
 * Returns the outcome with which a call would be refused, by its word; REQD_FAILED for a
 * word that this reqctl does not know.
 */
enum reqd_outcome answer_refusal(struct slice word);
