/* SPDX-License-Identifier: ISC */
/*
 * client: the inside of the connection object, and the functions that move
 * bytes through it.
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
#define CLIENT_CHUNK (64u << 10)	/* bytes of input in one INPUT */
#define CLIENT_WINDOW 4			/* INPUTs that may wait for their replies */
#define CLIENT_ID_MAX 128
#define CLIENT_TEXT 1024		/* an error in words */
#define CLIENT_URL 300

/* The state of the call in progress. */
enum exchange_state {
	EXCHANGE_NONE,
	EXCHANGE_STARTING,	/* sent with --open; "+id" or the result is next */
	EXCHANGE_INPUT,		/* the program runs; INPUT may be sent */
	EXCHANGE_ENDING,	/* no more input to send; the result is next */
	EXCHANGE_DONE,		/* the result is there */
};

struct exchange {
	enum exchange_state state;
	bool streaming;
	bool steps;		/* true: begun by reqd_open; false: by reqd_call */
	bool no_more;		/* the program wants no more input */
	bool started;		/* "+id" was seen */
	unsigned outstanding;	/* INPUT chunks without a reply */
	char id[CLIENT_ID_MAX + 1];
	reqd_output_fn *output;
	void *output_arg;
	struct reqd_result *refused;	/* first error reply to an INPUT */
	struct reqd_result *result;
};

struct clienttls;

struct reqd {
	int fd;
	struct clienttls *tls;	/* NULL: plain */
	char *ca_file;		/* NULL: the system's authorities */
	char *pin;		/* of servers over TLS; NULL: none */
	char *identity;		/* file of the key to show to them; NULL: none */
	bool resp3;
	bool write_broken;	/* nothing can be sent any more; reading goes on */
	int last;		/* last error */
	int sticky;		/* the error that ended this connection */
	char text[CLIENT_TEXT];
	char url[CLIENT_URL];
	char server[64];

	char *login, *secret;	/* for the greeting; secret NULL: none */

	reqd_interrupt_fn *interrupt;	/* NULL: none */
	void *interrupt_arg;

	unsigned connect_timeout_ms;
	uint64_t deadline_usec;	/* on the monotonic clock; USEC_NEVER: none */
	size_t reply_limit;

	struct buf in;
	struct buf out;
	struct reply_cursor cursor;
	size_t n_pending;	/* replies that reqd_receive still has to return */
	uint64_t n_sent;	/* bytes sent since the last call began */
	bool has_heard;		/* true when a byte has come over this connection */
	struct exchange exchange;
	bool had_effect;	/* the last call may have had an effect: reqd_was_sent */
	char *chunk;		/* CLIENT_CHUNK bytes for input, allocated when needed */
};

/* Ends the connection with this error. Returns code. */
int client_fail(struct reqd *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets REQD_E_INVALID with a reason; the connection goes on. */
int client_misuse(struct reqd *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Returns 0, or the error that makes the connection unusable. */
int client_check(struct reqd *c);

/* Drops connection, buffers and call, but keeps the error. */
void client_reset(struct reqd *c);

/* Sends as much as the kernel takes now. Never blocks. 0 or an error. */
int client_push_out(struct reqd *c);

enum client_wait { CLIENT_POLL, CLIENT_BLOCK };

/*
 * Waits for the socket (and for input_fd unless that is -1), then reads and
 * writes as far as possible. *ret_input: input_fd can be read.
 */
int client_turn(struct reqd *c, enum client_wait wait, int input_fd, bool *ret_input);

/*
 * Decodes the value at the start of the bytes that were read. 0: *ret, and
 * client_consume must follow; 1: the value is not whole yet; negative: error.
 */
int client_decode(struct reqd *c, struct value **ret, size_t *ret_used);
void client_consume(struct reqd *c, size_t used);

/*
 * Takes a value instead of client_consume: *ret is the storage of v's texts, to
 * be freed together with v. 0, or REQD_E_NOMEM, which changes nothing.
 */
int client_take(struct reqd *c, struct value *v, size_t used, char **ret);

/* Returns the milliseconds until then for poll(2), -1 for never. */
int client_poll_ms(uint64_t due_usec);

static inline void
value_freep(struct value **v)
{
	*v = value_free(*v);
}
