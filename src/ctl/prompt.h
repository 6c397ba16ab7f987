/* SPDX-License-Identifier: ISC */
/* prompt: reads a secret line, from a terminal without echo, or from a pipe. */
#pragma once

#include <stddef.h>

/*
 * Reads a line of standard input without the blanks at its end. On a terminal the question
 * is written to standard error, and the answer is not shown. Returns the length; the line
 * gets a NUL. The caller wipes it.
 */
size_t prompt_line(const char *question, char *line, size_t size);
