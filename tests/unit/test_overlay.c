/* SPDX-License-Identifier: ISC */
/*
 * States of services and the level of the log as administrators set them: what a
 * configuration gets of them, and when. The test is control and the reloads.
 */
#include "config.h"

#include "master/overlay.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/logrec.h"
#include "unit.h"

#define SERVICE(name) "service \"" name "\" { command = {\"/bin/true\"} }\n"

static struct loop loop;
static struct overlay o;
static char told[512];
static uint64_t told_id;
static unsigned n_due;

static void
on_told(struct overlay *overlay, uint64_t id, struct slice json)
{
	ck_assert_ptr_eq(overlay, &o);
	told_id = id;
	(void)snprintf(told, sizeof(told), "%.*s", (int)json.len, json.data);
}

static void
on_due(struct overlay *overlay)
{
	ck_assert_ptr_eq(overlay, &o);
	n_due++;
}

static struct conf *
conf_of(const char *services, uint32_t generation)
{
	CLEANUP_FREE char *text = NULL;
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;

	ck_assert_int_gt(asprintf(&text, "listen \"tcp://127.0.0.1:1\" {}\n%s", services), 0);
	if (conf_parse(text, strlen(text), generation, &c, &errors) < 0)
		ck_abort_msg("%s", errors.list[0].text);
	return c;
}

static void
set_up(void)
{
	log_set_level(-1);
	ck_assert_int_eq(loop_init(&loop), 0);
	overlay_init(&o, &loop, on_told, on_due);
	told[0] = '\0';
	told_id = 0;
	n_due = 0;
}

static void
tear_down(void)
{
	overlay_release(&o);
}

/* A part of a change: one service, by its number. True: a reload is wanted. */
static bool
part(const struct conf *c, enum overlay_what what, uint16_t service, const char *text,
    bool is_first, bool is_last, uint64_t id)
{
	struct frame f = { .type = FRAME_OVERLAY, .id = id };

	f.overlay.what = (uint8_t)what;
	f.overlay.service = service;
	f.overlay.uid = 17;
	f.overlay.is_first = is_first;
	f.overlay.is_last = is_last;
	(void)strlcpy(f.overlay.text, text, sizeof(f.overlay.text));
	return overlay_note(&o, &f, c);
}

/* A whole change. */
static bool
set(const struct conf *c, enum overlay_what what, uint16_t service, const char *text, uint64_t id)
{
	return part(c, what, service, text, true, true, id);
}

static bool
set_level(uint8_t level, uint64_t for_usec, uint64_t id)
{
	struct frame f = { .type = FRAME_OVERLAY, .id = id };

	f.overlay.what = OVERLAY_LEVEL;
	f.overlay.level = level;
	f.overlay.for_usec = for_usec;
	f.overlay.is_first = f.overlay.is_last = 1;
	return overlay_note(&o, &f, NULL);
}

/* A reload that succeeds, to a configuration with these services. */
static struct conf *
reloaded(const char *services, uint32_t generation)
{
	struct conf *to = conf_of(services, generation);

	ck_assert_int_eq(overlay_begin(&o), 0);
	ck_assert_int_eq(overlay_apply(&o.next, to, LOG_INFO), 0);
	overlay_done(&o, to);
	return to;
}

static const struct service *
service(const struct conf *c, const char *name)
{
	return conf_find_service(c, name, strlen(name));
}

START_TEST(a_change_is_complete_with_its_last_part)
{
	struct conf *c = conf_of(SERVICE("a") SERVICE("b") SERVICE("c"), 1);

	ck_assert(!part(c, OVERLAY_DRAIN, 2, "why", true, false, 0));
	ck_assert(!overlay_is_pending(&o));
	ck_assert(part(c, OVERLAY_DRAIN, 0, "why", false, true, 5));
	ck_assert(overlay_is_pending(&o));
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("b") SERVICE("c"), 2);
	ck_assert_uint_eq(told_id, 5);
	ck_assert_str_eq(told, "{\"ok\":true,\"generation\":2}");
	ck_assert(!overlay_is_pending(&o));
	ck_assert_int_eq(service(c, "a")->state, SERVICE_DRAINED);
	ck_assert_str_eq(service(c, "a")->state_text, "why");
	ck_assert_str_eq(service(c, "a")->state_by, "uid:17");
	ck_assert_uint_eq(strlen(service(c, "a")->state_since), 20);
	ck_assert_int_eq(service(c, "b")->state, SERVICE_OPEN);
	ck_assert_int_eq(service(c, "c")->state, SERVICE_DRAINED);
	ck_assert(!c->is_drained);
	conf_unref(c);
	/* And over a reload of the files. */
	c = reloaded(SERVICE("a") SERVICE("c"), 3);
	ck_assert(c->is_drained);
	conf_unref(c);
}
END_TEST

