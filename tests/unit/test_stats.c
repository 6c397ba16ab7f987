/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/stats.h"

#include <fcntl.h>
#include <stdio.h>
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

/* An owner that is gone holds nothing; what it has counted stays. */
START_TEST(gauges_end_with_their_owner)
{
	struct stats *s = stats_map_own(stats_create());

	s->running = 2;
	s->pool[3] = (struct pool_stats){ .processes = 4, .busy = 1, .idle = 3, .waiting = 5,
		.started = 9, .died = 5 };
	stats_reset_gauges(s);
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
	ck_assert_int_lt(st.st_blocks * 512, 256 << 10);
	ck_assert_int_gt(st.st_size, 2 << 20);
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
    tcase_add_test(tc, gauges_end_with_their_owner);
    tcase_add_test(tc, what_nobody_called_takes_no_memory);
    tcase_add_test(tc, says_why_it_is_out_of_order))
