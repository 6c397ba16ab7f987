/* SPDX-License-Identifier: ISC */
/*
 * params: the words behind a service name as arguments of a call. With a
 * "--name" among them the declaration of the service (DESCRIBE) decides what
 * takes a value, and all are sent by name; else they are sent in their order.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/reqd.h"

/* Is there a "--name" before a lone "--"? */
bool params_are_named(size_t n, char **words);

/* Is it a call for help: a "--help" that the service does not declare? */
bool params_want_help(const json_t *description, size_t n, char **words);

/* In their order; a lone "--" is left out. */
void params_add(struct reqd_call *call, size_t n, char **words);

#define PARAMS_WHY 256

/* By name. False with why (not escaped) when a word fits no argument. */
bool params_add_named(struct reqd_call *call, const json_t *description, size_t n, char **words,
    char why[static PARAMS_WHY]);

/* The declared argument of that name, or NULL. */
const json_t *params_find(const json_t *description, const char *name, size_t len);
bool params_is_flag(const json_t *argument);

/*
 * The declared argument that the next positional word after these would go
 * to, or NULL. *ret_pending: the last word is a "--name" that waits for its
 * value, and that is the argument returned.
 */
const json_t *params_next(const json_t *description, size_t n, char **words, bool *ret_pending);
