/* SPDX-License-Identifier: ISC */
/*
 * session: a connection that speaks RESP, between its bytes and its calls.
 * Requests are executed strictly one after another: one that is answered
 * later keeps the next one waiting.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "call/sink.h"
#include "net/conn.h"
#include "proto/request.h"
#include "proto/resp.h"

struct call;
struct call_desk;
struct stats_pages;
struct verb;

/* What all sessions of a worker have in common. */
struct resp_door {
	struct door door;
	const struct conf *conf;	/* in force */
	const struct stats_pages *pages;
	struct net_desk *net;
	struct call_desk *desk;
	uint64_t started_usec;		/* when the worker was */
	const struct verb *verbs;
	size_t n_verbs;
	struct request request;		/* scratch: the one that is executed */
};

struct session {
	struct conn conn;
	struct resp_door *resp;
	struct request_cursor cursor;	/* into what the connection holds */
	struct call_sink sink;		/* hears of the call */
	struct call *call;		/* running, or open */
	uint8_t form;			/* ... enum reply_form of its result */
	bool notify;			/* ... a push tells of its end before its input's */
	bool is_giving;			/* ... a chunk of input is on its way into it */
	uint8_t version;		/* enum resp_version */
	uint8_t n_asked;		/* requests, without introductions; 2: or more */
	bool owes;			/* a reply to the request it waits for */
	char *name;			/* CLIENT SETNAME */
	char *lib_name, *lib_version;	/* CLIENT SETINFO */
};

static inline struct session *
session_of(struct conn *c)
{
	return CONTAINER_OF(c, struct session, conn);
}

static inline struct session *
session_of_sink(const struct call_sink *sink)
{
	return CONTAINER_OF(sink, struct session, sink);
}

/* Where replies go; ask anew for every reply. */
static inline struct buf *
session_out(struct session *s)
{
	return conn_out(&s->conn);
}

/* The reply to this request comes later, with session_resume(). */
static inline void
session_wait(struct session *s)
{
	s->conn.wait = CONN_WAITS;
}

/* A reply that was waited for has been written. */
void session_resume(struct session *s);

/* Roles under the rules in force. */
static inline uint64_t
session_roles(struct session *s)
{
	return peer_roles(&s->conn.peer, s->resp->conf);
}

/* The limits that hold for the next request. */
struct request_limits session_limits(struct session *s);

/* Counts, and writes "-CODE text". */
void session_error(struct session *s, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "-ERR unknown subcommand 'x'. Try VERB HELP." */
void session_unknown_subcommand(struct session *s, const struct request *r);
