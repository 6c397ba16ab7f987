/* SPDX-License-Identifier: ISC */
/* session: functions that all verbs use on the session that they answer. */
#include "config.h"

#include "door/resp/session.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "call/call.h"
#include "net/conn-admission.h"
#include "net/login.h"

void
session_resume(struct session *s)
{
	if (s->owes)
		s->resp->pages->own->requests_replied++;
	s->owes = false;
	conn_resume(&s->conn);
}

bool
session_must_log_in(struct session *s)
{
	struct peer *p = &s->conn.peer;

	return login_may_help(&s->conn) && (peer_is_revoked(p, s->resp->conf) ||
	    (session_roles(s) == 0 && !p->is_admin));
}

struct request_limits
session_limits_most(const struct session *s)
{
	const struct net_listener *p = s->conn.listener;

	return (struct request_limits){
		.max_arguments = p->max_arguments,
		.argument_limit = p->argument_limit,
		.request_limit = p->request_limit,
		.inline_allowed = p->inline_requests == INLINE_YES ||
		    (p->inline_requests == INLINE_LOOPBACK && s->conn.peer.is_local),
	};
}

struct request_limits
session_limits(struct session *s)
{
	struct request_limits l = session_limits_most(s);

	if (session_roles(s) == 0 && !s->conn.peer.is_admin)
		conn_limit_stranger(&s->conn, &l);
	return l;
}

void
session_error(struct session *s, const char *code, const char *fmt, ...)
{
	char text[RESP_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->resp->pages->own->errors_total++;
	resp_error(session_out(s), code, slice_of(text));
}

bool
session_may_say_much(struct session *s)
{
	if (party_may_keep(s->conn.peer.party, NET_OUT_HIGH))
		return true;
	s->resp->pages->own->over_share++;
	session_error(s, "BUSY", "%s", CALL_CROWDED);
	return false;
}

void
session_unknown_subcommand(struct session *s, const struct request *r)
{
	CLEANUP(buf_done) struct buf sub = BUF_INIT(0);

	(void)escape_text(&sub, r->argv[1], 64);
	session_error(s, "ERR", "unknown subcommand '%.*s'. Try %.*s HELP.",
	    (int)buf_len(&sub), buf_data(&sub), (int)r->argv[0].len, r->argv[0].data);
}
