/* SPDX-License-Identifier: ISC */
/* httpaccess: unknown and forbidden services are one answer. */
#pragma once

#include "door/http/httpsession.h"

/* The service of that name, if this caller may call it; else NULL, and the request is refused. */
const struct service *http_find_service(struct http_session *s, struct slice name);

/* True if the caller has a role here, and so may see figures; else the request is refused. */
bool http_has_role(struct http_session *s);

/* Refuses a call that is not even tried. name: that of a service, or a path. */
void http_deny(struct http_session *s, const struct service *service, struct slice name);
