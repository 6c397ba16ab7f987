/* SPDX-License-Identifier: ISC */
/* httpmcp: the services as tools of the Model Context Protocol. */
#pragma once

#include "door/http/httpcall.h"

/* POST /mcp */
enum http_next http_mcp(struct http_session *s, const struct http_request *rq);
