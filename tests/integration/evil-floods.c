/* SPDX-License-Identifier: ISC */
/*
 * evil-floods: attacks with too much of everything, and on resources that all
 * workers share.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/digest.h"
#include "evil.h"
#include "ipc/channel.h"
#include "ipc/roles.h"
#include "ipc/stats.h"

/* A flood has this number of frames, and takes this number of milliseconds. */
#define FLOOD 20000
#define FLOOD_MS 1000

/* -------------------------------------------------------------- floods --- */

void
evil_flood(struct evil *e, struct frame f)
{
	uint64_t due = clock_usec() + FLOOD_MS * USEC_PER_MSEC;
	uint32_t n = 0;

	while (n < FLOOD && clock_usec() < due) {
		struct frame batch[16];

		for (size_t i = 0; i < ARRAY_LEN(batch); i++) {
			batch[i] = f;
			batch[i].id = f.type == FRAME_WANT ? 0 : evil_new_id(e);
		}
		if (!evil_write(e, batch, sizeof(batch)))
			break;
		n += ARRAY_LEN(batch);
		evil_behave(e, 0);
	}
	evil_say(e, "note %u frames", n);
	evil_behave(e, 50);
}

static void
flood_cancel(struct evil *e)
{
	evil_flood(e, evil_cancel_frame(0));
}

static void
flood_deposit(struct evil *e)
{
	evil_flood(e, evil_deposit_frame(0));
}

static void
flood_return(struct evil *e)
{
	evil_flood(e, (struct frame){ .type = FRAME_RETURN });
}

static void
flood_proven(struct evil *e)
{
	evil_flood(e, (struct frame){ .type = FRAME_PROVEN });
}

static void
flood_answers(struct evil *e)
{
	evil_flood(e, (struct frame){ .type = FRAME_RUN, .answers = 77, .run.deadline_usec = 1 });
}

static void
flood_cancelled(struct evil *e)
{
	evil_flood(e, (struct frame){ .type = FRAME_CANCELLED, .slot = 20, .cancel.found = 1 });
}

/* Each frame is answered, and no answer is read. */
static void
flood_want_unread(struct evil *e)
{
	e->manners.is_deaf = true;
	evil_flood(e, evil_want_frame(e, "there-is-none"));
	e->manners.is_deaf = false;
	evil_behave(e, 100);
}

/* Looks for a result again and again, and takes none. */
static void
flood_look_up(struct evil *e)
{
	struct evil_kit k;
	struct frame f = evil_run_frame(e, "true", NULL, &k), deposit, ask;

	f.run.token = evil_new_token(e);
	(void)evil_send(e, &f);
	(void)evil_await(e, FRAME_ENDED, EVIL_WAIT_MS);
	if (e->paper >= 0)
		(void)fcntl(e->paper, F_ADD_SEALS, F_SEAL_WRITE);
	deposit = evil_deposit_frame(f.id);
	(void)evil_send(e, &deposit);
	ask = (struct frame){ .type = FRAME_LOOK_UP, .id = evil_new_id(e), .cancel.token = f.run.token };
	e->manners.is_deaf = true;
	evil_flood(e, ask);
	e->manners.is_deaf = false;
	evil_behave(e, 100);
}

/* Sends as many requests as there are kits, of any generation and deadline. */
static void
flood_run(struct evil *e)
{
	uint64_t due = clock_usec() + FLOOD_MS * USEC_PER_MSEC;
	uint32_t n = 0;

	while (clock_usec() < due && !e->is_found_out) {
		struct evil_kit k;
		struct frame f = evil_run_frame(e, "queue", NULL, &k);

		if (n % 3 == 0)
			f.generation = n % 2 == 0 ? 0 : UINT32_MAX;
		if (n % 7 == 0)
			f.run.deadline_usec = 1;
		if (n % 5 == 0)
			f.run.lock = evil_digest_like((uint8_t)n);
		if (n % 4 == 0)
			f.run.token = evil_new_token(e);
		(void)evil_send(e, &f);
		evil_close_kit(&k);
		n++;
	}
	evil_say(e, "note %u requests", n);
	evil_behave(e, 100);
}

