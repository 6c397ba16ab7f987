/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/token.h"

#define N 64
#define T0 (1000 * USEC_PER_SEC)

static struct token slots[N];
static struct token_party parties[N];
static struct tokens tokens;
static const struct digest me = { .bytes = { 1 } }, you = { .bytes = { 2 } };

static struct digest
key(unsigned n)
{
	struct digest d = { .bytes = { 1 } };

	memcpy(d.bytes + 4, &n, sizeof(n));
	return d;
}

static int
result(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
setup(void)
{
	memset(slots, 0, sizeof(slots));
	memset(parties, 0, sizeof(parties));
	tokens_init(&tokens, slots, parties, N);
}

static void
teardown(void)
{
	for (size_t i = 0; i < N; i++) {
		if (slots[i].state != TOKEN_FREE)
			token_remove(&tokens, &slots[i]);
	}
}

START_TEST(test_life)
{
	struct digest d = key(1);
	struct token *k;
	int fd = result();

	ck_assert_ptr_null(tokens_find(&tokens, &d));
	k = tokens_add(&tokens, &d, &me, 77, fd);
	ck_assert_ptr_eq(tokens_find(&tokens, &d), k);
	ck_assert_ptr_eq(tokens_find_id(&tokens, 77), k);
	ck_assert_int_eq(k->state, TOKEN_RUNNING);
	/* As long as the program runs nothing is due. */
	ck_assert_uint_eq(tokens_due(&tokens), USEC_NEVER);
	ck_assert_ptr_null(tokens_expired(&tokens, USEC_NEVER));

	token_end(&tokens, k, T0);
	ck_assert_int_eq(k->state, TOKEN_ENDED);
	ck_assert_uint_eq(tokens_due(&tokens), T0 + TOKENS_DEPOSIT_USEC);
	ck_assert_ptr_null(tokens_expired(&tokens, T0 + TOKENS_DEPOSIT_USEC - 1));
	ck_assert_ptr_eq(tokens_expired(&tokens, T0 + TOKENS_DEPOSIT_USEC), k);

	token_finish(&tokens, k, 0, T0 + 5);
	ck_assert_int_eq(k->state, TOKEN_DONE);
	ck_assert_int_eq(k->fd, fd);
	ck_assert_ptr_eq(tokens_find(&tokens, &d), k);
	/* A result can be deposited once only. */
	ck_assert_ptr_null(tokens_find_id(&tokens, 77));
	ck_assert_uint_eq(tokens_due(&tokens), T0 + 5 + TOKENS_KEEP_USEC);
	ck_assert(is_open(fd));

	ck_assert_ptr_eq(tokens_expired(&tokens, T0 + 5 + TOKENS_KEEP_USEC), k);
	token_remove(&tokens, k);
	ck_assert(!is_open(fd));
	ck_assert_ptr_null(tokens_find(&tokens, &d));
	ck_assert_uint_eq(tokens_due(&tokens), USEC_NEVER);
}
END_TEST

/* A result may come before the end is seen. */
START_TEST(test_deposit_while_running)
{
	struct digest d = key(1);
	struct token *k = tokens_add(&tokens, &d, &me, 1, result());

	token_finish(&tokens, k, 0, T0);
	ck_assert_int_eq(tokens_find(&tokens, &d)->state, TOKEN_DONE);
}
END_TEST

START_TEST(test_removed_unfinished)
{
	struct digest a = key(1), b = key(2);
	struct token *ka = tokens_add(&tokens, &a, &me, 1, result());
	struct token *kb = tokens_add(&tokens, &b, &me, 2, result());

	token_end(&tokens, kb, T0);
	ck_assert_ptr_eq(tokens_next_unfinished(&tokens, NULL), ka);
	ck_assert_ptr_eq(tokens_next_unfinished(&tokens, ka), kb);
	ck_assert_ptr_null(tokens_next_unfinished(&tokens, kb));
	token_remove(&tokens, ka);
	token_remove(&tokens, kb);
	ck_assert_ptr_null(tokens_next_unfinished(&tokens, NULL));
	ck_assert_ptr_null(tokens_find(&tokens, &a));
	ck_assert_uint_eq(tokens_due(&tokens), USEC_NEVER);
}
END_TEST

/* The first to be due comes first, of either kind. */
START_TEST(test_order)
{
	struct digest a = key(1), b = key(2), c = key(3);
	struct token *ka = tokens_add(&tokens, &a, &me, 1, result());
	struct token *kb = tokens_add(&tokens, &b, &me, 2, result());
	struct token *kc = tokens_add(&tokens, &c, &me, 3, result());

	token_finish(&tokens, ka, 0, T0 - TOKENS_KEEP_USEC);
	token_end(&tokens, kb, T0 + 1);
	token_end(&tokens, kc, T0 + 2);
	ck_assert_ptr_eq(tokens_expired(&tokens, USEC_NEVER), ka);
	token_remove(&tokens, ka);
	ck_assert_ptr_eq(tokens_expired(&tokens, USEC_NEVER), kb);
	token_remove(&tokens, kb);
	ck_assert_ptr_eq(tokens_expired(&tokens, USEC_NEVER), kc);
}
END_TEST

static int
finish(unsigned n, const struct digest *party, uint64_t bytes)
{
	struct digest d = key(n);
	int fd = result();
	struct token *k = tokens_add(&tokens, &d, party, n + 1, fd);

	ck_assert_ptr_nonnull(k);
	token_finish(&tokens, k, bytes, T0 + n);
	return fd;
}

/* Known and with its result; else known only. */
static bool
is_kept(unsigned n)
{
	struct digest d = key(n);
	struct token *k = tokens_find(&tokens, &d);

	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(k->state, TOKEN_DONE);
	return k->fd >= 0;
}

/*
 * A party alone keeps three quarters of the results; its oldest ones are spent,
 * but known. Another party has room then, and takes nothing from the first.
 */
START_TEST(test_oldest_out)
{
	int fds[7];

	tokens.max_kept = 8;
	for (unsigned i = 0; i < 6; i++)
		fds[i] = finish(i, &me, 10);
	ck_assert(is_open(fds[0]));
	/* The file that goes has the lowest number, which the next file but one gets. */
	fds[6] = finish(6, &me, 10);
	ck_assert(!is_open(fds[0]));
	ck_assert(is_open(fds[1]) && is_open(fds[6]));
	for (unsigned i = 7; i < 9; i++)
		(void)finish(i, &me, 10);
	for (unsigned i = 0; i < 9; i++)
		ck_assert_int_eq(is_kept(i), i >= 3);
	ck_assert_uint_eq(tokens.n_kept, 6);
	ck_assert_uint_eq(tokens.bytes, 60);
	ck_assert_uint_eq(tokens.n_done, 9);
	ck_assert_uint_eq(tokens.n_spent, 3);

	(void)finish(20, &you, 10);
	ck_assert(is_kept(20) && is_kept(3));
	(void)finish(21, &you, 10);
	ck_assert(is_kept(21) && is_kept(3));
	/* All is used: each gives up its own. */
	(void)finish(22, &you, 10);
	ck_assert(is_kept(22) && is_kept(3) && !is_kept(20));
	(void)finish(9, &me, 10);
	ck_assert(is_kept(9) && !is_kept(3) && is_kept(21));
}
END_TEST

START_TEST(test_bytes)
{
	tokens_limit(&tokens, 1000);
	(void)finish(0, &me, 600);
	(void)finish(1, &me, 300);
	ck_assert(is_kept(0) && is_kept(1));
	/* One that finds no room, and has nothing to give up, gets the room of the oldest. */
	(void)finish(2, &you, 200);
	ck_assert(!is_kept(0) && is_kept(1) && is_kept(2));
	/* One that is larger than all is not kept, and takes no other one with it. */
	(void)finish(3, &me, 1001);
	ck_assert(!is_kept(3) && is_kept(1) && is_kept(2));
	ck_assert_uint_le(tokens.bytes, 1000);
	(void)finish(4, &me, 1000);
	ck_assert(is_kept(4));
	/* A new limit holds at once. */
	tokens_limit(&tokens, 999);
	ck_assert(!is_kept(4));
	ck_assert_uint_eq(tokens.bytes, 0);
	ck_assert_uint_eq(tokens.n_kept, 0);
}
END_TEST

/* Without a file a token is known all the same. */
START_TEST(test_no_file)
{
	struct digest d = key(1);
	struct token *k = tokens_add(&tokens, &d, &me, 1, -1);

	token_finish(&tokens, k, 0, T0);
	ck_assert(!is_kept(1));
	ck_assert_uint_eq(tokens.n_kept, 0);
	ck_assert_ptr_eq(tokens_expired(&tokens, T0 + TOKENS_KEEP_USEC), k);
}
END_TEST

START_TEST(test_full)
{
	struct digest d;

	for (unsigned i = 0; i < N; i++) {
		d = key(i);
		ck_assert_ptr_nonnull(tokens_add(&tokens, &d, &me, i + 1, result()));
	}
	d = key(N);
	ck_assert_ptr_null(tokens_add(&tokens, &d, &me, N + 1, result()));
	token_remove(&tokens, tokens_find_id(&tokens, 3));
	ck_assert_ptr_nonnull(tokens_add(&tokens, &d, &me, N + 1, result()));
}
END_TEST

/* The file goes with it, whatever state it is in, and when it is not taken. */
START_TEST(test_file_is_closed)
{
	struct digest a = key(1), b = key(2);
	int fds[3] = { result(), result(), result() };
	struct token *k = tokens_add(&tokens, &a, &me, 1, fds[0]);

	ck_assert_int_eq(k->fd, fds[0]);
	/* A token has one request, and a request has one token. */
	ck_assert_ptr_null(tokens_add(&tokens, &a, &me, 2, fds[1]));
	ck_assert_ptr_null(tokens_add(&tokens, &b, &me, 1, fds[2]));
	ck_assert(!is_open(fds[1]));
	ck_assert(!is_open(fds[2]));
	ck_assert_ptr_null(tokens_find(&tokens, &b));
	ck_assert_ptr_eq(tokens_find(&tokens, &a), k);
	ck_assert_ptr_eq(tokens_find_id(&tokens, 1), k);
	ck_assert_ptr_null(tokens_find_id(&tokens, 2));
	token_remove(&tokens, k);
	ck_assert(!is_open(fds[0]));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("token");
	TCase *tc = tcase_create("token");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_life);
	tcase_add_test(tc, test_deposit_while_running);
	tcase_add_test(tc, test_removed_unfinished);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_oldest_out);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_no_file);
	tcase_add_test(tc, test_full);
	tcase_add_test(tc, test_file_is_closed);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
