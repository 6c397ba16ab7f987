/* SPDX-License-Identifier: ISC */
/*
 * sessioncall: the calls of a session. A request becomes a call; the events of
 * a call become replies and pushes, in the version and form that the client
 * wants.
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
struct explanation;
struct service;
struct session;

/* The form of result that the client wants. */
enum reply_form {
	REPLY_PLAIN,	/* stdout or value, or an error */
	REPLY_FULL,	/* a map */
	REPLY_STREAM,	/* a map without the output, which was pushed */
};

/* The functions by which a call tells its session; for session.sink. */
extern const struct call_sink_ops session_sink_ops;

/*
 * Calls a service; the reply comes now or later. verb: the bound verb that the
 * client used, data NULL for CALL.
 */
void session_call(struct session *s, const struct service *service, const struct callopt *opt,
    struct slice verb);

/* Answers how the call would run, after the same checks; nothing runs. */
void session_explain(struct session *s, const struct service *service, const struct callopt *opt,
    const struct explanation *e);

/* Asks a builtin about a service and answers at once; an open call goes on. */
void session_ask(struct session *s, const struct service *service, const struct builtin *builtin);

/* Gives the open call a piece of input, with INPUT, or ends the input. */
void session_input(struct session *s, struct slice chunk);
void session_input_end(struct session *s);

/* Cancels a call by its id or its token. */
void session_cancel(struct session *s, struct slice name);

/* Nobody waits for the calls of the session any more. */
void session_abandon(struct session *s);

/* Refuses a call that was not even started: writes the reply, counts, logs. */
void session_refuse(struct session *s, const struct service *service, struct slice name,
    enum outcome_kind kind, const char *why);

/* Appends the reply that tells a result. */
void session_write_result(struct buf *b, enum resp_version v, enum reply_form form,
    const struct result *r);
