/* SPDX-License-Identifier: ISC */
/* Lines of the file of logins, tokens, and the letters of both. */
#include "config.h"

#include "proto/credential.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "base/cleanup.h"
#include "proto/bearer.h"
#include "proto/loginurl.h"

#define HASH "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq8w"

/* ------------------------------------------------------------ base64url --- */

static const struct {
	const char *bytes, *text;
} letters[] = {
	{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" },
	{ "\xff\xfe\xfd", "__79" }, { "\xfb\xef", "--8" },
};

START_TEST(bytes_are_letters)
{
	const char *bytes = letters[_i].bytes;
	size_t len = strlen(bytes);
	uint8_t back[8] = { 0 };
	char text[16];

	base64url_encode((const uint8_t *)bytes, len, text);
	ck_assert_str_eq(text, letters[_i].text);
	ck_assert_int_eq(base64url_decode(slice_of(text), back, len), 0);
	ck_assert_mem_eq(back, bytes, len);
}
END_TEST

START_TEST(each_value_has_one_text)
{
	static const char *const wrong[] = { "Zh", "Zg=", "Z", "Zg==", "Z g", "Z+", "Z/", "" };
	uint8_t byte;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_int_eq(base64url_decode(slice_of(wrong[i]), &byte, 1), -EINVAL);
}
END_TEST

/* --------------------------------------------------------------- tokens --- */

START_TEST(a_token_is_found_right)
{
	uint8_t random[BEARER_RANDOM];
	char token[BEARER_TEXT];

	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)(i * 7);
	bearer_format(random, token);
	ck_assert_uint_eq(strlen(token), BEARER_LEN);
	ck_assert(bearer_is_like(slice_of(token)));
	ck_assert(bearer_is_valid(slice_of(token)));
	ck_assert(!bearer_is_valid((struct slice){ token, BEARER_LEN - 1 }));
}
END_TEST

/* No slip of one letter goes unnoticed. */
START_TEST(a_mistyped_token_is_no_token)
{
	const uint8_t random[BEARER_RANDOM] = { 1, 2, 3 };
	char token[BEARER_TEXT];

	bearer_format(random, token);
	for (size_t i = 0; i < BEARER_LEN; i++) {
		char was = token[i];

		token[i] = was == 'x' ? 'y' : 'x';
		ck_assert_msg(!bearer_is_valid(slice_of(token)), "letter %zu", i);
		token[i] = was;
	}
	ck_assert(bearer_is_valid(slice_of(token)));
}
END_TEST

/* ---------------------------------------------------------------- lines --- */

