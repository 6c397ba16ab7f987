/* SPDX-License-Identifier: ISC */
/* Queries and forms. */
#include "config.h"

#include "proto/httpform.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

#define PAIRS 4

static const struct {
	const char *text;
	const char *pairs[2 * PAIRS];
} right[] = {
	{ "", { NULL } },
	{ "&&", { NULL } },
	{ "a", { "a", "" } },
	{ "a=", { "a", "" } },
	{ "a=1&b=2", { "a", "1", "b", "2" } },
	{ "&a=1&&b=2&", { "a", "1", "b", "2" } },
	{ "a=1&a=2", { "a", "1", "a", "2" } },
	{ "a=b=c", { "a", "b=c" } },
	{ "a+b=c+d%2B%26%3d", { "a b", "c d+&=" } },
	{ "%61=%C3%a4", { "a", "\xc3\xa4" } },
	{ "a;b=1", { "a;b", "1" } },
	{ "a=1&b=2&c=3&d=4", { "a", "1", "b", "2", "c", "3", "d", "4" } },
};

START_TEST(reads_forms)
{
	struct slice text = slice_of(right[_i].text);
	CLEANUP_FREE char *room = malloc(text.len + 1);
	struct httppair pairs[PAIRS];
	size_t n = 99;

	ck_assert_ptr_nonnull(room);
	ck_assert_ptr_null(httpform_parse(text, room, pairs, PAIRS, &n));
	for (size_t i = 0; i < n; i++) {
		ck_assert(slice_is(pairs[i].name, right[_i].pairs[2 * i]));
		ck_assert(slice_is(pairs[i].value, right[_i].pairs[2 * i + 1]));
		ck_assert(pairs[i].value.data + pairs[i].value.len <= room + text.len);
	}
	ck_assert(n == PAIRS || right[_i].pairs[2 * n] == NULL);
}
END_TEST

START_TEST(refuses_wrong_forms)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "=", "no name" },
		{ "a=1&=2", "no name" },
		{ "a=%", "'%'" },
		{ "a=%4", "'%'" },
		{ "a=%4g", "'%'" },
		{ "%=a", "'%'" },
		{ "a=1&b=%&c", "'%'" },
		{ "a=%4&1", "'%'" },
		{ "a&b&c&d&e", "too many" },
	};
	struct httppair pairs[PAIRS];
	char room[64];
	size_t n = 99;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *why = httpform_parse(slice_of(wrong[i].text), room, pairs, PAIRS, &n);

		ck_assert_msg(why != NULL && strstr(why, wrong[i].why) != NULL, "%s", wrong[i].text);
		ck_assert_uint_eq(n, 99);
	}
}
END_TEST

START_TEST(each_byte_comes_back)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned c = 0; c < 256; c++) {
		char text[6] = { 'a', '=', '%', digits[c >> 4], digits[c & 15], '\0' }, room[6];
		struct httppair pair;
		size_t n;

		ck_assert_ptr_null(httpform_parse(slice_of(text), room, &pair, 1, &n));
		ck_assert(pair.value.len == 1 && pair.value.data[0] == (char)c);
	}
}
END_TEST

UNIT_MAIN("httpform",
    tcase_add_loop_test(tc, reads_forms, 0, ARRAY_LEN(right));
    tcase_add_test(tc, refuses_wrong_forms);
    tcase_add_test(tc, each_byte_comes_back))
