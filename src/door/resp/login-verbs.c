/* SPDX-License-Identifier: ISC */
/* login-verbs: AUTH and what belongs to it. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/access.h"
#include "door/resp/session.h"
#include "door/resp/verbs.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "net/authlink.h"
#include "net/login.h"
#include "proto/bearer.h"

/* A client that has failed so often in a row is closed. */
#define NOES_MAX 3

/* A login whose password is being checked by another process. */
struct pending_login {
	struct login_ask ask;
	struct session *session;
	struct login_reply reply;
	char login[CREDENTIAL_LOGIN_MAX + 1];	/* "?": no name that a login can have */
	bool has_login;
};

/* True if somebody has this login. Looks at all of them, whatever it finds: see refuse(). */
static bool
is_known(const struct conf *conf, struct slice login)
{
	const uint64_t tag = credential_tag(login);
	size_t n = 0;

	for (size_t i = 0; i < conf->n_credentials; i++)
		n += conf->credentials[i].tag == tag;
	return n > 0;
}

static void
note(struct session *c, const char *event, struct slice login, const char *why)
{
	login_note_failure(&c->conn, &c->resp->logins,
	    &(struct login_failure){ .event = event, .login = login, .why = why });
}

/*
 * Says no. Each reason takes the same way, so that the time of the answer does not tell
 * which logins there are.
 */
static void
refuse(struct session *c, struct slice login, const char *why)
{
	bool is_unknown = !is_known(c->resp->conf, login) && !login_is_any(login);

	note(c, LOG_EVENT_LOGIN_FAILED, login, is_unknown ? "unknown login" : why);
	session_error(c, "WRONGPASS", "invalid username-password pair or user is disabled.");
	if (++c->n_noes >= NOES_MAX)
		conn_quit(&c->conn);
}

/* Makes the caller the one whom the credential names, and writes the reply. */
static void
accept_login(struct session *c, const struct credential *cred, const struct login_reply *reply)
{
	if (peer_log_in(&c->conn.peer, c->resp->conf, cred) < 0) {
		session_error(c, "ERR", "out of memory");
		return;
	}
	c->resp->pages->own->logins++;
	c->is_other = true;
	c->n_noes = 0;
	reply->fn(c, reply);
}

/* ------------------------------------------------------------ passwords --- */

/* A login that was not looked at is no failed one: the client may be right. */
static void
put_off(struct session *c, struct slice login, enum password_verdict verdict, uint32_t sec)
{
	bool is_penalty = verdict == PASSWORD_PENALTY;

	note(c, is_penalty ? LOG_EVENT_LOGIN_PENALTY : LOG_EVENT_LOGIN_BUSY, login,
	    is_penalty ? "penalty" : "too many logins");
	session_error(c, "BUSY", "too many logins, try again in %" PRIu32 " s", sec);
}

/*
 * Finds the credential that auth has named, as these rules have it. NULL: it has gone
 * meanwhile, or is not the one that was asked about.
 */
static const struct credential *
confirm(struct session *c, const struct pending_login *p, const struct password_answer *a)
{
	const struct conf *conf = c->resp->conf;
	const struct slice login = { p->login, p->has_login ? strlen(p->login) : 0 };
	const struct credential *cred = conf_find_password(conf, login);
	struct caller who;

	if (cred == NULL || strcmp(cred->id, a->credential) != 0)
		return NULL;
	peer_caller(&c->conn.peer, conf, &who);
	return access_use(cred, &who, (int64_t)time(NULL)) == ACCESS_USABLE ? cred : NULL;
}

static void
take_verdict(struct session *c, const struct pending_login *p, const struct password_answer *a)
{
	static const char *const reasons[PASSWORD_N] = {
		[PASSWORD_RIGHT] = "wrong password", [PASSWORD_WRONG] = "wrong password",
		[PASSWORD_UNKNOWN] = "wrong password", [PASSWORD_OFF] = "off",
		[PASSWORD_EXPIRED] = "expired", [PASSWORD_ELSEWHERE] = "wrong network",
	};
	const struct slice login = p->has_login ? slice_of(p->login) : (struct slice){ 0 };
	const struct credential *cred;

	if (a->verdict == PASSWORD_PENALTY || a->verdict == PASSWORD_BUSY) {
		put_off(c, login, a->verdict, a->retry_sec);
		return;
	}
	cred = a->verdict == PASSWORD_RIGHT ? confirm(c, p, a) : NULL;
	if (cred != NULL)
		accept_login(c, cred, &p->reply);
	else
		refuse(c, login, reasons[a->verdict]);
}

