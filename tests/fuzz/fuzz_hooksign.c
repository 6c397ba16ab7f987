/* SPDX-License-Identifier: ISC */
/*
 * fuzz_hooksign: any fields as the signature of each maker, any text as a source and a pointer.
 * Whatever is read fits in the room that is promised, and a pointer goes on with each name.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "proto/hooksign.h"
#include "proto/hooksource.h"
#include "proto/jsonpointer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
check_source(struct slice text)
{
	CLEANUP_FREE char *room = malloc(text.len + 1);
	size_t span = hooksource_span(text), left;
	struct hooksource s;
	struct slice name;

	require(room != NULL && span <= text.len);
	if (hooksource_parse((struct slice){ text.data, span }, &s) != NULL)
		return;
	require(s.name.len > 0 && s.name.data >= text.data);
	if (s.kind != HOOKSOURCE_POINTER)
		return;
	for (left = s.name.len; jsonpointer_next(&s.name, room, &name); left = s.name.len)
		require(s.name.len < left && name.len < left);
	require(s.name.len == 0);
}

static void
check_signature(const struct hooksign_rule *rule, const struct httphead *h)
{
	char why[HOOKSIGN_WHY];
	struct hooksign s;

	if (!hooksign_read(rule, h, &s, why))
		return;
	require(s.n_macs <= HOOKSIGN_MACS && s.mac_len <= HOOKSIGN_MAC_MAX);
	require(s.before_len <= sizeof(s.before));
	require((s.n_macs > 0) == hooksign_is_signed(rule->scheme));
	require((s.token.len > 0) == !hooksign_is_signed(rule->scheme));
	require(!s.has_time || s.time_sec > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct httphead h;
	CLEANUP(buf_done) struct buf text = BUF_INIT(HTTPHEAD_MAX);
	struct httphead_cursor cursor = { 0 };
	struct httphead_error error;
	uint8_t key[HOOKSIGN_KEY_MAX];
	size_t used, len;

	check_source((struct slice){ (const char *)data, size });
	if (hooksign_key(HOOKSIGN_STANDARD, (struct slice){ (const char *)data, size }, key, &len))
		require(len > 0 && len <= sizeof(key));
	(void)buf_append_str(&text, "POST / HTTP/1.1\r\nHost: x\r\n");
	(void)buf_append(&text, (const char *)data, size);
	(void)buf_append_str(&text, "\r\n\r\n");
	if (buf_failed(&text) || httphead_decode(buf_slice(&text), &cursor, &h, &used, &error) !=
	    HTTPHEAD_OK)
		return 0;
	for (int scheme = HOOKSIGN_GITHUB; scheme <= HOOKSIGN_TOKEN; scheme++) {
		struct hooksign_rule rule = {
			.scheme = (enum hooksign_scheme)scheme, .field = "X", .prefix = "v=",
		};

		check_signature(&rule, &h);
		rule.encoding = HOOKSIGN_BASE64;
		rule.hash = HOOKSIGN_SHA512;
		check_signature(&rule, &h);
	}
	return 0;
}
