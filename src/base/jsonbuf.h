/* SPDX-License-Identifier: ISC */
/*
 * jsonbuf: compact JSON, written into a buf. Each function appends one value
 * and the comma that it needs. key is the value's name inside an object, and
 * NULL inside an array. Call buf_failed() at the end to know whether all of it
 * was written. No function here begins with "json_", because those of jansson
 * do, which reqctl links, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Opens an object ('{') or an array ('['); the caller appends its '}' or ']'.
 */
void jsonbuf_open(struct buf *b, const char *key, char bracket);
void jsonbuf_close(struct buf *b, char bracket);

/* Appends a string, or null if text is NULL. */
void jsonbuf_text(struct buf *b, const char *key, const char *text);

/*
 * Appends a number. Readers of JSON may not take a very large number exactly; a
 * number above that limit is written as the limit.
 */
void jsonbuf_number(struct buf *b, const char *key, uint64_t n);
void jsonbuf_number_or_null(struct buf *b, const char *key, bool is_known, uint64_t n);

/* Appends a finite number. */
void jsonbuf_real(struct buf *b, const char *key, double v);

/* Appends the comma and the key that stand before a value; the caller appends the value. */
void jsonbuf_key(struct buf *b, const char *key);

void jsonbuf_bool(struct buf *b, const char *key, bool value);
void jsonbuf_null(struct buf *b, const char *key);
