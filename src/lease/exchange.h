/* SPDX-License-Identifier: ISC */
/*
 * exchange: one request to a handler process, and its reply. The owner of a
 * request embeds this struct; exchange_ops tell the owner the events of the
 * request.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/share.h"
#include "base/slice.h"
#include "proto/outcome.h"

struct exchange;
struct lease;
struct service;
struct value;

/* No reply may be longer, even if the limit of its service is higher. */
#define EXCHANGE_REPLY_MAX (64u << 20)
/* Values in one reply. Each costs some 70 bytes while it is passed on. */
#define EXCHANGE_REPLY_ITEMS (256u << 10)

enum exchange_stream { EXCHANGE_STDOUT, EXCHANGE_STDERR };

struct exchange_ops {
	/* A process has been given the request. */
	void (*given)(struct exchange *x);

	/*
	 * The process that was to have the request is gone and got nothing of
	 * it: the request waits again.
	 */
	void (*put_back)(struct exchange *x);

	/* All bytes are sent, and more input may follow. */
	void (*taken)(struct exchange *x);

	/* Passes output that comes before the reply. */
	void (*output)(struct exchange *x, enum exchange_stream which, struct slice bytes);

	/* False: output rests until conversation_unpause(). */
	bool (*has_room)(const struct exchange *x);

	/*
	 * The last call: passes the reply, also in bytes. Both are valid until
	 * this function returns.
	 */
	void (*answered)(struct exchange *x, const struct value *reply, struct slice bytes);

	/*
	 * The last call: there is no reply. why may be NULL, and outlives the
	 * exchange.
	 */
	void (*ended)(struct exchange *x, enum outcome_kind kind, unsigned reason, const char *why);
};

struct exchange {
	TAILQ_ENTRY(exchange) link;	/* in the queue, or in flight */
	const struct exchange_ops *ops;
	const struct service *service;
	const char *id;			/* request id, for the log */
	const struct digest *party;	/* of the caller, for its share of the queue; NULL: none */
	struct share *seat;		/* ... while the request waits */
	struct lease *lease;		/* the lease that has the request in flight; NULL: none */
	uint32_t pid;			/* the process that has or had the request; 0: none */
	struct buf text;		/* bytes that the process has not taken yet */
	size_t request_len;		/* bytes of the request, without pushed input */
	bool pushing;			/* more input may follow behind text */
	uint64_t deadline_usec;
	uint64_t reply_max;		/* the most bytes that the process may answer */
	size_t reply_kept;		/* bytes of a reply that is not whole yet */
	uint64_t bytes_in, bytes_out;	/* bytes sent to the process, and received from it */
};

TAILQ_HEAD(exchanges, exchange);

/* Appends pushed input; no bytes mean its end. 0 or -ENOMEM. */
int exchange_append_input(struct buf *out, struct slice bytes);

/* Decodes a reply again that was whole once. NULL when memory is out. */
struct value *exchange_reply_again(struct slice bytes);

/* Returns the exit status that a reply counts as. */
int exchange_reply_status(const struct value *reply);
