/* SPDX-License-Identifier: ISC */
/* topsample: the differences between two samples of counters. */
#include "config.h"

#include "ctl/topsample.h"

#include <string.h>

#include "unit.h"

#define SECOND 1000000

static const char status_text[] =
    "{\"pid\":%d,\"uptime_usec\":5,\"services\":["
    "{\"name\":\"b\",\"state\":\"open\",\"unavailable\":null},"
    "{\"name\":\"a\",\"state\":\"drain\"},"
    "{\"name\":\"c\",\"state\":\"open\",\"unavailable\":\"no program\"},"
    "{\"name\":\"d\",\"state\":\"open\",\"pool\":{\"failing\":true}}]}";

static json_t *
parse(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	ck_assert_msg(j != NULL, "%s", text);
	return j;
}

/* A sample of reqd with this pid at that second; histograms and calls are JSON. */
static struct top_sample *
sample(int pid, unsigned second, const char *histograms, const char *calls)
{
	json_t *h = parse(histograms), *c = parse(calls);
	struct top_sample *s;
	char text[512];

	(void)snprintf(text, sizeof(text), status_text, pid);
	s = topsample_new(parse(text), h, c, (uint64_t)second * SECOND);
	json_decref(h);
	json_decref(c);
	return s;
}

static const struct top_service *
service(const struct top_sample *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->services[i].name, name) == 0)
			return &s->services[i];
	}
	ck_abort_msg("no service %s", name);
	return NULL;
}

START_TEST(the_interval_is_what_counts)
{
	/* A thousand slow calls long ago, and ten fast ones now. */
	struct top_sample *first = sample(1, 10, "{\"services\":[{\"name\":\"b\",\"calls\":1000,"
	    "\"failed\":4,\"rejected\":0,\"usec\":[[99,1],[900000,999]]}]}", "[]");
	struct top_sample *second = sample(1, 12, "{\"services\":[{\"name\":\"b\",\"calls\":1010,"
	    "\"failed\":7,\"rejected\":2,\"usec\":[[49,3],[99,6],[200,2],[900000,999]]}]}",
	    "[{\"service\":\"b\",\"state\":\"running\"},{\"service\":\"b\",\"state\":\"waiting\"},"
	    "{\"service\":\"gone\",\"state\":\"running\"},{\"service\":\"b\",\"state\":\"ending\"},"
	    "{\"service\":\"a\",\"state\":\"waiting\"}]");
	const struct top_service *b;

	topsample_compare(first, NULL);
	ck_assert_uint_eq(first->interval_usec, 0);
	topsample_compare(second, first);
	ck_assert_uint_eq(second->interval_usec, 2 * SECOND);
	b = service(second, "b");
	ck_assert_double_eq(b->rate, 5);
	ck_assert_double_eq(b->fail_rate, 1.5);
	ck_assert(b->has_times);
	ck_assert_uint_eq(b->p50_usec, 99);
	ck_assert_uint_eq(b->p99_usec, 200);
	ck_assert_uint_eq(b->running, 2);
	ck_assert_uint_eq(b->waiting, 1);
	ck_assert_uint_eq(service(second, "a")->waiting, 1);
	ck_assert(!service(second, "a")->has_times);
	ck_assert_double_eq(second->rate, 5);
	topsample_free(first);
	topsample_free(second);
}
END_TEST

START_TEST(states_are_known)
{
	struct top_sample *s = sample(1, 1, "{}", "[]");

	ck_assert_str_eq(service(s, "a")->state, "drain");
	ck_assert_str_eq(service(s, "b")->state, "open");
	ck_assert_str_eq(service(s, "c")->state, "out");
	ck_assert_str_eq(service(s, "d")->state, "out");
	topsample_free(s);
}
END_TEST

/* Counters of another reqd are no difference; counters that go back were begun anew. */
START_TEST(a_restart_is_no_interval)
{
	struct top_sample *first = sample(1, 10, "{\"services\":[{\"name\":\"b\",\"calls\":100,"
	    "\"usec\":[[5,100]]}]}", "[]");
	struct top_sample *second = sample(_i == 0 ? 2 : 1, 11, "{\"services\":[{\"name\":\"b\","
	    "\"calls\":3,\"usec\":[[5,3]]}]}", "[]");

	topsample_compare(second, first);
	if (_i == 0) {
		ck_assert_uint_eq(second->interval_usec, 0);
	} else {
		ck_assert_double_eq(service(second, "b")->rate, 3);
		ck_assert_uint_eq(service(second, "b")->p99_usec, 5);
	}
	topsample_free(first);
	topsample_free(second);
}
END_TEST

