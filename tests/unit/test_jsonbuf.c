/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/jsonbuf.h"

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

	jsonbuf_open(&b, NULL, '{');
	jsonbuf_open(&b, "none", '[');
	jsonbuf_close(&b, ']');
	jsonbuf_open(&b, "list", '[');
	jsonbuf_open(&b, NULL, '{');
	jsonbuf_close(&b, '}');
	jsonbuf_number(&b, NULL, 1);
	jsonbuf_text(&b, NULL, "");
	jsonbuf_open(&b, NULL, '[');
	jsonbuf_null(&b, NULL);
	jsonbuf_close(&b, ']');
	jsonbuf_close(&b, ']');
	jsonbuf_bool(&b, "yes", true);
	jsonbuf_bool(&b, "no", false);
	jsonbuf_text(&b, "missing", NULL);
	jsonbuf_close(&b, '}');
	expect(&b, "{\"none\":[],\"list\":[{},1,\"\",[null]],\"yes\":true,\"no\":false,"
	    "\"missing\":null}");
}
END_TEST

/* A text may end with an open bracket. */
START_TEST(texts_are_no_structure)
{
	struct buf b = BUF_INIT(0);

	jsonbuf_open(&b, NULL, '[');
	jsonbuf_text(&b, NULL, "{");
	jsonbuf_text(&b, NULL, "a\"b\\\n:");
	jsonbuf_text(&b, NULL, "[");
	jsonbuf_close(&b, ']');
	expect(&b, "[\"{\",\"a\\\"b\\\\\\u000a:\",\"[\"]");
}
END_TEST

START_TEST(numbers_are_those_that_every_reader_takes)
{
	struct buf b = BUF_INIT(0);

	jsonbuf_open(&b, NULL, '[');
	jsonbuf_number(&b, NULL, 0);
	jsonbuf_number(&b, NULL, (UINT64_C(1) << 53) - 1);
	jsonbuf_number(&b, NULL, UINT64_C(1) << 53);
	jsonbuf_number(&b, NULL, UINT64_MAX);
	jsonbuf_close(&b, ']');
	expect(&b, "[0,9007199254740991,9007199254740991,9007199254740991]");
}
END_TEST

UNIT_MAIN("jsonbuf", tcase_add_test(tc, commas_stand_between_values_only);
    tcase_add_test(tc, texts_are_no_structure);
    tcase_add_test(tc, numbers_are_those_that_every_reader_takes))
