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

/*
 * The credential of a token that lets this client in. NULL: *ret_why is for the log only;
 * the client learns nothing but no.
 */
const struct credential *login_find_token(struct conn *c, struct slice token,
    const char **ret_why);

/*
 * Counts a failed login, and writes its line: 20 a second at most. Its form is a promise to
 * programs that read logs, such as fail2ban: examples/fail2ban-reqd.conf has the filter.
 */
void login_note_failure(struct conn *c, struct ratelimit *limit, const char *why);
