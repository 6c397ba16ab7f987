/* SPDX-License-Identifier: ISC */
/*
 * The control process as its neighbours see it: the test is the master, the workers
 * and the clients of the control socket.
 */
#include "config.h"

#include "control/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roster.h"
#include "unit.h"

static const char conf_text[] =
    "listen \"tcp://127.0.0.1:1\" {}\n"
    "workers = 2\n"
    "service \"true\" { command = {\"/bin/true\"} allow = {\"all\"} }\n"
    "role \"all\" { net = {\"127.0.0.0/8\", \"unix\"} }\n";

static pid_t pid;
static int master = -1;
static uint64_t last_serial;
static struct mail_ends worker[2];
static struct sockaddr_un where = { .sun_family = AF_UNIX };

/* ---------------------------------------------------------------- master --- */

static struct frame
receive(int fd, int *ret_fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int fds[FRAME_MAX_FDS] = { -1 };
	struct frame f;
	size_t n;

	ck_assert_int_eq(poll(&p, 1, -1), 1);
	ck_assert_int_eq(channel_receive(fd, &f, fds, &n), CHANNEL_OK);
	ck_assert(n == 0 || (n == 1 && ret_fd != NULL));
	if (ret_fd != NULL)
		*ret_fd = n == 1 ? fds[0] : -1;
	return f;
}

static struct frame
expect(enum frame_type type)
{
	struct frame f = receive(master, NULL);

	ck_assert_str_eq(frame_type_name(f.type), frame_type_name(type));
	return f;
}

static void
tell(uint64_t id, enum frame_what what, const void *data, size_t len)
{
	struct frame f = { .type = FRAME_TOLD, .id = id, .what = (uint8_t)what };
	CLEANUP_CLOSE int fd = fd_sealed("told", data, len);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(channel_send(master, &f, &fd, 1), 0);
}

/* Mail with a worker, which the test is. */
static uint64_t
link_worker(unsigned slot)
{
	struct frame f = { .type = FRAME_LINK, .slot = (uint16_t)slot };
	struct mail_ends theirs;

	f.link.serial = ++last_serial;
	ck_assert_int_eq(mail_pair(&theirs, &worker[slot]), 0);
	ck_assert_int_eq(channel_send(master, &f, (int[]){ theirs.socket, theirs.pipe }, 2), 0);
	channel_close_fds((int[]){ theirs.socket, theirs.pipe }, 2);
	return f.link.serial;
}

static void
reload(uint32_t generation, int listening)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = generation };
	int fds[] = { fd_sealed("conf", conf_text, sizeof(conf_text) - 1), listening };

	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_eq(channel_send(master, &f, fds, 2), 0);
	channel_close_fds(fds, 2);
	(void)expect(FRAME_PREPARED);
	f.type = FRAME_COMMIT;
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	(void)expect(FRAME_COMMITTED);
}

static int
listening(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s.%d", name, (int)getpid());
	/* In no file system. */
	where.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (void *)&where, sizeof(where)), 0);
	ck_assert_int_eq(listen(fd, 10), 0);
	return fd;
}

static void
set_up(void)
{
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN);
		if (dup2(fds[1], ROLE_CHANNEL_FD) < 0)
			_exit(1);
		(void)close_range(ROLE_CHANNEL_FD + 1, ~0U, 0);
		log_set_level(-1);
		_exit(control_main());
	}
	(void)close(fds[1]);
	master = fds[0];
	(void)expect(FRAME_READY);
	reload(1, listening("-one"));
}

static int
end_status(void)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	pid = 0;
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
tear_down(void)
{
	(void)close(master);
	if (pid > 0)
		ck_assert_int_eq(end_status(), ROLE_EXIT_OK);
}

/* --------------------------------------------------------------- clients --- */

static int
client(const char *request)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (void *)&where, sizeof(where)), 0);
	ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	return fd;
}

static void
expect_reply(int fd, const char *reply)
{
	char got[256] = "";
	size_t len = 0;

	while (len < strlen(reply)) {
		ssize_t n = read(fd, got + len, strlen(reply) - len);

		ck_assert_msg(n > 0, "after \"%s\"", got);
		len += (size_t)n;
	}
	ck_assert_str_eq(got, reply);
}

static void
expect_end(int fd)
{
	char byte;

	ck_assert_int_eq(read(fd, &byte, 1), 0);
	(void)close(fd);
}

/* ----------------------------------------------------------------- tests --- */

