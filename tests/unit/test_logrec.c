/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/logrec.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "logger/logsink.h"
#include "unit.h"

static struct logrec rec;

START_TEST(fields_come_out_as_they_went_in)
{
	struct logrec_view v;

	logrec_start(&rec, LOG_NOTICE);
	logrec_add_str(&rec, LOG_KEY_SERVICE, "count");
	logrec_add(&rec, LOG_KEY_ARGUMENTS, (struct slice){ "a\0b", 3 });
	logrec_add_u64(&rec, LOG_KEY_BYTES_IN, 42);
	ck_assert_int_eq(logrec_parse((struct slice){ rec.data, rec.len }, &v), 0);
	ck_assert_int_eq(v.level, LOG_NOTICE);
	ck_assert(slice_is(v.fields[LOG_KEY_SERVICE], "count"));
	ck_assert_uint_eq(v.fields[LOG_KEY_ARGUMENTS].len, 3);
	ck_assert(slice_is(v.fields[LOG_KEY_BYTES_IN], "42"));
	ck_assert_ptr_null(v.fields[LOG_KEY_CALLER].data);
	/* No prefix of it is taken for more than it holds. */
	for (size_t n = 0; n < rec.len; n++) {
		char copy[LOGREC_MAX];

		memcpy(copy, rec.data, n);
		(void)logrec_parse((struct slice){ copy, n }, &v);
		for (int k = 0; k < LOG_KEY_N; k++) {
			if (v.fields[k].data != NULL && v.fields[k].data >= copy &&
			    v.fields[k].data <= copy + sizeof(copy))
				ck_assert(v.fields[k].data + v.fields[k].len <= copy + n);
		}
		memset(&v, 0, sizeof(v));
	}
}
END_TEST

START_TEST(long_values_are_cut_not_overrun)
{
	static char big[3 * LOGREC_MAX];
	struct logrec_view v;

	memset(big, 'x', sizeof(big));
	logrec_start(&rec, LOG_INFO);
	for (int i = 0; i < 5; i++)
		logrec_add(&rec, LOG_KEY_STDERR, (struct slice){ big, sizeof(big) });
	ck_assert_uint_le(rec.len, LOGREC_MAX);
	ck_assert_int_eq(logrec_parse((struct slice){ rec.data, rec.len }, &v), 0);
}
END_TEST

START_TEST(a_full_log_never_blocks_and_tells_what_was_lost)
{
	static char in[LOGREC_MAX];
	struct logrec_view v;
	int pair[2], sent = 0;
	bool told = false;
	ssize_t n;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	log_open(pair[0]);
	while (log_dropped() == 0) {
		log_info("line %d", sent);
		sent++;
	}
	for (int i = 0; i < 9; i++)
		log_info("lost too");
	ck_assert_uint_eq(log_dropped(), 10);
	while ((n = recv(pair[1], in, sizeof(in), MSG_DONTWAIT)) > 0)
		continue;
	log_info("after");
	while ((n = recv(pair[1], in, sizeof(in), MSG_DONTWAIT)) > 0) {
		ck_assert_int_eq(logrec_parse((struct slice){ in, (size_t)n }, &v), 0);
		if (v.fields[LOG_KEY_DROPPED].data != NULL) {
			ck_assert(slice_is(v.fields[LOG_KEY_DROPPED], "10"));
			told = true;
		}
	}
	ck_assert(told);
	ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

/* One record is one line, whatever a client has put into it. */
START_TEST(hostile_values_stay_on_their_line)
{
	static const struct log_source from = { "worker 0", 1 };
	struct logrec_view v;
	struct buf text = BUF_INIT(0), json = BUF_INIT(0);

	logrec_start(&rec, LOG_INFO);
	logrec_add(&rec, LOG_KEY_CALLER, SLICE("x\n2026-01-01 forged line\x1b[2J\"\\\0"));
	logrec_add_str(&rec, LOG_KEY_SERVICE, "s");
	ck_assert_int_eq(logrec_parse((struct slice){ rec.data, rec.len }, &v), 0);
	ck_assert_int_eq(logsink_format_text(&text, &from, &v), 0);
	ck_assert_int_eq(logsink_format_json(&json, &from, &v), 0);
	ck_assert_ptr_eq(memchr(buf_data(&text), '\n', buf_len(&text)),
	    buf_data(&text) + buf_len(&text) - 1);
	ck_assert_ptr_eq(memchr(buf_data(&json), '\n', buf_len(&json)),
	    buf_data(&json) + buf_len(&json) - 1);
	ck_assert_ptr_null(memchr(buf_data(&text), '\x1b', buf_len(&text)));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "caller=\"x\\n2026-01-01 forged"));
	buf_done(&text);
	buf_done(&json);
}
END_TEST

/* A worker that was taken over may put anything where a number belongs. */
START_TEST(a_number_that_is_none_is_text)
{
	static const struct log_source from = { "worker 0", 1 };
	static const struct {
		const char *value, *json;
	} cases[] = {
		{ "0", "\"status\":0}" },
		{ "42", "\"status\":42}" },
		{ "18446744073709551615", "\"status\":18446744073709551615}" },
		{ "", "\"status\":\"\"}" },
		{ "007", "\"status\":\"007\"}" },
		{ "-1", "\"status\":\"-1\"}" },
		{ "1e9", "\"status\":\"1e9\"}" },
		{ "1,\"level\":\"emerg\"", "\"status\":\"1,\\\"level\\\":\\\"emerg\\\"\"}" },
		{ "1}\n{\"forged\":1", "\"status\":\"1}\\u000a{\\\"forged\\\":1\"}" },
		{ "123456789012345678901", "\"status\":\"123456789012345678901\"}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(0);
		struct logrec_view v;

		logrec_start(&rec, LOG_INFO);
		logrec_add_str(&rec, LOG_KEY_STATUS, cases[i].value);
		ck_assert_int_eq(logrec_parse((struct slice){ rec.data, rec.len }, &v), 0);
		ck_assert_int_eq(logsink_format_json(&b, &from, &v), 0);
		ck_assert_msg(strstr(buf_text(&b), cases[i].json) != NULL, "%s", buf_text(&b));
		buf_done(&b);
	}
}
END_TEST

START_TEST(nor_does_one_break_a_line_of_text)
{
	static const struct log_source from = { "worker 0", 1 };

	for (enum log_key key = LOG_KEY_MESSAGE; key < LOG_KEY_N; key++) {
		struct buf b = BUF_INIT(0);
		struct logrec_view v;

		logrec_start(&rec, LOG_INFO);
		logrec_add_str(&rec, key, "1\n2\x1b[2J");
		ck_assert_int_eq(logrec_parse((struct slice){ rec.data, rec.len }, &v), 0);
		ck_assert_int_eq(logsink_format_text(&b, &from, &v), 0);
		ck_assert_ptr_eq(memchr(buf_data(&b), '\n', buf_len(&b)),
		    buf_data(&b) + buf_len(&b) - 1);
		ck_assert_ptr_null(memchr(buf_data(&b), '\x1b', buf_len(&b)));
		buf_done(&b);
	}
}
END_TEST

UNIT_MAIN("logrec", tcase_add_test(tc, fields_come_out_as_they_went_in);
    tcase_add_test(tc, long_values_are_cut_not_overrun);
    tcase_add_test(tc, a_full_log_never_blocks_and_tells_what_was_lost);
    tcase_add_test(tc, hostile_values_stay_on_their_line);
    tcase_add_test(tc, a_number_that_is_none_is_text);
    tcase_add_test(tc, nor_does_one_break_a_line_of_text))
