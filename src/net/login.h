/* SPDX-License-Identifier: ISC */
/*
 * login: finds the credential of a token that a peer has shown, and tells of logins that
 * fail. A token is looked up by its hash, so the time of a look-up tells nothing about any
 * token.
 */
#pragma once

#include "base/ratelimit.h"
#include "base/slice.h"
#include "conf/conf.h"

struct conn;

/* The user of clients that know only a secret. */
#define LOGIN_ANY "default"

/* True if the client names no login, or says that it knows none: the secret alone decides. */
bool login_is_any(struct slice login);

/*
 * True if a login could make the caller somebody: it is nobody, and there are logins, or what
 * it was known by is good no longer.
 */
bool login_may_help(struct conn *c);

/*
 * The credential of a token that lets this client in as this login. NULL: *ret_why is for
 * the log only; the client learns nothing but no.
 */
const struct credential *login_find_token(struct conn *c, struct slice login,
    struct slice token, const char **ret_why);

/*
 * The reason of a failed login for the log: whether there is such a login is found out in any
 * case, so that the time of the answer tells nothing.
 */
const char *login_failure_why(const struct conf *conf, struct slice login, const char *why);

/* A login that failed, or that was put off. */
struct login_failure {
	const char *event;	/* LOG_EVENT_LOGIN_... */
	struct slice login;	/* as the client wrote it; data NULL: it named none */
	const char *why;
};

/*
 * Counts a failed login, and writes its line: 20 a second at most. Its form is a promise to
 * programs that read logs, such as fail2ban: examples/fail2ban-reqd.conf has the filter. A
 * login that was put off because the server is busy is written, and not counted.
 */
void login_note_failure(struct conn *c, struct ratelimit *limit,
    const struct login_failure *f);
