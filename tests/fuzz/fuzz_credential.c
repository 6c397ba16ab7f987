/* SPDX-License-Identifier: ISC */
/*
 * fuzz_credential: any bytes as a file of logins and as tokens. Words that are
 * accepted lie in their line; a refused line has a reason.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "proto/bearer.h"
#include "proto/credential.h"
#include "proto/loginurl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
lies_in(struct slice word, struct slice line)
{
	return word.data == NULL ||
	    (word.data >= line.data && word.data + word.len <= line.data + line.len);
}

static void
read_line(struct slice line)
{
	struct credential_line c;
	const char *why = NULL;
	enum credential_status s = credential_parse(line, &c, &why);
	struct slice value;
	size_t n = 0;

	if (s == CREDENTIAL_BAD)
		require(why != NULL);
	if (s != CREDENTIAL_OK)
		return;
	require(credential_is_login(c.login));
	require(lies_in(c.login, line) && lies_in(c.secret, line) && lies_in(c.label, line));
	require(lies_in(c.services, line) && lies_in(c.from, line) && lies_in(c.expires, line));
	while (credential_next(&c.services, &value)) {
		require(lies_in(value, line));
		n++;
	}
	require(n <= line.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size };
	struct loginurl url;

	(void)bearer_is_valid(rest);
	loginurl_split(rest, &url);
	require(lies_in(url.scheme, rest) && lies_in(url.login, rest) && lies_in(url.secret, rest));
	require(lies_in(url.rest, rest) && lies_in(url.pin, rest));
	while (rest.len > 0) {
		struct slice line = slice_line(rest);

		read_line(line);
		rest.data += line.len;
		rest.len -= line.len;
		if (rest.len > 0) {
			rest.data++;
			rest.len--;
		}
	}
	return 0;
}
