/* SPDX-License-Identifier: ISC */
/* httplogin: the caller of a request, by its field Authorization. */
#pragma once

#include "door/http/httpsession.h"

/*
 * Makes the peer known by the token of this request, or by its account or address when there
 * is none. False: the token lets nobody in, or a role allows the caller no more connections,
 * and the request is refused.
 */
bool http_log_in(struct http_session *s, const struct httphead *h);
