/* SPDX-License-Identifier: ISC */
/* login: tokens, and the log of those that are refused. */
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

const struct credential *
login_find_token(struct conn *c, struct slice token, const char **ret_why)
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
	if (!is_token || cred == NULL || cred->kind != CREDENTIAL_TOKEN) {
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

/* The place that the client comes from, without a port: other programs read it in the log. */
static void
place_format(struct conn *c, char *ret, size_t ret_len)
{
	struct peer peer = c->peer;
	struct caller who;
	char text[ADDR_TEXT];

	peer.login = NULL;
	peer_caller(&peer, c->net->conf, &who);
	caller_format(&who, text, sizeof(text));
	(void)strlcpy(ret, strncmp(text, "addr:", 5) == 0 ? text + 5 : text, ret_len);
}

void
login_note_failure(struct conn *c, struct ratelimit *limit, const char *why)
{
	char place[ADDR_TEXT], more[64] = "";
	uint64_t omitted;

	c->net->pages->own->logins_failed++;
	if (!ratelimit_passes(limit, c->net->loop->now_usec, LINES_PER_SECOND, &omitted))
		return;
	if (omitted > 0)
		(void)snprintf(more, sizeof(more), " (and %" PRIu64 " more that were not logged)",
		    omitted);
	place_format(c, place, sizeof(place));
	log_event(LOG_EVENT_LOGIN_FAILED, LOG_NOTICE, "login failed for \"%s\" from %s on %s: %s%s",
	    "default", place, c->listener->url, why, more);
}
