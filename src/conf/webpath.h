/* SPDX-License-Identifier: ISC */
/*
 * webpath: templates of paths by which services are called by HTTP.
 *
 *	template = 1*( "/" ( literal | "{" name of an argument "}" ) )
 *	literal  = 1*( letter | digit | one of - . _ ~ ), but "." and ".."
 *
 * The first segment is a literal that reqd does not use itself. No path fits two templates.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "conf/reader.h"

#define WEBPATH_SEGMENTS 16	/* of a template */

/*
 * Takes the next segment of a template at *p, which is moved behind it: a literal, or the
 * name of an argument. False at the end.
 */
bool webpath_next(const char **p, struct slice *ret, bool *ret_is_name);

/* True if a path of reqd itself begins with this segment. */
bool webpath_is_reserved(struct slice first);

/* Checks the template of a service, whose section "http" is b. */
void webpath_check(struct reader *r, const struct service *s, const struct block *b);

/* Reports templates that a path could fit both, and too many of them. */
void webpaths_check(struct reader *r);

/* The service whose template a path of these decoded segments fits; or NULL. */
const struct service *webpath_find(const struct conf *c, const struct slice *segments, size_t n);
