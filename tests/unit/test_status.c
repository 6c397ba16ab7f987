/* SPDX-License-Identifier: ISC */
/*
 * status: the JSON in which the master tells about all processes. Every reader
 * takes it, whatever the pages of the other processes hold.
 */
#include "config.h"

#include "master/status.h"

#include <jansson.h>

#include "ipc/stats.h"
#include "master-peer.h"

static json_t *
status(void)
{
	struct buf b = BUF_INIT(0);
	json_t *j;

	ck_assert_int_eq(status_format_json(m, &b), 0);
	j = json_loadb(buf_data(&b), buf_len(&b), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json_is_object(j), "not JSON: %s", buf_text(&b));
	buf_done(&b);
	return j;
}

static struct stats *
page_of(size_t i)
{
	struct process *p = process(i);

	if (p->stats == NULL)
		p->stats = calloc(1, sizeof(*p->stats));
	ck_assert_ptr_nonnull(p->stats);
	return p->stats;
}

static json_int_t
number(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	ck_assert_msg(json_is_integer(v), "no number %s", key);
	return json_integer_value(v);
}

START_TEST(roles_are_told_as_they_are)
{
	json_t *j, *workers;

	page_of(WORKER_1)->connections_open = 3;
	page_of(BROKER)->queued = 4;
	page_of(WORKER_0)->log_dropped = 5;
	page_of(RUNNER)->log_dropped = 6;
	j = status();
	workers = json_object_get(j, "workers");
	ck_assert_uint_eq(json_array_size(workers), 2);
	ck_assert_int_eq(number(json_array_get(workers, 1), "slot"), 1);
	ck_assert_int_eq(number(json_array_get(workers, 1), "connections"), 3);
	ck_assert_int_eq(number(json_array_get(workers, 0), "pid"), process(WORKER_0)->pid);
	ck_assert_int_eq(number(json_object_get(j, "broker"), "queued"), 4);
	ck_assert_int_eq(number(json_object_get(j, "log"), "dropped"), 11);
	json_decref(j);
}
END_TEST

/* A process that could never be started has no page. */
START_TEST(a_process_may_have_no_page)
{
	json_t *j;

	process(WORKER_1)->stats = NULL;
	process(BROKER)->stats = NULL;
	j = status();
	ck_assert_int_eq(number(json_object_get(j, "broker"), "started"), 0);
	json_decref(j);
}
END_TEST

START_TEST(a_scribbled_page_spoils_nothing)
{
	json_t *j, *workers;

	page_of(WORKER_1)->connections_open = 3;
	memset(page_of(WORKER_0), 0xff, sizeof(struct stats));
	if (_i == 1)
		page_of(WORKER_0)->generation = m->now.conf->generation;
	j = status();
	workers = json_object_get(j, "workers");
	ck_assert_int_eq(number(json_array_get(workers, 0), "bytes_in"), ((json_int_t)1 << 53) - 1);
	ck_assert_int_eq(number(json_array_get(workers, 1), "connections"), 3);
	json_decref(j);
}
END_TEST

MASTER_MAIN("status", tcase_add_test(tc, roles_are_told_as_they_are);
    tcase_add_test(tc, a_process_may_have_no_page);
    tcase_add_loop_test(tc, a_scribbled_page_spoils_nothing, 0, 2))
