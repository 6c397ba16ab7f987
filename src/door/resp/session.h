/* SPDX-License-Identifier: ISC */
/*
 * session: a connection that speaks RESP, between its bytes and its calls.
 * Requests are executed strictly one after another: while one waits for its
 * answer, the next one waits, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ratelimit.h"
#include "base/slice.h"
#include "call/sink.h"
#include "net/conn.h"
#include "net/listener.h"
#include "proto/request.h"
#include "proto/resp.h"

struct authlink;
struct call;
struct call_desk;
struct pending_login;
struct stats_pages;
struct verb;

/* The data that all sessions of a worker share. */
struct resp_door {
	struct door door;
	const struct conf *conf;	/* the rules in force */
	const struct stats_pages *pages;
	struct net_desk *net;
	struct call_desk *desk;
	uint64_t started_usec;		/* the time when the worker was started */
	const struct verb *verbs;
	size_t n_verbs;
	struct authlink *auth;		/* checks passwords */
	struct ratelimit logins;	/* lines of the log about failed logins */
	struct request request;		/* scratch: the request that is being executed */
};

struct session {
	struct conn conn;
	struct resp_door *resp;
	struct request_cursor cursor;	/* place in the bytes that the connection holds */
	struct call_sink sink;		/* is told about the call */
	struct call *call;		/* the running or open call */
	uint8_t form;			/* ... enum reply_form of its result */
	bool notify;			/* ... a push is to tell when it wants no more input */
	bool is_giving;			/* ... a piece of input is being given to it */
	uint8_t version;		/* enum resp_version */
	bool has_asked;			/* a request, of whatever kind, has been executed */
	uint8_t n_asked;		/* requests so far, without introductions; 2: two or more */
	bool has_secret;		/* the request that was executed had one */
	bool is_other;			/* ... has changed who the caller is */
	uint8_t n_noes;			/* refused logins in a row */
	struct pending_login *login;	/* a password is being checked; NULL: none */
	bool owes;			/* the reply to the request that the session
					 * waits for is still to come */
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

/* Returns the buffer for replies; ask anew for every reply. */
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

/* The awaited reply has been written. */
void session_resume(struct session *s);

/* Returns the roles under the rules in force. */
static inline uint64_t
session_roles(struct session *s)
{
	return peer_roles(&s->conn.peer, s->resp->conf);
}

/* Fills in the caller, at the listener of its connection; the groups are borrowed. */
static inline void
session_caller(struct session *s, struct caller *ret)
{
	peer_caller(&s->conn.peer, s->resp->conf, ret);
	ret->listeners = listener_as_set(s->conn.listener, s->resp->conf);
}

/*
 * True if the caller must log in before it may ask for services: it is nobody, and there
 * are logins, or its login is gone.
 */
bool session_must_log_in(struct session *s);

/* Returns the limits for the next request. */
struct request_limits session_limits(struct session *s);

/* Returns the limits of the listener, which are for callers with a role. */
struct request_limits session_limits_most(const struct session *s);

/*
 * True if a long reply may be written. False: too much is kept for the caller
 * already, and the client has been told so.
 */
bool session_may_say_much(struct session *s);

/* Counts an error, and writes "-CODE text". */
void session_error(struct session *s, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes "-ERR unknown subcommand 'x'. Try VERB HELP." */
void session_unknown_subcommand(struct session *s, const struct request *r);
