/* SPDX-License-Identifier: ISC */
/* upper: text in capitals, a handler in C as small as can be. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>

#include "client/reqd.h"

static void
upper(void *arg, struct reqd_request *req)
{
	static char text[65536];
	size_t len = req->argc > 1 ? req->lens[1] : 0;

	(void)arg;
	if (len > sizeof(text))
		len = sizeof(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)toupper((unsigned char)req->argv[1][i]);
	reqd_reply_bulk(req, text, len);
}

int
main(void)
{
	return reqd_serve_batch(upper, NULL);
}
