/* SPDX-License-Identifier: ISC */
/* httpsession: functions that all routes use on the session that they answer. */
#include "config.h"

#include "door/http/httpsession.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "door/http/httplogin.h"
#include "net/conn-admission.h"

struct request_limits
http_session_limits(struct http_session *s)
{
	const struct net_listener *p = s->conn.listener;
	struct request_limits l = {
		.max_arguments = p->max_arguments,
		.argument_limit = p->argument_limit,
		.request_limit = p->request_limit,
	};

	if (http_session_roles(s) == 0 && !s->conn.peer.is_admin)
		conn_limit_stranger(&s->conn, &l);
	return l;
}

bool
http_session_may_call(struct http_session *s, const struct service *service)
{
	struct caller who;

	if (!service_has_door(service, PROTOCOL_HTTP))
		return false;
	http_session_caller(s, &who);
	return access_allowed(s->http->conf, service, &who, http_session_roles(s));
}

bool
http_session_may_watch(struct http_session *s)
{
	return (http_session_roles(s) & s->http->conf->watch) != 0 || s->conn.peer.is_admin;
}

bool
http_session_may_see(struct http_session *s, const struct service *service)
{
	return http_session_may_watch(s) || http_session_may_call(s, service);
}

void
http_session_forget_login(struct http_session *s)
{
	struct http_login *l = TAKE_PTR(s->login);

	if (l == NULL)
		return;
	authlink_forget(s->http->auth, &l->check.ask);
	free(l);
}

void
http_session_drop_extra(struct http_session *s)
{
	struct http_extra *extra = TAKE_PTR(s->extra);

	if (extra != NULL)
		extra->drop(s, extra);
}

void
http_session_forget(struct http_session *s)
{
	http_session_drop_extra(s);
	s->use = HTTP_NO_BODY;
	s->form = HTTP_BYTES;
	s->wants_trailers = s->is_fetch = s->is_logged_in = s->is_head = s->is_old = s->goes_on = s->is_begun = s->has_continued = false;
	s->is_chunked = s->is_giving = s->is_all_given = s->is_sated = s->is_ended = false;
	s->chunk = (struct httpchunk){ 0 };
	s->left = s->left_usec = 0;
	s->need = s->at = 0;
	if (s->gathered.data != NULL)
		buf_done(&s->gathered);
	s->conn.held = 0;
	http_session_forget_login(s);
	s->body_max = 0;
	s->is_displaced = false;
	hookroom_leave(&s->http->room, &s->guest);
	free(s->origin);
	s->origin = NULL;
}

void
http_session_finish(struct http_session *s)
{
	struct conn *c = &s->conn;
	bool is_awaited = c->wait == CONN_WAITS;

	if (s->owes)
		s->http->pages->own->requests_replied++;
	s->owes = false;
	if (!s->goes_on)
		conn_quit(c);
	if (s->use == HTTP_NO_BODY || !s->goes_on)
		http_session_forget(s);
	if (is_awaited)
		conn_resume(c);
}