static const struct {
	const char *line;
	enum credential_status status;
	const char *why;	/* the reason begins so */
} lines[] = {
	{ "", CREDENTIAL_BLANK, NULL },
	{ "  \t", CREDENTIAL_BLANK, NULL },
	{ "# alice:token$x", CREDENTIAL_BLANK, NULL },
	{ "ci:token$" HASH, CREDENTIAL_OK, NULL },
	{ "ci:token$" HASH ":", CREDENTIAL_OK, NULL },
	{ "ci:token$" HASH "  ", CREDENTIAL_OK, NULL },
	{ "web1:key$" HASH ":from=10.0.0.0/8|fd00::/8", CREDENTIAL_OK, NULL },
	{ "a.b-c_9:token$" HASH ":label=x,expires=2027-01-31,services=a|b,off", CREDENTIAL_OK, NULL },
	{ "ci:token$" HASH ":label=x, off", CREDENTIAL_OK, NULL },
	{ "alice:$y$j9T$abc$" HASH ":label=typed", CREDENTIAL_OK, NULL },
	{ "alice:$6$abc$" HASH HASH, CREDENTIAL_OK, NULL },
	{ "alice:$y$j9T$abc$def", CREDENTIAL_BAD, "the hash of the password is cut off" },
	{ "alice:$6$rounds=x$abc$" HASH HASH, CREDENTIAL_BAD, "the hash of the password asks" },
	{ "ci", CREDENTIAL_BAD, "a line begins with LOGIN:SECRET" },
	{ ":token$" HASH, CREDENTIAL_BAD, "a login is" },
	{ "Ci:token$" HASH, CREDENTIAL_BAD, "a login is" },
	{ "c i:token$" HASH, CREDENTIAL_BAD, "a login is" },
	{ " ci:token$" HASH, CREDENTIAL_BAD, "a login is" },
	{ "-ci:token$" HASH, CREDENTIAL_BAD, "a login is" },
	{ "ci:", CREDENTIAL_BAD, "behind the login" },
	{ "ci:secret", CREDENTIAL_BAD, "behind the login" },
	{ "ci:$1$abc$def", CREDENTIAL_BAD, "behind the login" },
	{ "ci:reqd_abcdef", CREDENTIAL_BAD, "the token itself" },
	{ "ci:token$" HASH "A", CREDENTIAL_BAD, "behind token$" },
	{ "ci:token$abc", CREDENTIAL_BAD, "behind token$" },
	{ "ci:token$" HASH ":offf", CREDENTIAL_BAD, "behind the secret" },
	{ "ci:token$" HASH ":off,off", CREDENTIAL_BAD, "'off' stands" },
	{ "ci:token$" HASH ":label=a,label=b", CREDENTIAL_BAD, "a word stands" },
	{ "ci:token$" HASH ":label=", CREDENTIAL_BAD, "a word has no value" },
	{ "ci:token$" HASH ":label=a b", CREDENTIAL_BAD, "a label" },
	{ "ci:token$" HASH ":expires=2027-02-29", CREDENTIAL_BAD, "'expires'" },
	{ "ci:token$" HASH ":expires=2027-13-01", CREDENTIAL_BAD, "'expires'" },
	{ "ci:token$" HASH ":expires=2027-1-1", CREDENTIAL_BAD, "'expires'" },
	{ "ci:token$" HASH ":expires=tomorrow", CREDENTIAL_BAD, "'expires'" },
	{ "ci:token$" HASH "\x01", CREDENTIAL_BAD, "a character" },
	{ "c\xc3\xa4:token$" HASH, CREDENTIAL_BAD, "a character" },
};

START_TEST(lines_are_read)
{
	struct credential_line c;
	const char *why = NULL;

	ck_assert_int_eq(credential_parse(slice_of(lines[_i].line), &c, &why), lines[_i].status);
	if (lines[_i].status == CREDENTIAL_BAD)
		ck_assert_msg(strncmp(why, lines[_i].why, strlen(lines[_i].why)) == 0, "%s", why);
}
END_TEST

START_TEST(all_words_are_kept)
{
	const struct slice line = SLICE("ci:token$" HASH
	    ":label=github,expires=2027-01-31,services=deploy|status,from=10.0.0.0/8,off");
	struct slice services, one;
	struct credential_line c;
	const char *why;

	ck_assert_int_eq(credential_parse(line, &c, &why), CREDENTIAL_OK);
	ck_assert(slice_is(c.login, "ci"));
	ck_assert(slice_is(c.secret, "token$" HASH));
	ck_assert(slice_is(c.hash, HASH));
	ck_assert_int_eq(c.kind, CREDENTIAL_TOKEN);
	ck_assert(slice_is(c.label, "github"));
	ck_assert(slice_is(c.expires, "2027-01-31"));
	ck_assert(slice_is(c.from, "10.0.0.0/8"));
	ck_assert(c.off);
	services = c.services;
	ck_assert(credential_next(&services, &one) && slice_is(one, "deploy"));
	ck_assert(credential_next(&services, &one) && slice_is(one, "status"));
	ck_assert(!credential_next(&services, &one));
}
END_TEST

START_TEST(days_end_at_midnight)
{
	int64_t sec = 0;

	ck_assert_int_eq(credential_date(SLICE("2027-01-31"), &sec), 0);
	ck_assert_int_eq(sec, 1801440000);	/* 2027-02-01 00:00:00 */
	ck_assert_int_eq(credential_date(SLICE("2028-02-29"), &sec), 0);
	ck_assert_int_eq(sec, 1835481600);	/* 2028-03-01 00:00:00 */
	ck_assert_int_eq(credential_date(SLICE("1900-01-01"), &sec), -EINVAL);
}
END_TEST

