/* SPDX-License-Identifier: ISC */
/*
 * httpargs: the named arguments of a call, gathered from the path, the query and the body of a
 * request as the words NAME=VALUE that conf/arguments takes.
 *
 * An argument comes from one place. Twice in the same place it is a repeated argument.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* Bytes of a body of JSON that is read into memory as a tree. */
#define HTTPARGS_JSON_MAX (1u << 20)

/* Nothing of JSON may lie deeper than an array of values in the object. */
#define HTTPARGS_WHY 128

struct httpargs_limits {
	size_t max_arguments;
	size_t argument_limit;	/* bytes of a value */
};

struct httpargs {
	struct httpargs_limits limits;
	struct buf text;	/* the words, one after the other */
	struct httpargs_word {
		size_t at, len, name_len;
		unsigned place;
	} *words;
	size_t n_words, room;
	unsigned place;		/* the place at hand */
	struct slice *argv;
	char why[HTTPARGS_WHY];	/* the reason of a refusal */
};

/* The answer to each place: 0, or the status of HTTP with which the request is refused. */
#define HTTPARGS_OK 0

void httpargs_init(struct httpargs *a, const struct httpargs_limits *limits);
void httpargs_done(struct httpargs *a);

/* Adds one word. 0 or a status. */
unsigned httpargs_add(struct httpargs *a, struct slice name, struct slice value);

/*
 * Adds a value of JSON, of which an array is a repeated argument and null is nothing. 0 or a
 * status.
 */
unsigned httpargs_add_value(struct httpargs *a, struct slice name, const json_t *v);

/* Adds NAME=VALUE pairs of a query or of a form. 0 or a status; 500: no memory. */
unsigned httpargs_add_form(struct httpargs *a, struct slice text);

/* Adds the members of a JSON object. 0 or a status. */
unsigned httpargs_add_json(struct httpargs *a, struct slice text);

/* Makes the words; they are borrowed from a. 0 or a status. */
unsigned httpargs_finish(struct httpargs *a, const struct slice **ret, size_t *ret_n);
