/* SPDX-License-Identifier: ISC */
/*
 * Pools of handlers in the real runner. It never reads what a handler says,
 * so cat(1) is as good a handler as any: what goes in comes out.
 */
#include "config.h"

static const char conf_text[] =
    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
    "kill-grace = 20ms\n"
    "service \"bad\" { handler = {\"/bin/false\"} processes { min = 0 } }\n"
    "service \"few\" { handler = {\"/bin/cat\"} processes { min = 0 max = 3 idle = 1h } }\n"
    "service \"one\" { handler = {\"/bin/cat\"} processes { max = 1 } }\n"
    "service \"short\" { handler = {\"/bin/cat\"} processes { max = 1 requests = 10 } }\n"
    "service \"tidy\" { handler = {\"/bin/cat\"} processes { min = 1 max = 3 idle = 1ms } }\n";

#include "runner-peer.h"

/* A handler as a worker has it. */
struct leased {
	uint16_t worker;
	uint64_t id;
	struct frame_lease lease;
	int in, out, err;
};

static void
want(uint16_t worker, const char *service)
{
	struct frame f = { .type = FRAME_WANT, .generation = 1 };

	(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
	put(runner.worker[worker], &f, NULL, 0);
}

static struct leased
get_lease(uint16_t worker, const char *service)
{
	int fds[FRAME_MAX_FDS], r;
	struct frame f = { 0 };
	size_t n_fds;

	do {
		await_readable(runner.worker[worker]);
		r = channel_receive(runner.worker[worker], &f, fds, &n_fds);
	} while (r == -EAGAIN);
	ck_assert_int_eq(r, CHANNEL_OK);
	ck_assert_msg(f.type == FRAME_LEASE, "got %s", frame_type_name(f.type));
	ck_assert_str_eq(f.lease.service, service);
	for (size_t i = 0; i < n_fds; i++)
		ck_assert_int_ne(fcntl(fds[i], F_GETFL) & O_NONBLOCK, 0);
	return (struct leased){ worker, f.id, f.lease, fds[0], fds[1], fds[2] };
}

/* Whichever worker gets it. */
static struct leased
get_lease_any(const char *service)
{
	struct pollfd p[2] = {
		{ .fd = runner.worker[0], .events = POLLIN },
		{ .fd = runner.worker[1], .events = POLLIN },
	};

	ck_assert_int_gt(poll(p, 2, -1), 0);
	return get_lease(p[0].revents != 0 ? 0 : 1, service);
}

static struct leased
lease(uint16_t worker, const char *service)
{
	want(worker, service);
	return get_lease(worker, service);
}

static void
close_lease(struct leased *l)
{
	(void)close(l->in);
	(void)close(l->out);
	(void)close(l->err);
}

static void
give_back(uint16_t worker, struct leased *l, uint32_t requests, bool is_broken)
{
	struct frame f = {
		.type = FRAME_RETURN, .id = l->id,
		.lease = { .requests = requests, .is_broken = is_broken },
	};

	close_lease(l);
	put(runner.worker[worker], &f, NULL, 0);
}

/* It works, and nothing else comes out of it. */
static void
ck_echo(const struct leased *l, const char *line)
{
	char text[64] = "";
	size_t len = strlen(line), have = 0;

	ck_assert_int_eq(write(l->in, line, len), (ssize_t)len);
	while (have < len) {
		ssize_t n;

		await_readable(l->out);
		n = read(l->out, text + have, sizeof(text) - 1 - have);
		ck_assert_int_gt(n, 0);
		have += (size_t)n;
	}
	ck_assert_str_eq(text, line);
}

/* Its end closes the pipe, and nobody else holds it. */
static void
ck_ends(int out)
{
	char byte;

	await_readable(out);
	ck_assert_int_eq(read(out, &byte, 1), 0);
}

static const struct pool_stats *
stats_of(unsigned number)
{
	return &runner.stats->pool[number];
}

enum { S_BAD, S_FEW, S_ONE, S_SHORT, S_TIDY };

/* ----------------------------------------------------------------- lease --- */

START_TEST(lent_and_lent_again)
{
	struct leased a = lease(0, "one"), b;

	ck_echo(&a, "hello\n");
	ck_assert_uint_eq(a.lease.requests, 0);
	ck_assert_uint_eq(a.lease.is_probe, 0);
	give_back(0, &a, 1, false);
	b = lease(1, "one");
	ck_assert_uint_eq(b.id, a.id);
	ck_assert_uint_eq(b.lease.pid, a.lease.pid);
	ck_echo(&b, "again\n");
	give_back(1, &b, 1, false);
	sync_worker(1);
	ck_assert_uint_eq(stats_of(S_ONE)->processes, 1);
	ck_assert_uint_eq(stats_of(S_ONE)->started, 1);
}
END_TEST

START_TEST(grows_up_to_max)
{
	struct leased l[3], next;

	for (int i = 0; i < 4; i++)
		want(0, "few");
	for (int i = 0; i < 3; i++) {
		l[i] = get_lease(0, "few");
		ck_echo(&l[i], "x\n");
	}
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_FEW)->busy, 3);
	ck_assert_uint_eq(stats_of(S_FEW)->waiting, 1);
	give_back(0, &l[1], 1, false);
	next = get_lease(0, "few");
	ck_assert_uint_eq(next.id, l[1].id);
	give_back(0, &l[0], 1, false);
	give_back(0, &l[2], 1, false);
	give_back(0, &next, 1, false);
}
END_TEST