/* Makes a token and its file for each request, and reads nothing. */
static void
run_unread(struct evil *e)
{
	struct frame f[8];

	for (size_t i = 0; i < ARRAY_LEN(f); i++) {
		struct evil_kit k;

		f[i] = evil_run_frame(e, "true", NULL, &k);
		f[i].run.token = evil_new_token(e);
		f[i].run.flags = RUN_WANT_STARTED;
	}
	e->manners.is_deaf = true;
	(void)evil_write(e, f, sizeof(f));
	evil_behave(e, 500);
	e->manners.is_deaf = false;
	evil_behave(e, 50);
}

static void
flood_master(struct evil *e)
{
	uint64_t due = clock_usec() + FLOOD_MS * USEC_PER_MSEC;
	uint32_t n = 0;

	while (n < FLOOD && clock_usec() < due) {
		struct frame f = { .type = n % 2 == 0 ? FRAME_PONG : FRAME_DRAINED, .id = n };

		(void)evil_tell_master(&f);
		n++;
	}
	evil_say(e, "note %u frames", n);
	evil_behave(e, 50);
}

/* Sends records of any bytes, and valid records. */
static void
flood_log(struct evil *e)
{
	uint64_t due = clock_usec() + FLOOD_MS * USEC_PER_MSEC;
	char bytes[512];
	uint32_t n = 0;

	while (n < FLOOD && clock_usec() < due) {
		arc4random_buf(bytes, sizeof(bytes));
		if (send(ROLE_LOG_FD, bytes, arc4random_uniform(sizeof(bytes)) + 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			evil_behave(e, 1);
		n++;
	}
	evil_say(e, "note %u records", n);
	evil_behave(e, 50);
}

/* --------------------------------------------------------- descriptors --- */

/* Makes a connection with bytes that nobody reads: its last close() waits. */
static int
lingering_socket(int *ret_peer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger linger = { .l_onoff = 1, .l_linger = 10 };
	socklen_t len = sizeof(a);
	static const char bytes[1 << 16];
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&a, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&a, len) < 0)
		return -1;
	*ret_peer = accept(listener, NULL, NULL);
	(void)close(listener);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return fd;
}

