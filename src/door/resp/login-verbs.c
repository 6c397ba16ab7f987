/* SPDX-License-Identifier: ISC */
/*
 * login-verbs: AUTH and what belongs to it. A token is looked up by its hash, so the
 * time of a look-up tells nothing about any token.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64url.h"
#include "base/cleanup.h"
#include "conf/access.h"
#include "door/resp/session.h"
#include "door/resp/verbs.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "net/listener.h"
#include "proto/bearer.h"

/* A client that has failed so often in a row is closed. */
#define NOES_MAX 3

#define LINES_PER_SECOND 20

/* The user of clients that know only a password. */
static const char any_user[] = "default";

static bool
is_any(struct slice login)
{
	return login.data == NULL || slice_is(login, any_user);
}

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

/* The place that the client comes from, without a port: other programs read it in the log. */
static void
place_format(struct session *c, char *ret, size_t ret_len)
{
	struct caller who;
	char text[CALLER_TEXT];

	peer_caller(&c->conn.peer, c->resp->conf, &who);
	who.login = NULL;
	who.cert = NULL;
	caller_format(&who, text, sizeof(text));
	(void)strlcpy(ret, strncmp(text, "addr:", 5) == 0 ? text + 5 : text, ret_len);
}

/*
 * Writes the line of a failed login. Its form is a promise to programs that read logs,
 * such as fail2ban: examples/fail2ban-reqd.conf has the filter.
 */
static void
log_failure(struct session *c, struct slice login, const char *why)
{
	char place[ADDR_TEXT], more[64] = "";
	uint64_t omitted;

	if (!ratelimit_passes(&c->resp->logins, c->conn.net->loop->now_usec, LINES_PER_SECOND,
	    &omitted))
		return;
	if (omitted > 0)
		(void)snprintf(more, sizeof(more), " (and %" PRIu64 " more that were not logged)",
		    omitted);
	/* No text of a stranger can look like another address: only a good name is shown. */
	if (login.data == NULL)
		login = slice_of(any_user);
	else if (!credential_is_login(login))
		login = SLICE("?");
	place_format(c, place, sizeof(place));
	log_event(LOG_EVENT_LOGIN_FAILED, LOG_NOTICE, "login failed for \"%.*s\" from %s on %s: %s%s",
	    (int)login.len, login.data, place, c->conn.listener->url, why, more);
}

/*
 * Finds the credential of a secret that lets this caller in as this login. NULL: *ret_why
 * is for the log only; the client learns nothing but no.
 */
static const struct credential *
find(struct session *c, struct slice login, struct slice secret, const char **ret_why)
{
	static const char *const reasons[] = {
		[ACCESS_OFF] = "off", [ACCESS_EXPIRED] = "expired", [ACCESS_ELSEWHERE] = "wrong network",
	};
	const struct conf *conf = c->resp->conf;
	const bool is_token = bearer_is_valid(secret);
	const struct credential *cred;
	uint8_t hash[DIGEST_SHA256];
	char text[BASE64URL_TEXT(DIGEST_SHA256)];
	enum access_use use;
	struct caller who;

	/* The hash is made in any case, so that the time is the same. */
	digest_sha256(secret, hash);
	base64url_encode(hash, sizeof(hash), text);
	cred = conf_find_secret(conf, text);
	if (!is_token || cred == NULL || cred->kind != CREDENTIAL_TOKEN ||
	    (!is_any(login) && !slice_is(login, cred->login))) {
		*ret_why = bearer_is_like(secret) ? "wrong token" : "wrong password";
		return NULL;
	}
	peer_caller(&c->conn.peer, conf, &who);
	use = access_use(cred, &who, (int64_t)time(NULL));
	if (use != ACCESS_USABLE) {
		*ret_why = reasons[use];
		return NULL;
	}
	return cred;
}

/*
 * Says no. Each reason takes the same way, so that the time of the answer does not tell
 * which logins there are.
 */
static void
refuse(struct session *c, struct slice login, const char *why)
{
	bool is_unknown = !is_known(c->resp->conf, login) && !is_any(login);

	c->resp->pages->own->logins_failed++;
	log_failure(c, login, is_unknown ? "unknown login" : why);
	session_error(c, "WRONGPASS", "invalid username-password pair or user is disabled.");
	if (++c->n_noes >= NOES_MAX)
		conn_quit(&c->conn);
}

bool
verb_log_in(struct session *c, struct slice login, struct slice secret)
{
	const struct conf *conf = c->resp->conf;
	const struct credential *cred;
	const char *why = "";

	if (conf->logins == NULL) {
		session_error(c, "ERR", "AUTH called without any password configured: callers are "
		    "known by their address or their uid");
		return false;
	}
	/* The secret may have been read on its way; to take it here would teach nobody. */
	if (!conn_is_private(&c->conn)) {
		session_error(c, "DENIED", "use tls://: a secret must not travel in the clear");
		return false;
	}
	cred = find(c, login, secret, &why);
	if (cred == NULL) {
		refuse(c, login, why);
		return false;
	}
	if (peer_log_in(&c->conn.peer, conf, cred) < 0) {
		session_error(c, "ERR", "out of memory");
		return false;
	}
	c->resp->pages->own->logins++;
	c->is_other = true;
	c->n_noes = 0;
	return true;
}

void
verb_auth(struct session *c, const struct request *r)
{
	const struct slice none = { 0 };

	if (verb_log_in(c, r->argc > 2 ? r->argv[1] : none, r->argv[r->argc - 1]))
		resp_simple(session_out(c), "OK");
}

void
verb_acl(struct session *c, const struct request *r)
{
	const struct peer *p = &c->conn.peer;

	if (!slice_is_nocase(r->argv[1], "WHOAMI"))
		session_unknown_subcommand(c, r);
	else
		resp_bulk_str(session_out(c), p->login != NULL ? p->login->name : any_user);
}
