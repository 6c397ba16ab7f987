/* SPDX-License-Identifier: ISC */
/* passwordcheck: questions about passwords, and what the answers mean. */
#include "config.h"

#include "net/passwordcheck.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "conf/access.h"
#include "net/conn.h"
#include "proto/bearer.h"

bool
passwordcheck_may_be(const struct conf *conf, struct slice secret)
{
	return conf->n_passwords > 0 && !bearer_is_like(secret) && secret.len > 0 &&
	    secret.len <= PASSWORD_SECRET_MAX && !slice_has_nul(secret);
}

/*
 * Finds the credential that auth has named, as these rules have it. NULL: it has gone
 * meanwhile, or is not the one that was asked about.
 */
static const struct credential *
confirm(const struct passwordcheck *k, const struct password_answer *a)
{
	const struct conf *conf = k->conn->net->conf;
	const struct credential *cred = conf_find_password(conf, passwordcheck_login(k));
	struct caller who;

	if (cred == NULL || strcmp(cred->id, a->credential) != 0)
		return NULL;
	peer_caller(&k->conn->peer, conf, &who);
	return access_use(cred, &who, (int64_t)time(NULL)) == ACCESS_USABLE ? cred : NULL;
}

static void
on_checked(struct login_ask *ask, const struct password_answer *a)
{
	static const char *const reasons[PASSWORD_N] = {
		[PASSWORD_RIGHT] = "wrong password", [PASSWORD_WRONG] = "wrong password",
		[PASSWORD_UNKNOWN] = "wrong password", [PASSWORD_OFF] = "off",
		[PASSWORD_EXPIRED] = "expired", [PASSWORD_ELSEWHERE] = "wrong network",
		[PASSWORD_PENALTY] = "penalty", [PASSWORD_BUSY] = "too many logins",
	};
	struct passwordcheck *k = CONTAINER_OF(ask, struct passwordcheck, ask);
	struct passwordcheck_verdict v = { .is_put_off = true, .is_lost = a == NULL, .why = "" };

	if (a != NULL) {
		v.is_penalty = a->verdict == PASSWORD_PENALTY;
		v.is_put_off = v.is_penalty || a->verdict == PASSWORD_BUSY;
		v.retry_sec = a->retry_sec;
		v.why = reasons[a->verdict];
		v.credential = a->verdict == PASSWORD_RIGHT ? confirm(k, a) : NULL;
	}
	k->fn(k, &v);
}

/* Fills in where the peer is; IPv4 in the form of IPv6 is IPv4. */
static void
fill_place(struct conn *c, struct password_ask *ask)
{
	struct caller who;

	peer_caller(&c->peer, c->net->conf, &who);
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

bool
passwordcheck_start(struct passwordcheck *k, struct authlink *l, struct conn *c,
    struct slice login, struct slice secret)
{
	struct password_ask ask = { .secret_len = (uint16_t)secret.len };
	bool is_asked;

	k->conn = c;
	k->ask.fn = on_checked;
	k->has_login = login.data != NULL;
	*k->login = '\0';
	if (k->has_login)
		(void)snprintf(k->login, sizeof(k->login), "%.*s",
		    credential_is_login(login) ? (int)login.len : 1,
		    credential_is_login(login) ? login.data : "?");
	ask.login_len = (uint8_t)strlen(k->login);
	memcpy(ask.login, k->login, ask.login_len);
	memcpy(ask.secret, secret.data, secret.len);
	fill_place(c, &ask);
	is_asked = authlink_ask(l, &ask, &k->ask);
	explicit_bzero(&ask, sizeof(ask));
	return is_asked;
}
