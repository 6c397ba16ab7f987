/* SPDX-License-Identifier: ISC */
/*
 * handlerenv: the environment of a handler, and the channel that it answers by.
 */
#include "config.h"

#include "pool-peer.h"

START_TEST(environment_and_channel)
{
	static const char text[] =
	    LISTEN
	    "service \"env\" { handler = {\"/bin/sh\", \"-c\","
	    " \"echo noise; echo $REQD_SERVICE $REQD_CHANNEL $MODE >&3; exec cat >&3\"}\n"
	    "  environment = {\"MODE={{a}}\"} channel = fd3 }\n";
	struct leased a;
	char line[64] = "";

	configure(2, text);
	a = lease(0, "env");
	await_readable(a.out);
	ck_assert_int_gt(read(a.out, line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "env 3 {a}\n");
	await_readable(a.err);
	memset(line, 0, sizeof(line));
	ck_assert_int_gt(read(a.err, line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "noise\n");
	serves(&a);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, environment_and_channel);
}

UNIT_MAIN("handlerenv", add(tc))
