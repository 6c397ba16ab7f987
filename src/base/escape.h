/* SPDX-License-Identifier: ISC */
/*
 * escape: bytes from anywhere, made harmless for a line of text.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/*
 * Appends s for a log line or a terminal: printable UTF-8 as it is; control
 * characters, DEL, C1, invalid UTF-8, backslash and double quote as \n \t
 * \r \\ \" or \xHH. At most max bytes of s are shown, then "...".
 */
int escape_text(struct buf *b, struct slice s, size_t max);

/* Makes s printable likewise, cut to fit ret, or "?" without memory. Returns ret. */
const char *escape_printable(struct slice s, char *ret, size_t ret_len);

/*
 * As escape_text() for text that is escaped already but not to be trusted with it:
 * backslash and double quote stay.
 */
int escape_controls(struct buf *b, struct slice s, size_t max);

/* As escape_text(), in double quotes when it is empty or has a blank or an escape. */
int escape_word(struct buf *b, struct slice s, size_t max);

/*
 * Appends s as a JSON string with its quotes (RFC 8259). Bytes that are not
 * UTF-8 become U+FFFD.
 */
int escape_json(struct buf *b, struct slice s);

/*
 * Length of the valid UTF-8 sequence at the start of s (1 to 4), or 0. No
 * overlong forms, no surrogates.
 */
size_t utf8_sequence(struct slice s);
