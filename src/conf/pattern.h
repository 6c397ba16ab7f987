/* SPDX-License-Identifier: ISC */
/*
 * pattern: the regular expression of an argument, compiled so that it must
 * match a value from its first to its last byte.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>

#include "base/slice.h"

#define PATTERN_WHY 128
#define PATTERN_MAX_VALUE 4096	/* bytes of a value; bounds the time of a match */

/*
 * POSIX extended. Back references and repeat counts that would fill the
 * memory are refused. 0, 1 with why, or -ENOMEM.
 */
int pattern_compile(const char *text, regex_t *ret, char why[static PATTERN_WHY]);

/* A value that is longer never matches. Holds no NUL. */
bool pattern_matches(const regex_t *regex, struct slice value);
