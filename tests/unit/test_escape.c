/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/escape.h"

#include "unit.h"

static const struct {
	struct slice in;
	const char *text, *word, *json;
} rows[] = {
	{ { "plain", 5 }, "plain", "plain", "\"plain\"" },
	{ { "", 0 }, "", "\"\"", "\"\"" },
	{ { "a b", 3 }, "a b", "\"a b\"", "\"a b\"" },
	{ { "a\nb\r\t", 5 }, "a\\nb\\r\\t", "\"a\\nb\\r\\t\"", "\"a\\u000ab\\u000d\\u0009\"" },
	{ { "q\"\\", 3 }, "q\\\"\\\\", "\"q\\\"\\\\\"", "\"q\\\"\\\\\"" },
	{ { "\0x", 2 }, "\\x00x", "\"\\x00x\"", "\"\\u0000x\"" },
	{ { "\x1b[31m", 5 }, "\\x1b[31m", "\"\\x1b[31m\"", "\"\\u001b[31m\"" },
	{ { "\x7f", 1 }, "\\x7f", "\"\\x7f\"", "\"\\u007f\"" },
	{ { "\xc3\xa9", 2 }, "\xc3\xa9", "\"\xc3\xa9\"", "\"\xc3\xa9\"" },
	/* C1 control (CSI as U+009B): printable nowhere */
	{ { "\xc2\x9b", 2 }, "\\xc2\\x9b", "\"\\xc2\\x9b\"", "\"\xc2\x9b\"" },
	/* overlong, surrogate, lone continuation, cut short */
	{ { "\xc0\xaf", 2 }, "\\xc0\\xaf", "\"\\xc0\\xaf\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ { "\xed\xa0\x80", 3 }, "\\xed\\xa0\\x80", "\"\\xed\\xa0\\x80\"",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ { "\xe2\x82", 2 }, "\\xe2\\x82", "\"\\xe2\\x82\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ { "\xf0\x9f\x98\x80", 4 }, "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"",
	    "\"\xf0\x9f\x98\x80\"" },
	{ { "\xf5\x80\x80\x80", 4 }, "\\xf5\\x80\\x80\\x80", "\"\\xf5\\x80\\x80\\x80\"",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

START_TEST(makes_bytes_harmless)
{
	struct buf b = BUF_INIT(0);

	ck_assert_int_eq(escape_text(&b, rows[_i].in, 100), 0);
	ck_assert_str_eq(buf_text(&b), rows[_i].text);
	buf_clear(&b);
	ck_assert_int_eq(escape_word(&b, rows[_i].in, 100), 0);
	ck_assert_str_eq(buf_text(&b), rows[_i].word);
	buf_clear(&b);
	ck_assert_int_eq(escape_json(&b, rows[_i].in), 0);
	ck_assert_str_eq(buf_text(&b), rows[_i].json);
	buf_done(&b);
}
END_TEST

START_TEST(cuts_what_is_long)
{
	struct buf b = BUF_INIT(0);

	ck_assert_int_eq(escape_text(&b, SLICE("0123456789"), 4), 0);
	ck_assert_str_eq(buf_text(&b), "0123...");
	buf_done(&b);
}
END_TEST

START_TEST(printable_fits)
{
	static const char s[] = "\x01\xc3\xa9\xc3\xa9\x01\x01";
	char text[40];

	ck_assert_str_eq(escape_printable(SLICE(s), text, 40), "\\x01\xc3\xa9\xc3\xa9\\x01\\x01");
	ck_assert_str_eq(escape_printable(SLICE(s), text, 20), "\\x01\xc3\xa9\xc3\xa9...");
	ck_assert_str_eq(escape_printable(SLICE(s), text, 16), "\\x01\xc3\xa9\\xc3...");
	ck_assert_str_eq(escape_printable(SLICE(s), text, 5), "\\x01");
	ck_assert_str_eq(escape_printable(SLICE(""), text, 5), "");
}
END_TEST

START_TEST(no_byte_pair_leaves_a_control_character)
{
	for (int hi = 0; hi < 256; hi++) {
		for (int lo = 0; lo < 256; lo++) {
			char pair[2] = { (char)hi, (char)lo };
			struct buf b = BUF_INIT(0);

			ck_assert_int_eq(escape_text(&b, (struct slice){ pair, 2 }, 10), 0);
			for (size_t i = 0; i < buf_len(&b); i++) {
				unsigned char c = (unsigned char)buf_data(&b)[i];

				ck_assert(c >= 0x20 && c != 0x7f);
			}
			buf_done(&b);
		}
	}
}
END_TEST

UNIT_MAIN("escape",
    tcase_add_loop_test(tc, makes_bytes_harmless, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, cuts_what_is_long);
    tcase_add_test(tc, printable_fits);
    tcase_add_test(tc, no_byte_pair_leaves_a_control_character))
