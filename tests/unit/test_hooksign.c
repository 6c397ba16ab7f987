/* SPDX-License-Identifier: ISC */
/* hooksign, hooksource, jsonpointer and the reading of base64: signatures and places as text. */
#include "config.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "proto/hooksign.h"
#include "proto/hooksource.h"
#include "proto/jsonpointer.h"
#include "unit.h"

#define HEX64 "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define B64 "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const struct hooksign_rule own = {
	.scheme = HOOKSIGN_HMAC, .field = "X-Own", .prefix = "v=", .hash = HOOKSIGN_SHA1,
	.encoding = HOOKSIGN_HEX,
};
static const struct hooksign_rule own64 = {
	.scheme = HOOKSIGN_HMAC, .field = "X-Own", .prefix = "", .hash = HOOKSIGN_SHA256,
	.encoding = HOOKSIGN_BASE64,
};
static const struct hooksign_rule token = {
	.scheme = HOOKSIGN_TOKEN, .field = "Authorization", .prefix = "Bearer ",
};

#define RULE(name) static const struct hooksign_rule name
RULE(github) = { .scheme = HOOKSIGN_GITHUB };
RULE(standard) = { .scheme = HOOKSIGN_STANDARD };
RULE(gitlab) = { .scheme = HOOKSIGN_GITLAB };
RULE(stripe) = { .scheme = HOOKSIGN_STRIPE };
RULE(slack) = { .scheme = HOOKSIGN_SLACK };

/* The fields, a line each; how many signatures they have, -1: refused; what is signed in front. */
static const struct {
	const struct hooksign_rule *rule;
	const char *fields;
	int n_macs;
	const char *before;
} heads[] = {
	{ &github, "X-Hub-Signature-256: sha256=" HEX64 "\r\n", 1, "" },
	{ &github, "x-hub-signature-256: sha256=" HEX64 "\r\n", 1, "" },
	{ &github, "", -1, NULL },
	{ &github, "X-Hub-Signature: sha256=" HEX64 "\r\n", -1, NULL },
	{ &github, "X-Hub-Signature-256: " HEX64 "\r\n", -1, NULL },
	{ &github, "X-Hub-Signature-256: sha1=" HEX64 "\r\n", -1, NULL },
	{ &github, "X-Hub-Signature-256: SHA256=" HEX64 "\r\n", -1, NULL },
	{ &github, "X-Hub-Signature-256: sha256=" HEX64 "0\r\n", -1, NULL },
	{ &github, "X-Hub-Signature-256: sha256=" HEX64 " \r\n", 1, "" },
	{ &github, "X-Hub-Signature-256: sha256=\r\n", -1, NULL },
	{ &github, "X-Hub-Signature-256: sha256=757107EA0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n",
	  -1, NULL },
	{ &github, "X-Hub-Signature-256: sha256=" HEX64 "\r\nX-Hub-Signature-256: sha256=" HEX64 "\r\n",
	  -1, NULL },
	{ &standard, "webhook-id: a\r\nwebhook-timestamp: 17\r\nwebhook-signature: v1," B64 "\r\n", 1,
	  "a.17." },
	{ &standard, "webhook-id: a\r\nwebhook-timestamp: 17\r\nwebhook-signature: v1a,x v1," B64
	  " v1," B64 "\r\n", 2, "a.17." },
	{ &standard, "webhook-id: a\r\nwebhook-timestamp: 17\r\nwebhook-signature: v1a,x\r\n", -1, NULL },
	{ &standard, "webhook-id: a\r\nwebhook-timestamp: 17\r\nwebhook-signature: v1,xx\r\n", -1, NULL },
	{ &standard, "webhook-id: a\r\nwebhook-timestamp: 017\r\nwebhook-signature: v1," B64 "\r\n", -1,
	  NULL },
	{ &standard, "webhook-id: a\r\nwebhook-timestamp: -1\r\nwebhook-signature: v1," B64 "\r\n", -1,
	  NULL },
	{ &standard, "webhook-id: a\r\nwebhook-timestamp: 1234567890123\r\nwebhook-signature: v1," B64
	  "\r\n", -1, NULL },
	{ &standard, "webhook-id: a b\r\nwebhook-timestamp: 17\r\nwebhook-signature: v1," B64 "\r\n", -1,
	  NULL },
	{ &standard, "webhook-id: \r\nwebhook-timestamp: 17\r\nwebhook-signature: v1," B64 "\r\n", -1,
	  NULL },
	{ &standard, "webhook-timestamp: 17\r\nwebhook-signature: v1," B64 "\r\n", -1, NULL },
	{ &stripe, "Stripe-Signature: t=17,v1=" HEX64 ",v0=x\r\n", 1, "17." },
	{ &stripe, "Stripe-Signature: v1=" HEX64 ",t=17,v1=" HEX64 "\r\n", 2, "17." },
	{ &stripe, "Stripe-Signature: t=17,t=18,v1=" HEX64 "\r\n", -1, NULL },
	{ &stripe, "Stripe-Signature: v1=" HEX64 "\r\n", -1, NULL },
	{ &stripe, "Stripe-Signature: t=17\r\n", -1, NULL },
	{ &stripe, "Stripe-Signature: t=17,v1=0\r\n", -1, NULL },
	{ &stripe, "Stripe-Signature: \r\n", -1, NULL },
	{ &slack, "X-Slack-Signature: v0=" HEX64 "\r\nX-Slack-Request-Timestamp: 17\r\n", 1, "v0:17:" },
	{ &slack, "X-Slack-Signature: v1=" HEX64 "\r\nX-Slack-Request-Timestamp: 17\r\n", -1, NULL },
	{ &slack, "X-Slack-Signature: v0=" HEX64 "\r\n", -1, NULL },
	{ &gitlab, "X-Gitlab-Token: a b\r\n", 0, "" },
	{ &gitlab, "X-Gitlab-Token: \r\n", -1, NULL },
	{ &token, "Authorization: Bearer x\r\n", 0, "" },
	{ &token, "Authorization: Bearer \r\n", -1, NULL },
	{ &token, "Authorization: bearer x\r\n", -1, NULL },
	{ &own, "X-Own: v=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79\r\n", 1, "" },
	{ &own, "X-Own: effcdf6ae5eb2fa2d27416d5f184df9c259a7c79\r\n", -1, NULL },
	{ &own, "X-Own: v=" HEX64 "\r\n", -1, NULL },
	{ &own64, "X-Own: " B64 "\r\n", 1, "" },
};