/* Also when somebody has been waiting all the time. */
START_TEST(grows_as_often_as_it_must)
{
	struct leased l[3];

	for (int i = 0; i < 4; i++)
		want(0, "few");
	for (int i = 0; i < 3; i++)
		l[i] = get_lease(0, "few");
	for (int i = 0; i < 40; i++) {
		want(0, "few");
		give_back(0, &l[i % 3], 1, true);
		l[i % 3] = get_lease(0, "few");
	}
	for (int i = 0; i < 3; i++)
		give_back(0, &l[i], 1, false);
}
END_TEST

START_TEST(shared_between_workers)
{
	struct leased a = lease(0, "one"), b;

	want(1, "one");
	ck_assert_uint_eq(get(runner.worker[0], FRAME_RECALL).id, a.id);
	want(0, "one");		/* it has more to do itself */
	give_back(0, &a, 5, false);
	b = get_lease(1, "one");
	ck_assert_uint_eq(b.id, a.id);
	ck_assert_uint_eq(get(runner.worker[1], FRAME_RECALL).id, b.id);
	give_back(1, &b, 1, false);
	a = get_lease(0, "one");
	ck_echo(&a, "mine again\n");
	give_back(0, &a, 1, false);
}
END_TEST

/* Who has fewer gets one of who has more, and nobody is robbed in turn. */
START_TEST(recalled_from_who_has_more)
{
	struct leased l[3], b;
	uint64_t id;
	int i = 0;

	for (int k = 0; k < 3; k++)
		l[k] = lease(0, "few");
	want(1, "few");
	id = get(runner.worker[0], FRAME_RECALL).id;
	while (l[i].id != id)
		i++;
	give_back(0, &l[i], 1, false);
	b = get_lease(1, "few");
	want(0, "few");
	sync_worker(1);		/* no RECALL came before this answer */
	give_back(1, &b, 1, false);
	l[i] = get_lease(0, "few");
	for (int k = 0; k < 3; k++)
		give_back(0, &l[k], 1, false);
}
END_TEST

/* ------------------------------------------------------------------- end --- */

START_TEST(broken_is_replaced)
{
	struct leased a = lease(0, "one"), b;
	int out = dup(a.out);

	give_back(0, &a, 3, true);
	ck_ends(out);
	b = lease(0, "one");
	ck_assert_uint_ne(b.id, a.id);
	ck_echo(&b, "new\n");
	give_back(0, &b, 1, false);
	(void)close(out);
}
END_TEST