static void
on_checked(struct login_ask *ask, const struct password_answer *a)
{
	struct pending_login *p = CONTAINER_OF(ask, struct pending_login, ask);
	struct session *c = p->session;

	c->login = NULL;
	if (a != NULL)
		take_verdict(c, p, a);
	else
		session_error(c, "ERR", "the password could not be checked, as the process that "
		    "does it has ended; try again");
	free(p);
	session_resume(c);
}

void
verb_forget_login(struct session *c)
{
	if (c->login == NULL)
		return;
	authlink_forget(c->resp->auth, &c->login->ask);
	free(TAKE_PTR(c->login));
}

/* Fills in where the peer is; IPv4 in the form of IPv6 is IPv4. */
static void
fill_place(struct session *c, struct password_ask *ask)
{
	struct peer *peer = &c->conn.peer;
	struct caller who;

	peer_caller(peer, c->resp->conf, &who);
	if (who.is_unix) {
		ask->place = PASSWORD_FROM_UNIX;
		ask->uid = who.has_uid ? (uint32_t)who.uid : UINT32_MAX;
	} else if (who.addr.sa.sa_family == AF_INET6 &&
	    !IN6_IS_ADDR_V4MAPPED(&who.addr.in6.sin6_addr)) {
		ask->place = PASSWORD_FROM_IPV6;
		memcpy(ask->address, &who.addr.in6.sin6_addr, 16);
	} else {
		ask->place = PASSWORD_FROM_IPV4;
		memcpy(ask->address, who.addr.sa.sa_family == AF_INET6 ?
		    &who.addr.in6.sin6_addr.s6_addr[12] : (const uint8_t *)&who.addr.in.sin_addr,
		    4);
	}
}

/* Asks the process that has the hashes. The reply comes later. */
static void
check_password(struct session *c, struct slice login, struct slice secret,
    const struct login_reply *reply)
{
	struct pending_login *p = calloc(1, sizeof(*p));
	struct password_ask ask = { .secret_len = (uint16_t)secret.len };

	if (p == NULL) {
		session_error(c, "ERR", "out of memory");
		return;
	}
	p->session = c;
	p->reply = *reply;
	p->ask.fn = on_checked;
	p->has_login = login.data != NULL;
	if (p->has_login)
		(void)snprintf(p->login, sizeof(p->login), "%.*s",
		    credential_is_login(login) ? (int)login.len : 1,
		    credential_is_login(login) ? login.data : "?");
	ask.login_len = (uint8_t)strlen(p->login);
	memcpy(ask.login, p->login, ask.login_len);
	memcpy(ask.secret, secret.data, secret.len);
	fill_place(c, &ask);
	if (authlink_ask(c->resp->auth, &ask, &p->ask)) {
		c->login = p;
		session_wait(c);
	} else {
		put_off(c, login, PASSWORD_BUSY, 1);
		free(p);
	}
	explicit_bzero(&ask, sizeof(ask));
}

/* True if the secret may be a password, which another process has to check. */
static bool
may_be_password(const struct conf *conf, struct slice secret)
{
	return conf->n_passwords > 0 && !bearer_is_like(secret) && secret.len > 0 &&
	    secret.len <= PASSWORD_SECRET_MAX && !slice_has_nul(secret);
}

void
verb_log_in(struct session *c, struct slice login, struct slice secret,
    const struct login_reply *reply)
{
	const struct conf *conf = c->resp->conf;
	const struct credential *cred;
	const char *why = "";

	if (conf->logins == NULL) {
		session_error(c, "ERR", "AUTH called without any password configured: callers are "
		    "known by their address or their uid");
		return;
	}
	/* The secret may have been read on its way; to take it here would teach nobody. */
	if (!conn_is_private(&c->conn)) {
		session_error(c, "DENIED", "use tls://: a secret must not travel in the clear");
		return;
	}
	if (may_be_password(conf, secret)) {
		check_password(c, login, secret, reply);
		return;
	}
	cred = login_find_token(&c->conn, login, secret, &why);
	if (cred != NULL)
		accept_login(c, cred, reply);
	else
		refuse(c, login, bearer_is_like(secret) ? why : "wrong password");
}

static void
auth_reply(struct session *c, const struct login_reply *reply)
{
	(void)reply;
	resp_simple(session_out(c), "OK");
}

void
verb_auth(struct session *c, const struct request *r)
{
	static const struct login_reply reply = { .fn = auth_reply };
	const struct slice none = { 0 };

	verb_log_in(c, r->argc > 2 ? r->argv[1] : none, r->argv[r->argc - 1], &reply);
}

void
verb_acl(struct session *c, const struct request *r)
{
	const struct peer *p = &c->conn.peer;

	if (!slice_is_nocase(r->argv[1], "WHOAMI"))
		session_unknown_subcommand(c, r);
	else
		resp_bulk_str(session_out(c), p->login != NULL ? p->login->name : LOGIN_ANY);
}
