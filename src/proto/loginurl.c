/* SPDX-License-Identifier: ISC */
/* loginurl: takes a URL with a login apart. */
#include "config.h"

#include "proto/loginurl.h"

static struct slice
from_to(const char *from, const char *to)
{
	return (struct slice){ from, (size_t)(to - from) };
}

void
loginurl_split(struct slice text, struct loginurl *ret)
{
	const char *p = text.data, *end = text.data + text.len, *mark, *at, *colon;
	struct loginurl u = { 0 };

	mark = text.len > 3 ? memmem(p, text.len, "://", 3) : NULL;
	if (mark != NULL) {
		u.scheme = from_to(p, mark + 3);
		p = mark + 3;
	} else {
		u.scheme = from_to(p, p);
	}
	/* The last "@" ends the secret: a password may hold one. A path may hold all of it. */
	at = p < end && *p != '/' ? memrchr(p, '@', (size_t)(end - p)) : NULL;
	if (at != NULL) {
		colon = memchr(p, ':', (size_t)(at - p));
		u.login = from_to(p, colon != NULL ? colon : at);
		if (colon != NULL)
			u.secret = from_to(colon + 1, at);
		p = at + 1;
	}
	mark = p < end ? memchr(p, '#', (size_t)(end - p)) : NULL;
	u.rest = from_to(p, mark != NULL ? mark : end);
	if (mark != NULL)
		u.pin = from_to(mark + 1, end);
	*ret = u;
}
