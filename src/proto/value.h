/* SPDX-License-Identifier: ISC */
/*
 * value: turns an answer of a handler into the reply of a client, in the
 * version that the client speaks. No I/O, no clock.
 *
 * The bytes of a handler are never passed on: a value is decoded and written
 * anew, so no handler can put a client out of step.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/reply.h"
#include "proto/resp.h"

/*
 * Appends a whole value. Iterative.
 *
 * RESP3: as it is, in the one way to write it: null is "_", a double has the
 * fewest digits that read back as the same number, verbatim text keeps the three
 * letters of its format, or gets "txt".
 * RESP2: map -> flat array, set -> array, null -> $-1, boolean -> :1 or :0,
 * double -> bulk (inf, -inf, nan), verbatim -> bulk without the prefix,
 * big number -> bulk.
 * Both: an error, also one inside an aggregate, is written by
 * value_append_handler_error(); a simple string with CR or LF as a bulk.
 *
 * 0. -ENOMEM: no memory, or past the buffer's maximum; part of the value may
 * be in b, which is marked failed. -EINVAL, nothing appended: a push (it is no
 * reply), nested deeper than REPLY_MAX_DEPTH, a map with a key too many.
 * reply_decode() makes no tree of the last two kinds.
 */
int value_append(struct buf *b, enum resp_version v, const struct value *value);

/*
 * Copies a tree into one new block; texts stay where they are. NULL when memory
 * is out. Free it with value_free(). For trees of reply_decode() only.
 */
struct value *value_copy(const struct value *value);

/*
 * Appends the error line of a handler; text is the part behind the '-'. The
 * line is cleaned and cut as by resp_error(). A handler may use a code that is
 * [A-Z][A-Z0-9_-]*, has at most VALUE_CODE_MAX bytes and is not reserved;
 * "EXIT" when value_exit_status() accepts text. In all other cases the line
 * becomes "-ERR " and the whole text. Reserved codes are those that make
 * clients repeat, redirect or log in, and those of reqd, from which a caller
 * concludes whether the program ran. 0 or -ENOMEM.
 */
int value_append_handler_error(struct buf *b, struct slice text);

#define VALUE_CODE_MAX 32

/*
 * True if the text is "EXIT n" or "EXIT n text", with n from 0 to 255 and
 * without needless zeros. Then *ret is n. error_text is without the '-'.
 */
bool value_exit_status(struct slice error_text, int *ret);
