/* SPDX-License-Identifier: ISC */
/*
 * hidden: characters of a text that its reader cannot see, or takes for a blank.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the code of the character at p if it has two or three bytes, else 0. */
uint32_t hidden_code(const char *p, size_t n);

/*
 * Returns the length of the character at p (of n bytes, n > 0) if a file may not have that
 * character there: a control character or an invisible one. Else 0. ret_name is
 * the name of the character. In double quotes such a character is written as an
 * escape.
 */
size_t hidden_character(const char *p, size_t n, bool in_quotes, const char **ret_name);