START_TEST(dies_while_lent)
{
	struct leased a = lease(0, "one"), b;

	runner.errors_expected = true;
	give_back(0, &a, 1, false);
	a = lease(0, "one");
	ck_assert_int_eq(kill((pid_t)a.lease.pid, SIGKILL), 0);
	ck_ends(a.out);
	b = lease(1, "one");
	ck_assert_uint_ne(b.id, a.id);
	give_back(0, &a, 0, true);	/* too late to mean anything */
	ck_echo(&b, "x\n");
	give_back(1, &b, 1, false);
	sync_worker(1);
	ck_assert_uint_eq(stats_of(S_ONE)->died, 1);
}
END_TEST

/* The one that is always kept is for who waits: it is not started twice. */
START_TEST(never_more_than_max)
{
	struct leased a = lease(0, "one"), b;

	runner.errors_expected = true;
	want(1, "one");
	ck_assert_uint_eq(get(runner.worker[0], FRAME_RECALL).id, a.id);
	ck_assert_int_eq(kill((pid_t)a.lease.pid, SIGKILL), 0);
	ck_ends(a.out);
	give_back(0, &a, 0, true);
	b = get_lease(1, "one");
	sync_worker(1);
	ck_assert_uint_eq(stats_of(S_ONE)->processes, 1);
	ck_assert_uint_eq(stats_of(S_ONE)->started, 2);
	give_back(1, &b, 1, false);
}
END_TEST

START_TEST(worker_is_gone)
{
	struct leased a = lease(0, "one"), b;

	want(1, "one");
	(void)get(runner.worker[0], FRAME_RECALL);
	(void)close(runner.worker[0]);
	ck_ends(a.out);
	b = get_lease(1, "one");
	ck_assert_uint_ne(b.id, a.id);
	ck_echo(&b, "x\n");
	give_back(1, &b, 1, false);
	close_lease(&a);
}
END_TEST

START_TEST(bad_returns)
{
	struct leased a = lease(0, "one");
	struct frame f = { .type = FRAME_RETURN, .id = 4711 };

	runner.errors_expected = true;
	put(runner.worker[1], &f, NULL, 0);	/* never heard of: it may have died */
	sync_worker(1);
	f.id = a.id;
	put(runner.worker[1], &f, NULL, 0);
	expect_closed(runner.worker[1]);
	ck_echo(&a, "x\n");
	give_back(0, &a, 1, false);
}
END_TEST

START_TEST(words_of_the_dying)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "service \"poet\" { handler = {\"/bin/sh\", \"-c\", \"read x; echo farewell >&2; exit 3\"} }\n";
	struct leased a;
	struct frame f;
	int in, fd;

	runner.errors_expected = true;
	configure(2, text);
	a = lease(0, "poet");
	in = dup(a.in);
	give_back(0, &a, 1, false);
	sync_worker(0);
	ck_assert_int_eq(write(in, "\n", 1), 1);
	(void)close(in);
	f = get_with_fd(runner.worker[0], &fd);
	ck_assert_msg(f.type == FRAME_WORDS, "%s", frame_type_name(f.type));
	ck_assert_uint_eq(f.lease.pid, a.lease.pid);
	ck_assert_str_eq(f.lease.service, "poet");
	expect_line(fd, "farewell");
	(void)close(fd);
}
END_TEST

START_TEST(nothing_is_left_of_it)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "kill-grace = 20ms\n"
	    "service \"parent\" { handler = {\"/bin/sh\", \"-c\","
	    " \"(setsid sh -c 'trap : TERM; while :; do sleep 1000; done' &); cat\"} }\n";
	struct leased a;
	int out;

	configure(2, text);
	a = lease(0, "parent");
	ck_echo(&a, "x\n");
	out = dup(a.out);
	give_back(0, &a, 1, true);
	ck_ends(out);		/* held by the one that left, too */
	(void)close(out);
}
END_TEST