/* Answers of any form: nothing is read that is not there. */
START_TEST(odd_answers_are_empty)
{
	static const char *const odd[] = {
		"{}", "{\"services\":7}", "{\"services\":[7,{},{\"name\":5}]}",
		"{\"services\":[{\"name\":\"b\",\"calls\":-3,\"usec\":[7,[1],[-1,-1],[1,2,3],{}]}]}",
		"{\"services\":[{\"name\":\"b\"},{\"name\":\"b\",\"calls\":5}]}",
	};
	json_t *histograms, *calls;
	struct top_sample *first = sample(1, 1, "{}", "[]");
	struct top_sample *s = sample(1, 2, odd[_i], "[1,{},{\"service\":4}]");

	topsample_compare(s, first);
	ck_assert_double_eq(s->rate, 0);
	json_decref(topsample_json(s));
	topsample_free(first);
	topsample_free(s);
	histograms = parse("[]");
	calls = parse("{}");
	s = topsample_new(parse("{\"services\":[1,{}],\"pid\":\"x\"}"), histograms, calls, 1);
	json_decref(histograms);
	json_decref(calls);
	json_decref(topsample_json(s));
	topsample_free(s);
}
END_TEST

START_TEST(the_history_has_an_end)
{
	struct top_sample *before = sample(1, 1, "{}", "[]"), *s = NULL;

	for (unsigned i = 2; i < 2 * TOP_HISTORY; i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "{\"services\":[{\"name\":\"b\",\"calls\":%u}]}",
		    i * i);
		s = sample(1, i, text, "[]");
		topsample_compare(s, before);
		topsample_free(before);
		before = s;
	}
	ck_assert_uint_eq(service(s, "b")->n_history, TOP_HISTORY);
	ck_assert_double_eq(service(s, "b")->history[0], 4 * TOP_HISTORY - 3);
	ck_assert_double_eq(service(s, "b")->history[1], 4 * TOP_HISTORY - 5);
	topsample_free(s);
}
END_TEST

START_TEST(the_order_is_that_of_a_key)
{
	struct top_sample *first = sample(1, 1, "{}", "[]");
	struct top_sample *s = sample(1, 2, "{\"services\":["
	    "{\"name\":\"a\",\"calls\":5,\"failed\":1,\"usec\":[[10,5]]},"
	    "{\"name\":\"b\",\"calls\":9,\"failed\":0,\"usec\":[[5,8],[50,1]]},"
	    "{\"name\":\"c\",\"calls\":2,\"failed\":2,\"usec\":[[7,2]]}]}",
	    "[{\"service\":\"d\",\"state\":\"running\"},{\"service\":\"c\",\"state\":\"waiting\"}]");
	static const char *const orders[TOP_KEYS] = {
		[TOP_BY_NAME] = "abcd", [TOP_BY_RATE] = "bacd", [TOP_BY_RUNNING] = "dabc",
		[TOP_BY_WAITING] = "cabd", [TOP_BY_FAILED] = "cabd", [TOP_BY_P50] = "acbd",
		[TOP_BY_P99] = "bacd",
	};
	char got[5] = "";

	topsample_compare(s, first);
	topsample_sort(s, (enum top_key)_i);
	for (size_t i = 0; i < 4; i++)
		got[i] = s->order[i]->name[0];
	ck_assert_str_eq(got, orders[_i]);
	topsample_free(first);
	topsample_free(s);
}
END_TEST

UNIT_MAIN("topsample", tcase_add_test(tc, the_interval_is_what_counts);
    tcase_add_test(tc, states_are_known);
    tcase_add_loop_test(tc, a_restart_is_no_interval, 0, 2);
    tcase_add_loop_test(tc, odd_answers_are_empty, 0, 5);
    tcase_add_test(tc, the_history_has_an_end);
    tcase_add_loop_test(tc, the_order_is_that_of_a_key, 0, TOP_KEYS))
