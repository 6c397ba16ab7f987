/* SPDX-License-Identifier: ISC */
/* httpviews: answers without a call: services, the caller, the state of this server. */
#pragma once

#include "door/http/httpcall.h"

enum http_next http_console(struct http_session *s, const struct http_request *rq);
enum http_next http_healthz(struct http_session *s, const struct http_request *rq);
enum http_next http_readyz(struct http_session *s, const struct http_request *rq);
enum http_next http_services(struct http_session *s, const struct http_request *rq);
enum http_next http_service(struct http_session *s, const struct http_request *rq);
enum http_next http_why(struct http_session *s, const struct http_request *rq);
enum http_next http_status(struct http_session *s, const struct http_request *rq);
enum http_next http_whoami(struct http_session *s, const struct http_request *rq);
