/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/channel.h"
#include "ipc/job.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/roles.h"
#include "unit.h"

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(frames_arrive_whole_with_their_descriptors)
{
	struct frame out = { .type = FRAME_PREPARE, .generation = 7 }, in;
	int pair[2], send_fds[3], fds[FRAME_MAX_FDS];
	size_t n;

	ck_assert_int_eq(channel_pair(pair), 0);
	for (int i = 0; i < 3; i++)
		send_fds[i] = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(channel_send(pair[0], &out, send_fds, 3), 0);
	ck_assert_int_eq(channel_receive(pair[1], &in, fds, &n), CHANNEL_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(in.generation, 7);
	ck_assert_int_ne(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, 0);
	channel_close_fds(fds, n);
	ck_assert_int_eq(channel_receive(pair[1], &in, fds, &n), -EAGAIN);
	close(pair[0]);
	ck_assert_int_eq(channel_receive(pair[1], &in, fds, &n), CHANNEL_CLOSED);
}
END_TEST

START_TEST(a_full_channel_says_so)
{
	struct frame f = { .type = FRAME_PING };
	int pair[2], r;

	ck_assert_int_eq(channel_pair(pair), 0);
	do {
		r = channel_send(pair[0], &f, NULL, 0);
	} while (r == 0);
	ck_assert_int_eq(r, -EAGAIN);
	close(pair[1]);
	r = channel_send(pair[0], &f, NULL, 0);
	ck_assert(r == -EPIPE || r == -ECONNRESET);
}
END_TEST

/* Descriptors do not pile up here, whatever a compromised sender does. */
START_TEST(bad_messages_are_refused_and_leak_nothing)
{
	struct frame good = { .type = FRAME_CANCEL }, in;
	int pair[2], fds[FRAME_MAX_FDS], extra[FRAME_MAX_FDS], before;
	char bytes[sizeof(struct frame) + 8] = { 0 };
	size_t n;

	for (int i = 0; i < FRAME_MAX_FDS; i++)
		extra[i] = STDIN_FILENO;
	for (size_t len = 1; len < sizeof(bytes); len++) {
		if (len == sizeof(struct frame))
			continue;
		ck_assert_int_eq(channel_pair(pair), 0);
		ck_assert_int_eq(send(pair[0], bytes, len, 0), (ssize_t)len);
		ck_assert_int_eq(channel_receive(pair[1], &in, fds, &n), CHANNEL_BAD);
		close(pair[0]);
		close(pair[1]);
	}
	ck_assert_int_eq(channel_pair(pair), 0);
	before = count_fds();
	for (size_t k = 1; k <= FRAME_MAX_FDS; k++) {
		ck_assert_int_eq(channel_send(pair[0], &good, extra, k), 0);
		ck_assert_int_eq(channel_receive(pair[1], &in, fds, &n), CHANNEL_BAD);
		ck_assert_int_eq(count_fds(), before);
	}
	/* More descriptors than there is room for. */
	{
		int many[200];
		char control[CMSG_SPACE(sizeof(many))] = { 0 };
		struct iovec iov = { &good, sizeof(good) };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			.msg_controllen = sizeof(control) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(many));
		for (int i = 0; i < 200; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &extra[0], sizeof(int));
		ck_assert_int_gt(sendmsg(pair[0], &msg, 0), 0);
		ck_assert_int_eq(channel_receive(pair[1], &in, fds, &n), CHANNEL_BAD);
		ck_assert_int_eq(count_fds(), before);
	}
}
END_TEST

