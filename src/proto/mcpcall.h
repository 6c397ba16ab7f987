/* SPDX-License-Identifier: ISC */
/*
 * mcpcall: one call of a tool: its arguments, what it has said so far, its progress, and its
 * result. What is kept is bounded, whatever a program writes.
 */
#pragma once

#include <stdint.h>

#include "proto/mcp.h"
#include "proto/outcome.h"

/* Bytes of output in a result; more is cut, and the text says so. */
#define MCPCALL_TEXT_MAX (256u << 10)

/* Bytes of standard error in a result, the last ones. */
#define MCPCALL_STDERR_MAX (16u << 10)

struct mcpcall {
	struct buf out;		/* the first bytes of the output */
	uint64_t n_out;		/* bytes of the output in all */
	struct buf err;		/* the last bytes of standard error, and some more */
	struct buf line;	/* the line of standard error that is under way */
	double progress, total;	/* as told last; total 0: unknown */
	uint64_t second_usec;	/* when the second of n_told began */
	unsigned n_told;	/* messages of progress in that second */
};

void mcpcall_init(struct mcpcall *c);
void mcpcall_done(struct mcpcall *c);

/*
 * Takes the input out of the arguments, where name is that of the member, or NULL. Returns
 * NULL, or what is wrong. *ret_has: input was given, and its bytes are appended to ret.
 */
const char *mcpcall_take_input(const struct mcp_message *m, const char *name, struct buf *ret,
    bool *ret_has);

/* The object with the arguments; NULL: there are none. Returns false if they are no object. */
bool mcpcall_arguments(const struct mcp_message *m, const json_t **ret);

/* Takes output. */
void mcpcall_output(struct mcpcall *c, struct slice bytes);

/*
 * Takes standard error up to its next line that is told as progress, which is written into
 * b; true: there may be more in bytes. token NULL: progress is not wanted.
 *
 *	while (mcpcall_stderr(c, &bytes, token, now_usec, b))
 *		send b, and clear it
 */
bool mcpcall_stderr(struct mcpcall *c, struct slice *bytes, const json_t *token,
    uint64_t now_usec, struct buf *b);

struct mcpcall_result {
	struct outcome outcome;
	struct slice detail;	/* of a failure: the reason in words; may be empty */
	const char *id;		/* of the call; "" where it got none */
	struct slice value;	/* of a handler: JSON; data NULL: the output is the result */
	bool is_error;		/* ... its error, whose words are the detail */
	bool is_cut;		/* the output is not whole */
};

/* Writes the answer. */
void mcpcall_put(struct buf *b, const struct mcp_message *m, const struct mcpcall *c,
    const struct mcpcall_result *r);