/* ------------------------------------------------------------ replacement --- */

START_TEST(worn_by_requests)
{
	struct leased a = lease(0, "short"), b;
	int out = dup(a.out);

	ck_assert_uint_ge(a.lease.requests, 10);
	ck_assert_uint_le(a.lease.requests, 11);
	give_back(0, &a, 4, false);
	b = lease(0, "short");
	ck_assert_uint_eq(b.id, a.id);
	ck_assert_uint_eq(b.lease.requests, a.lease.requests - 4);
	give_back(0, &b, b.lease.requests, false);
	ck_ends(out);
	b = lease(0, "short");
	ck_assert_uint_ne(b.id, a.id);
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_SHORT)->recycled, 1);
	ck_assert_uint_eq(stats_of(S_SHORT)->died, 0);
	give_back(0, &b, 1, false);
	(void)close(out);
}
END_TEST

/* There is never more than one beyond max, and yet all are replaced. */
START_TEST(all_worn_at_once)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "service \"aging\" { handler = {\"/bin/cat\"} processes { min = 3 max = 3 age = 400ms } }\n";
	uint64_t seen = 0;

	configure(2, text);
	while (seen < 6) {
		sync_worker(0);
		seen = stats_of(0)->recycled;
		ck_assert_uint_le(stats_of(0)->processes, 4);
		(void)poll(NULL, 0, 1);
	}
	ck_assert_uint_eq(stats_of(0)->died, 0);
}
END_TEST

/* While one that works is there, new ones may fail as they like. */
START_TEST(failing_beside_a_sound_one)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "kill-grace = 20ms\n"
	    "service \"luck\" { handler = {\"/bin/cat\"} ready = ping\n"
	    "  processes { min = 0 max = 4 idle = 1h } }\n";
	struct leased good, l;

	runner.errors_expected = true;
	configure(2, text);
	want(0, "luck");
	l = get_lease_any("luck");
	ck_assert_uint_eq(l.lease.is_probe, 1);
	give_back(l.worker, &l, 0, false);
	good = get_lease_any("luck");
	ck_assert_uint_eq(good.lease.is_probe, 0);
	for (int i = 0; i < 5; i++) {
		want(1, "luck");
		l = get_lease_any("luck");
		if (!l.lease.is_probe) {
			give_back(l.worker, &l, 1, false);
			break;
		}
		give_back(l.worker, &l, 0, true);
	}
	sync_worker(0);
	sync_worker(1);
	ck_echo(&good, "x\n");
	give_back(good.worker, &good, 1, false);
	/* Those who waited get it, one after the other, and are not sent away. */
	for (int i = 0; i < 4; i++) {
		l = get_lease_any("luck");
		give_back(l.worker, &l, l.lease.is_probe ? 0 : 1, false);
	}
}
END_TEST

START_TEST(idle_ones_go)
{
	struct leased l[3];
	int out[3], ended = 0;

	for (int i = 0; i < 3; i++) {
		l[i] = lease(0, "tidy");
		out[i] = dup(l[i].out);
	}
	for (int i = 0; i < 3; i++)
		give_back(0, &l[i], 1, false);
	/* Two of them end, whichever, and the third stays. */
	while (ended < 2) {
		struct pollfd p[3];

		for (int i = 0; i < 3; i++)
			p[i] = (struct pollfd){ .fd = out[i], .events = POLLIN };
		ck_assert_int_gt(poll(p, 3, -1), 0);
		for (int i = 0; i < 3; i++) {
			if (p[i].revents == 0)
				continue;
			ck_ends(out[i]);
			(void)close(out[i]);
			out[i] = -1;
			ended++;
		}
	}
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_TIDY)->processes, 1);
	ck_assert_uint_eq(stats_of(S_TIDY)->died, 0);
}
END_TEST

