/* SPDX-License-Identifier: ISC */
/*
 * client: the connection object inside, and how bytes move through it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "client/reqd.h"
#include "proto/reply.h"

#define CLIENT_READ (64u << 10)		/* bytes taken from the socket at once */
#define CLIENT_CHUNK (64u << 10)	/* bytes of one INPUT */
#define CLIENT_WINDOW 4			/* INPUTs that wait for their reply */
#define CLIENT_ID_MAX 128
#define CLIENT_TEXT 1024		/* an error in words */
#define CLIENT_URL 300

/* Where the call in progress stands. */
enum exchange_state {
	EXCHANGE_NONE,
	EXCHANGE_STARTING,	/* sent with --open; "+id" or the result is next */
	EXCHANGE_INPUT,		/* runs; INPUT may be sent */
	EXCHANGE_ENDING,	/* no more to send; the result is next */
	EXCHANGE_DONE,		/* result is there */
};

struct exchange {
	enum exchange_state state;
	bool streaming;
	bool steps;		/* by reqd_open, not by reqd_call */
	bool no_more;		/* the program wants no more input */
	bool started;		/* "+id" was seen */
	unsigned outstanding;	/* INPUT chunks without a reply */
	char id[CLIENT_ID_MAX + 1];
	reqd_output_fn *output;
	void *output_arg;
	struct reqd_result *refused;	/* first error reply to an INPUT */
	struct reqd_result *result;
};

struct reqd {
	int fd;
	bool resp3;
	bool write_broken;	/* nothing more can be sent; reading goes on */
	int last;		/* last error */
	int sticky;		/* error that ended this connection */
	char text[CLIENT_TEXT];
	char url[CLIENT_URL];
	char server[64];

	unsigned connect_timeout_ms;
	uint64_t deadline_usec;	/* monotonic; USEC_NEVER */
	size_t reply_limit;

	struct buf in;
	struct buf out;
	struct reply_cursor cursor;
	size_t n_pending;	/* replies reqd_receive still has to give */
	uint64_t n_sent;	/* bytes that left since the last call began */
	bool has_heard;		/* a byte has come over this connection */
	struct exchange exchange;
	bool had_effect;	/* reqd_was_sent of the last call */
	char *chunk;		/* CLIENT_CHUNK bytes for input, when needed */
};

/* Ends the connection with this error. Returns code. */
int client_fail(struct reqd *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* REQD_E_INVALID with a reason; the connection goes on. */
int client_misuse(struct reqd *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* 0, or the error when the connection cannot be used. */
int client_check(struct reqd *c);

/* Drops connection, buffers and call, but no error. */
void client_reset(struct reqd *c);

/* Sends what the kernel takes now. Never blocks. 0 or an error. */
int client_push_out(struct reqd *c);

enum client_wait { CLIENT_POLL, CLIENT_BLOCK };

/*
 * Waits for the socket (and for input_fd unless that is -1), then reads and
 * writes what is possible. *ret_input: input_fd can be read.
 */
int client_turn(struct reqd *c, enum client_wait wait, int input_fd, bool *ret_input);

/*
 * The value at the start of what was read. 0: *ret, and client_consume must
 * follow; 1: not whole yet; negative: error.
 */
int client_decode(struct reqd *c, struct value **ret, size_t *ret_used);
void client_consume(struct reqd *c, size_t used);

/*
 * Instead of client_consume: *ret is the storage of v's texts, to be freed
 * together with v. 0 or REQD_E_NOMEM, which leaves everything as it was.
 */
int client_take(struct reqd *c, struct value *v, size_t used, char **ret);

/* Milliseconds for poll(2) until then, -1 for never. */
int client_poll_ms(uint64_t due_usec);

static inline void
value_freep(struct value **v)
{
	*v = value_free(*v);
}
