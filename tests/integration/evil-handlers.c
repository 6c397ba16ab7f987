/* SPDX-License-Identifier: ISC */
/*
 * evil-handlers: attacks with handlers: those of other workers, and those that
 * were given back.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "evil.h"
#include "ipc/channel.h"

/* Time after which the pool has no process for the worker. */
#define LEASE_MS 500

static bool
get_lease(struct evil *e, const char *service)
{
	struct frame want = evil_want_frame(e, service);
	size_t before = e->n_leases;

	(void)evil_send(e, &want);
	(void)evil_await(e, FRAME_LEASE, LEASE_MS);
	return e->n_leases > before;
}

static void
return_lease(struct evil *e, struct evil_lease *l, bool is_broken)
{
	struct frame f = { .type = FRAME_RETURN, .id = l->id, .lease.is_broken = is_broken };

	(void)evil_send(e, &f);
}

static void
return_twice(struct evil *e)
{
	struct evil_lease l;

	if (!get_lease(e, "talk"))
		return;
	l = e->leases[--e->n_leases];
	evil_confess(e);
	return_lease(e, &l, false);
	return_lease(e, &l, false);
	evil_behave(e, EVIL_WAIT_MS);
}

/*
 * Sends the frame for all handlers that other workers have, or nobody: ids are
 * numbers that follow one another.
 */
static void
send_of_all_handlers(struct evil *e, struct frame f)
{
	uint64_t own;

	if (!get_lease(e, "talk"))
		return;
	own = e->leases[0].id;
	evil_confess(e);
	for (uint32_t i = 1; i < 10000 && !e->is_found_out; i++) {
		f.id = (own & ~(uint64_t)UINT32_MAX) | i;
		if (f.id != own)
			(void)evil_send(e, &f);
	}
	evil_behave(e, EVIL_WAIT_MS);
}

static void
return_of_another(struct evil *e)
{
	send_of_all_handlers(e, (struct frame){ .type = FRAME_RETURN, .lease.is_broken = true });
}

static void
proven_of_another(struct evil *e)
{
	send_of_all_handlers(e, (struct frame){ .type = FRAME_PROVEN });
}

/* Vouches for a service with processes that are gone. */
static void
return_of_nothing(struct evil *e)
{
	struct frame f = { .type = FRAME_RETURN, .lease.requests = UINT32_MAX };

	(void)strlcpy(f.lease.service, "talk", sizeof(f.lease.service));
	for (uint64_t i = 0; i < 1000; i++) {
		f.id = UINT64_C(0xff) << 32 | UINT64_C(0x7fff0000) << 40 | i;
		(void)evil_send(e, &f);
	}
	evil_behave(e, 100);
}

/* Gives back every lease as broken. */
static void
broken_leases(struct evil *e)
{
	for (int i = 0; i < 8 && get_lease(e, "talk"); i++) {
		struct evil_lease l = e->leases[--e->n_leases];

		return_lease(e, &l, true);
		channel_close_fds(l.fds, 3);
	}
	evil_behave(e, 100);
}

/* Gives handlers back in good order, and goes on to use their pipes. */
static void
kept_pipes(struct evil *e)
{
	static const char request[] = "*2\r\n$4\r\ntalk\r\n$4\r\nevil\r\n";
	struct evil_lease kept[8];
	size_t n = 0, read_bytes = 0, written = 0;
	uint64_t due;

	while (n < ARRAY_LEN(kept) && get_lease(e, "talk"))
		kept[n++] = e->leases[--e->n_leases];
	for (size_t i = 0; i < n; i++)
		return_lease(e, &kept[i], false);
	evil_say(e, "note %zu handlers given back, their pipes kept", n);
	due = clock_usec() + 1500 * USEC_PER_MSEC;
	/*
	 * Do this all the time, to be faster than a process that waits for an
	 * event.
	 */
	while (clock_usec() < due && !e->is_over) {
		for (size_t i = 0; i < n; i++) {
			char bytes[4096];
			ssize_t r = read(kept[i].fds[1], bytes, sizeof(bytes));

			read_bytes += r > 0 ? (size_t)r : 0;
			if (arc4random_uniform(2000) == 0 &&
			    write(kept[i].fds[0], request, sizeof(request) - 1) > 0)
				written++;
		}
		evil_behave(e, 0);
	}
	evil_say(e, "note read %zu bytes of replies, wrote %zu requests", read_bytes, written);
}

/* Takes all processes of a pool, and gives none back. */
static void
kept_leases(struct evil *e)
{
	struct frame want = evil_want_frame(e, "starved");

	e->manners.ignores_recall = true;
	for (int i = 0; i < 20; i++)
		(void)evil_send(e, &want);
	evil_behave(e, EVIL_SLOW_MS);
}

static void
flood_want(struct evil *e)
{
	evil_flood(e, evil_want_frame(e, "talk"));
	while (e->n_leases > 0)
		return_lease(e, &e->leases[--e->n_leases], false);
}

const struct evil_attack evil_handlers[] = {
	{ "return_twice", return_twice },
	{ "return_of_another", return_of_another },
	{ "proven_of_another", proven_of_another },
	{ "return_of_nothing", return_of_nothing },
	{ "broken_leases", broken_leases },
	{ "kept_pipes", kept_pipes },
	{ "kept_leases", kept_leases },
	{ "flood_want", flood_want },
	{ 0 },
};
