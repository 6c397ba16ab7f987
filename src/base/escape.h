/* SPDX-License-Identifier: ISC */
/* escape: makes bytes from outside safe to show in a line of text. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/*
 * Appends s for a log line or a terminal: printable UTF-8 as it is; control
 * characters, DEL, C1, invalid UTF-8, backslash and double quote as \n \t
 * \r \\ \" or \xHH. At most max bytes of s are shown, then "...".
 */
int escape_text(struct buf *b, struct slice s, size_t max);

/*
 * Makes s printable in the same way, cut to fit ret. ret is "?" when memory is
 * out. Returns ret.
 */
const char *escape_printable(struct slice s, char *ret, size_t ret_len);

/*
 * Copies s for a text that is escaped again later: what cannot be printed
 * becomes '?', a tab a blank. The copy of a longer s ends with "...".
 */
void escape_plain(struct slice s, char *ret, size_t ret_len);

/*
 * Does as escape_text() for a text whose escapes cannot be trusted: backslash
 * and double quote stay.
 */
int escape_controls(struct buf *b, struct slice s, size_t max);

/*
 * Does as escape_text(), and puts double quotes around a text that is empty or
 * has a blank or an escape.
 */
int escape_word(struct buf *b, struct slice s, size_t max);

/*
 * Appends s as a JSON string with its quotes (RFC 8259). Bytes that are not
 * UTF-8 become U+FFFD.
 */
int escape_json(struct buf *b, struct slice s);

/*
 * Returns the length of the valid UTF-8 sequence at the start of s (1 to 4), or
 * 0. Overlong forms and surrogates are not valid.
 */
size_t utf8_sequence(struct slice s);
