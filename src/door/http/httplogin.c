/* SPDX-License-Identifier: ISC */
/*
 * httplogin: Bearer tokens (RFC 6750), looked up among the logins of the configuration, and
 * Basic (RFC 7617), whose passwords another process checks.
 *
 * A request that waits for a check stays with the connection, and is taken again when the
 * verdict is there: nothing copies the password.
 */
#include "config.h"

#include "door/http/httplogin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "conf/access.h"
#include "door/http/httpanswer.h"
#include "door/http/httppairs.h"
#include "ipc/logrec.h"
#include "net/login.h"
#include "net/passwordcheck.h"
#include "proto/bearer.h"

#define PAIR_MAX (CREDENTIAL_LOGIN_MAX + 1 + PASSWORD_SECRET_MAX)

static enum http_login_state
refuse(struct http_session *s, const char *detail)
{
	http_answer_problem(s, &(struct http_problem){
		.status = 401, .code = "WRONGPASS", .ran = "no", .detail = slice_of(detail),
		.asks_login = true,
	});
	http_session_finish(s);
	return HTTP_LOGIN_REFUSED;
}

static enum http_login_state
refuse_memory(struct http_session *s)
{
	http_refuse(s, 503, "BUSY", "the server: out of memory");
	return HTTP_LOGIN_REFUSED;
}

static void
note(struct http_session *s, const char *event, struct slice login, const char *why)
{
	login_note_failure(&s->conn, &s->http->logins,
	    &(struct login_failure){ .event = event, .login = login, .why = why });
}

/*
 * Asks whether the caller may have one connection more, by its roles, before the request is
 * served: what is told to come again must not have run.
 */
static enum http_login_state
let_in(struct http_session *s)
{
	char why[QUOTA_TEXT];

	if (conn_lets_caller_in(&s->conn, why)) {
		s->is_logged_in = true;
		return HTTP_LOGIN_GOOD;
	}
	s->goes_on = false;
	http_answer_problem(s, &(struct http_problem){
		.status = 503, .code = "BUSY", .ran = "no", .detail = slice_of(why),
	});
	http_session_finish(s);
	return HTTP_LOGIN_REFUSED;
}

/* Makes the caller the one whom the credential names. */
static enum http_login_state
accept_credential(struct http_session *s, const struct credential *cred, struct slice user)
{
	struct peer *p = &s->conn.peer;

	if (user.data != NULL && !slice_is(user, cred->login)) {
		http_refuse(s, 400, "BADARG", "the field Authorization and the proxy name different users");
		return HTTP_LOGIN_REFUSED;
	}
	if (p->login == NULL || peer_is_revoked(p, s->http->conf) || p->login->credential != cred) {
		if (peer_log_in(p, s->http->conf, cred) < 0)
			return refuse_memory(s);
		s->http->pages->own->logins++;
	}
	return let_in(s);
}

static enum http_login_state
take_token(struct http_session *s, struct slice login, struct slice token, struct slice user)
{
	const char *why = "";
	const struct credential *cred = login_find_token(&s->conn, login, token, &why);

	if (cred != NULL)
		return accept_credential(s, cred, user);
	note(s, LOG_EVENT_LOGIN_FAILED, login, why);
	return refuse(s, "the token lets nobody in");
}

/* ------------------------------------------------------------- passwords --- */

static void
on_checked(struct passwordcheck *k, const struct passwordcheck_verdict *v)
{
	struct http_login *l = CONTAINER_OF(k, struct http_login, check);
	struct http_session *s = l->session;

	l->is_open = false;
	l->is_put_off = v->is_put_off;
	l->is_lost = v->is_lost;
	l->retry_sec = v->retry_sec;
	if (v->credential != NULL)
		(void)strlcpy(l->credential, v->credential->id, sizeof(l->credential));
	else if (v->is_put_off && !v->is_lost)
		note(s, v->is_penalty ? LOG_EVENT_LOGIN_PENALTY : LOG_EVENT_LOGIN_BUSY,
		    passwordcheck_login(k), v->why);
	else if (!v->is_lost)
		note(s, LOG_EVENT_LOGIN_FAILED, passwordcheck_login(k),
		    login_failure_why(s->http->conf, passwordcheck_login(k), v->why));
	conn_resume(&s->conn);
}

static enum http_login_state
put_off(struct http_session *s, uint32_t sec)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "too many logins, try again in %" PRIu32 " s", sec);
	http_answer_problem(s, &(struct http_problem){
		.status = 503, .code = "BUSY", .ran = "no", .detail = slice_of(text),
		.retry_sec = sec,
	});
	http_session_finish(s);
	return HTTP_LOGIN_REFUSED;
}

static enum http_login_state
ask(struct http_session *s, struct slice login, struct slice secret)
{
	struct http_login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return refuse_memory(s);
	l->session = s;
	l->check.fn = on_checked;
	if (!passwordcheck_start(&l->check, s->http->auth, &s->conn, login, secret)) {
		free(l);
		note(s, LOG_EVENT_LOGIN_BUSY, login, "too many logins");
		return put_off(s, 1);
	}
	l->is_open = true;
	s->login = l;
	s->conn.wait = CONN_WAITS;
	return HTTP_LOGIN_WAITS;
}

