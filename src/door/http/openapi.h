/* SPDX-License-Identifier: ISC */
/* openapi: the services of a caller, as a document of OpenAPI 3.1. */
#pragma once

#include "door/http/httpcall.h"

/* GET /openapi.json */
enum http_next http_openapi(struct http_session *s, const struct http_request *rq);
