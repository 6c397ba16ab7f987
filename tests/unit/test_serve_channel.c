/* SPDX-License-Identifier: ISC */
/*
 * serve_channel: when and where replies are written: by which descriptor, with
 * how many writes, and how a full channel or a missing reader is handled.
 */
#include "config.h"

#include <sys/socket.h>

#include "serve-peer.h"

static void
output_to_nobody(struct reqd_request *req)
{
	int first = reqd_output(req, 1, "x", 1), second = reqd_output(req, 1, "x", 1);

	fprintf(stderr, "%d %d\n", first == REQD_E_CLOSED, second == REQD_E_CLOSED);
	reqd_reply_null(req);
}

static void
print(struct reqd_request *req)
{
	char byte;

	printf("printed\n");
	(void)fflush(stdout);
	reqd_reply_integer(req, read(STDIN_FILENO, &byte, 1));
}

static void
large(struct reqd_request *req)
{
	char *data = malloc(LARGE);

	if (data == NULL)
		return;
	memset(data, 'x', LARGE);
	reqd_reply_bulk(req, data, LARGE);
	free(data);
}

static const struct function functions[] = {
	FUNCTION(echo), FUNCTION(large), FUNCTION(output_to_nobody), FUNCTION(print),
};

static void
handle(void *arg, struct reqd_request *req)
{
	call_function(functions, N(functions), arg, req);
}

/* Serves with this REQD_CHANNEL; NULL: none. */
static struct served
serve_on(const char *channel, const char *in)
{
	return serve_child(&(struct child){ .in = file_new(in, strlen(in)), .channel = channel });
}

/* A reader with boundaries sees the bytes of the first write, and then all. */
static size_t
first_write(const char *in, const char *all, bool is_batch)
{
	struct child c = { .in = file_new(in, strlen(in)), .is_batch = is_batch };
	struct served s;
	char got[1024];
	ssize_t first, n, len;
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	c.out = sv[1];
	child_start(&c);
	(void)close(sv[1]);
	s = child_end(&c);
	len = first = recv(sv[0], got, sizeof(got), 0);
	ck_assert_int_gt(first, 0);
	while ((n = recv(sv[0], got + len, sizeof(got) - (size_t)len, 0)) > 0)
		len += n;
	got[len] = '\0';
	ck_assert_str_eq(got, all);
	ck_ended("writes", &s, 0, "");
	(void)close(sv[0]);
	(void)close(c.in);
	return (size_t)first;
}

START_TEST(one_write_for_each_reply)
{
	ck_assert_uint_eq(first_write(PING PING PING, PONG PONG PONG, false), strlen(PONG));
}
END_TEST

START_TEST(one_write_for_what_is_there)
{
	ck_assert_uint_eq(first_write(PING PING PING, PONG PONG PONG, true),
	    strlen(PONG PONG PONG));
}
END_TEST

/* A pipe that takes 64 KiB at a time, and is full then. */
START_TEST(channel_that_is_full)
{
	static const char in[] = "*1\r\n$5\r\nlarge\r\n" PING;
	struct child c = { .in = file_new(in, sizeof(in) - 1) };
	size_t got = 0, want = strlen("$3145728\r\n") + LARGE + 2 + strlen(PONG);
	static char piece[64u << 10];
	struct served s;
	int fds[2];
	ssize_t n;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	c.out = fds[1];
	child_start(&c);
	(void)close(fds[1]);
	while ((n = read(fds[0], piece, sizeof(piece))) > 0)
		got += (size_t)n;
	s = child_end(&c);
	ck_assert_int_eq(got, want);
	ck_ended("full", &s, 0, "");
	(void)close(fds[0]);
	(void)close(c.in);
}
END_TEST

static struct served
serve_to_nobody(const char *in)
{
	struct child c = { .in = file_new(in, strlen(in)) };
	struct served s;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	c.out = fds[1];
	(void)close(fds[0]);
	child_start(&c);
	s = child_end(&c);
	(void)close(fds[1]);
	(void)close(c.in);
	return s;
}

START_TEST(nobody_reads)
{
	struct served s = serve_to_nobody(PING PING);

	ck_ended("reply", &s, 1, "reqd_serve: cannot write the reply: Broken pipe\n");
	s = serve_to_nobody("*1\r\n$16\r\noutput_to_nobody\r\n" PING);
	ck_ended("output", &s, 1, "1 1\nreqd_serve: cannot write the reply: Broken pipe\n");
}
END_TEST

START_TEST(printing_goes_to_the_log)
{
	static const char in[] = "*1\r\n$5\r\nprint\r\n" PING;
	static const char *const channels[] = { NULL, "3" };

	for (size_t i = 0; i < N(channels); i++) {
		struct served s = serve_on(channels[i], in);

		/* The function finds nothing to read, either. */
		assert_bytes("print", s.out, ":0\r\n" PONG, 4 + strlen(PONG));
		ck_ended("print", &s, 0, "printed\n");
	}
}
END_TEST

START_TEST(channel_3)
{
	static const char in[] = "*2\r\n$4\r\necho\r\n$2\r\nhi\r\n" PING;
	struct served s = serve_on("3", in);

	ck_served("3", &s, "$2\r\nhi\r\n" PONG, 8 + strlen(PONG));
}
END_TEST

START_TEST(other_channels_are_refused)
{
	static const char *const channels[] = { "", "1", "33", "3 ", "x" };

	for (size_t i = 0; i < N(channels); i++) {
		struct served s = serve_on(channels[i], PING);

		ck_failed(channels[i], &s, "", "reqd_serve: REQD_CHANNEL is not 3\n");
	}
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, one_write_for_each_reply);
	tcase_add_test(tc, one_write_for_what_is_there);
	tcase_add_test(tc, channel_that_is_full);
	tcase_add_test(tc, nobody_reads);
	tcase_add_test(tc, printing_goes_to_the_log);
	tcase_add_test(tc, channel_3);
	tcase_add_test(tc, other_channels_are_refused);
}

UNIT_MAIN("serve_channel", add(tc))
