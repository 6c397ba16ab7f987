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
#include "net/login.h"
#include "net/passwordcheck.h"
#include "proto/bearer.h"

/* A client that has failed so often in a row is closed. */
#define NOES_MAX 3

/* A login whose password is being checked by another process. */
struct pending_login {
	struct passwordcheck check;
	struct session *session;
	struct login_reply reply;
};

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
	note(c, LOG_EVENT_LOGIN_FAILED, login, login_failure_why(c->resp->conf, login, why));
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
put_off(struct session *c, struct slice login, bool is_penalty, uint32_t sec)
{
	note(c, is_penalty ? LOG_EVENT_LOGIN_PENALTY : LOG_EVENT_LOGIN_BUSY, login,
	    is_penalty ? "penalty" : "too many logins");
	session_error(c, "BUSY", "too many logins, try again in %" PRIu32 " s", sec);
}

static void
on_checked(struct passwordcheck *k, const struct passwordcheck_verdict *v)
{
	struct pending_login *p = CONTAINER_OF(k, struct pending_login, check);
	struct session *c = p->session;

	c->login = NULL;
	if (v->is_lost)
		session_error(c, "ERR", "the password could not be checked, as the process that "
		    "does it has ended; try again");
	else if (v->is_put_off)
		put_off(c, passwordcheck_login(k), v->is_penalty, v->retry_sec);
	else if (v->credential != NULL)
		accept_login(c, v->credential, &p->reply);
	else
		refuse(c, passwordcheck_login(k), v->why);
	free(p);
	session_resume(c);
}

void
verb_forget_login(struct session *c)
{
	if (c->login == NULL)
		return;
	authlink_forget(c->resp->auth, &c->login->check.ask);
	free(TAKE_PTR(c->login));
}

/* Asks the process that has the hashes. The reply comes later. */
static void
check_password(struct session *c, struct slice login, struct slice secret,
    const struct login_reply *reply)
{
	struct pending_login *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		session_error(c, "ERR", "out of memory");
		return;
	}
	p->session = c;
	p->reply = *reply;
	p->check.fn = on_checked;
	if (passwordcheck_start(&p->check, c->resp->auth, &c->conn, login, secret)) {
		c->login = p;
		session_wait(c);
	} else {
		put_off(c, login, false, 1);
		free(p);
	}
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
	if (passwordcheck_may_be(conf, secret)) {
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