/* The credential of that id, if it still lets this caller in; or NULL. */
static const struct credential *
usable(struct http_session *s, const struct credential *cred)
{
	struct caller who;

	if (cred == NULL)
		return NULL;
	peer_caller(&s->conn.peer, s->http->conf, &who);
	return access_use(cred, &who, (int64_t)time(NULL)) == ACCESS_USABLE ? cred : NULL;
}

/* The verdict on the password of this request has come. */
static enum http_login_state
take_verdict(struct http_session *s, struct slice pair, struct slice user)
{
	const struct http_login l = *s->login;
	const struct credential *cred = usable(s, *l.credential == '\0' ? NULL :
	    conf_find_credential(s->http->conf, l.credential));

	http_session_forget_login(s);
	if (l.is_lost) {
		http_refuse(s, 503, "BUSY", "the password could not be checked, as the process that does "
		    "it has ended; try again");
		return HTTP_LOGIN_REFUSED;
	}
	if (l.is_put_off)
		return put_off(s, l.retry_sec);
	if (cred == NULL)
		return refuse(s, "the name and the password let nobody in");
	httppairs_add(&s->http->pairs, s->http->conf, pair, cred, s->conn.net->loop->now_usec);
	return accept_credential(s, cred, user);
}

/* Takes "NAME:PASSWORD"; a token may be the password. */
static enum http_login_state
take_pair(struct http_session *s, struct slice pair, struct slice user)
{
	const struct conf *conf = s->http->conf;
	const char *colon = memchr(pair.data, ':', pair.len);
	const struct credential *cred;
	struct slice login, secret;

	if (colon == NULL)
		return refuse(s, "the field Authorization is 'Basic' and the base64 of NAME:PASSWORD");
	login = (struct slice){ pair.data, (size_t)(colon - pair.data) };
	secret = (struct slice){ colon + 1, pair.len - login.len - 1 };
	/* Without a name the secret alone decides. */
	if (login.len == 0)
		login = (struct slice){ 0 };
	if (bearer_is_like(secret))
		return take_token(s, login, secret, user);
	if (!passwordcheck_may_be(conf, secret)) {
		note(s, LOG_EVENT_LOGIN_FAILED, login, login_failure_why(conf, login, "wrong password"));
		return refuse(s, "the name and the password let nobody in");
	}
	if (s->login != NULL)
		return take_verdict(s, pair, user);
	cred = usable(s, httppairs_find(&s->http->pairs, conf, pair, s->conn.net->loop->now_usec));
	return cred != NULL ? accept_credential(s, cred, user) : ask(s, login, secret);
}

static enum http_login_state
take_basic(struct http_session *s, struct slice text, struct slice user)
{
	uint8_t pair[PAIR_MAX];
	enum http_login_state state;
	size_t len = 0;

	if (base64_decode(text, pair, sizeof(pair), &len) < 0)
		state = refuse(s, "the field Authorization is 'Basic' and the base64 of NAME:PASSWORD");
	else
		state = take_pair(s, (struct slice){ (const char *)pair, len }, user);
	explicit_bzero(pair, sizeof(pair));
	return state;
}

/* ------------------------------------------------------------------- all --- */

/*
 * Nobody has shown anything. One connection may carry requests of several callers, each with
 * a credential or without; a key is of the connection: it goes on being what the caller is
 * known by, unless a proxy speaks for others.
 */
static enum http_login_state
take_nothing(struct http_session *s, struct slice user)
{
	struct peer *p = &s->conn.peer;

	if (user.data != NULL && p->login != NULL && p->login->is_vouched &&
	    slice_is(user, p->login->name))
		return let_in(s);
	if (user.data != NULL)
		return peer_vouch(p, s->http->conf, user) < 0 ? refuse_memory(s) : let_in(s);
	if (p->login != NULL && (!p->login->is_key || s->conn.is_front))
		peer_log_out(p);
	return let_in(s);
}

/* The rest of the field behind the scheme; data NULL: it has another scheme. */
static struct slice
behind(struct slice field, const char *scheme)
{
	size_t len = strlen(scheme);

	if (field.len <= len || strncasecmp(field.data, scheme, len) != 0)
		return (struct slice){ 0 };
	return (struct slice){ field.data + len, field.len - len };
}

enum http_login_state
http_log_in(struct http_session *s, const struct httphead *h, struct slice user)
{
	const struct slice *field = httphead_get(h, HTTPKNOWN_AUTHORIZATION);
	struct slice token, pair;

	/* The same request again, with its body. */
	if (s->is_logged_in)
		return HTTP_LOGIN_GOOD;
	if (field == NULL)
		return take_nothing(s, user);
	token = behind(*field, "Bearer ");
	pair = behind(*field, "Basic ");
	if (token.data == NULL && pair.data == NULL)
		return refuse(s, "the field Authorization is 'Bearer TOKEN' or 'Basic' here");
	if (s->http->conf->logins == NULL)
		return refuse(s, "this server knows no logins: callers are known by their address or "
		    "their uid");
	/* The secret may have been read on its way; to take it here would teach nobody. */
	if (!conn_is_private(&s->conn))
		return refuse(s, "use https://: a secret must not travel in the clear");
	return token.data != NULL ? take_token(s, (struct slice){ 0 }, token, user) :
	    take_basic(s, pair, user);
}