START_TEST(requests_for_the_master_are_passed_on)
{
	static const struct {
		const char *request;
		enum frame_what what;
	} cases[] = {
		{ "RELOAD\r\n", WHAT_RELOAD }, { "RELOAD CHECK\r\n", WHAT_CHECK },
	};
	uint64_t before = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = client(cases[i].request);
		struct frame f = expect(FRAME_ASK);

		ck_assert_uint_eq(f.what, cases[i].what);
		ck_assert_uint_gt(f.id, before);
		before = f.id;
		/* An answer to another question, or to one of a predecessor, is not for this client. */
		tell(f.id, WHAT_RELOAD + WHAT_CHECK - cases[i].what, "no", 2);
		tell(f.id - 1, cases[i].what, "no", 2);
		tell(f.id, cases[i].what, "{}", 2);
		expect_reply(fd, "$2\r\n{}\r\n");
		(void)close(fd);
	}
}
END_TEST

START_TEST(orders_are_passed_on)
{
	static const struct {
		const char *request;
		enum overlay_what what;
		uint16_t service;
		uint8_t level;
		uint64_t for_usec;
		const char *text;
	} cases[] = {
		{ "DRAIN true\r\n", OVERLAY_DRAIN, 0, 0, 0, "" },
		{ "PAUSE --text=because TRUE\r\n", OVERLAY_PAUSE, 0, 0, 0, "because" },
		{ "RESUME --all\r\n", OVERLAY_OPEN, OVERLAY_ALL, 0, 0, "" },
		{ "LOG-LEVEL debug --for=1500\r\n", OVERLAY_LEVEL, 0, 7, 1500000, "" },
		{ "LOG-LEVEL configured\r\n", OVERLAY_LEVEL, 0, OVERLAY_LEVEL_OF_FILES, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = client(cases[i].request);
		struct frame f = expect(FRAME_OVERLAY);

		ck_assert_uint_eq(f.generation, 1);
		ck_assert_uint_eq(f.overlay.what, cases[i].what);
		ck_assert_uint_eq(f.overlay.service, cases[i].service);
		ck_assert_uint_eq(f.overlay.level, cases[i].level);
		ck_assert_uint_eq(f.overlay.for_usec, cases[i].for_usec);
		ck_assert_str_eq(f.overlay.text, cases[i].text);
		ck_assert_uint_eq(f.overlay.uid, getuid());
		ck_assert_uint_eq(f.overlay.is_first, 1);
		ck_assert_uint_eq(f.overlay.is_last, 1);
		tell(f.id, WHAT_OVERLAY, "{}", 2);
		expect_reply(fd, "$2\r\n{}\r\n");
		(void)close(fd);
	}
}
END_TEST

/* Several services are parts of one change. */
START_TEST(an_order_has_parts)
{
	int fd = client("DRAIN true true\r\n");
	struct frame first = expect(FRAME_OVERLAY), second = expect(FRAME_OVERLAY);

	ck_assert_uint_eq(first.overlay.is_first, 1);
	ck_assert_uint_eq(first.overlay.is_last, 0);
	ck_assert_uint_eq(second.overlay.is_first, 0);
	ck_assert_uint_eq(second.overlay.is_last, 1);
	ck_assert_uint_gt(second.id, first.id);
	tell(second.id, WHAT_OVERLAY, "{}", 2);
	expect_reply(fd, "$2\r\n{}\r\n");
	(void)close(fd);
}
END_TEST

/* A wrong order reaches nobody, not even its first half. */
START_TEST(wrong_orders_are_refused)
{
	static const struct {
		const char *request, *reply;
	} cases[] = {
		{ "DRAIN\r\n", "-BADARG name services, or --all\r\n" },
		{ "DRAIN --all true\r\n", "-BADARG --all stands for all services: name none\r\n" },
		{ "DRAIN true nobody\r\n", "-NOSERVICE unknown service 'nobody'\r\n" },
		{ "PAUSE \"--text=a\\x1b[2J\" true\r\n",
		  "-BADARG the text is to be one line of UTF-8\r\n" },
		{ "PAUSE \"--text=\\xff\" true\r\n",
		  "-BADARG the text is to be one line of UTF-8\r\n" },
		{ "PAUSE --text=01234567890123456789012345678901234567890123456789012345678901234567890"
		  "123456789 true\r\n", "-BADARG the text is longer than 79 bytes\r\n" },
		{ "LOG-LEVEL loud\r\n", "-BADARG LOG-LEVEL wants" },
		{ "LOG-LEVEL\r\n", "-BADARG LOG-LEVEL wants" },
		{ "LOG-LEVEL debug --for=0\r\n", "-BADARG --for= wants milliseconds" },
		{ "LOG-LEVEL debug --for=99999999999999999999\r\n",
		  "-BADARG --for= wants milliseconds" },
		{ "LOG-LEVEL configured --for=5\r\n", "-BADARG configured has no end" },
		{ "PS true true\r\n", "-BADARG PS takes nothing but" },
		{ "PS nobody\r\n", "-NOSERVICE unknown service 'nobody'\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = client(cases[i].request);

		expect_reply(fd, cases[i].reply);
		(void)close(fd);
	}
	/* The next frame of control is that of a right order. */
	(void)close(client("LOG-LEVEL info\r\n"));
	ck_assert_uint_eq(expect(FRAME_OVERLAY).overlay.what, OVERLAY_LEVEL);
}
END_TEST

/* An outcome is for all that asked before; who asked later waits for his own. */
START_TEST(an_outcome_is_told_to_all_who_wait_for_it)
{
	struct frame first, second, third;
	int a = client("RELOAD\r\n"), b, c;

	first = expect(FRAME_ASK);
	b = client("RELOAD\r\nPING\r\n");
	second = expect(FRAME_ASK);
	c = client("RELOAD\r\n");
	third = expect(FRAME_ASK);
	ck_assert_uint_lt(first.id, second.id);
	tell(second.id, WHAT_RELOAD, "1", 1);
	expect_reply(a, "$1\r\n1\r\n");
	expect_reply(b, "$1\r\n1\r\n+PONG\r\n");
	tell(third.id, WHAT_RELOAD, "2", 1);
	expect_reply(c, "$1\r\n2\r\n");
	channel_close_fds((int[]){ a, b, c }, 3);
}
END_TEST

/* Without memory the master says just that it has answered. */
START_TEST(an_answer_without_words_is_an_error)
{
	struct frame f;
	int fd = client(_i == 0 ? "STATUS\r\n" : "RELOAD\r\n");

	f = expect(FRAME_ASK);
	f.type = FRAME_TOLD;
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	expect_reply(fd, "-ERR out of memory\r\n");
	(void)close(fd);
}
END_TEST

START_TEST(the_status_is_made_of_the_roster)
{
	static struct roster r = { .pid = 77, .state = ROSTER_RELOADING, .conf_file = "/x.conf" };
	char text[256] = "";
	struct frame f;
	int fd = client("STATUS\r\n");
	ssize_t n;

	f = expect(FRAME_ASK);
	ck_assert_uint_eq(f.what, WHAT_ROSTER);
	tell(f.id, WHAT_ROSTER, &r, sizeof(r));
	n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
	ck_assert_int_gt(n, 0);
	ck_assert_ptr_nonnull(strstr(text, "\"pid\":77,\"state\":\"reloading\",\"generation\":1,"));
	ck_assert_ptr_nonnull(strstr(text, "\"config\":\"/x.conf\""));
	(void)close(fd);
	/* A client that is gone is not missed. */
	fd = client("STATUS\r\n");
	f = expect(FRAME_ASK);
	(void)close(fd);
	tell(f.id, WHAT_ROSTER, &r, sizeof(r));
	fd = client("PING\r\n");
	expect_reply(fd, "+PONG\r\n");
	(void)close(fd);
}
END_TEST

static void
answer(unsigned slot, struct frame question, enum frame_type type, bool found)
{
	struct frame f = { .type = (uint16_t)type, .answers = question.serial };

	f.cancel.found = found;
	ck_assert_int_eq(write(worker[slot].pipe, &f, sizeof(f)), sizeof(f));
}

/* Each list is an element; one whose worker has died is left out. */
START_TEST(ps_waits_for_every_worker)
{
	struct frame f[2], unlink = { .type = FRAME_UNLINK, .slot = 1 };
	int list[2], fd;

	(void)link_worker(0);
	unlink.link.serial = link_worker(1);
	fd = client("PS\r\n");
	for (unsigned i = 0; i < 2; i++) {
		f[i] = receive(worker[i].socket, &list[i]);
		ck_assert_str_eq(frame_type_name(f[i].type), "list");
		ck_assert_int_eq(write(list[i], "words\n", 6), 6);
	}
	answer(0, f[0], FRAME_LISTED, false);
	if (_i == 0)
		answer(1, f[1], FRAME_LISTED, false);
	else if (_i == 1)
		ck_assert_int_eq(channel_send(master, &unlink, NULL, 0), 0);
	else
		channel_close_fds((int[]){ worker[1].pipe, worker[1].socket }, 2);
	expect_reply(fd, _i == 0 ? "*2\r\n$6\r\nwords\n\r\n$6\r\nwords\n\r\n" :
	    "*1\r\n$6\r\nwords\n\r\n");
	(void)close(fd);
	channel_close_fds(list, 2);
}
END_TEST

/* An UNLINK that is about a predecessor comes late. */
START_TEST(a_successor_is_another_process)
{
	struct frame f, unlink = { .type = FRAME_UNLINK };
	int fd;

	unlink.link.serial = link_worker(0);
	(void)link_worker(0);
	ck_assert_int_eq(channel_send(master, &unlink, NULL, 0), 0);
	fd = client("KILL 0000000000000007\r\n");
	f = receive(worker[0].socket, NULL);
	ck_assert_str_eq(frame_type_name(f.type), "kill");
	ck_assert_uint_eq(f.id, 7);
	answer(0, f, FRAME_KILLED, true);
	expect_reply(fd, ":1\r\n");
	(void)close(fd);
}
END_TEST

START_TEST(kill_asks_the_worker_that_has_it)
{
	struct frame f;
	int fd;

	(void)link_worker(1);
	fd = client("KILL 0000000100000007\r\nKILL 0000000000000007\r\nKILL ffffffffffffffff\r\n");
	f = receive(worker[1].socket, NULL);
	if (_i == 0)
		answer(1, f, FRAME_KILLED, false);
	else
		channel_close_fds((int[]){ worker[1].pipe, worker[1].socket }, 2);
	expect_reply(fd, ":0\r\n:0\r\n:0\r\n");
	(void)close(fd);
}
END_TEST

/* A worker may answer, and nothing else. */
START_TEST(a_worker_that_breaks_the_rules_is_reported)
{
	struct frame f = { .type = _i == 0 ? FRAME_KILLED : 60000 };
	uint64_t serial = link_worker(1);
	size_t len = _i == 2 ? 3 : sizeof(f);
	int fd = client("KILL 0000000100000007\r\n");

	(void)receive(worker[1].socket, NULL);
	ck_assert_int_eq(write(worker[1].pipe, &f, len), (ssize_t)len);
	f = expect(FRAME_FAULT);
	ck_assert_uint_eq(f.slot, 1);
	ck_assert_uint_eq(f.fault.serial, serial);
	expect_reply(fd, ":0\r\n");
	(void)close(fd);
}
END_TEST

/* Clients stay; who connects later comes by the new socket, and by that alone. */
START_TEST(a_reload_may_bring_another_socket)
{
	int fd = client("PING\r\n"), other;
	struct sockaddr_un before = where;

	expect_reply(fd, "+PONG\r\n");
	reload(2, listening("-two"));
	other = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_lt(connect(other, (void *)&before, sizeof(before)), 0);
	(void)close(other);
	ck_assert_int_eq(write(fd, "PING\r\n", 6), 6);
	expect_reply(fd, "+PONG\r\n");
	other = client("PING\r\n");
	expect_reply(other, "+PONG\r\n");
	channel_close_fds((int[]){ fd, other }, 2);
}
END_TEST

/* A refused configuration leaves nothing behind. */
START_TEST(a_socket_that_was_prepared_is_dropped)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = 2 };
	int fds[] = { fd_sealed("conf", conf_text, sizeof(conf_text) - 1), listening("-two") }, fd;

	ck_assert_int_eq(channel_send(master, &f, fds, 2), 0);
	channel_close_fds(fds, 2);
	(void)expect(FRAME_PREPARED);
	f.type = FRAME_ABORT;
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	f.type = FRAME_PING;
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	(void)expect(FRAME_PONG);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_lt(connect(fd, (void *)&where, sizeof(where)), 0);
	(void)close(fd);
}
END_TEST