START_TEST(reads_heads)
{
	static struct httphead h;
	char text[1024], why[HOOKSIGN_WHY] = "";
	struct httphead_cursor cursor = { 0 };
	struct httphead_error error;
	struct hooksign s;
	size_t used;
	bool ok;

	(void)snprintf(text, sizeof(text), "POST /hook/a/b HTTP/1.1\r\nHost: x\r\n%s\r\n",
	    heads[_i].fields);
	ck_assert_int_eq(httphead_decode(slice_of(text), &cursor, &h, &used, &error), HTTPHEAD_OK);
	ok = hooksign_read(heads[_i].rule, &h, &s, why);
	ck_assert_msg(ok == (heads[_i].n_macs >= 0), "row %d: %s", _i, why);
	ck_assert(ok == (*why == '\0'));
	if (!ok)
		return;
	ck_assert_int_eq((int)s.n_macs, heads[_i].n_macs);
	ck_assert((s.token.data != NULL) == (s.n_macs == 0));
	ck_assert(slice_is((struct slice){ s.before, s.before_len }, heads[_i].before));
	ck_assert_int_eq(s.has_time, s.before_len > 0);
	if (s.has_time)
		ck_assert_int_eq(s.time_sec, 17);
}
END_TEST

/* More signatures than a delivery has are refused, not cut. */
START_TEST(counts_signatures)
{
	static struct httphead h;
	char text[2048] = "POST / HTTP/1.1\r\nHost: x\r\nStripe-Signature: t=17", why[HOOKSIGN_WHY];
	struct httphead_error error;
	struct hooksign s;
	size_t used;

	for (int i = 1; i <= HOOKSIGN_MACS + 1; i++) {
		struct httphead_cursor cursor = { 0 };
		char whole[2100];

		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",v1=" HEX64);
		(void)snprintf(whole, sizeof(whole), "%s\r\n\r\n", text);
		ck_assert_int_eq(httphead_decode(slice_of(whole), &cursor, &h, &used, &error), HTTPHEAD_OK);
		ck_assert_int_eq(hooksign_read(&stripe, &h, &s, why), i <= HOOKSIGN_MACS);
	}
}
END_TEST

START_TEST(makes_keys)
{
	uint8_t key[HOOKSIGN_KEY_MAX];
	size_t len;

	ck_assert(hooksign_key(HOOKSIGN_GITHUB, SLICE("whsec_x"), key, &len) && len == 7);
	ck_assert(hooksign_key(HOOKSIGN_STANDARD, SLICE("whsec_QUJD"), key, &len) && len == 3);
	ck_assert_mem_eq(key, "ABC", 3);
	ck_assert(hooksign_key(HOOKSIGN_STANDARD, SLICE("QUJD"), key, &len) && len == 3);
	ck_assert(!hooksign_key(HOOKSIGN_STANDARD, SLICE("whsec_"), key, &len));
	ck_assert(!hooksign_key(HOOKSIGN_STANDARD, SLICE("a secret"), key, &len));
	ck_assert(!hooksign_key(HOOKSIGN_GITHUB, SLICE(""), key, &len));
}
END_TEST

