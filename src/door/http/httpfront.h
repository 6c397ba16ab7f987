/* SPDX-License-Identifier: ISC */
/*
 * httpfront: a proxy in front says whose request it is: the section "proxy" of a listener.
 * Each request of such a connection has a caller of its own. What others say in these fields
 * counts for nothing.
 */
#pragma once

#include "door/http/httpsession.h"
#include "proto/httphead.h"

/*
 * Makes the peer the one that the proxy names by its address. *ret_user: the user that it
 * names; data NULL: none. is_probe: the fields may be missing. False: the request is refused.
 */
bool http_front_apply(struct http_session *s, const struct httphead *h, bool is_probe,
    struct slice *ret_user);
