/* SPDX-License-Identifier: ISC */
/*
 * answer: what a handler answered, for people, on standard output.
 */
#pragma once

#include "client/reqd.h"
#include "ctl/ctl.h"

/*
 * A text: its bytes as they are, and on a terminal a line feed if they do not
 * end in one. Numbers, true and false: a line. Arrays and sets: a line for
 * each element; maps: "key: value" lines; what is in an element of them stands
 * below it, indented, with all texts harmless on one line. Null: nothing.
 * An error: nothing, since it is told with the exit status. Accepts NULL.
 */
void answer_print(const struct ctl *ctl, const struct reqd_value *v);