START_TEST(ids_tell_logins_and_secrets_apart)
{
	char a[CREDENTIAL_ID_TEXT], b[CREDENTIAL_ID_TEXT];

	credential_id(SLICE("ab"), SLICE("c"), a);
	ck_assert_uint_eq(strlen(a), 16);
	ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 16);
	credential_id(SLICE("a"), SLICE("bc"), b);
	ck_assert_str_ne(a, b);
	credential_id(SLICE("ab"), SLICE("c"), b);
	ck_assert_str_eq(a, b);
}
END_TEST

/* ------------------------------------------------------------------ URL --- */

static const struct {
	const char *text, *scheme, *login, *secret, *rest, *pin;	/* NULL: none */
} urls[] = {
	{ "tcp://h:1", "tcp://", NULL, NULL, "h:1", NULL },
	{ "h:1", "", NULL, NULL, "h:1", NULL },
	{ "/run/x", "", NULL, NULL, "/run/x", NULL },
	{ "", "", NULL, NULL, "", NULL },
	{ "tls://web1:reqd_x@a.example.org:7374#sha256:abc", "tls://", "web1", "reqd_x",
	    "a.example.org:7374", "sha256:abc" },
	{ "unix://ci:tok@/run/reqd.sock", "unix://", "ci", "tok", "/run/reqd.sock", NULL },
	{ "tcp://ci:p@ss:w@[::1]:7373", "tcp://", "ci", "p@ss:w", "[::1]:7373", NULL },
	{ "ci@host", "", "ci", NULL, "host", NULL },
	{ "tcp://:x@h", "tcp://", "", "x", "h", NULL },
	{ "tcp://ci:@h", "tcp://", "ci", "", "h", NULL },
	{ "tls://h#p", "tls://", NULL, NULL, "h", "p" },
	{ "://", "", NULL, NULL, "://", NULL },
	/* A path is no login, whatever it holds. */
	{ "unix:///srv/a:b@c/x.sock", "unix://", NULL, NULL, "/srv/a:b@c/x.sock", NULL },
	{ "/srv/a:b@c", "", NULL, NULL, "/srv/a:b@c", NULL },
};

static void
same(struct slice got, const char *wanted, const char *text)
{
	ck_assert_msg(wanted == NULL ? got.data == NULL : slice_is(got, wanted), "%s: %.*s", text,
	    (int)got.len, got.data != NULL ? got.data : "");
}

START_TEST(urls_are_taken_apart)
{
	const char *text = urls[_i].text;
	struct loginurl u;

	loginurl_split(slice_of(text), &u);
	same(u.scheme, urls[_i].scheme, text);
	same(u.login, urls[_i].login, text);
	same(u.secret, urls[_i].secret, text);
	same(u.rest, urls[_i].rest, text);
	same(u.pin, urls[_i].pin, text);
	ck_assert_int_eq(loginurl_has_secret(slice_of(text)), urls[_i].secret != NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("credential");
	TCase *t = tcase_create("letters");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, bytes_are_letters, 0, (int)ARRAY_LEN(letters));
	tcase_add_test(t, each_value_has_one_text);
	tcase_add_test(t, a_token_is_found_right);
	tcase_add_test(t, a_mistyped_token_is_no_token);
	suite_add_tcase(s, t);
	t = tcase_create("lines");
	tcase_add_loop_test(t, lines_are_read, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(t, all_words_are_kept);
	tcase_add_test(t, days_end_at_midnight);
	tcase_add_test(t, ids_tell_logins_and_secrets_apart);
	suite_add_tcase(s, t);

	t = tcase_create("urls");
	tcase_add_loop_test(t, urls_are_taken_apart, 0, (int)ARRAY_LEN(urls));
	suite_add_tcase(s, t);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
