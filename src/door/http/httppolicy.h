/* SPDX-License-Identifier: ISC */
/*
 * httppolicy: decides whether a request may be looked at, by the page that it comes from and
 * the name that it uses for this server. Pure.
 *
 * Browsers send a request of any page to any server that they can reach, with the rights of
 * the machine they run on. So a page of another origin must start nothing, also not at a
 * name that an attacker has made to lead here.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/slice.h"

/* The place where a request has come in. */
struct httppolicy_place {
	bool is_unix;
	bool is_tls;
	union sockaddr_any local;		/* our end of the connection; not of a unix socket */
	char *const *hosts, *const *origins;	/* of the listener; NULL: none */
};

/* The fields that decide; data NULL: not sent. */
struct httppolicy_fields {
	struct slice host;
	struct slice origin;
	struct slice fetch_site;	/* Sec-Fetch-Site */
	struct slice fetch_mode, fetch_dest;
	bool is_page;			/* GET of a page that starts nothing, and is the same for all */
	bool is_probe;			/* a path at which the name does not matter */
};

enum httppolicy_verdict {
	HTTPPOLICY_OWN,			/* no page of another origin, or its link to a page of ours */
	HTTPPOLICY_LISTED,		/* a page of "origins", which may read the answer */
	HTTPPOLICY_FOREIGN,		/* a page of another origin: 403 */
	HTTPPOLICY_MISDIRECTED,		/* a name that is none of this server: 421 */
};

enum httppolicy_verdict httppolicy_judge(const struct httppolicy_place *p,
    const struct httppolicy_fields *f);
