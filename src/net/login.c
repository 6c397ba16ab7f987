/* SPDX-License-Identifier: ISC */
/* login: tokens, and the log of logins that fail. */
#include "config.h"

#include "net/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64url.h"
#include "base/digest.h"
#include "conf/access.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "net/conn.h"
#include "net/listener.h"
#include "proto/bearer.h"

#define LINES_PER_SECOND 20

bool
login_is_any(struct slice login)
{
	return login.data == NULL || slice_is(login, LOGIN_ANY);
}

bool
login_may_help(struct conn *c)
{
	const struct conf *conf = c->net->conf;

	if (peer_is_known(&c->peer) || peer_is_revoked(&c->peer, conf))
		return peer_is_revoked(&c->peer, conf);
	return conf->n_credentials > 0 || listener_trust(c->listener) != NULL;
}

const struct credential *
login_find_token(struct conn *c, struct slice login, struct slice token, const char **ret_why)
{
	static const char *const reasons[] = {
		[ACCESS_OFF] = "off", [ACCESS_EXPIRED] = "expired", [ACCESS_ELSEWHERE] = "wrong network",
	};
	const struct conf *conf = c->net->conf;
	const bool is_token = bearer_is_valid(token);
	const struct credential *cred;
	uint8_t hash[DIGEST_SHA256];
	char text[BASE64URL_TEXT(DIGEST_SHA256)];
	enum access_use use;
	struct caller who;

	/* The hash is made in any case, so that the time is the same. */
	digest_sha256(token, hash);
	base64url_encode(hash, sizeof(hash), text);
	cred = conf_find_secret(conf, text);
	if (!is_token || cred == NULL || cred->kind != CREDENTIAL_TOKEN ||
	    (!login_is_any(login) && !slice_is(login, cred->login))) {
		*ret_why = "wrong token";
		return NULL;
	}
	peer_caller(&c->peer, conf, &who);
	use = access_use(cred, &who, (int64_t)time(NULL));
	if (use == ACCESS_USABLE)
		return cred;
	*ret_why = reasons[use];
	return NULL;
}

/* True if somebody has this login. Looks at all of them, whatever it finds. */
static bool
is_known(const struct conf *conf, struct slice login)
{
	const uint64_t tag = credential_tag(login);
	size_t n = 0;

	for (size_t i = 0; i < conf->n_credentials; i++)
		n += conf->credentials[i].tag == tag;
	return n > 0;
}

const char *
login_failure_why(const struct conf *conf, struct slice login, const char *why)
{
	bool is_unknown = !is_known(conf, login) && !login_is_any(login);

	return is_unknown ? "unknown login" : why;
}

/* The place that the client comes from, without a port: other programs read it in the log. */
static void
place_format(struct conn *c, char *ret, size_t ret_len)
{
	struct caller who;
	char text[CALLER_TEXT];

	peer_caller(&c->peer, c->net->conf, &who);
	who.login = NULL;
	who.cert = NULL;
	caller_format(&who, text, sizeof(text));
	(void)strlcpy(ret, strncmp(text, "addr:", 5) == 0 ? text + 5 : text, ret_len);
}

void
login_note_failure(struct conn *c, struct ratelimit *limit, const struct login_failure *f)
{
	bool is_busy = strcmp(f->event, LOG_EVENT_LOGIN_BUSY) == 0;
	char place[ADDR_TEXT], more[64] = "";
	struct slice login = f->login;
	uint64_t omitted;

	if (!is_busy)
		c->net->pages->own->logins_failed++;
	if (!ratelimit_passes(limit, c->net->loop->now_usec, LINES_PER_SECOND, &omitted))
		return;
	if (omitted > 0)
		(void)snprintf(more, sizeof(more), " (and %" PRIu64 " more that were not logged)",
		    omitted);
	/* No text of a stranger can look like another address: only a good name is shown. */
	if (login.data == NULL)
		login = slice_of(LOGIN_ANY);
	else if (!credential_is_login(login))
		login = SLICE("?");
	place_format(c, place, sizeof(place));
	log_event(f->event, LOG_NOTICE, "%s \"%.*s\" from %s on %s: %s%s",
	    is_busy ? "login put off for" : "login failed for", (int)login.len, login.data,
	    place, c->listener->url, f->why, more);
}
