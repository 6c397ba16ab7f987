/* SPDX-License-Identifier: ISC */
/* hookmac: the makers' own examples, those of RFC 2202 and RFC 4231, and each bit of them. */
#include "config.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "door/http/hookmac.h"
#include "unit.h"

#define JEFE "what do ya want for nothing?"
#define SLACK_BODY                                                                            \
	"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="  \
	"G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-" \
	"collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F3977"  \
	"00885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d1" \
	"0d2c447fce8b6703c"
#define OWN(hash_, field_) { .scheme = HOOKSIGN_HMAC, .field = field_, .prefix = "", .hash = hash_ }

static const struct vector {
	struct hooksign_rule rule;
	const char *secret, *fields, *body;
	bool is_own;		/* made by openssl; there is no example of the maker */
} vectors[] = {
	{ { .scheme = HOOKSIGN_GITHUB }, "It's a Secret to Everybody",
	  "X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
	  "Hello, World!", false },
	{ { .scheme = HOOKSIGN_STANDARD }, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	  "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\nwebhook-timestamp: 1614265330\r\n"
	  "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	  "{\"test\": 2432232314}", false },
	{ { .scheme = HOOKSIGN_SLACK }, "8f742231b10e8888abcd99yyyzzz85a5",
	  "X-Slack-Request-Timestamp: 1531420618\r\nX-Slack-Signature: "
	  "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", SLACK_BODY, false },
	{ { .scheme = HOOKSIGN_STRIPE }, "whsec_test",
	  "Stripe-Signature: t=1492774577,v1="
	  "0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b", "{}", true },
	{ OWN(HOOKSIGN_SHA1, "X"), "Jefe", "X: effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", JEFE, false },
	{ OWN(HOOKSIGN_SHA256, "X"), "Jefe",
	  "X: 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", JEFE, false },
	{ OWN(HOOKSIGN_SHA384, "X"), "Jefe", "X: af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec37"
	  "36322445e8e2240ca5e69e2c78b3239ecfab21649", JEFE, false },
	{ OWN(HOOKSIGN_SHA512, "X"), "Jefe", "X: 164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd"
	  "7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737", JEFE, false },
	{ { .scheme = HOOKSIGN_GITLAB }, "a token", "X-Gitlab-Token: a token", "", true },
};

static void
read_head(const struct vector *v, struct hooksign *ret)
{
	static struct httphead h;
	static char text[1024];
	char why[HOOKSIGN_WHY];
	struct httphead_cursor cursor = { 0 };
	struct httphead_error error;
	size_t used;

	(void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", v->fields);
	ck_assert_int_eq(httphead_decode(slice_of(text), &cursor, &h, &used, &error), HTTPHEAD_OK);
	ck_assert_msg(hooksign_read(&v->rule, &h, ret, why), "%s", why);
}

START_TEST(knows_the_true_one)
{
	const struct vector *v = &vectors[_i];
	char id[HOOKMAC_ID_TEXT], again[HOOKMAC_ID_TEXT], other[1024];
	struct slice body = slice_of(v->body), secret = slice_of(v->secret);
	struct hooksign s, forged;
	size_t i;

	ck_assert_int_eq(hookmac_load(), 0);
	read_head(v, &s);
	ck_assert(hookmac_verify(&v->rule, &s, secret, body, id));
	ck_assert_uint_eq(strlen(id), hooksign_is_signed(v->rule.scheme) ? 69 : 0);
	for (i = 0; i < s.mac_len * 8 && s.n_macs > 0; i++) {
		forged = s;
		forged.macs[0][i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert(!hookmac_verify(&v->rule, &forged, secret, body, again));
		ck_assert_str_eq(again, "");
	}
	for (i = 0; i < s.before_len * 8; i++) {
		forged = s;
		forged.before[i / 8] = (char)(forged.before[i / 8] ^ 1 << i % 8);
		ck_assert(!hookmac_verify(&v->rule, &forged, secret, body, again));
	}
	for (i = 0; i < body.len * 8 && s.n_macs > 0; i++) {
		memcpy(other, body.data, body.len);
		other[i / 8] = (char)(other[i / 8] ^ 1 << i % 8);
		ck_assert(!hookmac_verify(&v->rule, &s, secret, (struct slice){ other, body.len }, again));
	}
	/* Of several signatures any may be the true one. */
	if (s.n_macs > 0) {
		forged = s;
		memcpy(forged.macs[1], s.macs[0], s.mac_len);
		forged.macs[0][0] ^= 1;
		forged.n_macs = 2;
		ck_assert(hookmac_verify(&v->rule, &forged, secret, body, again));
		ck_assert_str_eq(again, id);
	}
}
END_TEST

START_TEST(knows_other_secrets)
{
	const struct vector *v = &vectors[_i];
	char id[HOOKMAC_ID_TEXT], other[64];
	struct hooksign s;
	size_t len = strlen(v->secret);

	read_head(v, &s);
	memcpy(other, v->secret, len);
	other[len - 1] = other[len - 1] == 'A' ? 'B' : 'A';
	ck_assert(!hookmac_verify(&v->rule, &s, (struct slice){ other, len }, slice_of(v->body), id));
	ck_assert(!hookmac_verify(&v->rule, &s, SLICE(""), slice_of(v->body), id));
	if (v->rule.scheme != HOOKSIGN_STANDARD)
		ck_assert(!hookmac_verify(&v->rule, &s, (struct slice){ v->secret, len - 1 },
		    slice_of(v->body), id));
}
END_TEST

UNIT_MAIN("hookmac",
    tcase_add_loop_test(tc, knows_the_true_one, 0, (int)ARRAY_LEN(vectors));
    tcase_add_loop_test(tc, knows_other_secrets, 0, (int)ARRAY_LEN(vectors)))