/* Control dies, or names what is not there: nothing of the change stays. */
START_TEST(half_of_a_change_is_none)
{
	struct conf *c = conf_of(SERVICE("a") SERVICE("b"), 1);

	ck_assert(!part(c, OVERLAY_PAUSE, 0, "", true, false, 0));
	if (_i == 0) {
		overlay_forget_partial(&o);
	} else {
		ck_assert(!part(_i == 1 ? NULL : c, OVERLAY_PAUSE, 2, "", false, true, 4));
		ck_assert_uint_eq(told_id, 4);
		ck_assert_ptr_nonnull(strstr(told, "try again"));
	}
	ck_assert(!overlay_is_pending(&o));
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("b"), 2);
	ck_assert_int_eq(service(c, "a")->state, SERVICE_OPEN);
	conf_unref(c);
}
END_TEST

/*
 * The rest of a change was lost, and another one comes: of the lost one nothing is put in
 * force, neither with the next change nor with a reload in between.
 */
START_TEST(a_lost_rest_is_forgotten)
{
	struct conf *c = conf_of(SERVICE("a") SERVICE("b") SERVICE("c"), 1);

	ck_assert(set(c, OVERLAY_PAUSE, 2, "before", 1));
	ck_assert(!part(c, OVERLAY_DRAIN, 0, "lost", true, false, 2));
	ck_assert(overlay_is_pending(&o));
	if (_i == 0) {
		ck_assert(set(c, OVERLAY_DRAIN, 1, "next", 3));
		ck_assert(!part(c, OVERLAY_DRAIN, 0, "late", false, true, 4));
		ck_assert_uint_eq(told_id, 4);
		ck_assert_ptr_nonnull(strstr(told, "missing"));
	} else if (_i == 1) {
		overlay_forget_partial(&o);
	}
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("b") SERVICE("c"), 2);
	ck_assert_int_eq(service(c, "a")->state, SERVICE_OPEN);
	ck_assert_int_eq(service(c, "b")->state, _i == 0 ? SERVICE_DRAINED : SERVICE_OPEN);
	ck_assert_int_eq(service(c, "c")->state, SERVICE_PAUSED);
	ck_assert_uint_eq(told_id, _i == 0 ? 3 : 1);
	/* What comes in time is put in force by the next reload. */
	if (_i == 2)
		ck_assert(part(c, OVERLAY_DRAIN, 1, "rest", false, true, 5));
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("b") SERVICE("c"), 3);
	ck_assert_int_eq(service(c, "a")->state, _i == 2 ? SERVICE_DRAINED : SERVICE_OPEN);
	conf_unref(c);
}
END_TEST

/* Services that come later are drained, too, and not those that are resumed one by one. */
START_TEST(all_are_all_that_come)
{
	struct conf *c = conf_of(SERVICE("a") SERVICE("b"), 1);

	ck_assert(set(c, OVERLAY_PAUSE, 1, "mine", 1));
	ck_assert(set(c, OVERLAY_DRAIN, OVERLAY_ALL, "", 2));
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("b") SERVICE("new"), 2);
	ck_assert_uint_eq(told_id, 2);
	ck_assert(c->is_drained);
	ck_assert_ptr_null(service(c, "b")->state_text);
	ck_assert(set(c, OVERLAY_OPEN, 0, "", 3));
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("b") SERVICE("newer"), 3);
	ck_assert_int_eq(service(c, "a")->state, SERVICE_OPEN);
	ck_assert_int_eq(service(c, "newer")->state, SERVICE_DRAINED);
	ck_assert(!c->is_drained);
	ck_assert(set(c, OVERLAY_OPEN, OVERLAY_ALL, "", 4));
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("newer"), 4);
	ck_assert_int_eq(service(c, "newer")->state, SERVICE_OPEN);
	/* A service that has gone meanwhile is another one when it comes back. */
	ck_assert(set(c, OVERLAY_DRAIN, 0, "", 5));
	conf_unref(c);
	conf_unref(reloaded(SERVICE("newer"), 5));
	ck_assert_uint_eq(o.now.n, 0);
	c = reloaded(SERVICE("a"), 6);
	ck_assert_int_eq(service(c, "a")->state, SERVICE_OPEN);
	conf_unref(c);
}
END_TEST

/* A reload of the files that fails has another one follow; one for the change says so. */
START_TEST(a_failure_changes_nothing)
{
	struct conf_error one = { .text = (char[]){ "no room" } };
	struct conf_errors errors = { .list = &one, .n = 1 };
	struct conf *c = conf_of(SERVICE("a"), 1);

	ck_assert(set(c, OVERLAY_DRAIN, 0, "", 7));
	conf_unref(c);
	ck_assert_int_eq(overlay_begin(&o), 0);
	overlay_failed(&o, false, &errors);
	ck_assert_uint_eq(told_id, 0);
	ck_assert(overlay_is_pending(&o));
	ck_assert_int_eq(overlay_begin(&o), 0);
	overlay_failed(&o, true, &errors);
	ck_assert_uint_eq(told_id, 7);
	ck_assert_ptr_nonnull(strstr(told, "\"ok\":false"));
	ck_assert_ptr_nonnull(strstr(told, "no room"));
	ck_assert(!overlay_is_pending(&o));
	c = reloaded(SERVICE("a"), 2);
	ck_assert_int_eq(service(c, "a")->state, SERVICE_OPEN);
	ck_assert_uint_eq(told_id, 7);
	conf_unref(c);
}
END_TEST

