/* SPDX-License-Identifier: ISC */
/* httphook: deliveries of webhooks, POST /hook/SERVICE/NAME. */
#pragma once

#include "door/http/httpcall.h"

/* Takes a delivery, and starts the service. */
enum http_next http_hook(struct http_session *s, const struct http_request *rq);

/* True if the head may have a secret in any field. */
static inline bool
http_is_hook(const struct httphead *h)
{
	return slice_starts(h->target.path, "/hook/");
}