static const struct {
	const char *text, *bytes;	/* NULL: refused */
} codes[] = {
	{ "", "" }, { "QQ==", "A" }, { "QUI=", "AB" }, { "QUJD", "ABC" }, { "QUJDRA==", "ABCD" },
	{ "QR==", NULL }, { "QUJ=", NULL }, { "QQ", NULL }, { "Q===", NULL }, { "====", NULL },
	{ "QQ=Q", NULL }, { "QU-D", NULL }, { "QUJD\n", NULL }, { "QUJDRUZHSElKS0xNTk8=", NULL },
};

START_TEST(decodes_base64)
{
	uint8_t bytes[8];
	size_t len = 99;
	int r = base64_decode(slice_of(codes[_i].text), bytes, sizeof(bytes), &len);

	ck_assert_int_eq(r == 0, codes[_i].bytes != NULL);
	if (r == 0)
		ck_assert(slice_is((struct slice){ (const char *)bytes, len }, codes[_i].bytes));
}
END_TEST

static const struct {
	const char *text, *names;	/* names with '|' behind each; NULL: no pointer */
} pointers[] = {
	{ "/a", "a|" }, { "/a/b", "a|b|" }, { "/", "|" }, { "//", "||" }, { "/a~1b/c~0d", "a/b|c~d|" },
	{ "/~01", "~1|" }, { "/0", "0|" }, { "", NULL }, { "a", NULL }, { "/~", NULL }, { "/~2", NULL },
	{ "/a~/b", NULL },
};

START_TEST(takes_pointers_apart)
{
	struct slice rest = slice_of(pointers[_i].text), name;
	char room[64], found[64] = "";

	ck_assert_int_eq(jsonpointer_is_valid(rest), pointers[_i].names != NULL);
	if (pointers[_i].names == NULL)
		return;
	while (jsonpointer_next(&rest, room, &name))
		(void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%.*s|",
		    (int)name.len, name.data);
	ck_assert_str_eq(found, pointers[_i].names);
}
END_TEST

START_TEST(finds_indices)
{
	size_t n;

	ck_assert(jsonpointer_index(SLICE("0"), &n) && n == 0);
	ck_assert(jsonpointer_index(SLICE("12"), &n) && n == 12);
	ck_assert(!jsonpointer_index(SLICE(""), &n) && !jsonpointer_index(SLICE("01"), &n));
	ck_assert(!jsonpointer_index(SLICE("-"), &n) && !jsonpointer_index(SLICE("1x"), &n));
	ck_assert(!jsonpointer_index(SLICE("1234567890"), &n));
}
END_TEST

static const struct {
	const char *text;
	int kind;		/* -1: refused */
	size_t span;
} sources[] = {
	{ "/a=b", HOOKSOURCE_POINTER, 2 }, { "/ref~refs/.*", HOOKSOURCE_POINTER, 4 },
	{ "/a~1b~c", HOOKSOURCE_POINTER, 5 }, { "/a~0=c", HOOKSOURCE_POINTER, 4 },
	{ "form:text=x", HOOKSOURCE_FORM, 9 }, { "query:a~1", HOOKSOURCE_QUERY, 7 },
	{ "header:X-Event=push", HOOKSOURCE_HEADER, 14 }, { "/a", HOOKSOURCE_POINTER, 2 },
	{ "header:X_Event=push", -1, 14 }, { "header:=push", -1, 7 }, { "form:=x", -1, 5 },
	{ "a=b", -1, 1 }, { "=b", -1, 0 }, { "", -1, 0 },
};

START_TEST(reads_sources)
{
	struct slice text = slice_of(sources[_i].text);
	size_t span = hooksource_span(text);
	struct hooksource s;
	const char *wrong = hooksource_parse((struct slice){ text.data, span }, &s);

	ck_assert_uint_eq(span, sources[_i].span);
	ck_assert_int_eq(wrong == NULL ? (int)s.kind : -1, sources[_i].kind);
}
END_TEST

UNIT_MAIN("hooksign",
    tcase_add_loop_test(tc, reads_heads, 0, (int)ARRAY_LEN(heads));
    tcase_add_test(tc, counts_signatures);
    tcase_add_test(tc, makes_keys);
    tcase_add_loop_test(tc, decodes_base64, 0, (int)ARRAY_LEN(codes));
    tcase_add_loop_test(tc, takes_pointers_apart, 0, (int)ARRAY_LEN(pointers));
    tcase_add_test(tc, finds_indices);
    tcase_add_loop_test(tc, reads_sources, 0, (int)ARRAY_LEN(sources)))
