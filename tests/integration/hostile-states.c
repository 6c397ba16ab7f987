/* SPDX-License-Identifier: ISC */
/*
 * hostile-states: phases about time: clients that leave in every state of a
 * connection, and the cost of an idle server.
 */
#include "config.h"

#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* ---------------------------------------------------------- disconnects --- */

static void
say_input(int fd, size_t n_bytes)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	size_t len;
	const char *id = peer_hear(fd, &len);

	if (id == NULL || *id != '+' || len != 19)
		die("no call is open: %s", id != NULL ? id : "the end");
	(void)buf_printf(&b, "*3\r\n$5\r\nINPUT\r\n$16\r\n%.16s\r\n$%zu\r\n", id + 1, n_bytes);
	for (size_t i = 0; i < n_bytes; i++)
		(void)buf_append_char(&b, 'i');
	(void)buf_append_str(&b, "\r\n");
	peer_send(fd, buf_data(&b), buf_len(&b));
}

static void
be_replied(int fd)
{
	peer_say(fd, "PING\r\n");
	peer_hears(fd, "+PONG");
}

static void
be_streaming(int fd)
{
	peer_say(fd, "HELLO 3\r\nCALL --stream flood\r\n");
	peer_hears(fd, "%7");
	peer_hears(fd, ">4");
}

static void
be_open(int fd)
{
	peer_say(fd, "CALL --open cat\r\n");
	say_input(fd, 3);
	peer_hears(fd, ":3");
}

static void
be_open_and_deaf(int fd)
{
	peer_say(fd, "CALL --open deaf\r\n");
	say_input(fd, 500000);
}

/* The states that a connection can be in, and the way into each. */
static const struct {
	const char *name, *say;
	void (*reach)(int fd);
} states[] = {
	{ "connected", "", NULL },
	{ "count begun", "*", NULL },
	{ "word announced", "*2\r\n$4\r\nECHO\r\n$100000\r\nabc", NULL },
	{ "line begun", "ECHO \"", NULL },
	{ "replied", NULL, be_replied },
	{ "call runs", "CALL pause 60\r\n", NULL },
	{ "call runs, more waits", "CALL pause 60\r\nPING\r\nCALL echo x\r\n", NULL },
	{ "call queued", "CALL one 60\r\n", NULL },
	{ "call with input", "*4\r\n$4\r\nCALL\r\n$7\r\n--stdin\r\n$4\r\ndeaf\r\n$5\r\nhello\r\n", NULL },
	{ "output streams", NULL, be_streaming },
	{ "input open", NULL, be_open },
	{ "input stuck", NULL, be_open_and_deaf },
	{ "after an error", "*x\r\n", NULL },
	{ "after QUIT", "QUIT\r\n", NULL },
};

enum leave { LEAVE_CLOSE, LEAVE_RESET, LEAVE_HALF, LEAVE_N };

static void
leave(int fd, enum leave how)
{
	struct linger now = { .l_onoff = 1 };

	if (how == LEAVE_HALF) {
		(void)shutdown(fd, SHUT_WR);
		return;
	}
	if (how == LEAVE_RESET)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

/* Reads to the end, which must come in time. */
static void
drain(int fd, const char *state)
{
	double until = seconds() + place.patience + 2;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char data[1 << 16];

	while (seconds() < until) {
		if (poll(&p, 1, 100) > 0 && recv(fd, data, sizeof(data), 0) <= 0) {
			(void)close(fd);
			return;
		}
	}
	die("a half-closed client in the state \"%s\" is kept", state);
}

void
phase_states(void)
{
	static int fds[ARRAY_LEN(states)][LEAVE_N][2];

	server_settles("clients", "connected_clients:", 1);
	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		for (int how = 0; how < LEAVE_N; how++) {
			for (int k = 0; k < 2; k++) {
				int fd = fds[s][how][k] = peer_connect(k);

				if (fd < 0)
					die("cannot connect: %s", strerror(errno));
				if (states[s].say != NULL)
					peer_say(fd, states[s].say);
				if (states[s].reach != NULL)
					states[s].reach(fd);
				peer_totals.n++;
			}
		}
	}
	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		for (int how = 0; how < LEAVE_N; how++) {
			for (int k = 0; k < 2; k++)
				leave(fds[s][how][k], how);
		}
	}
	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		for (int k = 0; k < 2; k++)
			drain(fds[s][LEAVE_HALF][k], states[s].name);
	}
	server_settles("clients", "connected_clients:", 1);
	server_settles("stats", "calls_running:", 0);
}

/* ---------------------------------------------------------------- quiet --- */

#define LOOK_MS 2000
/* More bytes than the INFO that asks for them sends, fewer than a stream. */
#define FULL_BYTES 8192

static void
look(const char *name, long max_ticks, long max_switches)
{
	long ticks = server_ticks(), switches = server_switches();

	(void)poll(NULL, 0, LOOK_MS);
	ticks = server_ticks() - ticks;
	switches = server_switches() - switches;
	note("%s: %ld ticks and %ld wake-ups of %zu workers in %d s", name, ticks, switches,
	    place.n_workers, LOOK_MS / 1000);
	if (ticks > max_ticks)
		die("too much work for nothing");
	if (switches > max_switches)
		die("too many wake-ups");
}

/*
 * Nothing happens: each worker may answer its master now and then, and has the
 * timers of the connections, but must not loop.
 */
void
phase_quiet(void)
{
	long per_worker = (long)place.n_workers * LOOK_MS / 1000;
	int fds[6];

	server_settles("clients", "connected_clients:", 1);
	look("idle", 2, 2 * per_worker);

	/* A QUIT makes the server wait for the call. */
	for (int i = 0; i < 2; i++) {
		fds[i] = peer_connect(i);
		peer_say(fds[i], "CALL pause 30\r\nQUIT\r\n");
		(void)shutdown(fds[i], SHUT_WR);
	}
	for (int i = 2; i < 4; i++) {
		fds[i] = peer_connect(i % 2);
		peer_say(fds[i], "CALL keep 30\r\n");
	}
	for (int i = 4; i < 6; i++) {
		fds[i] = peer_connect(i % 2);
		peer_say(fds[i], "HELLO 3\r\nCALL --stream flood\r\n");
	}
	server_settles("stats", "calls_running:", 6);
	(void)close(fds[2]);
	(void)close(fds[3]);
	/*
	 * Wait until the closed connections are gone and the streams are full.
	 */
	server_settles("clients", "connected_clients:", 5);
	for (long last = 0, now; (now = server_number("stats", "total_net_output_bytes:")) - last >
	     FULL_BYTES; last = now)
		(void)poll(NULL, 0, 200);
	look("half-closed, closed and congested", 4, 4 * per_worker);
	if (server_number("stats", "calls_running:") != 6)
		die("a call has ended early");
	for (int i = 0; i < 6; i++) {
		if (i != 2 && i != 3)
			(void)close(fds[i]);
	}
}
