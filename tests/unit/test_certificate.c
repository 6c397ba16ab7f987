/* SPDX-License-Identifier: ISC */
/* certificate: warnings about certificates that are not valid, or soon will not be. */
#include "config.h"

#include "conf/certificate.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "conf/errors.h"
#include "unit.h"

#define DAY 86400

static const struct {
	int64_t from, until;	/* seconds from now */
	const char *warning;	/* NULL: none */
} rows[] = {
	{ -DAY, 15 * DAY, NULL },
	{ -DAY, 14 * DAY - 60, " ends in 13 days, on " },
	{ -DAY, 3600, " ends in 0 days, on " },
	{ -2 * DAY, -60, " has ended on " },
	{ 3600, 100 * DAY, " is not valid before " },
};

static void
format(int64_t at, char ret[static 32])
{
	time_t t = (time_t)at;

	(void)strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
}

START_TEST(warnings)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 }, notes = { 0 };
	int64_t now = time(NULL);
	char text[512], from[32], until[32];
	struct conf *c;

	format(now + rows[_i].from, from);
	format(now + rows[_i].until, until);
	(void)snprintf(text, sizeof(text), "listen \"tls://127.0.0.1\" { certificate = \"/x.crt\" "
	    "pin = \"p\" valid-from = \"%s\" valid-until = \"%s\" chain = {\"c\"} }\n"
	    "listen \"tcp://127.0.0.1\" {}\n", from, until);
	ck_assert_int_eq(conf_parse(text, strlen(text), 1, &c, &errors), 0);
	ck_assert(certificate_is_needed(c));
	ck_assert_int_le(certificate_left(&c->listeners[0].cert, now), rows[_i].until);
	ck_assert_int_eq(c->listeners[0].key_fd, -1);
	certificate_warn(c, &notes);
	ck_assert_uint_eq(notes.n, rows[_i].warning != NULL);
	if (notes.n > 0) {
		ck_assert_ptr_nonnull(strstr(notes.list[0].text, "tls://127.0.0.1:7374: "));
		ck_assert_msg(strstr(notes.list[0].text, rows[_i].warning) != NULL, "%s",
		    notes.list[0].text);
	}
	(void)conf_unref(c);
}
END_TEST

START_TEST(is_for_tls_only)
{
	CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
	static const char text[] = "listen \"tcp://127.0.0.1\" {}\nlisten \"fd://main\" {}\n";
	static const char with[] = "listen \"fd://main\" { tls = yes }\n";
	struct conf *c;

	ck_assert_int_eq(conf_parse(text, strlen(text), 1, &c, &errors), 0);
	ck_assert(!certificate_is_needed(c));
	(void)conf_unref(c);
	ck_assert_int_eq(conf_parse(with, strlen(with), 1, &c, &errors), 0);
	ck_assert(certificate_is_needed(c));
	(void)conf_unref(c);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, warnings, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, is_for_tls_only);
}

UNIT_MAIN("certificate", add(tc))
