/* SPDX-License-Identifier: ISC */
/*
 * slice: bytes that the slice does not own. They may contain NUL and need not
 * end in one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char *data;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice
slice_of(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* True if the slice equals a C string, byte for byte. */
static inline bool
slice_is(struct slice a, const char *s)
{
	return slice_eq(a, slice_of(s));
}

/* True if the slice equals a C string, ASCII letters without regard to case. */
static inline bool
slice_is_nocase(struct slice a, const char *s)
{
	return a.len == strlen(s) && strncasecmp(a.data, s, a.len) == 0;
}

static inline bool
slice_starts(struct slice a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.len >= n && memcmp(a.data, prefix, n) == 0;
}

/* The text up to its first line feed. */
static inline struct slice
slice_line(struct slice a)
{
	const char *end = a.len > 0 ? memchr(a.data, '\n', a.len) : NULL;

	return (struct slice){ a.data, end != NULL ? (size_t)(end - a.data) : a.len };
}

static inline bool
slice_has_nul(struct slice a)
{
	return a.len > 0 && memchr(a.data, '\0', a.len) != NULL;
}
