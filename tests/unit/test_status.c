/* SPDX-License-Identifier: ISC */
/*
 * status: the JSON that tells about all processes. Every reader takes it, whatever
 * the pages of the processes hold.
 */
#include "config.h"

#include "control/status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conf/errors.h"
#include "control/control.h"
#include "ipc/roster.h"
#include "ipc/stats.h"
#include "unit.h"

enum { RUNNER = ROLE_PROCESS(ROLE_RUNNER, 0), BROKER = ROLE_PROCESS(ROLE_BROKER, 0) };

static struct control control;
static struct roster roster;
static struct stats *pages;	/* by process; gigabytes, of which little is touched */

static void
set_up(void)
{
	static const char text[] = "listen \"tcp://127.0.0.1:1\" {}\nworkers = 2\n";
	struct conf_errors errors = { 0 };

	if (conf_parse(text, strlen(text), 1, &control.member.current, &errors) < 0)
		ck_abort_msg("%s", errors.list[0].text);
	pages = mmap(NULL, ROLE_MAX_PROCESSES * sizeof(*pages), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(pages, MAP_FAILED);
	for (size_t i = 0; i < ROLE_MAX_PROCESSES; i++)
		control.pages[i] = &pages[i];
	roster.processes[0].pid = 1000;
	roster.processes[0].state = roster.processes[1].state = PROCESS_SERVING;
}

static void
tear_down(void)
{
	conf_unref(control.member.current);
	(void)munmap(pages, ROLE_MAX_PROCESSES * sizeof(*pages));
}

static json_t *
status(void)
{
	struct buf b = BUF_INIT(0);
	json_t *j;

	ck_assert_int_eq(status_format_json(&control, &roster, &b), 0);
	j = json_loadb(buf_data(&b), buf_len(&b), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json_is_object(j), "not JSON: %s", buf_text(&b));
	buf_done(&b);
	return j;
}

static json_int_t
number(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	ck_assert_msg(json_is_integer(v), "no number %s", key);
	return json_integer_value(v);
}

static const char *
state(const json_t *j)
{
	return json_string_value(json_object_get(j, "state"));
}

START_TEST(roles_are_told_as_they_are)
{
	json_t *j, *workers;

	pages[1].connections_open = 3;
	pages[BROKER].queued = 4;
	pages[0].log_dropped = 5;
	pages[RUNNER].log_dropped = 6;
	roster.processes[ROLE_PROCESS(ROLE_CONTROL, 0)].restarts = 7;
	j = status();
	workers = json_object_get(j, "workers");
	ck_assert_uint_eq(json_array_size(workers), 2);
	ck_assert_int_eq(number(json_array_get(workers, 1), "slot"), 1);
	ck_assert_int_eq(number(json_array_get(workers, 1), "connections"), 3);
	ck_assert_int_eq(number(json_array_get(workers, 0), "pid"), 1000);
	ck_assert_int_eq(number(json_object_get(j, "broker"), "queued"), 4);
	ck_assert_int_eq(number(json_object_get(j, "log"), "dropped"), 11);
	ck_assert_int_eq(number(json_object_get(j, "control"), "restarts"), 7);
	json_decref(j);
}
END_TEST

/* A worker that is not wanted any more is told of as long as it is there. */
START_TEST(a_worker_too_many_retires)
{
	json_t *j = status(), *workers = json_object_get(j, "workers");

	ck_assert_str_eq(state(json_array_get(workers, 1)), "serving");
	json_decref(j);
	roster.processes[5] = (struct roster_process){ .pid = 9, .state = PROCESS_SERVING };
	j = status();
	workers = json_object_get(j, "workers");
	ck_assert_uint_eq(json_array_size(workers), 3);
	ck_assert_int_eq(number(json_array_get(workers, 2), "slot"), 5);
	ck_assert_str_eq(state(json_array_get(workers, 2)), "retiring");
	json_decref(j);
}
END_TEST

/* A process that could never be started has no page. */
START_TEST(a_process_may_have_no_page)
{
	json_t *j;

	control.pages[1] = NULL;
	control.pages[BROKER] = NULL;
	j = status();
	ck_assert_int_eq(number(json_object_get(j, "broker"), "started"), 0);
	json_decref(j);
}
END_TEST

START_TEST(a_scribbled_page_spoils_nothing)
{
	json_t *j, *workers;

	pages[1].connections_open = 3;
	memset(&pages[0], 0xff, sizeof(struct stats));
	if (_i == 1)
		pages[0].generation = 1;
	j = status();
	workers = json_object_get(j, "workers");
	ck_assert_int_eq(number(json_array_get(workers, 0), "bytes_in"), ((json_int_t)1 << 53) - 1);
	ck_assert_int_eq(number(json_array_get(workers, 1), "connections"), 3);
	json_decref(j);
}
END_TEST

UNIT_MAIN("status", tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, roles_are_told_as_they_are); tcase_add_test(tc, a_worker_too_many_retires);
    tcase_add_test(tc, a_process_may_have_no_page);
    tcase_add_loop_test(tc, a_scribbled_page_spoils_nothing, 0, 2))
