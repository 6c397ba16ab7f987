/* SPDX-License-Identifier: ISC */
/* httplogin: the caller of a request: by a token, by a name and a password, by a proxy's word. */
#pragma once

#include "door/http/httpsession.h"
#include "net/passwordcheck.h"
#include "proto/httphead.h"

/* A password that is being checked, or has been. */
struct http_login {
	struct passwordcheck check;
	struct http_session *session;
	bool is_open;
	bool is_put_off, is_lost;
	uint32_t retry_sec;
	char credential[CREDENTIAL_ID_TEXT];	/* "": it lets nobody in */
};

enum http_login_state {
	HTTP_LOGIN_GOOD,	/* the peer is the one who makes this request */
	HTTP_LOGIN_REFUSED,	/* the request has been refused */
	HTTP_LOGIN_WAITS,	/* the password is being checked: the request is to be taken again */
};

/* user: as whom a proxy names the caller; data NULL: nobody. */
enum http_login_state http_log_in(struct http_session *s, const struct httphead *h,
    struct slice user);
