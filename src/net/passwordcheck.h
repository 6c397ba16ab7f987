/* SPDX-License-Identifier: ISC */
/*
 * passwordcheck: a login by a password, which another process checks while this one serves
 * others (authlink). What comes of it is judged here, by the rules in force.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "conf/conf.h"
#include "net/authlink.h"

struct conn;
struct passwordcheck;

/* The verdict on a password. */
struct passwordcheck_verdict {
	const struct credential *credential;	/* lets this client in; NULL: nobody is let in */
	bool is_put_off;	/* the password was not looked at: the client may be right */
	bool is_penalty;	/* ... as there were too many failures */
	bool is_lost;		/* ... as the process that checks has ended */
	uint32_t retry_sec;	/* ... try again then */
	const char *why;	/* for the log only */
};

typedef void passwordcheck_fn(struct passwordcheck *k, const struct passwordcheck_verdict *v);

/* A login that is being checked, embedded in an object of the asking side. */
struct passwordcheck {
	struct login_ask ask;
	struct conn *conn;
	passwordcheck_fn *fn;
	char login[CREDENTIAL_LOGIN_MAX + 1];	/* "?": no name that a login can have */
	bool has_login;
};

/* True if the secret may be a password, and not a token. */
bool passwordcheck_may_be(const struct conf *conf, struct slice secret);

/*
 * Asks for a check of a secret that may be a password. True: fn will be called, once, and
 * not before this returns. False: there are too many questions.
 */
bool passwordcheck_start(struct passwordcheck *k, struct authlink *l, struct conn *c,
    struct slice login, struct slice secret);

/* The login that was asked about; data NULL: none was named. */
static inline struct slice
passwordcheck_login(const struct passwordcheck *k)
{
	return k->has_login ? slice_of(k->login) : (struct slice){ 0 };
}
