/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/stats.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

START_TEST(readers_see_what_the_owner_counts_and_cannot_write)
{
	struct outcome ok = { .kind = OUTCOME_EXIT }, bad = { .kind = OUTCOME_EXIT, .status = 3 },
	    busy = { .kind = OUTCOME_BUSY };
	int fd = stats_create(), ro = stats_reopen_readonly(fd);
	struct stats *own = stats_map_own(fd);
	const struct stats *other = stats_map_other(ro);
	struct service_total sum = { 0 };

	ck_assert_ptr_nonnull(own);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0), MAP_FAILED);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	stats_count(&own->service[7], &ok);
	stats_count(&own->service[7], &bad);
	stats_count(&own->service[7], &busy);
	histogram_add(&own->times[7].all, 100);
	histogram_add(&own->times[7].queue, 30);
	histogram_add(&own->times[7].run, 70);
	service_total_add(&sum, other, 7);
	service_total_add(&sum, other, 7);
	service_total_add(&sum, other, 8);
	ck_assert_uint_eq(sum.n.calls, 6);
	ck_assert_uint_eq(sum.n.failed, 2);
	ck_assert_uint_eq(sum.n.rejected, 2);
	ck_assert_uint_eq(sum.n.outcome[OUTCOME_BUSY], 2);
	ck_assert_uint_eq(sum.times.all.usec, 200);
	ck_assert_uint_eq(sum.times.queue.usec, 60);
	ck_assert_uint_eq(sum.times.run.usec, 140);
	stats_clear_service(own, 7);
	ck_assert_uint_eq(other->service[7].calls, 0);
	ck_assert_uint_eq(other->times[7].run.usec, 0);
	stats_unmap(other);
}
END_TEST

static struct conf *
conf_of(const char *services, uint32_t generation)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	char text[400];

	(void)snprintf(text, sizeof(text), "listen \"unix:///tmp/x.sock\" {}\n%s", services);
	ck_assert_int_eq(conf_parse(text, strlen(text), generation, &c, &errors), 0);
	return c;
}

#define SERVICE(name) "service \"" name "\" { command = {\"/bin/true\"} }\n"

START_TEST(services_get_other_numbers)
{
	struct conf *a = conf_of(SERVICE("b") SERVICE("c") SERVICE("d"), 1);
	struct conf *b = conf_of(SERVICE("a") SERVICE("b") SERVICE("d"), 2);
	struct stats *s = stats_map_own(stats_create());
	struct outcome ok = { .kind = OUTCOME_EXIT };

	stats_renumber(s, NULL, a);
	ck_assert_uint_eq(s->generation, 1);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned n = 0; n <= i; n++)
			stats_count(&s->service[i], &ok);
		histogram_add(&s->times[i].run, 10 * (i + 1));
	}
	stats_renumber(s, NULL, a);
	ck_assert_uint_eq(s->service[2].calls, 3);
	stats_renumber(s, a, b);
	ck_assert_uint_eq(s->generation, 2);
	ck_assert_uint_eq(s->service[0].calls, 0);
	ck_assert_uint_eq(s->times[0].run.usec, 0);
	ck_assert_uint_eq(s->service[1].calls, 1);
	ck_assert_uint_eq(s->times[1].run.usec, 10);
	ck_assert_uint_eq(s->service[2].calls, 3);
	ck_assert_uint_eq(s->times[2].run.usec, 30);
	/* A successor that has missed a change knows nothing of the numbers. */
	stats_renumber(s, NULL, a);
	ck_assert_uint_eq(s->generation, 1);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(s->service[i].calls + s->times[i].run.usec, 0);
	conf_unref(a);
	conf_unref(b);
}
END_TEST

/* An owner that is gone holds nothing; what it has counted stays. */
START_TEST(gauges_end_with_their_owner)
{
	struct stats *s = stats_map_own(stats_create());

	s->running = 2;
	s->pool[3] = (struct pool_stats){ .processes = 4, .busy = 1, .idle = 3, .waiting = 5,
		.started = 9, .died = 5 };
	stats_reset_gauges(s, CONF_MAX_SERVICES);
	ck_assert_uint_eq(s->running, 0);
	ck_assert_uint_eq(s->pool[3].processes + s->pool[3].busy + s->pool[3].idle, 0);
	ck_assert_uint_eq(s->pool[3].waiting, 0);
	ck_assert_uint_eq(s->pool[3].started, 9);
	ck_assert_uint_eq(s->pool[3].died, 5);
}
END_TEST

/* To report a hundred services must not cost the memory of a thousand. */
START_TEST(what_nobody_called_takes_no_memory)
{
	int fd = stats_create();
	struct stats *s = stats_map_own(fd);
	struct service_total sum = { 0 };
	struct outcome ok = { .kind = OUTCOME_EXIT };
	struct stat st;

	stats_count(&s->service[0], &ok);
	histogram_add(&s->times[0].all, 5);
	for (uint16_t i = 0; i < CONF_MAX_SERVICES; i++)
		service_total_add(&sum, s, i);
	ck_assert_uint_eq(sum.n.calls, 1);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_lt(st.st_blocks * 512, CONF_MAX_SERVICES * 256);
	ck_assert_int_gt(st.st_size, CONF_MAX_SERVICES * 2048);
}
END_TEST

START_TEST(says_why_it_is_out_of_order)
{
	struct pool_stats p = { .last = { .status = 1 << 8 }, .retry_usec = 9500000 };
	char why[OUTAGE_TEXT];
	static const struct {
		uint64_t now;
		const char *when;
	} rows[] = {
		{ 0, "in 10 s" }, { 500000, "in 9 s" }, { 500001, "in 9 s" }, { 8500000, "in 1 s" },
		{ 8500001, "in less than 1 s" }, { 9500000, "now" }, { 20000000, "now" },
	};

	ck_assert(!pool_stats_outage(&p, 0, why));
	p.is_failing = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char wanted[OUTAGE_TEXT];

		ck_assert(pool_stats_outage(&p, rows[i].now, why));
		(void)snprintf(wanted, sizeof(wanted), "its handler does not stay up: exit status 1 "
		    "before its first answer; tried again %s", rows[i].when);
		ck_assert_str_eq(why, wanted);
	}
}
END_TEST

UNIT_MAIN("stats", tcase_add_test(tc, readers_see_what_the_owner_counts_and_cannot_write);
    tcase_add_test(tc, services_get_other_numbers);
    tcase_add_test(tc, gauges_end_with_their_owner);
    tcase_add_test(tc, what_nobody_called_takes_no_memory);
    tcase_add_test(tc, says_why_it_is_out_of_order))
