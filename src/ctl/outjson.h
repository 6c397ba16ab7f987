/* SPDX-License-Identifier: ISC */
/* outjson: JSON on standard output, and members of JSON that a server sent. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "client/reqd.h"

struct ctl;

/*
 * Returns a flag for json_dump*(): the fewest digits that keep every real in j
 * exact.
 */
size_t out_json_digits(const json_t *j);

/* Prints and releases j. */
void out_json(const struct ctl *ctl, json_t *j);
/* Makes a string of UTF-8, else {"base64": "..."}. */
json_t *out_json_bytes(const char *data, size_t len);

/*
 * An object that is printed member by member, so that a large one needs no
 * memory. Keys are constants of reqctl.
 */
struct out_object {
	bool indented;
	bool has_members;
};

void out_object_begin(struct out_object *o, const struct ctl *ctl);
/* Takes value. */
void out_object_add(struct out_object *o, const char *key, json_t *value);
/* Does as out_json_bytes. */
void out_object_add_bytes(struct out_object *o, const char *key, struct slice s);
void out_object_end(struct out_object *o);

/* Turns any reply into JSON; an error becomes {"error": "..."}. */
json_t *out_json_value(const struct reqd_value *v);
/*
 * Turns a reply into a key of an object: a text as it is, any other value as
 * its JSON. Free the result.
 */
char *out_json_key(const struct reqd_value *v);

/* Returns a string member of j, or "". */
const char *out_json_text(const json_t *j, const char *key);
/* Returns an integer member of j, or 0. */
int64_t out_json_number(const json_t *j, const char *key);
