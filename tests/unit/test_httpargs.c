/* SPDX-License-Identifier: ISC */
/* httpargs: query, form and JSON as words NAME=VALUE. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "door/http/httpargs.h"
#include "unit.h"

static const struct httpargs_limits limits = { .max_arguments = 5, .argument_limit = 12 };

/* All words, with blanks between them; or the status. */
static const char *
words_of(const char *query, const char *body, bool is_json)
{
	static char text[512];
	CLEANUP(httpargs_done) struct httpargs a;
	const struct slice *words;
	unsigned status;
	size_t n;

	httpargs_init(&a, &limits);
	status = httpargs_add_form(&a, slice_of(query));
	if (status == HTTPARGS_OK && body != NULL)
		status = is_json ? httpargs_add_json(&a, slice_of(body)) :
		    httpargs_add_form(&a, slice_of(body));
	if (status == HTTPARGS_OK)
		status = httpargs_finish(&a, &words, &n);
	*text = '\0';
	if (status != HTTPARGS_OK) {
		ck_assert_str_ne(a.why, "");
		(void)snprintf(text, sizeof(text), "%u", status);
		return text;
	}
	for (size_t i = 0; i < n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
		    i > 0 ? " " : "", (int)words[i].len, words[i].data);
	return text;
}

static const struct {
	const char *query, *body, *words;
} forms[] = {
	{ "", NULL, "" },
	{ "a=1&b=2", NULL, "a=1 b=2" },
	{ "a=1&&b", NULL, "a=1 b=" },
	{ "a=x%20y+z%26", NULL, "a=x y z&" },
	{ "a==", NULL, "a==" },
	{ "a=1&a=2", NULL, "a=1 a=2" },
	{ "a=1", "b=2&b=3", "a=1 b=2 b=3" },
	{ "a-b_9=1", NULL, "a-b_9=1" },
	{ "a=1", "a=2", "400" },
	{ "a%3D=1", NULL, "400" },
	{ "A=1", NULL, "400" },
	{ "=1", NULL, "400" },
	{ "a=%zz", NULL, "400" },
	{ "a=123456789012", NULL, "a=123456789012" },
	{ "a=1234567890123", NULL, "413" },
	{ "a=1&b=2&c=3&d=4&e=5", NULL, "a=1 b=2 c=3 d=4 e=5" },
	{ "a=1&b=2&c=3&d=4&e=5", "f=6", "413" },
};

START_TEST(reads_forms)
{
	ck_assert_str_eq(words_of(forms[_i].query, forms[_i].body, false), forms[_i].words);
}
END_TEST

static const struct {
	const char *query, *body, *words;
} objects[] = {
	{ "", "{}", "" },
	{ "", "{\"a\": \"x y\", \"b\": 2}", "a=x y b=2" },
	{ "q=1", "{\"a\": \"\"}", "q=1 a=" },
	{ "", "{\"a\": -9223372036854775808}", "413" },
	{ "", "{\"a\": 1.5, \"b\": 1e3, \"c\": -0.25}", "a=1.5 b=1000 c=-0.25" },
	{ "", "{\"a\": true, \"b\": false, \"c\": null}", "a=yes b=no" },
	{ "", "{\"a\": [1, \"b\", true]}", "a=1 a=b a=yes" },
	{ "", "{\"a\": []}", "" },
	{ "", "{\"a\": \"\xc3\xa9\\u00e9\"}", "a=\xc3\xa9\xc3\xa9" },
	/* mistakes */
	{ "", "", "400" },
	{ "", "[]", "400" },
	{ "", "\"a\"", "400" },
	{ "", "{\"a\": 1", "400" },
	{ "", "{\"a\": 1} x", "400" },
	{ "", "{\"a\": 1, \"a\": 2}", "400" },
	{ "", "{'a': 1}", "400" },
	{ "", "{\"a\": 01}", "400" },
	{ "", "{\"a\": 99999999999999999999}", "400" },
	{ "", "{\"a\": 1e999}", "400" },
	{ "", "{\"a\": \"\xff\"}", "400" },
	{ "", "{\"a\": \"\\u0000\"}", "400" },
	{ "", "{\"a\": {}}", "422" },
	{ "", "{\"a\": [[]]}", "422" },
	{ "", "{\"a\": [{\"b\": 1}]}", "422" },
	{ "", "{\"a=b\": 1}", "400" },
	{ "", "{\"\": 1}", "400" },
	{ "", "{\"A\": 1}", "400" },
	{ "a=1", "{\"a\": 2}", "400" },
	{ "", "{\"a\": [1,2,3,4,5,6]}", "413" },
	{ "", "{\"a\": \"1234567890123\"}", "413" },
};

START_TEST(reads_json)
{
	ck_assert_str_eq(words_of(objects[_i].query, objects[_i].body, true), objects[_i].words);
}
END_TEST

START_TEST(deep_and_long_json_is_refused)
{
	CLEANUP_FREE char *text = malloc(HTTPARGS_JSON_MAX + 2);
	CLEANUP(httpargs_done) struct httpargs a;

	ck_assert_ptr_nonnull(text);
	httpargs_init(&a, &limits);
	memset(text, '[', HTTPARGS_JSON_MAX + 1);
	ck_assert_uint_eq(httpargs_add_json(&a, (struct slice){ text, HTTPARGS_JSON_MAX }), 400);
	ck_assert_uint_eq(httpargs_add_json(&a, (struct slice){ text, HTTPARGS_JSON_MAX + 1 }), 413);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, reads_forms, 0, ARRAY_LEN(forms));
	tcase_add_loop_test(tc, reads_json, 0, ARRAY_LEN(objects));
	tcase_add_test(tc, deep_and_long_json_is_refused);
}

UNIT_MAIN("httpargs", add(tc))