START_TEST(descriptors_from_below_are_never_installed)
{
	struct frame good = { .type = FRAME_CANCEL }, with = { .type = FRAME_DEPOSIT }, in;
	int pair[2], null = open("/dev/null", O_RDONLY), before;

	ck_assert_int_eq(channel_pair(pair), 0);
	before = count_fds();
	ck_assert_int_eq(channel_receive_plain(pair[1], &in), -EAGAIN);
	/*
	 * A descriptor is refused with a frame that may have none, and with one
	 * that has to have one.
	 */
	ck_assert_int_eq(channel_send(pair[0], &good, &null, 1), 0);
	ck_assert_int_eq(channel_receive_plain(pair[1], &in), CHANNEL_BAD);
	ck_assert_int_eq(channel_send(pair[0], &with, &null, 1), 0);
	ck_assert_int_eq(channel_receive_plain(pair[1], &in), CHANNEL_BAD);
	ck_assert_int_eq(count_fds(), before);
	ck_assert_int_eq(channel_send(pair[0], &good, NULL, 0), 0);
	ck_assert_int_eq(channel_receive_plain(pair[1], &in), CHANNEL_OK);
	ck_assert_int_eq(in.type, FRAME_CANCEL);
	ck_assert_int_eq(send(pair[0], "hello", 5, 0), 5);
	ck_assert_int_eq(channel_receive_plain(pair[1], &in), CHANNEL_BAD);
	close(pair[0]);
	ck_assert_int_eq(channel_receive_plain(pair[1], &in), CHANNEL_CLOSED);
	close(pair[1]);
	close(null);
}
END_TEST

/*
 * Received or thrown away, the last reference to a socket that lingers would hold
 * up whoever drops it. So it does not get into the channel.
 */
START_TEST(descriptors_from_below_do_not_get_in)
{
	struct frame f = { .type = FRAME_CANCEL }, in;
	int pair[2], null = open("/dev/null", O_RDONLY), fds[FRAME_MAX_FDS], on = 0;
	socklen_t len = sizeof(on);
	size_t n;

	ck_assert_int_eq(channel_pair(pair), 0);
	channel_refuse_fds(pair[1]);
	/* The other direction is as before. */
	f.type = FRAME_LINK;
	ck_assert_int_eq(channel_send(pair[1], &f, &null, 1), 0);
	ck_assert_int_eq(channel_receive(pair[0], &in, fds, &n), CHANNEL_OK);
	channel_close_fds(fds, n);
	f.type = FRAME_CANCEL;
	ck_assert_int_eq(channel_send(pair[0], &f, NULL, 0), 0);
	ck_assert_int_eq(channel_receive_plain(pair[1], &in), CHANNEL_OK);
	/* Before Linux 6.16 there is no such option. */
	if (getsockopt(pair[1], SOL_SOCKET, 83, &on, &len) == 0)
		ck_assert_int_eq(channel_send(pair[0], &f, &null, 1), -EPERM);
	close(pair[0]);
	close(pair[1]);
	close(null);
}
END_TEST

/* Leaves on the stack what looks like descriptors that came along. */
static void __attribute__((noinline))
soil_stack(void)
{
	volatile struct {
		uint64_t len;
		int32_t level, type;
	} soil[1024];

	for (size_t i = 0; i < sizeof(soil) / sizeof(soil[0]); i++) {
		soil[i].len = 1 << 20;
		soil[i].level = SOL_SOCKET;
		soil[i].type = SCM_RIGHTS;
	}
}

/* The sender has closed its end without having read all: the kernel fills in nothing. */
START_TEST(a_reset_brings_no_descriptors)
{
	struct frame f = { .type = FRAME_PONG };
	int pair[2], fds[FRAME_MAX_FDS], before;
	size_t n;

	ck_assert_int_eq(channel_pair(pair), 0);
	ck_assert_int_eq(channel_send(pair[1], &f, NULL, 0), 0);
	ck_assert_int_eq(close(pair[0]), 0);
	before = count_fds();
	soil_stack();
	ck_assert_int_eq(channel_receive(pair[1], &f, fds, &n), CHANNEL_CLOSED);
	ck_assert_int_eq(count_fds(), before);
	close(pair[1]);
}
END_TEST

START_TEST(links_and_faults_are_text_that_ends)
{
	struct frame f;

	memset(&f, 'x', sizeof(f));
	f.slot = 3;
	f.type = FRAME_FAULT;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	f.fault.text[sizeof(f.fault.text) - 1] = '\0';
	ck_assert(frame_check(&f, sizeof(f), 0));
	ck_assert(!frame_check(&f, sizeof(f), 1));
	f.type = FRAME_LINK;
	f.link.name[sizeof(f.link.name) - 1] = 'x';
	ck_assert(!frame_check(&f, sizeof(f), 1));
	f.link.name[sizeof(f.link.name) - 1] = '\0';
	ck_assert(frame_check(&f, sizeof(f), 1));
	f.type = FRAME_UNLINK;
	ck_assert(frame_check(&f, sizeof(f), 0));
	ck_assert(!frame_check(&f, sizeof(f), 1));
	f.slot = ROLE_MAX_PROCESSES;
	ck_assert(!frame_check(&f, sizeof(f), 0));
}
END_TEST

