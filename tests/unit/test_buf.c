/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

START_TEST(appends_and_consumes_in_order)
{
	struct buf b = BUF_INIT(0);

	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(buf_append(&b, "abc", 3), 0);
		if (i % 3 == 0)
			buf_consume(&b, 2);
	}
	ck_assert_uint_eq(buf_len(&b), 10000 * 3 - 3334 * 2);
	ck_assert_int_eq(memcmp(buf_data(&b), "cabc", 4), 0);
	buf_done(&b);
}
END_TEST

START_TEST(never_passes_its_maximum)
{
	struct buf b = BUF_INIT(10);

	ck_assert_int_eq(buf_append(&b, "0123456789", 10), 0);
	ck_assert(!buf_failed(&b));
	ck_assert_int_eq(buf_append(&b, "x", 1), -EMSGSIZE);
	ck_assert(buf_failed(&b));
	ck_assert_uint_eq(buf_len(&b), 10);
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
	buf_done(&b);
}
END_TEST

START_TEST(writes_numbers)
{
	static const struct {
		int64_t v;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { 7, "7" }, { -7, "-7" }, { INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		ck_assert_int_eq(buf_append_i64(&b, rows[i].v), 0);
		ck_assert_str_eq(buf_text(&b), rows[i].text);
	}
	buf_clear(&b);
	ck_assert_int_eq(buf_append_u64(&b, UINT64_MAX), 0);
	ck_assert_str_eq(buf_text(&b), "18446744073709551615");
	buf_done(&b);
}
END_TEST

START_TEST(hands_over_what_is_left)
{
	struct buf b = BUF_INIT(0);
	size_t len;
	char *p;

	ck_assert_int_eq(buf_printf(&b, "%s-%d", "hello", 42), 0);
	buf_consume(&b, 6);
	p = buf_take(&b, &len);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(memcmp(p, "42", 2), 0);
	ck_assert_uint_eq(buf_len(&b), 0);
	free(p);
}
END_TEST

/* Room in front is for bytes that are known last. */
START_TEST(takes_bytes_in_front)
{
	struct buf b = BUF_INIT(0);

	ck_assert(!buf_prepend(&b, SLICE("x")));
	buf_leave_front(&b, 4);
	ck_assert_uint_eq(buf_len(&b), 0);
	ck_assert_int_eq(buf_append_str(&b, "text"), 0);
	/* Not in front of bytes. */
	buf_leave_front(&b, 4);
	ck_assert(!buf_prepend(&b, SLICE("12345")));
	ck_assert(buf_prepend(&b, SLICE("123")));
	ck_assert(buf_prepend(&b, SLICE("0")));
	ck_assert(!buf_prepend(&b, SLICE("x")));
	ck_assert(slice_is(buf_slice(&b), "0123text"));
	buf_done(&b);
}
END_TEST

UNIT_MAIN("buf", tcase_add_test(tc, appends_and_consumes_in_order);
    tcase_add_test(tc, never_passes_its_maximum); tcase_add_test(tc, writes_numbers);
    tcase_add_test(tc, hands_over_what_is_left); tcase_add_test(tc, takes_bytes_in_front))