/* One more try: a process, that ends at once, or none any more? */
static bool
is_refused(const char *service)
{
	int fds[FRAME_MAX_FDS], r;
	struct leased l;
	struct frame f;
	size_t n_fds;

	want(0, service);
	do {
		await_readable(runner.worker[0]);
		r = channel_receive(runner.worker[0], &f, fds, &n_fds);
	} while (r == -EAGAIN);
	ck_assert_int_eq(r, CHANNEL_OK);
	if (f.type == FRAME_UNABLE) {
		ck_assert_str_eq(f.unable.service, service);
		return true;
	}
	ck_assert_uint_eq(f.type, FRAME_LEASE);
	ck_assert_str_eq(f.lease.service, service);
	l = (struct leased){ 0, f.id, f.lease, fds[0], fds[1], fds[2] };
	ck_ends(l.out);
	give_back(0, &l, 0, true);
	return false;
}

START_TEST(out_of_order)
{
	struct frame f;
	int tries = 0;

	runner.errors_expected = true;
	while (!is_refused("bad"))
		ck_assert_int_lt(++tries, 20);
	ck_assert_uint_eq(stats_of(S_BAD)->is_failing, 1);
	ck_assert_uint_ge(stats_of(S_BAD)->died, 3);
	ck_assert_uint_le(stats_of(S_BAD)->started, 6);
	/* Unknown as long as it is only a worker that has missed it. */
	ck_assert(stats_of(S_BAD)->last.status == DEATH_BROKEN ||
	    WEXITSTATUS(stats_of(S_BAD)->last.status) == 1);
	ck_assert_uint_gt(stats_of(S_BAD)->last_usec, 0);
	ck_assert_uint_le(stats_of(S_BAD)->failing_usec, stats_of(S_BAD)->last_usec);
	ck_assert_uint_gt(stats_of(S_BAD)->failing_usec, 0);
	want(1, "bad");
	f = get(runner.worker[1], FRAME_UNABLE);
	ck_assert_str_eq(f.unable.service, "bad");
	ck_assert_uint_eq(f.unable.reason, UNABLE_FAILING);
	ck_assert_uint_gt(f.unable.retry_usec, 0);
	ck_assert(f.unable.death.status == DEATH_BROKEN ||
	    WEXITSTATUS(f.unable.death.status) == 1);
	want(1, "unheard-of");
	f = get(runner.worker[1], FRAME_UNABLE);
	ck_assert_str_eq(f.unable.service, "unheard-of");
	ck_assert_uint_eq(f.unable.reason, UNABLE_GONE);
}
END_TEST

/* -------------------------------------------------------------- readiness --- */

static const char ping_text[] =
    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
    "kill-grace = 20ms\n"
    "service \"one\" { handler = {\"/bin/cat\"} ready = ping processes { max = 1 } }\n";

START_TEST(asked_before_it_counts)
{
	struct leased probe, a;

	prepare(2, ping_text);
	probe = get_lease_any("one");
	ck_assert_uint_eq(probe.lease.is_probe, 1);
	ck_assert_uint_gt(probe.lease.due_usec, clock_usec());
	give_back(probe.worker, &probe, 0, false);
	ck_assert_uint_eq(get(runner.master, FRAME_PREPARED).generation, 2);
	tell(FRAME_COMMIT, 2);
	ck_assert_uint_eq(get(runner.master, FRAME_COMMITTED).generation, 2);
	a = lease(1, "one");
	ck_assert_uint_eq(a.id, probe.id);
	ck_assert_uint_eq(a.lease.is_probe, 0);
	give_back(1, &a, 1, false);
}
END_TEST

