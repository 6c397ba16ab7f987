/* SPDX-License-Identifier: ISC */
/* Replies of HTTP, and their dates. */
#include "config.h"

#include "proto/httpreply.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jsonbuf.h"
#include "proto/httpchunk.h"
#include "proto/httpdate.h"
#include "unit.h"

START_TEST(writes_a_reply)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

	httpreply_begin(&b, 200, "Sun, 06 Nov 1994 08:49:37 GMT");
	httpreply_field(&b, "Content-Type", SLICE("text/plain; charset=utf-8"));
	httpreply_number(&b, "Content-Length", 0);
	httpreply_fixed(&b, "Reqd-Ran", "yes");
	httpreply_end(&b);
	ck_assert_str_eq(buf_text(&b), "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\nReqd-Ran: yes\r\n\r\n");
	buf_clear(&b);
	httpreply_begin(&b, 599, NULL);
	ck_assert_str_eq(buf_text(&b), "HTTP/1.1 599 Unknown\r\n");
}
END_TEST

START_TEST(no_byte_ends_a_line)
{
	for (int c = 0; c < 256; c++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
		char value[3] = { 'a', (char)c, 'b' }, want[16];

		httpreply_field(&b, "X", (struct slice){ value, 3 });
		(void)snprintf(want, sizeof(want), "X: a%cb\r\n", c >= ' ' && c < 0x7f ? c : '?');
		ck_assert_str_eq(buf_text(&b), want);
	}
}
END_TEST

START_TEST(a_full_buffer_is_marked)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(10);

	httpreply_begin(&b, 200, NULL);
	ck_assert(buf_failed(&b));
	httpreply_field(&b, "X", SLICE("0123456789"));
	ck_assert(buf_failed(&b));
}
END_TEST

/* Chunks that are written can be read again. */
START_TEST(chunks_are_read_again)
{
	static const size_t sizes[] = { 1, 9, 10, 15, 16, 255, 256, 4095, 4096, 65535, 65536 };
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	static char bytes[65536];
	struct httpchunk c = { 0 };
	struct slice rest, data;
	const char *why;
	size_t used;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		httpreply_chunk(&b, (struct slice){ bytes, sizes[i] });
	httpreply_chunk(&b, (struct slice){ bytes, 0 });
	httpreply_chunk_begin(&b, 5);
	(void)buf_append_str(&b, "hello");
	httpreply_chunk_end(&b);
	httpreply_chunk_last(&b);
	httpreply_end(&b);
	ck_assert(!buf_failed(&b));
	rest = buf_slice(&b);
	for (size_t i = 0; i <= ARRAY_LEN(sizes); i++) {
		ck_assert_int_eq(httpchunk_decode(&c, rest, &used, &data, &why), HTTPCHUNK_DATA);
		ck_assert_uint_eq(data.len, i < ARRAY_LEN(sizes) ? sizes[i] : 5);
		rest.data += used;
		rest.len -= used;
	}
	ck_assert_int_eq(httpchunk_decode(&c, rest, &used, &data, &why), HTTPCHUNK_END);
	ck_assert_uint_eq(used, rest.len);
}
END_TEST

START_TEST(writes_problems)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

	httpproblem_open(&b, &(struct httpproblem){ 422, "BADARG", SLICE("size: \"x\xff\r\n\" is none"),
	    "no" });
	jsonbuf_text(&b, "argument", "size");
	jsonbuf_close(&b, '}');
	ck_assert_str_eq(buf_text(&b), "{\"title\":\"Unprocessable Content\",\"status\":422,"
	    "\"code\":\"BADARG\",\"detail\":\"size: \\\"x\xef\xbf\xbd\\u000d\\u000a\\\" is none\",\"ran\":\"no\","
	    "\"argument\":\"size\"}");
	buf_clear(&b);
	httpproblem_open(&b, &(struct httpproblem){ .status = 400 });
	jsonbuf_close(&b, '}');
	ck_assert_str_eq(buf_text(&b), "{\"title\":\"Bad Request\",\"status\":400}");
}
END_TEST

static void
require_date(uint64_t seconds)
{
	const time_t t = (time_t)seconds;
	char got[HTTPDATE_TEXT], want[64];
	struct tm tm;

	ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
	ck_assert_uint_gt(strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm), 0);
	httpdate_format(seconds, got);
	ck_assert_str_eq(got, want);
}

START_TEST(dates_are_those_of_the_library)
{
	char last[HTTPDATE_TEXT];

	/* Each day until after 2400, and some seconds of each. */
	for (uint64_t day = 0; day < 160000; day++)
		require_date(day * 86400 + day * 7919 % 86400);
	require_date(784111777);
	require_date(UINT64_C(253402300799));
	httpdate_format(UINT64_MAX, last);
	ck_assert_str_eq(last, "Fri, 31 Dec 9999 23:59:59 GMT");
}
END_TEST

UNIT_MAIN("httpreply",
    tcase_add_test(tc, writes_a_reply);
    tcase_add_test(tc, no_byte_ends_a_line);
    tcase_add_test(tc, a_full_buffer_is_marked);
    tcase_add_test(tc, chunks_are_read_again);
    tcase_add_test(tc, writes_problems);
    tcase_add_test(tc, dates_are_those_of_the_library))
