/* SPDX-License-Identifier: ISC */
/*
 * result: the outcome of a call as a value: given to the call's sink, sealed
 * for a twin with the same --id, read back from there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "proto/outcome.h"

struct buf;
struct value;

struct result {
	struct outcome outcome;
	struct slice service;	/* the name that the caller gave, or that of the rules */
	struct slice out, err;
	struct slice detail;	/* the failure, for an error line */
	struct buf *own_out;	/* holds out, and may be taken; NULL: out is borrowed */
	bool is_value;		/* of a handler: a value instead of out and err */
	const struct value *value;	/* NULL: no answer came */
	bool truncated;
	uint64_t usec;
	uint64_t id;
};

/*
 * Writes a result into an empty memory file and seals the file. The first bytes of
 * its output, so many, are there already. 0 or -errno.
 */
int result_write(int fd, const struct result *r, uint64_t written);

/* Writes the output so far, of which *written bytes are there already. 0 or -errno. */
int result_write_part(int fd, struct slice out, uint64_t *written);

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

/* The first line of a text, for an error line. */
struct slice result_first_line(struct slice text);