START_TEST(does_not_answer)
{
	struct leased old = lease(1, "one"), probe;
	struct frame f;

	runner.errors_expected = true;
	prepare(2, ping_text);
	probe = get_lease_any("one");
	give_back(probe.worker, &probe, 0, true);
	f = get(runner.master, FRAME_REFUSED);
	ck_assert_uint_eq(f.generation, 2);
	ck_assert_ptr_nonnull(strstr(f.text, "service 'one'"));
	/* The old one goes on. */
	ck_echo(&old, "x\n");
	give_back(1, &old, 1, false);
	old = lease(0, "one");
	give_back(0, &old, 1, false);
}
END_TEST

/* ----------------------------------------------------------------- reload --- */

START_TEST(unchanged_stays_warm)
{
	struct leased a = lease(0, "one"), b;

	give_back(0, &a, 1, false);
	configure(2, conf_text);
	b = lease(0, "one");
	ck_assert_uint_eq(b.id, a.id);
	give_back(0, &b, 1, false);
}
END_TEST

START_TEST(changed_is_replaced)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "service \"one\" { handler = {\"/bin/cat\", \"-u\"} processes { max = 1 } }\n";
	struct leased a = lease(0, "one"), b, gone = lease(0, "few");

	want(1, "one");
	(void)get(runner.worker[0], FRAME_RECALL);
	configure(2, text);
	b = get_lease(1, "one");	/* who waited gets a new one */
	ck_assert_uint_ne(b.id, a.id);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_RECALL).id, gone.id);
	ck_echo(&a, "x\n");		/* what runs ends under the old */
	ck_echo(&gone, "x\n");
	give_back(0, &a, 1, false);
	give_back(0, &gone, 1, false);
	ck_echo(&b, "y\n");
	want(0, "few");
	ck_assert_str_eq(get(runner.worker[0], FRAME_UNABLE).unable.service, "few");
	give_back(1, &b, 1, false);
}
END_TEST

/* Also where the service has another number from now on, or another handler. */
START_TEST(numbers_go_on)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "kill-grace = 20ms\n"
	    "service \"a-first\" { handler = {\"/bin/cat\"} processes { min = 0 } }\n"
	    "service \"one\" { handler = {\"/bin/cat\"} processes { max = 1 } }\n"
	    "service \"tidy\" { handler = {\"/bin/cat\", \"-u\"} processes { min = 0 } }\n";
	enum { NOW_FIRST, NOW_ONE, NOW_TIDY };
	struct leased a = lease(0, "one"), b;
	uint64_t died_usec;

	runner.errors_expected = true;
	ck_assert_int_eq(kill((pid_t)a.lease.pid, SIGKILL), 0);
	ck_ends(a.out);
	give_back(0, &a, 0, true);
	b = lease(0, "one");
	ck_assert_uint_ne(b.id, a.id);
	sync_worker(0);
	ck_assert_uint_eq(stats_of(S_ONE)->started, 2);
	ck_assert_uint_eq(stats_of(S_ONE)->died, 1);
	died_usec = stats_of(S_ONE)->last_usec;
	ck_assert_uint_gt(died_usec, 0);
	ck_assert_uint_ge(stats_of(S_TIDY)->started, 1);
	give_back(0, &b, 1, false);
	configure(2, text);
	ck_assert_uint_eq(runner.stats->generation, 2);
	ck_assert_uint_eq(stats_of(NOW_ONE)->started, 2);
	ck_assert_uint_eq(stats_of(NOW_ONE)->died, 1);
	ck_assert_uint_eq(stats_of(NOW_ONE)->last_usec, died_usec);
	ck_assert_uint_eq(stats_of(NOW_ONE)->processes, 1);
	ck_assert_uint_eq(stats_of(NOW_FIRST)->started, 0);
	ck_assert_uint_ge(stats_of(NOW_TIDY)->started, 1);
	ck_assert_uint_eq(stats_of(NOW_TIDY)->processes, 0);
	b = lease(1, "one");
	give_back(1, &b, 1, false);
}
END_TEST

