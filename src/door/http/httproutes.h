/* SPDX-License-Identifier: ISC */
/* httproutes: the paths that there are, and who may ask for them. */
#pragma once

#include "door/http/httpcall.h"

/*
 * Takes a request: judges where it comes from, finds out who asks, and hands it to the route
 * of its path. The name in rq is set here.
 */
enum http_next http_route(struct http_session *s, struct http_request *rq);
