/* SPDX-License-Identifier: ISC */
/*
 * exchange: one request to a handler process, and the reply to it. Who has a
 * request embeds this struct, and is told by exchange_ops what becomes of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proto/outcome.h"

struct exchange;
struct lease;
struct service;
struct value;

/* No reply is longer, whatever the limit of its service. */
#define EXCHANGE_REPLY_MAX (64u << 20)
/* Values of one reply, each of which costs some 70 bytes while it is passed on. */
#define EXCHANGE_REPLY_ITEMS (256u << 10)

enum exchange_stream { EXCHANGE_STDOUT, EXCHANGE_STDERR };

struct exchange_ops {
	/* A process has it. */
	void (*given)(struct exchange *x);

	/* The process that was to have it is gone, and has got nothing of it: it waits again. */
	void (*put_back)(struct exchange *x);

	/* What there was to send is sent, and more input may follow. */
	void (*taken)(struct exchange *x);

	/* Output in front of the reply. */
	void (*output)(struct exchange *x, enum exchange_stream which, struct slice bytes);

	/* False: output rests until conversation_unpause(). */
	bool (*has_room)(const struct exchange *x);

	/* Last: the reply, also in bytes; both are valid until this returns. */
	void (*answered)(struct exchange *x, const struct value *reply, struct slice bytes);

	/* Last: there is no reply. why may be NULL, and outlives the exchange. */
	void (*ended)(struct exchange *x, enum outcome_kind kind, unsigned reason, const char *why);
};

struct exchange {
	TAILQ_ENTRY(exchange) link;	/* waiting, or in flight */
	const struct exchange_ops *ops;
	const struct service *service;
	const char *id;			/* of the request, for the log */
	struct lease *lease;		/* has it in flight; NULL: none */
	uint32_t pid;			/* of who has it, or had it; 0: none had */
	struct buf text;		/* not taken by the process yet */
	size_t request_len;		/* bytes of the request, without pushed input */
	bool pushing;			/* more input may follow what is in text */
	uint64_t deadline_usec;
	uint64_t reply_max;		/* bytes that the process may answer */
	uint64_t bytes_in, bytes_out;	/* taken by the process, and come from it */
};

TAILQ_HEAD(exchanges, exchange);

/* Appends pushed input, its end when there are no bytes. 0 or -ENOMEM. */
int exchange_append_input(struct buf *out, struct slice bytes);

/* A reply that was whole once, from its bytes. NULL without memory. */
struct value *exchange_reply_again(struct slice bytes);

/* What exit status a reply counts as. */
int exchange_reply_status(const struct value *reply);
