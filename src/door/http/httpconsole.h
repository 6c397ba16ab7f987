/* SPDX-License-Identifier: ISC */
/*
 * httpconsole: the page with which people call services from a browser: GET /.
 *
 * The page holds no data and has no rights of its own. It asks for the same paths as every
 * other client, with the rights of whoever opens it.
 */
#pragma once

#include "base/slice.h"

/* The fields that go with the page; made once, at the start. */
struct httpconsole {
	char policy[512];	/* Content-Security-Policy: the page's own script, and no other */
	char etag[40];
};

void httpconsole_init(struct httpconsole *ret);

/* The text of src/web/console.html. */
struct slice httpconsole_page(void);

/* True if the client has this page already: an If-None-Match with its tag. */
bool httpconsole_is_known(const struct httpconsole *c, struct slice if_none_match);