/* Makes a memory file whose last close() frees this much. */
static int
large_file(void)
{
	static const char bytes[1 << 20];
	int fd = memfd_create("large", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	for (int i = 0; i < 128; i++) {
		if (write(fd, bytes, sizeof(bytes)) < 0)
			break;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

/* Returns errno, or 0 when the descriptors were sent. */
static int
send_fds(int to, const void *data, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = CMSG_SPACE(sizeof(int) * n),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	return sendmsg(to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* Makes a unix socket with these descriptors on their way in it. */
static int
nest_of(const int *fds, size_t n)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		return -1;
	(void)send_fds(pair[0], "x", 1, fds, n);
	(void)close(pair[0]);
	return pair[1];
}

/* Sends the descriptors over every channel, plain and nested. */
static void
heavy_descriptors(struct evil *e)
{
	const struct { const char *name; int fd; } channels[] = {
		{ "master", ROLE_CHANNEL_FD }, { "log", ROLE_LOG_FD }, { "broker", e->socket },
		{ "broker's pipe", e->pipe },
	};
	struct frame pong = { .type = FRAME_PONG };

	for (size_t i = 0; i < ARRAY_LEN(channels); i++) {
		int peers[2], fds[3], error, nested;

		fds[0] = lingering_socket(&peers[0]);
		fds[1] = large_file();
		fds[2] = lingering_socket(&peers[1]);
		fds[2] = nest_of(&fds[2], 1);
		error = send_fds(channels[i].fd, &pong, sizeof(pong), fds, 3);
		nested = send_fds(channels[i].fd, &pong, sizeof(pong), &fds[2], 1);
		evil_say(e, "note to the %s: %s, %s", channels[i].name,
		    error == 0 ? "sent" : strerror(error), nested == 0 ? "sent" : strerror(nested));
		/* Closing this socket here would wait. */
		for (size_t j = 0; j < 3; j += 2)
			(void)setsockopt(fds[j], SOL_SOCKET, SO_LINGER, &(struct linger){ 0 },
			    sizeof(struct linger));
		channel_close_fds(fds, 3);
		evil_behave(e, 50);
	}
	evil_behave(e, 300);
}

/*
 * So many descriptors of its account are on their way that other processes of
 * the account may send none.
 */
static void
descriptors_on_their_way(struct evil *e)
{
	enum { PAIRS = 400 };
	static int pairs[PAIRS][2];
	int fds[8], file = open("/dev/null", O_RDONLY);
	size_t n = 0, sent = 0;
	int error = 0;

	for (size_t i = 0; i < 8; i++)
		fds[i] = file;
	for (; n < PAIRS && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pairs[n]) == 0; n++) {
		while ((error = send_fds(pairs[n][0], "x", 1, fds, 8)) == 0)
			sent += 8;
		if (error == ETOOMANYREFS)
			break;
	}
	evil_say(e, "note %zu descriptors are on their way: %s", sent, strerror(error));
	evil_behave(e, 1000);
	for (size_t i = 0; i <= n && i < PAIRS; i++)
		channel_close_fds(pairs[i], 2);
	(void)close(file);
}

/* ---------------------------------------------------------------- page --- */

/* All rows are full of callers that have all there is, and one is of the honest clients. */
static void
tally_lie(struct stats *s)
{
	const struct digest loopback = { .bytes = { [15] = 1 } };
	uint64_t key = tally_key(&s->tally, &loopback, "local");

	for (size_t i = 0; i < TALLY_ROWS; i++) {
		s->tally.rows[i] = (struct tally_row){
			.key = i * UINT64_C(0x9e3779b97f4a7c15) + i, .connections = UINT32_MAX,
			.strangers = UINT32_MAX, .calls = UINT32_MAX, .begun = UINT32_MAX,
			.until_sec = (uint32_t)(clock_usec() / USEC_PER_SEC) + 1,
		};
	}
	s->tally.rows[key % TALLY_ROWS] = (struct tally_row){
		.key = key, .connections = 1000, .calls = 1000, .begun = 1000, .until_sec = 1,
	};
}

static void
scribble(struct evil *e, int how)
{
	struct stats *s = stats_map_own(ROLE_STATS_FD);
	uint64_t due = clock_usec() + 500 * USEC_PER_MSEC;

	if (s == NULL)
		return;
	do {
		if (how == 0)
			arc4random_buf(s, sizeof(*s));
		else if (how == 1)
			memset(s, 0xff, sizeof(*s));
		else if (how == 3)
			tally_lie(s);
		else {
			s->generation = e->generation;
			s->connections_open = s->running = 12;
			for (size_t i = 0; i < CONF_MAX_LISTENERS; i++)
				s->port_connections[i] = 12;
		}
		evil_behave(e, 20);
	} while (clock_usec() < due);
	memset(s, 0, sizeof(*s));
	stats_unmap(s);
}

static void
page_of_random(struct evil *e)
{
	scribble(e, 0);
}

static void
page_of_ones(struct evil *e)
{
	scribble(e, 1);
}

static void
page_of_lies(struct evil *e)
{
	scribble(e, 3);
}

static void
page_of_plausible(struct evil *e)
{
	scribble(e, 2);
}

/* ----------------------------------------------------------- listeners --- */

static void
set_blocking(const struct evil *e, bool is_blocking)
{
	for (size_t i = 0; i < e->n_listeners; i++) {
		int flags = fcntl(e->listeners[i], F_GETFL);

		flags = is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
		(void)fcntl(e->listeners[i], F_SETFL, flags);
	}
}

/*
 * Two workers see one connection; the worker that accepts second waits for the
 * next.
 */
static void
blocking_listeners(struct evil *e)
{
	set_blocking(e, true);
	evil_behave(e, 1000);
	set_blocking(e, false);
}

const struct evil_attack evil_floods[] = {
	{ "flood_cancel", flood_cancel },
	{ "flood_deposit", flood_deposit },
	{ "flood_return", flood_return },
	{ "flood_proven", flood_proven },
	{ "flood_answers", flood_answers },
	{ "flood_cancelled", flood_cancelled },
	{ "flood_want_unread", flood_want_unread },
	{ "flood_look_up", flood_look_up },
	{ "flood_run", flood_run },
	{ "run_unread", run_unread },
	{ "flood_master", flood_master },
	{ "flood_log", flood_log },
	{ "heavy_descriptors", heavy_descriptors },
	{ "descriptors_on_their_way", descriptors_on_their_way },
	{ "page_of_random", page_of_random },
	{ "page_of_ones", page_of_ones },
	{ "page_of_plausible", page_of_plausible },
	{ "page_of_lies", page_of_lies },
	{ "blocking_listeners", blocking_listeners },
	{ 0 },
};
