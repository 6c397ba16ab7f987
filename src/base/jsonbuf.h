/* SPDX-License-Identifier: ISC */
/*
 * jsonbuf: compact JSON, written into a buf. Each function appends one value, with its key
 * inside of an object and with key NULL inside of an array, and the comma that it
 * needs. Whether all of it has found room is seen at the end, by buf_failed(). No
 * name here begins with "json_", as those of jansson do, which reqctl links, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* An object ('{') or an array ('['), up to its '}' or ']'. */
void jsonbuf_open(struct buf *b, const char *key, char bracket);
void jsonbuf_close(struct buf *b, char bracket);

/* A string; without a text null. */
void jsonbuf_text(struct buf *b, const char *key, const char *text);

/*
 * A number, at most the largest that every reader of JSON takes, and exactly: a
 * larger one is written as that.
 */
void jsonbuf_number(struct buf *b, const char *key, uint64_t n);

/* What stands before a value that the caller appends. */
void jsonbuf_key(struct buf *b, const char *key);

void jsonbuf_bool(struct buf *b, const char *key, bool value);
void jsonbuf_null(struct buf *b, const char *key);
