/* SPDX-License-Identifier: ISC */
/*
 * outjson: JSON on standard output, and what is in the JSON of a server.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "client/reqd.h"

struct ctl;

/* A flag for json_dump*(): enough of them for every real in j, and no more. */
size_t out_json_digits(const json_t *j);

/* Prints and releases j. */
void out_json(const struct ctl *ctl, json_t *j);
/* A string if it is UTF-8, else {"base64": "..."}. */
json_t *out_json_bytes(const char *data, size_t len);

/*
 * An object that is printed member by member, so that a large one needs no
 * memory. Keys are ours.
 */
struct out_object {
	bool indented;
	bool has_members;
};

void out_object_begin(struct out_object *o, const struct ctl *ctl);
/* Takes value. */
void out_object_add(struct out_object *o, const char *key, json_t *value);
/* As out_json_bytes. */
void out_object_add_bytes(struct out_object *o, const char *key, struct slice s);
void out_object_end(struct out_object *o);

/* Any reply as JSON; an error as {"error": "..."}. */
json_t *out_json_value(const struct reqd_value *v);
/* The same as a key of an object: a text as it is, else its JSON. To be freed. */
char *out_json_key(const struct reqd_value *v);

/* A string member of j, or "". */
const char *out_json_text(const json_t *j, const char *key);
/* An integer member of j, or 0. */
int64_t out_json_number(const json_t *j, const char *key);
