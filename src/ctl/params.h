/* SPDX-License-Identifier: ISC */
/*
 * params: turns the words behind a service name into arguments of a call. If
 * one of them is a "--name", the declaration of the service (DESCRIBE) decides
 * which names take a value, and all arguments are sent by name. Else they are
 * sent in their order.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/reqd.h"

/* True if there is a "--name" before a lone "--". */
bool params_are_named(size_t n, char **words);

/* True for a call for help: a "--help" that the service does not declare. */
bool params_want_help(const json_t *description, size_t n, char **words);

/* Adds the words in their order; a lone "--" is left out. */
void params_add(struct reqd_call *call, size_t n, char **words);

#define PARAMS_WHY 256

/*
 * Adds the words by name. False with why (not escaped) when a word fits no
 * argument.
 */
bool params_add_named(struct reqd_call *call, const json_t *description, size_t n, char **words,
    char why[static PARAMS_WHY]);

/* Returns the declared argument of that name, or NULL. */
const json_t *params_find(const json_t *description, const char *name, size_t len);
bool params_is_flag(const json_t *argument);

/*
 * Returns the declared argument that the next positional word would go to, or
 * NULL. *ret_pending: the last word is a "--name" that waits for its value, and
 * the returned argument is that one.
 */
const json_t *params_next(const json_t *description, size_t n, char **words, bool *ret_pending);
