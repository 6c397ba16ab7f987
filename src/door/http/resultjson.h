/* SPDX-License-Identifier: ISC */
/* resultjson: results of calls, and values of handlers, as JSON. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "call/result.h"
#include "proto/value.h"

/* Appends "KEY": "text"; or "KEY_base64" where the bytes are not UTF-8. */
void resultjson_bytes(struct buf *b, const char *key, struct slice bytes);

/*
 * Appends a value of a handler: texts that are not UTF-8 as {"base64": "..."}, an error
 * inside of an aggregate as {"error": "..."}. key NULL: in an array, or alone.
 */
void resultjson_value(struct buf *b, const char *key, const struct value *v);

/* Appends the members of the result map to an object that is open. */
void resultjson_members(struct buf *b, const struct result *r, bool with_output);
