/* SPDX-License-Identifier: ISC */
/*
 * pattern: the regular expression of an argument, which must match a value from
 * its first to its last byte.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>

#include "base/slice.h"

#define PATTERN_WHY 128
#define PATTERN_MAX_VALUE 4096	/* bytes of a value; bounds the time of a match */

/*
 * The first match compiles the pattern: a compiled one takes thousands of
 * bytes, and few processes match.
 */
struct pattern {
	const char *text;	/* accepted by pattern_check() */
	bool is_compiled;
	regex_t regex;
};

/*
 * Checks whether text is a pattern (POSIX extended). 0, else 1 with why, or
 * -ENOMEM. Refuses back references, and repeat counts that would fill the
 * memory.
 */
int pattern_check(const char *text, char why[static PATTERN_WHY]);

/*
 * True if the value matches. False as well for a value that is too long, or
 * without memory. The value holds no NUL.
 */
bool pattern_matches(struct pattern *p, struct slice value);

void pattern_done(struct pattern *p);
