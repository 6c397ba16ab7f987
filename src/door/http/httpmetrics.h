/* SPDX-License-Identifier: ISC */
/*
 * httpmetrics: the figures of this server as Prometheus reads them (text format 0.0.4). A
 * caller sees the services that it may call.
 */
#pragma once

#include "door/http/httpcall.h"

enum http_next http_metrics(struct http_session *s, const struct http_request *rq);
