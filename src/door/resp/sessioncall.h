/* SPDX-License-Identifier: ISC */
/*
 * sessioncall: the calls of a session: what the client asks becomes a call,
 * what the call tells becomes replies and pushes, in the version and form that
 * the client wants.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "call/result.h"
#include "call/sink.h"
#include "proto/callopt.h"
#include "proto/outcome.h"
#include "proto/resp.h"

struct builtin;
struct service;
struct session;

/* How the client wants the result. */
enum reply_form {
	REPLY_PLAIN,	/* stdout or value, or an error */
	REPLY_FULL,	/* a map */
	REPLY_STREAM,	/* a map without the output, which has been pushed */
};

/* What the calls of a session tell it; for session.sink. */
extern const struct call_sink_ops session_sink_ops;

/*
 * Calls a service; the reply comes now or later. verb: by which it was called,
 * data NULL for CALL.
 */
void session_call(struct session *s, const struct service *service, const struct callopt *opt,
    struct slice verb);

/* Asks a builtin about a service, which is answered now; an open call goes on beside it. */
void session_ask(struct session *s, const struct service *service, const struct builtin *builtin);

/* INPUT for the open call, with a chunk and without. */
void session_input(struct session *s, struct slice chunk);
void session_input_end(struct session *s);

/* CANCEL of a call by its id or its token. */
void session_cancel(struct session *s, struct slice name);

/* Nobody waits for what the session has asked for any more. */
void session_abandon(struct session *s);

/* Turns a call away that was not even tried: reply, counters, record. */
void session_refuse(struct session *s, const struct service *service, struct slice name,
    enum outcome_kind kind, const char *why);

/* Appends the reply that tells a result. */
void session_write_result(struct buf *b, enum resp_version v, enum reply_form form,
    const struct result *r);
