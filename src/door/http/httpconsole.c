/* SPDX-License-Identifier: ISC */
/* httpconsole: the page of src/web/console.html, and the policy that browsers hold it to. */
#include "config.h"

#include "door/http/httpconsole.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"

static const char page[] = {
#include "web/console.h"
};

/* "'sha256-...'", as in a Content-Security-Policy. */
#define SOURCE_MAX (BASE64_LEN(DIGEST_SHA256) + 16)

struct slice
httpconsole_page(void)
{
	return (struct slice){ page, sizeof(page) };
}

/* Finds what is between two tags, each of which is in the page once. */
static struct slice
element(struct slice text, const char *from, const char *to)
{
	const char *start = memmem(text.data, text.len, from, strlen(from)), *end;

	if (start == NULL)
		return (struct slice){ 0 };
	start += strlen(from);
	end = memmem(start, text.len - (size_t)(start - text.data), to, strlen(to));
	return end == NULL ? (struct slice){ 0 } : (struct slice){ start, (size_t)(end - start) };
}

/* Writes the text's hash; a browser runs a text of that hash, and nothing else. */
static void
source_format(struct slice text, char ret[static SOURCE_MAX])
{
	char code[BASE64_LEN(DIGEST_SHA256) + 1] = "";
	uint8_t hash[DIGEST_SHA256];

	digest_sha256(text, hash);
	code[base64_encode((struct slice){ (const char *)hash, sizeof(hash) }, code)] = '\0';
	(void)snprintf(ret, SOURCE_MAX, "'sha256-%s'", code);
}

void
httpconsole_init(struct httpconsole *ret)
{
	struct slice text = httpconsole_page();
	char script[SOURCE_MAX], style[SOURCE_MAX];
	uint8_t hash[DIGEST_SHA256];

	source_format(element(text, "<script>", "</script>"), script);
	source_format(element(text, "<style>", "</style>"), style);
	(void)snprintf(ret->policy, sizeof(ret->policy), "default-src 'none'; script-src %s; "
	    "style-src %s; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'; require-trusted-types-for 'script'", script, style);
	digest_sha256(text, hash);
	ret->etag[0] = '"';
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(ret->etag + 1 + 2 * i, 3, "%02x", hash[i]);
	(void)strlcat(ret->etag, "\"", sizeof(ret->etag));
}

/* The quotes at the ends of a tag let it be found in a list of tags. */
bool
httpconsole_is_known(const struct httpconsole *c, struct slice if_none_match)
{
	return slice_is(if_none_match, "*") || (if_none_match.len > 0 &&
	    memmem(if_none_match.data, if_none_match.len, c->etag, strlen(c->etag)) != NULL);
}
