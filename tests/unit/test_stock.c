/* SPDX-License-Identifier: ISC */
/*
 * Kits: how many there are, and what becomes of requests when there are none.
 */
#include "config.h"

#include <dirent.h>

#include "command-peer.h"

/* Kits come again for those that are used, and for each request there is one. */
START_TEST(test_kits_come_again)
{
	struct call c[40];

	for (int i = 0; i < 40; i++)
		c[i] = CALL(.service = S_WIDE, .script = "exec cat", .no_input = i % 2 == 0);
	for (int i = 1; i < 40; i += 2)
		end_input(&c[i]);
	for (int i = 0; i < 40; i++)
		(void)get(broker.worker[0], FRAME_ENDED);
}
END_TEST

/* ----------------------------------------------------------- how many --- */

static size_t
share_of(uint64_t n_files, size_t n_workers)
{
	struct stock k;

	stock_init(&k, NULL, n_files);
	ck_assert_uint_eq(k.share, 1);
	stock_divide(&k, n_workers);
	return k.share;
}

START_TEST(test_share_follows_the_limit)
{
	ck_assert_uint_eq(share_of(RLIM_INFINITY, CONF_MAX_WORKERS), STOCK_SHARE);
	ck_assert_uint_eq(share_of(1024, 2), STOCK_SHARE);
	ck_assert_uint_eq(share_of(278, 2), STOCK_SHARE);
	ck_assert_uint_eq(share_of(276, 2), STOCK_SHARE - 1);
	ck_assert_uint_eq(share_of(100, 2), 2);
	ck_assert_uint_eq(share_of(69, 2), 1);
	ck_assert_uint_eq(share_of(1024, CONF_MAX_WORKERS), 1);
	ck_assert_uint_eq(share_of(0, 2), 1);
}
END_TEST

static int
count_open(pid_t pid)
{
	char path[32];
	DIR *d;
	int n = -2;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

/* Each worker has one of each kind all the same, and room is left for programs. */
START_TEST(test_few_files)
{
	struct call c[8];

	teardown();
	setup_with_few_files();
	for (int round = 0; round < 20; round++) {
		for (uint16_t i = 0; i < 4; i++)
			c[i] = CALL(.worker = i % 2, .service = S_WIDE, .script = "exit 3",
			    .no_input = i < 2);
		for (uint16_t i = 0; i < 4; i++)
			(void)get(broker.worker[i % 2], FRAME_ENDED);
		for (uint16_t i = 0; i < 4; i++)
			call_done(&c[i]);
	}
	for (uint16_t i = 0; i < 8; i++)
		c[i] = CALL(.service = S_WIDE, .script = "exec cat");
	sync_master();
	ck_assert_int_lt(count_open(runner.pid), FEW_FILES);
	ck_assert_int_lt(count_open(broker.pid), FEW_FILES);
	for (uint16_t i = 0; i < 8; i++)
		end_input(&c[i]);
	for (uint16_t i = 0; i < 8; i++)
		(void)get(broker.worker[0], FRAME_ENDED);
}
END_TEST

/* ------------------------------------------------------------- none --- */

/* Reads a frame. True: it is for the first worker, and no kit. */
static bool
next_early(struct frame *ret)
{
	struct peer_worker *w = &broker.peer[0];

	if (w->n_early == 0)
		(void)take_in_any();
	if (w->n_early == 0)
		return false;
	*ret = w->early[0].frame;
	memmove(&w->early[0], &w->early[1], --w->n_early * sizeof(w->early[0]));
	return true;
}

/* Uses up all that there are of a kind, until it hears that there are no more. */
static void
exhaust(bool no_input)
{
	struct peer_worker *w = &broker.peer[0];
	bool is_told = false;
	int running = 0;
	struct frame f;

	while (running > 0 || !is_told) {
		while (w->n_kits[!no_input] > 0) {
			struct call c = CALL(.service = S_WIDE, .script = "exit 3",
			    .no_input = no_input);

			call_done(&c);
			running++;
		}
		if (!next_early(&f))
			continue;
		if (f.type == FRAME_ENDED) {
			running--;
			continue;
		}
		ck_assert_uint_eq(f.type, FRAME_NO_KIT);
		ck_assert_int_eq(f.kit.error, EMFILE);
		is_told |= f.kit.has_input == !no_input;
	}
}

/* The runner, or the broker, has no descriptors: workers hear it; then it has some again. */
START_TEST(test_no_kit)
{
	bool no_input = _i % 2 == 1;
	pid_t pid = _i < 2 ? runner.pid : broker.pid;
	struct frame f;
	struct call c;

	broker.errors_expected = true;
	set_starved(pid, true);
	exhaust(no_input);
	set_starved(pid, false);
	/* By itself: nobody asks. */
	c = CALL(.service = S_WIDE, .script = "exit 3", .no_input = no_input);
	do {
		while (!next_early(&f))
			;
	} while (f.type == FRAME_NO_KIT);
	ck_assert_uint_eq(f.type, FRAME_ENDED);
	ck_assert_uint_eq(f.id, c.id);
	ck_assert_int_eq(WEXITSTATUS(f.ended.wait_status), 3);
	call_done(&c);
}
END_TEST

/*
 * A worker comes when there is no descriptor for the file of its jobs: it hears that
 * there are no kits, and gets them as soon as there are some.
 */
START_TEST(test_no_jobs)
{
	bool is_told[2] = { false, false };
	struct frame f;
	struct call c;

	broker.errors_expected = true;
	sync_worker(0);
	leave(0);
	sync_master();
	set_starved(runner.pid, true);
	connect_worker(0);
	while (!is_told[0] || !is_told[1]) {
		if (!next_early(&f))
			continue;
		ck_assert_uint_eq(f.type, FRAME_NO_KIT);
		is_told[f.kit.has_input] = true;
	}
	ck_assert_uint_eq(broker.peer[0].n_kits[0] + broker.peer[0].n_kits[1], 0);
	set_starved(runner.pid, false);
	c = CALL(.service = S_WIDE, .script = "exit 3");
	exits(&c, 3);
}
END_TEST

/* A worker that has no room for a kit sends it back and gets another, a little later. */
START_TEST(test_returned_kit)
{
	struct peer_kit kit;

	for (int i = 0; i < 100; i++) {
		kit = take_kit(0, true);
		channel_close_fds(kit.fds, 3);
		say(0, &(struct frame){
			.type = FRAME_UNKIT, .kit = { .number = kit.number, .has_input = 1 },
		});
	}
	while (broker.peer[0].n_kits[1] == 0)
		(void)take_in(0);
	runs(1);
	sync_master();
	/* No descriptor of a hundred is left there. */
	ck_assert_int_lt(count_open(runner.pid), 300);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_kits_come_again);
	tcase_add_test(tc, test_share_follows_the_limit);
	tcase_add_loop_test(tc, test_no_kit, 0, 4);
	tcase_add_test(tc, test_no_jobs);
	tcase_add_test(tc, test_returned_kit);
	tcase_add_test(tc, test_few_files);
}

UNIT_MAIN("stock", add(tc))
