/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/json.h"

#include <string.h>

#include "unit.h"

static void
expect(struct buf *b, const char *text)
{
	ck_assert(!buf_failed(b));
	ck_assert_str_eq(buf_text(b), text);
	buf_done(b);
}

START_TEST(commas_stand_between_values_only)
{
	struct buf b = BUF_INIT(0);

	json_open(&b, NULL, '{');
	json_open(&b, "none", '[');
	json_close(&b, ']');
	json_open(&b, "list", '[');
	json_open(&b, NULL, '{');
	json_close(&b, '}');
	json_number(&b, NULL, 1);
	json_text(&b, NULL, "");
	json_open(&b, NULL, '[');
	json_null(&b, NULL);
	json_close(&b, ']');
	json_close(&b, ']');
	json_bool(&b, "yes", true);
	json_bool(&b, "no", false);
	json_text(&b, "missing", NULL);
	json_close(&b, '}');
	expect(&b, "{\"none\":[],\"list\":[{},1,\"\",[null]],\"yes\":true,\"no\":false,"
	    "\"missing\":null}");
}
END_TEST

/* A text that ends as an open bracket does. */
START_TEST(texts_are_no_structure)
{
	struct buf b = BUF_INIT(0);

	json_open(&b, NULL, '[');
	json_text(&b, NULL, "{");
	json_text(&b, NULL, "a\"b\\\n:");
	json_text(&b, NULL, "[");
	json_close(&b, ']');
	expect(&b, "[\"{\",\"a\\\"b\\\\\\u000a:\",\"[\"]");
}
END_TEST

START_TEST(numbers_are_those_that_every_reader_takes)
{
	struct buf b = BUF_INIT(0);

	json_open(&b, NULL, '[');
	json_number(&b, NULL, 0);
	json_number(&b, NULL, (UINT64_C(1) << 53) - 1);
	json_number(&b, NULL, UINT64_C(1) << 53);
	json_number(&b, NULL, UINT64_MAX);
	json_close(&b, ']');
	expect(&b, "[0,9007199254740991,9007199254740991,9007199254740991]");
}
END_TEST

UNIT_MAIN("json", tcase_add_test(tc, commas_stand_between_values_only);
    tcase_add_test(tc, texts_are_no_structure);
    tcase_add_test(tc, numbers_are_those_that_every_reader_takes))