/* The last answer is sent, then all is over. */
START_TEST(a_stop_sends_what_is_there)
{
	struct frame f, stop = { .type = FRAME_STOP, .id = 1 };
	int fd = client("RELOAD\r\n"), idle = client("PING\r\n");

	expect_reply(idle, "+PONG\r\n");
	f = expect(FRAME_ASK);
	tell(f.id, WHAT_RELOAD, "stopping", 8);
	ck_assert_int_eq(channel_send(master, &stop, NULL, 0), 0);
	expect_reply(fd, "$8\r\nstopping\r\n");
	expect_end(fd);
	expect_end(idle);
	ck_assert_int_eq(end_status(), ROLE_EXIT_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("control");
	TCase *tc = tcase_create("control");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, requests_for_the_master_are_passed_on);
	tcase_add_test(tc, orders_are_passed_on);
	tcase_add_test(tc, an_order_has_parts);
	tcase_add_test(tc, wrong_orders_are_refused);
	tcase_add_test(tc, an_outcome_is_told_to_all_who_wait_for_it);
	tcase_add_loop_test(tc, an_answer_without_words_is_an_error, 0, 2);
	tcase_add_test(tc, the_status_is_made_of_the_roster);
	tcase_add_loop_test(tc, ps_waits_for_every_worker, 0, 3);
	tcase_add_test(tc, a_successor_is_another_process);
	tcase_add_loop_test(tc, kill_asks_the_worker_that_has_it, 0, 2);
	tcase_add_loop_test(tc, a_worker_that_breaks_the_rules_is_reported, 0, 3);
	tcase_add_test(tc, a_reload_may_bring_another_socket);
	tcase_add_test(tc, a_socket_that_was_prepared_is_dropped);
	tcase_add_test(tc, a_stop_sends_what_is_there);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
