/* SPDX-License-Identifier: ISC */
/* httplogin: Bearer tokens (RFC 6750), looked up among the logins of the configuration. */
#include "config.h"

#include "door/http/httplogin.h"

#include "door/http/httpanswer.h"
#include "ipc/logrec.h"
#include "net/login.h"

static const char scheme[] = "Bearer ";

static bool
refuse(struct http_session *s, const char *detail)
{
	http_answer_problem(s, &(struct http_problem){
		.status = 401, .code = "WRONGPASS", .ran = "no", .detail = slice_of(detail),
		.asks_login = true,
	});
	http_session_finish(s);
	return false;
}

/*
 * True if the caller may have one connection more, by its roles. Asked before the request is
 * served: what is told to come again must not have run.
 */
static bool
has_room(struct http_session *s)
{
	char why[QUOTA_TEXT];

	if (conn_lets_caller_in(&s->conn, why))
		return true;
	s->goes_on = false;
	http_answer_problem(s, &(struct http_problem){
		.status = 503, .code = "BUSY", .ran = "no", .detail = slice_of(why),
	});
	http_session_finish(s);
	return false;
}

bool
http_log_in(struct http_session *s, const struct httphead *h)
{
	const struct slice *field = httphead_get(h, HTTPKNOWN_AUTHORIZATION);
	const size_t len = sizeof(scheme) - 1;
	struct conn *c = &s->conn;
	const struct credential *cred;
	const char *why = "";
	struct slice token;

	/*
	 * One connection may carry requests of several callers, each with a token or without. A
	 * key is of the connection: it goes on being what the caller is known by.
	 */
	if (field == NULL) {
		if (c->peer.login != NULL && !c->peer.login->is_key)
			peer_log_out(&c->peer);
		return has_room(s);
	}
	if (field->len <= len || strncasecmp(field->data, scheme, len) != 0)
		return refuse(s, "the field Authorization is 'Bearer TOKEN' here");
	if (s->http->conf->logins == NULL)
		return refuse(s, "this server knows no tokens: callers are known by their address or "
		    "their uid");
	/* The token may have been read on its way; to take it here would teach nobody. */
	if (!conn_is_private(c))
		return refuse(s, "use https://: a token must not travel in the clear");
	token = (struct slice){ field->data + len, field->len - len };
	cred = login_find_token(c, (struct slice){ 0 }, token, &why);
	if (cred == NULL) {
		login_note_failure(c, &s->http->logins,
		    &(struct login_failure){ .event = LOG_EVENT_LOGIN_FAILED, .why = why });
		return refuse(s, "the token lets nobody in");
	}
	if (c->peer.login != NULL && !peer_is_revoked(&c->peer, s->http->conf) &&
	    c->peer.login->credential == cred)
		return true;
	if (peer_log_in(&c->peer, s->http->conf, cred) < 0) {
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return false;
	}
	s->http->pages->own->logins++;
	return has_room(s);
}
