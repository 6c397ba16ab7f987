/* SPDX-License-Identifier: ISC */
/*
 * hostile-load: phases about amounts: many connections that hold, long
 * pipelines, clients that never read.
 */
#include "config.h"

#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define HELD 1000
#define GREEDY 100

static int held[HELD];

static void
hold(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		held[i] = peer_connect(i % 2 == 0);
		if (held[i] < 0)
			die("cannot connect: %s", strerror(errno));
	}
	/* Wait until the server has accepted them, too. */
	server_settles("clients", "connected_clients:", (long)n + 1);
}

static void
release(size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(held[i]);
	peer_totals.n += n;
	server_settles("clients", "connected_clients:", 1);
}

/* Announces a great length, and sends a byte of it. */
void
phase_held(void)
{
	static const char begin[] = "*2\r\n$4\r\nECHO\r\n$1048576\r\nx";
	long before, grown, received;

	server_settles("clients", "connected_clients:", 1);
	hold(HELD);
	before = server_memory();
	received = server_number("stats", "total_net_input_bytes:");
	for (size_t i = 0; i < HELD; i++)
		peer_send(held[i], begin, sizeof(begin) - 1);
	for (double until = seconds() + place.patience;
	     server_number("stats", "total_net_input_bytes:") - received <
	     (long)(HELD * (sizeof(begin) - 1));) {
		if (seconds() > until)
			die("not all that was sent has been read");
	}
	grown = server_memory() - before;
	note("%ld bytes for each connection that holds part of a request", grown * 1024 / HELD);
	if (place.measures_memory && grown > 4 * HELD)
		die("that is too much");
	server_lives();
	release(HELD);
}

/* ------------------------------------------------------------ pipelines --- */

/*
 * Makes n requests, good, bad and slow ones; with an error at that place, -1:
 * none.
 */
static struct buf
pipeline(int n, int error_at)
{
	struct buf b = BUF_INIT(0);

	for (int i = 0; i < n; i++) {
		if (i == error_at)
			(void)buf_append_str(&b, "*1\r\n:4\r\n");
		else if (i % 1000 == 500)
			(void)buf_printf(&b, "CALL pause 0.0%d\r\n", 1 + i / 1000 % 5);
		else if (i % 500 == 7)
			(void)buf_printf(&b, "CALL echo %d\r\n", i);
		else if (i % 7 == 3)
			(void)buf_printf(&b, "NONSENSE %d\r\n", i);
		else if (i % 7 == 5)
			(void)buf_append_str(&b, "ECHO\r\n");
		else
			(void)buf_printf(&b, "*2\r\n$4\r\nECHO\r\n$5\r\n%05d\r\n", i);
	}
	return b;
}

void
phase_pipelines(void)
{
	static const int lengths[] = { 1, 10, 10000 };
	unsigned long before = server_runs();
	struct peer_totals totals = peer_totals;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (int k = 0; k < 4; k++) {
			int n = lengths[i];
			struct peer_case c = {
				.name = "a pipeline",
				.bytes = pipeline(n, k < 2 ? -1 : n / (k - 1) - 1),
				.end = PEER_HALF_CLOSES,
			};

			/* Without QUIT slow requests need not be finished. */
			if (k < 2)
				(void)buf_append_str(&c.bytes, "QUIT\r\nCALL echo never\r\n");
			peer_run(&c);
			peer_finish();
		}
	}
	server_settles("stats", "calls_running:", 0);
	if (server_runs() - before != peer_totals.must_run - totals.must_run)
		die("%lu programs have run instead of %lu", server_runs() - before,
		    peer_totals.must_run - totals.must_run);
}

/* --------------------------------------------------------------- greedy --- */

/* Clients that ask for much, again and again, and read nothing. */
void
phase_greedy(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	size_t at[GREEDY] = { 0 };
	double until = seconds() + 2, longest = 0;
	long before, grown;
	int canary;

	while (buf_len(&b) < 2u << 20)
		(void)buf_append_str(&b, "COMMAND DOCS\r\nINFO\r\nCLIENT LIST\r\n");
	server_settles("clients", "connected_clients:", 1);
	before = server_memory();
	canary = peer_connect(true);
	for (size_t i = 0; i < GREEDY; i++)
		held[i] = peer_connect(i % 2 == 0);
	while (seconds() < until) {
		double asked = seconds();

		for (size_t i = 0; i < GREEDY; i++) {
			ssize_t n = send(held[i], buf_data(&b) + at[i], buf_len(&b) - at[i],
			    MSG_DONTWAIT | MSG_NOSIGNAL);

			at[i] += n > 0 ? (size_t)n : 0;
			if (at[i] == buf_len(&b))
				at[i] = 0;
		}
		peer_say(canary, "PING\r\n");
		peer_hears(canary, "+PONG\r\n");
		if (seconds() - asked > longest)
			longest = seconds() - asked;
	}
	grown = server_memory() - before;
	note("%ld KiB for each client that never reads; others wait %.0f ms at most",
	    grown / GREEDY, longest * 1000);
	if (place.measures_memory && grown > GREEDY * 1024)
		die("that is too much");
	if (longest > place.patience / 2)
		die("others have to wait too long");
	server_lives();
	(void)close(canary);
	release(GREEDY);
}
