/* SPDX-License-Identifier: ISC */
/* lanes: who is let into the queue, who is next, and when. */
#include "config.h"

#include "auth/lanes.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "unit.h"

#define INTERVAL (50 * USEC_PER_MSEC)

static struct lanes lanes;

static struct digest
name(const char *text)
{
	struct slice part = slice_of(text);

	return digest_of(&part, 1);
}

static struct digest
number(const char *what, unsigned n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%s %u", what, n);
	return name(text);
}

static enum lanes_verdict
put(const char *source, const char *pair, size_t *ret_place)
{
	struct digest s = name(source), p = name(pair);

	return lanes_put(&lanes, &s, &p, ret_place);
}

static void
remember(const char *pair)
{
	struct digest p = name(pair);

	lanes_remember(&lanes, &p);
}

static void
setup(void)
{
	memset(&lanes, 0, sizeof(lanes));
}

START_TEST(test_order)
{
	size_t a, b, c, d;

	remember("known 1");
	remember("known 2");
	ck_assert_int_eq(put("s1", "new 1", &a), LANES_TAKEN);
	ck_assert_int_eq(put("s2", "known 1", &b), LANES_TAKEN);
	ck_assert_int_eq(put("s3", "new 2", &c), LANES_TAKEN);
	ck_assert_int_eq(put("s4", "known 2", &d), LANES_TAKEN);
	/* Known ones first, each lane in the order of its coming. */
	ck_assert_int_eq(lanes_take(&lanes, 1, 0), (int)b);
	ck_assert_int_eq(lanes_take(&lanes, 1, 0), (int)d);
	ck_assert_int_eq(lanes_take(&lanes, 1, 0), (int)a);
	ck_assert_int_eq(lanes_take(&lanes, 1, 0), (int)c);
	ck_assert_int_eq(lanes_take(&lanes, 1, 0), -1);
}
END_TEST

START_TEST(test_pace)
{
	uint64_t now = USEC_PER_SEC, last = 0;
	unsigned n = 0;
	size_t at;

	for (unsigned i = 0; i < LANES_QUEUE; i++) {
		struct digest s = number("s", i), p = number("p", i);

		ck_assert_int_eq(lanes_put(&lanes, &s, &p, &at), LANES_TAKEN);
	}
	ck_assert_uint_eq(lanes_seconds(&lanes, INTERVAL), 2);
	for (; n < LANES_QUEUE; now += USEC_PER_MSEC) {
		if (lanes_take(&lanes, now, INTERVAL) < 0)
			continue;
		ck_assert(last == 0 || now - last == INTERVAL);
		last = now;
		n++;
	}
	ck_assert_uint_eq(lanes_seconds(&lanes, INTERVAL), 1);
	/* Rest earns nothing: no burst follows. */
	ck_assert_int_eq(put("s", "p", &at), LANES_TAKEN);
	ck_assert_int_eq(put("s", "q", &at), LANES_TAKEN);
	now += 100 * USEC_PER_SEC;
	ck_assert_int_ge(lanes_take(&lanes, now, INTERVAL), 0);
	ck_assert_int_eq(lanes_take(&lanes, now, INTERVAL), -1);
}
END_TEST

START_TEST(test_source)
{
	size_t a, b, c;

	ck_assert_int_eq(put("s", "new 1", &a), LANES_TAKEN);
	ck_assert_int_eq(put("s", "new 2", &b), LANES_TAKEN);
	ck_assert_int_eq(put("s", "new 3", &c), LANES_FULL);
	ck_assert_int_eq(put("t", "new 3", &c), LANES_TAKEN);
	lanes_drop(&lanes, c);
	/* Somebody who is known takes the place of the last one from there. */
	remember("known 1");
	remember("known 2");
	remember("known 3");
	ck_assert_int_eq(put("s", "known 1", &c), LANES_OUSTS);
	ck_assert_uint_eq(c, b);
	ck_assert_int_eq(put("s", "known 2", &c), LANES_OUSTS);
	ck_assert_uint_eq(c, a);
	ck_assert_int_eq(put("s", "known 3", &c), LANES_FULL);
	ck_assert_uint_eq(lanes.n, 2);
}
END_TEST

/* A flood from many sources: those who are known get in, and wait for nobody but each other. */
START_TEST(test_flood)
{
	size_t at;

	for (unsigned i = 0; i < 5000; i++) {
		struct digest s = number("s", i), p = number("p", i);

		ck_assert_int_eq(lanes_put(&lanes, &s, &p, &at), i < LANES_QUEUE ? LANES_TAKEN :
		    LANES_FULL);
	}
	remember("known");
	ck_assert_int_eq(put("mine", "known", &at), LANES_OUSTS);
	ck_assert_uint_eq(lanes.n, LANES_QUEUE);
	ck_assert_int_eq(lanes_take(&lanes, 1, INTERVAL), (int)at);
	/* When all who wait are known, the next one has to come again. */
	for (unsigned i = 0; i < LANES_QUEUE; i++) {
		struct digest s = number("k", i), p = number("known", i);

		lanes_remember(&lanes, &p);
		ck_assert_int_eq(lanes_put(&lanes, &s, &p, &at), i == 0 ? LANES_TAKEN : LANES_OUSTS);
	}
	ck_assert_int_eq(put("mine", "known", &at), LANES_FULL);
}
END_TEST

START_TEST(test_memory)
{
	struct digest first = number("p", 0), s = name("s");
	unsigned kept = 0;
	size_t at;

	/* A pair that is used again and again stays, however many others come. */
	for (unsigned i = 1; i < 100000; i++) {
		struct digest p = number("p", i), t = number("t", i);

		lanes_remember(&lanes, &first);
		ck_assert_int_eq(lanes_put(&lanes, &t, &p, &at), LANES_TAKEN);
		lanes_drop(&lanes, at);
		lanes_remember(&lanes, &p);
	}
	ck_assert_int_eq(lanes_put(&lanes, &s, &first, &at), LANES_TAKEN);
	ck_assert(lanes.places[at].is_known);
	lanes_drop(&lanes, at);
	for (unsigned i = 1; i < 100000; i++) {
		struct digest p = number("p", i), t = number("t", i);

		ck_assert_int_eq(lanes_put(&lanes, &t, &p, &at), LANES_TAKEN);
		kept += lanes.places[at].is_known;
		lanes_drop(&lanes, at);
	}
	ck_assert_uint_le(kept, LANES_SETS * LANES_WAYS);
	ck_assert_uint_ge(kept, LANES_SETS * LANES_WAYS - LANES_WAYS);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_pace);
	tcase_add_test(tc, test_source);
	tcase_add_test(tc, test_flood);
	tcase_add_test(tc, test_memory);
}

UNIT_MAIN("lanes", add(tc))
