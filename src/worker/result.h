/* SPDX-License-Identifier: ISC */
/*
 * result: how a call ended, as a value: written as a reply, sealed for a
 * twin with the same --id, read back from there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/outcome.h"
#include "proto/resp.h"

struct value;

/* How the client wants it. */
enum result_form {
	RESULT_PLAIN,	/* stdout or value, or an error */
	RESULT_FULL,	/* a map */
	RESULT_STREAM,	/* a map without the output, which has been pushed */
};

struct result {
	struct outcome outcome;
	struct slice out, err;
	struct slice detail;	/* what failed, for an error line */
	bool is_value;		/* of a handler: value instead of out and err */
	const struct value *value;	/* NULL: it did not answer */
	bool truncated;
	uint64_t usec;
	uint64_t id;
};

/* Appends the final reply. */
void result_reply(struct buf *b, enum resp_version v, enum result_form form,
    const struct result *r, struct slice service);

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

/* One pushed piece of output. */
void result_push(struct buf *b, const char *id_text, const char *stream, struct slice bytes);

/* To a client that may be about to send more input: the program has ended. */
void result_push_ended(struct buf *b, const char *id_text);
