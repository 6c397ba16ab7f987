/* SPDX-License-Identifier: ISC */
/*
 * result: how a call ended, as a value: given to the call's sink, sealed for a
 * twin with the same --id, read back from there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "proto/outcome.h"

struct value;

struct result {
	struct outcome outcome;
	struct slice service;	/* its name, as the caller gave it or the rules have it */
	struct slice out, err;
	struct slice detail;	/* what failed, for an error line */
	bool is_value;		/* of a handler: value instead of out and err */
	const struct value *value;	/* NULL: it did not answer */
	bool truncated;
	uint64_t usec;
	uint64_t id;
};

/* Writes it into an empty memory file and seals that. 0 or -errno. */
int result_write(int fd, const struct result *r);

/*
 * Maps a sealed result. The slices point into the mapping, which
 * result_unmap() ends. 0 or -errno.
 */
struct result_map {
	const char *data;
	size_t len;
};
int result_map(int fd, struct result *ret, struct result_map *ret_map);
void result_unmap(struct result_map *m);

/* First line of a text, for an error line. */
struct slice result_first_line(struct slice text);
