/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/suggest.h"

#include "unit.h"

static const char *const words[] = { "timeout", "queue-timeout", "umask", "user", "group", "allow" };

static const struct {
	const char *word, *expected;
} rows[] = {
	{ "timout", "timeout" }, { "tiemout", "timeout" }, { "TIMEOUT", "timeout" },
	{ "usr", "user" }, { "alow", "allow" }, { "groups", "group" }, { "xyzzy", NULL }, { "", NULL },
	{ "q", NULL }, { "queuetimeout", "queue-timeout" },
	{ "queue", "queue-timeout" }, { "TI", "timeout" }, { "u", NULL },
};

START_TEST(finds_the_likely_word)
{
	const char *found = suggest_word(rows[_i].word, words, sizeof(words) / sizeof(words[0]));

	if (rows[_i].expected == NULL)
		ck_assert_ptr_null(found);
	else
		ck_assert_str_eq(found, rows[_i].expected);
}
END_TEST

START_TEST(the_beginning_of_several_is_no_word)
{
	static const char *const many[] = { "disk-usage", "disk-health" };

	ck_assert_ptr_null(suggest_word("disk", many, 2));
	ck_assert_str_eq(suggest_word("disk", many, 1), "disk-usage");
	ck_assert_str_eq(suggest_word("disk-u", many, 2), "disk-usage");
}
END_TEST

UNIT_MAIN("suggest",
    tcase_add_loop_test(tc, finds_the_likely_word, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, the_beginning_of_several_is_no_word))
