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

UNIT_MAIN("suggest", tcase_add_loop_test(tc, finds_the_likely_word, 0, sizeof(rows) / sizeof(rows[0])))