START_TEST(new_one_dies)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "service \"one\" { handler = {\"/bin/sh\", \"-c\", \"exit 7\"} }\n";
	struct leased a = lease(0, "one");
	struct frame f;

	runner.errors_expected = true;
	prepare(2, text);
	f = get(runner.master, FRAME_REFUSED);
	ck_assert_msg(strstr(f.text, "exit status 7") != NULL, "%s", f.text);
	ck_echo(&a, "x\n");
	give_back(0, &a, 1, false);
	a = lease(1, "one");
	ck_echo(&a, "y\n");
	give_back(1, &a, 1, false);
}
END_TEST

START_TEST(given_up_before_it_is_ready)
{
	struct leased probe;
	int out;

	prepare(2, ping_text);
	probe = get_lease_any("one");
	out = dup(probe.out);
	tell(FRAME_ABORT, 2);
	ck_ends(out);
	give_back(probe.worker, &probe, 0, false);		/* of what is no more */
	(void)close(out);
	configure(3, conf_text);
}
END_TEST

START_TEST(stops_with_the_rest)
{
	struct frame stop = { .type = FRAME_STOP, .id = clock_usec() + 3600 * USEC_PER_SEC };
	struct leased a = lease(0, "one");
	int out = dup(a.out);

	put(runner.master, &stop, NULL, 0);
	ck_assert_uint_eq(get(runner.worker[0], FRAME_RECALL).id, a.id);
	ck_echo(&a, "last\n");
	give_back(0, &a, 1, false);
	ck_ends(out);
	(void)get(runner.master, FRAME_DRAINED);
	(void)close(out);
}
END_TEST

START_TEST(environment_and_channel)
{
	static const char text[] =
	    "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"
	    "service \"env\" { handler = {\"/bin/sh\", \"-c\","
	    " \"echo noise; echo $REQD_SERVICE $REQD_CHANNEL $MODE >&3; exec cat >&3\"}\n"
	    "  environment = {\"MODE={{a}}\"} channel = fd3 }\n";
	struct leased a;
	char line[64] = "";

	configure(2, text);
	a = lease(0, "env");
	await_readable(a.out);
	ck_assert_int_gt(read(a.out, line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "env 3 {a}\n");
	await_readable(a.err);
	memset(line, 0, sizeof(line));
	ck_assert_int_gt(read(a.err, line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "noise\n");
	ck_echo(&a, "x\n");
	give_back(0, &a, 1, false);
}
END_TEST

/* ------------------------------------------------------------------ main --- */

int
main(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = tcase_create("pool");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 20);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lent_and_lent_again);
	tcase_add_test(tc, grows_up_to_max);
	tcase_add_test(tc, grows_as_often_as_it_must);
	tcase_add_test(tc, shared_between_workers);
	tcase_add_test(tc, recalled_from_who_has_more);
	tcase_add_test(tc, broken_is_replaced);
	tcase_add_test(tc, dies_while_lent);
	tcase_add_test(tc, never_more_than_max);
	tcase_add_test(tc, worker_is_gone);
	tcase_add_test(tc, bad_returns);
	tcase_add_test(tc, words_of_the_dying);
	tcase_add_test(tc, nothing_is_left_of_it);
	tcase_add_test(tc, worn_by_requests);
	tcase_add_test(tc, idle_ones_go);
	tcase_add_test(tc, all_worn_at_once);
	tcase_add_test(tc, failing_beside_a_sound_one);
	tcase_add_test(tc, out_of_order);
	tcase_add_test(tc, asked_before_it_counts);
	tcase_add_test(tc, does_not_answer);
	tcase_add_test(tc, unchanged_stays_warm);
	tcase_add_test(tc, changed_is_replaced);
	tcase_add_test(tc, numbers_go_on);
	tcase_add_test(tc, new_one_dies);
	tcase_add_test(tc, given_up_before_it_is_ready);
	tcase_add_test(tc, stops_with_the_rest);
	tcase_add_test(tc, environment_and_channel);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