START_TEST(a_level_is_taken_back)
{
	struct conf *c;

	ck_assert(set_level(LOG_DEBUG, 1, 3));
	c = reloaded(SERVICE("a"), 2);
	ck_assert_uint_eq(told_id, 3);
	ck_assert_int_eq(c->log_level, LOG_DEBUG);
	conf_unref(c);
	/* The timer is due already. */
	while (n_due == 0)
		ck_assert_int_ge(loop_turn(&loop), 0);
	ck_assert(overlay_is_pending(&o));
	told_id = 0;
	c = reloaded(SERVICE("a"), 3);
	ck_assert_int_eq(c->log_level, LOG_INFO);
	ck_assert_uint_eq(told_id, 0);
	ck_assert(!loop_timer_is_armed(&o.timer));
	conf_unref(c);
}
END_TEST

/* A failure at the end of its time does not make it last for ever. */
START_TEST(a_level_is_taken_back_later)
{
	struct conf_error one = { .text = (char[]){ "no room" } };
	struct conf_errors errors = { .list = &one, .n = 1 };
	uint64_t now;

	ck_assert(set_level(LOG_DEBUG, 1, 3));
	conf_unref(reloaded(SERVICE("a"), 2));
	while (n_due == 0)
		ck_assert_int_ge(loop_turn(&loop), 0);
	ck_assert_int_eq(overlay_begin(&o), 0);
	overlay_failed(&o, true, &errors);
	ck_assert(!overlay_is_pending(&o));
	ck_assert(loop_timer_is_armed(&o.timer));
	/* Not at once: what has failed would fail again. */
	now = clock_usec();
	ck_assert_uint_gt(o.timer.due_usec, now + USEC_PER_SEC);
	loop_arm(&loop, &o.timer, now);
	while (n_due == 1)
		ck_assert_int_ge(loop_turn(&loop), 0);
	ck_assert(overlay_is_pending(&o));
	ck_assert(!o.next.level.is_set);
}
END_TEST

/* A later order comes in place of the former one, with its time. */
START_TEST(the_last_level_counts)
{
	struct conf *c;

	ck_assert(set_level(LOG_DEBUG, USEC_PER_SEC, 1));
	conf_unref(reloaded(SERVICE("a"), 2));
	ck_assert(loop_timer_is_armed(&o.timer));
	ck_assert(set_level(_i == 0 ? LOG_ERR : OVERLAY_LEVEL_OF_FILES, 0, 2));
	c = reloaded(SERVICE("a"), 3);
	ck_assert(!loop_timer_is_armed(&o.timer));
	ck_assert_int_eq(c->log_level, _i == 0 ? LOG_ERR : LOG_INFO);
	conf_unref(c);
}
END_TEST

/* The text of a configuration carries the states to the other processes. */
START_TEST(states_are_in_the_canonical_text)
{
	struct conf *c = conf_of(SERVICE("a") SERVICE("b"), 1), *copy = NULL;
	struct conf_errors errors = { 0 };
	CLEANUP_FREE char *plain = conf_format(c), *text = NULL;

	ck_assert_ptr_null(strstr(plain, "state"));
	ck_assert(set(c, OVERLAY_DRAIN, 0, "it's \"me\" \\ \xc3\xa4", 1));
	conf_unref(c);
	c = reloaded(SERVICE("a") SERVICE("b"), 2);
	text = conf_format(c);
	ck_assert_int_eq(conf_parse(text, strlen(text), 2, &copy, &errors), 0);
	ck_assert_int_eq(service(copy, "a")->state, SERVICE_DRAINED);
	ck_assert_str_eq(service(copy, "a")->state_text, "it's \"me\" \\ \xc3\xa4");
	ck_assert_str_eq(service(copy, "a")->state_by, "uid:17");
	ck_assert_int_eq(service(copy, "b")->state, SERVICE_OPEN);
	/* Another state is no other service: its processes stay. */
	ck_assert(conf_service_equal(service(c, "a"), service(copy, "a")));
	ck_assert_int_eq(conf_set_state(copy, &copy->services[0], SERVICE_OPEN, NULL, NULL, NULL), 0);
	ck_assert(conf_service_equal(service(c, "a"), service(copy, "a")));
	conf_unref(copy);
	conf_unref(c);
}
END_TEST

UNIT_MAIN("overlay", tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_change_is_complete_with_its_last_part);
    tcase_add_loop_test(tc, half_of_a_change_is_none, 0, 3);
    tcase_add_loop_test(tc, a_lost_rest_is_forgotten, 0, 3);
    tcase_add_test(tc, all_are_all_that_come);
    tcase_add_test(tc, a_failure_changes_nothing);
    tcase_add_test(tc, a_level_is_taken_back);
    tcase_add_test(tc, a_level_is_taken_back_later);
    tcase_add_loop_test(tc, the_last_level_counts, 0, 2);
    tcase_add_test(tc, states_are_in_the_canonical_text))