START_TEST(changes_are_whole_and_in_one_line)
{
	struct frame f = { .type = FRAME_OVERLAY };

	ck_assert(frame_check(&f, sizeof(f), 0));
	f.overlay.service = OVERLAY_ALL;
	f.overlay.is_first = 1;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	f.overlay.is_last = 1;
	ck_assert(frame_check(&f, sizeof(f), 0));
	f.overlay.is_first = 0;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	f.overlay.is_first = 1;
	for (unsigned c = 0; c < 256; c++) {
		f.overlay.text[0] = 'a';
		f.overlay.text[1] = (char)c;
		ck_assert_int_eq(frame_check(&f, sizeof(f), 0),
		    c == 0 || (c >= ' ' && c != 0x7f));
	}
	memset(f.overlay.text, 'x', sizeof(f.overlay.text));
	ck_assert(!frame_check(&f, sizeof(f), 0));
}
END_TEST

START_TEST(frames_are_checked_by_type)
{
	struct frame f;

	memset(&f, 0, sizeof(f));
	ck_assert(!frame_check(&f, sizeof(f), 0));
	f.type = FRAME_TYPE_N;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	f.type = FRAME_RUN;
	f.run.deadline_usec = 1;
	ck_assert(frame_check(&f, sizeof(f), 0));
	ck_assert(!frame_check(&f, sizeof(f), 1));
	f.run.flags = 0x80;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	f.run.flags = RUN_HAS_INPUT;
	f.run.service = 60000;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	/* As many descriptors as there are pipes. */
	memset(&f, 0, sizeof(f));
	f.type = FRAME_KIT;
	ck_assert(frame_check(&f, sizeof(f), 2));
	ck_assert(!frame_check(&f, sizeof(f), 3));
	f.kit.has_input = 1;
	ck_assert(frame_check(&f, sizeof(f), 3));
	ck_assert(!frame_check(&f, sizeof(f), 2));
	/* A job beyond the end of its file. */
	memset(&f, 0, sizeof(f));
	f.type = FRAME_RUN;
	f.run.deadline_usec = 1;
	f.run.place = JOB_PLACES - 1;
	ck_assert(frame_check(&f, sizeof(f), 0));
	f.run.place = JOB_PLACES;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	/* A number that is no slot of the table. */
	for (unsigned t = FRAME_START; t <= FRAME_WEIGHED; t++) {
		if (t == FRAME_KIT || t == FRAME_MAKE_KITS || t == FRAME_JOBS || t == FRAME_MAKE_JOBS)
			continue;
		memset(&f, 0xff, sizeof(f));
		f.type = (uint16_t)t;
		f.slot = 0;
		ck_assert_msg(!frame_check(&f, sizeof(f), 0), "%s", frame_type_name(t));
	}
	memset(&f, 'x', sizeof(f));
	f.type = FRAME_REFUSED;
	f.slot = 0;
	ck_assert(!frame_check(&f, sizeof(f), 0));
	for (unsigned t = 0; t < FRAME_TYPE_N + 2u; t++)
		ck_assert_ptr_nonnull(frame_type_name(t));
}
END_TEST

UNIT_MAIN("channel", tcase_add_test(tc, frames_arrive_whole_with_their_descriptors);
    tcase_add_test(tc, a_full_channel_says_so);
    tcase_add_test(tc, bad_messages_are_refused_and_leak_nothing);
    tcase_add_test(tc, descriptors_from_below_are_never_installed);
    tcase_add_test(tc, descriptors_from_below_do_not_get_in);
    tcase_add_test(tc, a_reset_brings_no_descriptors);
    tcase_add_test(tc, links_and_faults_are_text_that_ends);
    tcase_add_test(tc, changes_are_whole_and_in_one_line);
    tcase_add_test(tc, frames_are_checked_by_type))
