/* SPDX-License-Identifier: ISC */
/* Attacks of a worker on the process that checks passwords. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "evil.h"
#include "ipc/password.h"

/* A question as an honest worker would send it, from a source of its own. */
static struct password_ask
question(uint64_t id)
{
	struct password_ask q = { .id = id, .place = PASSWORD_FROM_IPV4, .login_len = 5,
		.secret_len = 10 };

	memcpy(q.login, "alice", 5);
	(void)snprintf(q.secret, sizeof(q.secret), "%010llu", (unsigned long long)id);
	/* Not that of the honest clients, whom a lie about a source can keep waiting. */
	q.address[0] = 203;
	for (size_t i = 1; i < 4; i++)
		q.address[i] = (uint8_t)(id >> 8 * (3 - i));
	return q;
}

/* Writes bytes that are no question, and waits for the end. */
static void
write_bad(struct evil *e, const void *data, size_t len)
{
	if (e->auth_pipe < 0) {
		evil_say(e, "note there is no auth");
		return;
	}
	evil_confess(e);
	(void)!write(e->auth_pipe, data, len);
	evil_behave(e, EVIL_WAIT_MS);
}

static void
half_to_auth(struct evil *e)
{
	struct password_ask q = question(1);

	write_bad(e, &q, sizeof(q) / 2);
}

static void
byte_to_auth(struct evil *e)
{
	write_bad(e, "x", 1);
}

static void
frame_to_auth(struct evil *e)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = e->generation };

	write_bad(e, &f, sizeof(f));
}

static void
long_login_to_auth(struct evil *e)
{
	struct password_ask q = question(1);

	q.login_len = UINT8_MAX;
	write_bad(e, &q, sizeof(q));
}

static void
long_secret_to_auth(struct evil *e)
{
	struct password_ask q = question(1);

	q.secret_len = UINT16_MAX;
	write_bad(e, &q, sizeof(q));
}

static void
place_out_of_range(struct evil *e)
{
	struct password_ask q = question(1);

	q.place = UINT8_MAX;
	write_bad(e, &q, sizeof(q));
}

static void
nul_in_a_secret(struct evil *e)
{
	struct password_ask q = question(1);

	q.secret[3] = '\0';
	write_bad(e, &q, sizeof(q));
}

/* Guesses as fast as it can, with sources that it makes up. */
static void
guess(struct evil *e, bool reads)
{
	uint64_t due = clock_usec() + 1500 * USEC_PER_MSEC, id = (uint64_t)e->slot << 32, n = 0;
	struct password_answer a;
	bool is_right = false;

	while (clock_usec() < due && e->auth_pipe >= 0) {
		struct password_ask q = question(++id);

		n += write(e->auth_pipe, &q, sizeof(q)) > 0;
		while (reads && recv(e->auth_socket, &a, sizeof(a), MSG_DONTWAIT) == sizeof(a))
			is_right = is_right || a.verdict == PASSWORD_RIGHT;
		if (id % 64 == 0)
			evil_behave(e, 1);
	}
	evil_say(e, "note %llu guesses%s", (unsigned long long)n, is_right ? ", one was right" : "");
}

static void
flood_auth(struct evil *e)
{
	guess(e, true);
}

static void
flood_auth_unread(struct evil *e)
{
	guess(e, false);
}

/* Questions that fit the form, with any bytes in them. */
static void
any_questions(struct evil *e)
{
	for (int i = 0; i < 500 && e->auth_pipe >= 0; i++) {
		struct password_ask q;

		arc4random_buf(&q, sizeof(q));
		q.login_len = (uint8_t)(q.login_len % (sizeof(q.login) + 1));
		q.secret_len = (uint16_t)(q.secret_len % sizeof(q.secret) + 1);
		q.place = PASSWORD_FROM_IPV6;
		for (size_t k = 0; k < q.secret_len; k++)
			q.secret[k] |= 1;
		(void)!write(e->auth_pipe, &q, sizeof(q));
		if (i % 32 == 0)
			evil_behave(e, 2);
	}
}

const struct evil_attack evil_passwords[] = {
	{ "half_to_auth", half_to_auth },
	{ "byte_to_auth", byte_to_auth },
	{ "frame_to_auth", frame_to_auth },
	{ "long_login_to_auth", long_login_to_auth },
	{ "long_secret_to_auth", long_secret_to_auth },
	{ "place_out_of_range", place_out_of_range },
	{ "nul_in_a_secret", nul_in_a_secret },
	{ "any_questions", any_questions },
	{ "flood_auth", flood_auth },
	{ "flood_auth_unread", flood_auth_unread },
	{ 0 },
};
