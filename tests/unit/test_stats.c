/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/stats.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

START_TEST(readers_see_what_the_owner_counts_and_cannot_write)
{
	struct outcome ok = { .kind = OUTCOME_EXIT }, bad = { .kind = OUTCOME_EXIT, .status = 3 },
	    busy = { .kind = OUTCOME_BUSY };
	int fd = stats_create(), ro = stats_reopen_readonly(fd);
	struct stats *own = stats_map_own(fd);
	const struct stats *other = stats_map_other(ro);
	struct service_stats sum = { 0 };

	ck_assert_ptr_nonnull(own);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0), MAP_FAILED);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	stats_count(&own->service[7], &ok, 100);
	stats_count(&own->service[7], &bad, 1000);
	stats_count(&own->service[7], &busy, 0);
	service_stats_add(&sum, &other->service[7]);
	service_stats_add(&sum, &other->service[7]);
	ck_assert_uint_eq(sum.calls, 6);
	ck_assert_uint_eq(sum.failed, 2);
	ck_assert_uint_eq(sum.rejected, 2);
	ck_assert_uint_eq(sum.outcome[OUTCOME_BUSY], 2);
	ck_assert_uint_eq(sum.usec, 2200);
	stats_unmap(other);
}
END_TEST

START_TEST(quantiles_bound_what_was_counted)
{
	struct outcome ok = { .kind = OUTCOME_EXIT };
	struct service_stats s = { 0 };

	ck_assert_uint_eq(stats_quantile(&s, 0.5), 0);
	for (int i = 0; i < 99; i++)
		stats_count(&s, &ok, 100);
	stats_count(&s, &ok, 1000000);
	ck_assert_uint_eq(stats_quantile(&s, 0.5), 128);
	ck_assert_uint_ge(stats_quantile(&s, 0.999), 1000000);
	stats_count(&s, &ok, UINT64_MAX);
	ck_assert_uint_gt(stats_quantile(&s, 1.0), 0);
}
END_TEST

UNIT_MAIN("stats", tcase_add_test(tc, readers_see_what_the_owner_counts_and_cannot_write);
    tcase_add_test(tc, quantiles_bound_what_was_counted))
