/* SPDX-License-Identifier: ISC */
/*
 * client: libreqd through its public functions, against servers that behave and
 * servers that do not. A server is a string of bytes put into a socket pair
 * before the client starts, or a child process where the order of events
 * matters.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/reqd.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define HELLO "%2\r\n+server\r\n+reqd\r\n+proto\r\n:3\r\n"
#define B(len, text) "$" #len "\r\n" text "\r\n"
/* The map of CALL --full; more: pairs before the others, n: pairs in all. */
#define RESULT(n, more, status, signal, outcome)                               \
	"%" #n "\r\n" more B(6, "status") ":" #status "\r\n" B(6, "signal") signal \
	    "\r\n" B(9, "truncated") "#f\r\n" B(4, "usec") ":42\r\n"             \
	    B(2, "id") B(3, "7-1") B(7, "outcome") outcome
#define OUTPUT B(6, "stdout") B(3, "out") B(6, "stderr") B(3, "err")
#define EXIT_0 RESULT(6, "", 0, "_", B(4, "exit"))
#define PUSH(stream, len, text) ">4\r\n" B(6, "output") B(3, "7-1") B(6, stream) B(len, text)
#define ENDED(id) ">2\r\n" B(5, "ended") B(3, id)

/* ------------------------------------------------------------ servers --- */

/* Connects to a socket that already holds the bytes of the server. */
static int
attach_bytes(struct reqd *c, const char *bytes, size_t len, int *ret_peer)
{
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	ck_assert_int_eq(write(sv[1], bytes, len), (ssize_t)len);
	ck_assert_int_eq(shutdown(sv[1], SHUT_WR), 0);
	*ret_peer = sv[1];
	return reqd_attach(c, sv[0], "test", 0);
}

static struct reqd *
connected(const char *bytes, int *ret_peer)
{
	struct reqd *c = reqd_new();

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(attach_bytes(c, bytes, strlen(bytes), ret_peer), 0);
	return c;
}

typedef void server_fn(int fd);

static pid_t
fork_server(server_fn *fn, int *ret_fd)
{
	int sv[2];
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(sv[0]);
		(void)signal(SIGPIPE, SIG_IGN);
		fn(sv[1]);
		_exit(0);
	}
	(void)close(sv[1]);
	*ret_fd = sv[0];
	return pid;
}

/* Returns the exit status of a server, which has to end by itself. */
static int
server_status(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct reqd *
connected_to(server_fn *fn, pid_t *ret_pid)
{
	struct reqd *c = reqd_new();
	int fd;

	*ret_pid = fork_server(fn, &fd);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(reqd_attach(c, fd, "test", 0), 0);
	return c;
}

static void
say(int fd, const char *text)
{
	size_t len = strlen(text);

	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(1);
}

/* Reads one line of the client, without its end. */
static void
hear_line(int fd, char *line, size_t size)
{
	size_t n = 0;
	char c;

	while (recv(fd, &c, 1, 0) == 1 && c != '\n') {
		if (c != '\r' && n + 1 < size)
			line[n++] = c;
	}
	line[n] = '\0';
}

/*
 * Reads the words of one request. Returns their number, 0 at the end, and the
 * length of the last word.
 */
static int
hear(int fd, char *first, size_t size, char *last, size_t *ret_last)
{
	char line[64];
	int n;

	hear_line(fd, line, sizeof(line));
	n = line[0] == '*' ? atoi(line + 1) : 0;
	for (int i = 0; i < n; i++) {
		size_t len, got = 0;
		char skip[2];

		hear_line(fd, line, sizeof(line));
		len = (size_t)atol(line + 1);
		while (got < len) {
			ssize_t r = recv(fd, last + got, len - got, 0);

			if (r <= 0)
				return 0;
			got += (size_t)r;
		}
		last[len] = '\0';
		*ret_last = len;
		if (i == 0)
			(void)snprintf(first, size, "%.*s", (int)size - 1, last);
		if (recv(fd, skip, 2, MSG_WAITALL) != 2)
			return 0;
	}
	return n;
}

/* The login goes with the greeting, in one packet, and the text is overwritten. */
START_TEST(a_login_goes_with_the_greeting)
{
	static const char *const wanted[] = {
		"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$5\r\nalice\r\n$6\r\nsecret\r\n",
		"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$6\r\nsecret\r\n",
		"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n",
	};
	static const char *const logins[] = { "alice", NULL, "alice" };
	struct reqd *c = reqd_new();
	char bytes[200] = "";
	int sv[2];

	ck_assert_int_eq(reqd_set_login(c, logins[_i], "secret"), 0);
	if (_i == 2)
		ck_assert_int_eq(reqd_set_login(c, NULL, NULL), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	ck_assert_int_eq(write(sv[1], HELLO, strlen(HELLO)), (ssize_t)strlen(HELLO));
	ck_assert_int_eq(reqd_attach(c, sv[0], "test", 0), 0);
	ck_assert_int_eq(recv(sv[1], bytes, sizeof(bytes) - 1, 0), (ssize_t)strlen(wanted[_i]));
	ck_assert_str_eq(bytes, wanted[_i]);
	(void)close(sv[1]);
	reqd_free(c);
}
END_TEST

START_TEST(wrong_logins_are_misuse)
{
	struct reqd *c = reqd_new();
	char text[1026];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(reqd_set_login(c, "alice", ""), REQD_E_INVALID);
	ck_assert_int_eq(reqd_set_login(c, "alice", text), REQD_E_INVALID);
	ck_assert_int_eq(reqd_set_login(c, text, "x"), REQD_E_INVALID);
	reqd_free(c);
}
END_TEST

START_TEST(a_refused_login_is_an_error)
{
	struct reqd *c = reqd_new();
	static const char no[] = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
	int sv[2];

	ck_assert_int_eq(reqd_set_login(c, "alice", "canary"), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	ck_assert_int_eq(write(sv[1], no, strlen(no)), (ssize_t)strlen(no));
	ck_assert_int_eq(reqd_attach(c, sv[0], "test", 0), REQD_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(reqd_error_text(c), "WRONGPASS"));
	ck_assert_ptr_null(strstr(reqd_error_text(c), "canary"));
	(void)close(sv[1]);
	reqd_free(c);
}
END_TEST

/* A URL that is wrong is told of without its token. */
START_TEST(an_error_never_shows_a_token)
{
	const char *const url = "tcp://alice:canary@:99999";
	struct reqd *c = reqd_new();

	ck_assert_int_eq(reqd_connect(c, &url, 1, 0), REQD_E_INVALID);
	ck_assert_ptr_null(strstr(reqd_error_text(c), "canary"));
	ck_assert_ptr_null(strstr(reqd_url(c), "canary"));
	reqd_free(c);
}
END_TEST

static char heard[(1 << 16) + 1];
static size_t n_heard;

static int
hear_verb(int fd, const char *verb)
{
	char first[32] = "";
	int n = hear(fd, first, sizeof(first), heard, &n_heard);

	if (n > 0 && strcmp(first, verb) != 0)
		_exit(2);
	return n;
}

/* ----------------------------------------------------------- outcomes --- */

static const struct {
	const char *reply;
	int error;		/* of reqd_call */
	enum reqd_outcome outcome;
	int status, signal, exit_status;
	bool may_have_run;
	const char *text;
} outcome_rows[] = {
	{ EXIT_0, 0, REQD_EXIT, 0, 0, 0, true, "exit status 0" },
	{ RESULT(6, "", 125, "_", B(4, "exit")), 0, REQD_EXIT, 125, 0, 125, true, "exit status 125" },
	{ RESULT(6, "", 255, "_", B(4, "exit")), 0, REQD_EXIT, 255, 0, 239, true, "exit status 255" },
	{ RESULT(6, "", -1, ":11", B(6, "signal")), 0, REQD_SIGNAL, -1, 11, 139, true,
	    "killed by signal 11 (SEGV)" },
	{ RESULT(6, "", -1, "_", B(7, "timeout")), 0, REQD_TIMEOUT, -1, 0, 240, true,
	    "timed out and was killed" },
	{ RESULT(6, "", -1, ":9", B(9, "cancelled")), 0, REQD_CANCELLED, -1, 9, 241, true,
	    "was cancelled" },
	{ RESULT(6, "", -1, "_", B(6, "toobig")), 0, REQD_TOOBIG, -1, 0, 242, true,
	    "wrote more output than allowed and was killed" },
	{ RESULT(6, "", -1, "_", B(4, "lost")), 0, REQD_LOST, -1, 0, 245, true,
	    "was lost by the server" },
	{ "-BUSY x queue full\r\n", 0, REQD_BUSY, -1, 0, 243, false, "is busy: queue full" },
	{ "-NOSTART x no such file\r\n", 0, REQD_NOSTART, -1, 0, 244, false,
	    "could not be started: no such file" },
	{ "-BADARG path: \x1b[2J bad\r\n", 0, REQD_BADARG, -1, 0, 246, false,
	    "path: \\x1b[2J bad" },
	{ "-NOSERVICE unknown service 'x'\r\n", 0, REQD_DENIED, -1, 0, 247, false,
	    "unknown service 'x'" },
	{ "-LOADING draining\r\n", 0, REQD_DRAINING, -1, 0, 248, false,
	    "not started, the server is draining" },
	{ "-LOADING draining x: back at noon\r\n", 0, REQD_DRAINING, -1, 0, 248, false,
	    "not started, drained: back at noon" },
	{ "-UNAVAIL x disabled\r\n", 0, REQD_UNAVAIL, -1, 0, 249, false,
	    "cannot serve now: disabled" },
	{ "-NOPERM go away\r\n", 0, REQD_FAILED, -1, 0, 251, false, "refused: NOPERM go away" },
	{ "-EXIT 1 odd\r\n", 0, REQD_FAILED, -1, 0, 251, true, "refused: EXIT 1 odd" },
	{ "-\r\n", 0, REQD_FAILED, -1, 0, 251, true, "refused" },
	/* Replies that no correct server sends. */
	{ .reply = "+OK\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "$2\r\nhi\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "_\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "*0\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "%0\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", 256, "_", B(4, "exit")), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", -1, "_", B(4, "exit")), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", 9999999999, "_", B(4, "exit")), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", 0, "_", B(4, "exot")), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", 0, "_", ":1\r\n"), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", -1, "_", B(6, "signal")), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", -1, ":0", B(6, "signal")), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(6, "", -1, ":65", B(6, "signal")), .error = REQD_E_PROTOCOL },
	{ .reply = RESULT(7, B(6, "stdout") ":1\r\n", 0, "_", B(4, "exit")), .error = REQD_E_PROTOCOL },
	/* Bytes that are no RESP. */
	{ .reply = "HTTP/1.1 400 Bad Request\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "\x16\x03\x01\x02", .error = REQD_E_PROTOCOL },
	{ .reply = "+a\nb\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "$-2\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "$+3\r\nabc\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "$3\r\nabcd\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "*1\r\n>1\r\n+x\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "$?\r\n", .error = REQD_E_PROTOCOL },
	{ .reply = "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
	    .error = REQD_E_PROTOCOL },
	{ .reply = "$67108865\r\n", .error = REQD_E_LIMIT },
	{ .reply = "$9223372036854775807\r\n", .error = REQD_E_LIMIT },
	{ .reply = "*4294967295\r\n", .error = REQD_E_LIMIT },
	{ .reply = "%2000000\r\n", .error = REQD_E_LIMIT },
	/* The end of a connection. */
	{ .reply = "", .error = REQD_E_CLOSED },
	{ .reply = "%6\r\n$6\r\nstat", .error = REQD_E_CLOSED },
};

START_TEST(call_outcome)
{
	struct reqd_result *res = NULL;
	struct reqd_call *call = reqd_call_new("x");
	struct reqd *c;
	char bytes[1024], text[256];
	int peer, r;

	(void)snprintf(bytes, sizeof(bytes), "%s%s", HELLO, outcome_rows[_i].reply);
	c = connected(bytes, &peer);
	r = reqd_call(c, call, &res);
	ck_assert_msg(r == outcome_rows[_i].error, "row %d: %d (%s)", _i, r, reqd_error_text(c));
	if (r == 0) {
		ck_assert_int_eq(res->outcome, outcome_rows[_i].outcome);
		ck_assert_int_eq(res->status, outcome_rows[_i].status);
		ck_assert_int_eq(res->signal, outcome_rows[_i].signal);
		ck_assert_int_eq(res->may_have_run, outcome_rows[_i].may_have_run);
		ck_assert_int_eq(reqd_was_sent(c), outcome_rows[_i].may_have_run);
		ck_assert_int_eq(reqd_result_exit_status(res), outcome_rows[_i].exit_status);
		ck_assert_str_eq(reqd_result_text(res, text, sizeof(text)), outcome_rows[_i].text);
		ck_assert_str_ne(reqd_outcome_word(res->outcome), "?");
	} else {
		/* The error stays, and its text is printable. */
		ck_assert_ptr_null(res);
		ck_assert(reqd_was_sent(c));
		ck_assert_int_eq(reqd_fd(c), -1);
		ck_assert_int_eq(reqd_call(c, call, &res), r);
		ck_assert(!reqd_was_sent(c));
		ck_assert_int_eq(reqd_error(c), r);
		ck_assert(*reqd_error_text(c) != '\0');
		for (const char *p = reqd_error_text(c); *p != '\0'; p++)
			ck_assert((unsigned char)*p >= ' ');
	}
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	(void)close(peer);
}
END_TEST

START_TEST(call_result_has_output)
{
	struct reqd_result *res = NULL;
	struct reqd_call *call = reqd_call_new("x");
	int peer;
	struct reqd *c = connected(HELLO RESULT(8, OUTPUT, 3, "_", B(4, "exit")), &peer);

	ck_assert_str_eq(reqd_server(c), "reqd ");
	ck_assert_str_eq(reqd_url(c), "test");
	ck_assert_int_eq(reqd_call(c, call, &res), 0);
	reqd_free(c);	/* the result outlives the connection */
	ck_assert_int_eq(res->out_len, 3);
	ck_assert_mem_eq(res->out, "out", 3);
	ck_assert_int_eq(res->err_len, 3);
	ck_assert_mem_eq(res->err, "err", 3);
	ck_assert_int_eq(res->usec, 42);
	ck_assert_str_eq(res->id, "7-1");
	ck_assert_str_eq(res->error, "");
	reqd_result_free(res);
	reqd_call_free(call);
	(void)close(peer);
}
END_TEST

/* --------------------------------------------- every cut, every byte --- */

static int
ignore_output(void *arg, int stream, const void *data, size_t len)
{
	size_t *n = arg;

	(void)data;
	ck_assert(stream == 1 || stream == 2);
	*n += len;
	return 0;
}

static const char session[] = HELLO "*2\r\n,1.5\r\n#t\r\n" PUSH("stdout", 5, "hello")
    PUSH("stderr", 2, "\r\n") RESULT(8, OUTPUT, 0, "_", B(4, "exit"));

/*
 * Makes a request and a call on one connection. Returns the first error, or 0.
 */
static int
run_session(const char *bytes, size_t len)
{
	static const char *const words[] = { "ANY" };
	struct reqd *c = reqd_new();
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd_value *v = NULL;
	size_t n = 0;
	int peer, r;

	(void)reqd_call_set_output(call, ignore_output, &n);
	r = attach_bytes(c, bytes, len, &peer);
	if (r == 0)
		r = reqd_request(c, &v, 1, words);
	if (r == 0)
		r = reqd_call(c, call, &res);
	ck_assert_int_eq(r == 0, res != NULL);
	reqd_result_free(res);
	reqd_value_free(v);
	reqd_call_free(call);
	reqd_free(c);
	(void)close(peer);
	return r;
}

START_TEST(every_cut_is_an_error)
{
	size_t len = sizeof(session) - 1;

	ck_assert_int_eq(run_session(session, len), 0);
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(run_session(session, i), REQD_E_CLOSED);
}
END_TEST

/* A wrong byte may go unnoticed (in a text) but never does harm. */
START_TEST(every_wrong_byte_is_survived)
{
	static const char wrong[] = "\0\r\n*$%>+-:_#,0129\xff\x1b";
	char bytes[sizeof(session)];
	size_t len = sizeof(session) - 1, n_noticed = 0;

	for (size_t i = 0; i < len; i++) {
		for (size_t k = 0; k < sizeof(wrong) - 1; k++) {
			int r;

			memcpy(bytes, session, sizeof(session));
			bytes[i] = wrong[k];
			r = run_session(bytes, len);
			ck_assert(r == 0 || r == REQD_E_CLOSED || r == REQD_E_PROTOCOL ||
			    r == REQD_E_LIMIT || r == REQD_E_REFUSED);
			n_noticed += r != 0;
		}
	}
	ck_assert_int_gt(n_noticed, len * 8);
}
END_TEST

/*
 * Sends each byte alone: the next one leaves when the client has taken the last
 * one.
 */
static void
serve_slowly(int fd)
{
	for (size_t i = 0; i < sizeof(session) - 1; i++) {
		int unread;

		if (send(fd, session + i, 1, 0) != 1)
			_exit(1);
		do {
			(void)sched_yield();
			if (ioctl(fd, SIOCOUTQ, &unread) < 0)
				_exit(1);
		} while (unread > 0);
	}
	_exit(7);
}

START_TEST(slow_bytes_make_a_reply)
{
	static const char *const words[] = { "ANY" };
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd_value *v = NULL;
	size_t n = 0;
	pid_t pid;
	struct reqd *c = connected_to(serve_slowly, &pid);

	ck_assert_int_eq(reqd_request(c, &v, 1, words), 0);
	ck_assert_int_eq(reqd_value_kind(v), REQD_ARRAY);
	ck_assert_int_eq(reqd_value_count(v), 2);
	ck_assert_double_eq(reqd_value_double(reqd_value_at(v, 0)), 1.5);
	ck_assert_int_eq(reqd_value_integer(reqd_value_at(v, 1)), 1);
	(void)reqd_call_set_output(call, ignore_output, &n);
	ck_assert_int_eq(reqd_call(c, call, &res), 0);
	ck_assert_int_eq(n, 7);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_value_free(v);
	reqd_free(c);
	ck_assert_int_eq(server_status(pid), 7);
}
END_TEST

/* ---------------------------------------------------- without an end --- */

static const char *endless_head, *endless_piece;

/* Sends the piece for ever; exits 9 when far more than the limit was sent. */
static void
serve_endlessly(int fd)
{
	char block[4096];
	size_t piece = strlen(endless_piece), n = 0, sent = 0;

	while (n + piece <= sizeof(block)) {
		memcpy(block + n, endless_piece, piece);
		n += piece;
	}
	say(fd, HELLO);
	say(fd, endless_head);
	while (send(fd, block, n, MSG_NOSIGNAL) == (ssize_t)n) {
		sent += n;
		if (sent > (8u << 20))
			_exit(9);
	}
	_exit(0);
}

static const struct {
	const char *head, *piece;
	int error;
} endless_rows[] = {
	{ "$1048577\r\n", "x", REQD_E_LIMIT },	/* a declared length over the limit */
	{ "+", "x", REQD_E_LIMIT },		/* a line */
	{ "-", "x", REQD_E_LIMIT },
	{ "*1000\r\n", "$4000\r\n", REQD_E_PROTOCOL },
	{ "*4096\r\n", "$300\r\n0123456789012345678901234567890123456789012345678901234567890123"
	    "45678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
	    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
	    "6789012345678901234567890123456789012345678901234567890123456789\r\n", REQD_E_LIMIT },
	{ "", "*1\r\n", REQD_E_PROTOCOL },	/* depth */
	{ "", "%1\r\n+k\r\n", REQD_E_PROTOCOL },
	{ "", "*100000\r\n", REQD_E_LIMIT },	/* items that never come */
	{ "*4096\r\n", "*0\r\n", REQD_E_PROTOCOL },	/* too many replies */
	{ ":", "1", REQD_E_PROTOCOL },		/* a number */
	{ "", PUSH("stdout", 5, "hello"), REQD_E_PROTOCOL },	/* not asked for */
};

START_TEST(endless_replies_end)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd *c;
	pid_t pid;
	int r;

	endless_head = endless_rows[_i].head;
	endless_piece = endless_rows[_i].piece;
	c = connected_to(serve_endlessly, &pid);
	ck_assert_int_eq(reqd_set_reply_limit(c, 1 << 20), 0);
	r = reqd_call(c, call, &res);
	ck_assert_msg(r == endless_rows[_i].error, "row %d: %d (%s)", _i, r, reqd_error_text(c));
	reqd_call_free(call);
	reqd_free(c);
	ck_assert_int_eq(server_status(pid), 0);
}
END_TEST

/*
 * Pushes without a meaning for the client cost nothing; the deadline ends them.
 */
START_TEST(endless_pushes_meet_the_deadline)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd *c;
	pid_t pid;

	endless_head = "";
	endless_piece = ">1\r\n+x\r\n";
	c = connected_to(serve_endlessly, &pid);
	ck_assert_int_eq(reqd_set_deadline(c, 1), 0);
	ck_assert_int_eq(reqd_call(c, call, &res), REQD_E_TIMEOUT);
	reqd_call_free(call);
	reqd_free(c);
	(void)server_status(pid);
}
END_TEST

START_TEST(silence_meets_the_deadline)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd *c = reqd_new();
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ck_assert_int_eq(write(sv[1], HELLO, strlen(HELLO)), (ssize_t)strlen(HELLO));
	ck_assert_int_eq(reqd_attach(c, sv[0], "test", 0), 0);
	ck_assert_int_eq(reqd_set_deadline(c, 1), 0);
	ck_assert_int_eq(reqd_call(c, call, &res), REQD_E_TIMEOUT);
	ck_assert(reqd_was_sent(c));
	reqd_call_free(call);
	reqd_free(c);
	(void)close(sv[1]);
}
END_TEST

/* ------------------------------------------------------------ output --- */

static char seen[256];

static int
note_output(void *arg, int stream, const void *data, size_t len)
{
	size_t n = strlen(seen);

	(void)arg;
	(void)snprintf(seen + n, sizeof(seen) - n, "%d:%.*s ", stream, (int)len, (const char *)data);
	return 0;
}

static int
stop_output(void *arg, int stream, const void *data, size_t len)
{
	(void)arg;
	(void)stream;
	(void)data;
	(void)len;
	return 1;
}

static const struct {
	const char *bytes;
	reqd_output_fn *fn;
	int error;
	const char *seen;
} push_rows[] = {
	{ PUSH("stdout", 1, "a") PUSH("stderr", 1, "b") PUSH("stdout", 1, "c") EXIT_0, note_output,
	    0, "1:a 2:b 1:c " },
	{ EXIT_0, note_output, 0, "" },
	{ PUSH("stdout", 0, "") EXIT_0, note_output, 0, "" },
	{ ">2\r\n+other\r\n+x\r\n" PUSH("stdout", 1, "a") EXIT_0, note_output, 0, "1:a " },
	{ ">1\r\n:1\r\n" EXIT_0, note_output, 0, "" },
	/* Output after the end belongs to no call, and is dropped. */
	{ EXIT_0 PUSH("stdout", 1, "z"), note_output, 0, "" },
	{ PUSH("stdout", 1, "a") "-LOST x gone\r\n", note_output, 0, "1:a " },
	{ ">1\r\n" B(6, "output"), note_output, REQD_E_PROTOCOL, "" },
	{ ">3\r\n" B(6, "output") B(3, "7-1") B(6, "stdout"), note_output, REQD_E_PROTOCOL, "" },
	{ ">4\r\n" B(6, "output") B(3, "7-1") B(6, "stdout") ":1\r\n", note_output,
	    REQD_E_PROTOCOL, "" },
	{ ">4\r\n" B(6, "output") B(3, "7-1") B(5, "stdin") B(1, "x"), note_output,
	    REQD_E_PROTOCOL, "" },
	{ ">4\r\n" B(6, "output") "*0\r\n" B(6, "stdout") B(1, "x"), note_output,
	    REQD_E_PROTOCOL, "" },
	{ PUSH("stdout", 1, "a") PUSH("stdout", 1, "b") EXIT_0, stop_output, REQD_E_STOPPED, "" },
	{ PUSH("stdout", 1, "a") EXIT_0, NULL, REQD_E_PROTOCOL, "" },
};

START_TEST(pushes)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	char bytes[1024];
	struct reqd *c;
	int peer, r;

	seen[0] = '\0';
	(void)snprintf(bytes, sizeof(bytes), "%s%s", HELLO, push_rows[_i].bytes);
	c = connected(bytes, &peer);
	(void)reqd_call_set_output(call, push_rows[_i].fn, NULL);
	r = reqd_call(c, call, &res);
	ck_assert_msg(r == push_rows[_i].error, "row %d: %d (%s)", _i, r, reqd_error_text(c));
	ck_assert_str_eq(seen, push_rows[_i].seen);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	(void)close(peer);
}
END_TEST

/* ------------------------------------------------------------- input --- */

static unsigned
checksum(unsigned sum, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + p[i];
	return sum;
}

/* A program like cat: all input comes back as output. */
static void
serve_cat(int fd)
{
	say(fd, HELLO);
	if (hear_verb(fd, "HELLO") != 2 || hear_verb(fd, "CALL") != 5)
		_exit(1);
	say(fd, "+7-1\r\n");
	while (hear_verb(fd, "INPUT") == 3) {
		char head[128];

		(void)snprintf(head, sizeof(head), ">4\r\n%s%s%s$%zu\r\n", B(6, "output"),
		    B(3, "7-1"), B(6, "stdout"), n_heard);
		say(fd, head);
		for (size_t at = 0; at < n_heard;) {
			ssize_t n = send(fd, heard + at, n_heard - at, 0);

			if (n < 0)
				_exit(1);
			at += (size_t)n;
		}
		(void)snprintf(head, sizeof(head), "\r\n:%zu\r\n", n_heard);
		say(fd, head);
	}
	say(fd, EXIT_0);
	_exit(7);
}

struct transfer {
	size_t left;		/* input still to give */
	unsigned in, out;	/* checksums */
	size_t n_out;
};

static int
take_output(void *arg, int stream, const void *data, size_t len)
{
	struct transfer *t = arg;

	ck_assert_int_eq(stream, 1);
	t->out = checksum(t->out, data, len);
	t->n_out += len;
	return 0;
}

static long
give_input(void *arg, void *buf, size_t size)
{
	struct transfer *t = arg;
	size_t n = t->left < size ? t->left : size;

	for (size_t i = 0; i < n; i++)
		((unsigned char *)buf)[i] = (unsigned char)((t->left - i) * 7 / 3);
	t->in = checksum(t->in, buf, n);
	t->left -= n;
	return (long)n;
}

#define TRANSFER_BYTES ((8u << 20) + 12345)

START_TEST(input_and_output_at_the_same_time)
{
	struct reqd_call *call = reqd_call_new("cat");
	struct transfer t = { .left = TRANSFER_BYTES };
	struct reqd_result *res = NULL;
	pid_t pid;
	struct reqd *c = connected_to(serve_cat, &pid);

	(void)reqd_call_set_output(call, take_output, &t);
	(void)reqd_call_set_input(call, give_input, &t);
	ck_assert_msg(reqd_call(c, call, &res) == 0, "%s", reqd_error_text(c));
	ck_assert_int_eq(t.n_out, TRANSFER_BYTES);
	ck_assert_uint_eq(t.in, t.out);
	ck_assert_int_eq(res->outcome, REQD_EXIT);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	ck_assert_int_eq(server_status(pid), 7);
}
END_TEST

START_TEST(input_from_a_pipe)
{
	static const char text[] = "from a pipe";
	struct reqd_call *call = reqd_call_new("cat");
	struct transfer t = { 0 };
	struct reqd_result *res = NULL;
	pid_t pid;
	struct reqd *c = connected_to(serve_cat, &pid);
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(write(p[1], text, strlen(text)), (ssize_t)strlen(text));
	(void)close(p[1]);
	(void)reqd_call_set_output(call, take_output, &t);
	(void)reqd_call_set_input_fd(call, p[0]);
	ck_assert_int_eq(reqd_call(c, call, &res), 0);
	ck_assert_uint_eq(t.out, checksum(0, text, strlen(text)));
	(void)close(p[0]);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	ck_assert_int_eq(server_status(pid), 7);
}
END_TEST

START_TEST(input_in_steps)
{
	static char block[200000];
	struct reqd_call *call = reqd_call_new("cat");
	struct transfer t = { 0 };
	struct reqd_result *res = NULL;
	pid_t pid;
	struct reqd *c = connected_to(serve_cat, &pid);
	unsigned sum = 0;

	(void)reqd_call_set_output(call, take_output, &t);
	ck_assert_int_eq(reqd_write(c, "x", 1), REQD_E_INVALID);
	ck_assert_int_eq(reqd_open(c, call, &res), 0);
	ck_assert_ptr_null(res);
	ck_assert_int_eq(reqd_call(c, call, &res), REQD_E_INVALID);
	for (int i = 0; i < 20; i++) {
		memset(block, i, sizeof(block));
		sum = checksum(sum, block, sizeof(block));
		ck_assert_int_eq(reqd_write(c, block, sizeof(block)), 0);
	}
	ck_assert_int_eq(reqd_finish(c, &res), 0);
	ck_assert_int_eq(t.n_out, 20 * sizeof(block));
	ck_assert_uint_eq(t.out, sum);
	ck_assert_int_eq(reqd_finish(c, &res), REQD_E_INVALID);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	ck_assert_int_eq(server_status(pid), 7);
}
END_TEST

/* A program that ends after its first piece of input. */
static void
serve_head(int fd)
{
	int n = 0;

	say(fd, HELLO);
	(void)hear_verb(fd, "HELLO");
	(void)hear_verb(fd, "CALL");
	say(fd, "+7-1\r\n");
	while (hear_verb(fd, "INPUT") == 3)
		say(fd, n++ == 0 ? ":65536\r\n" : ":0\r\n");
	say(fd, EXIT_0);
	_exit(n);
}

START_TEST(program_that_wants_no_more)
{
	struct reqd_call *call = reqd_call_new("head");
	struct transfer t = { .left = SIZE_MAX };	/* would never end */
	struct reqd_result *res = NULL;
	pid_t pid;
	struct reqd *c = connected_to(serve_head, &pid);
	int n;

	(void)reqd_call_set_input(call, give_input, &t);
	ck_assert_int_eq(reqd_call(c, call, &res), 0);
	ck_assert_int_eq(res->outcome, REQD_EXIT);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	/* The window is four: only four more pieces can follow the first. */
	n = server_status(pid);
	ck_assert_int_ge(n, 2);
	ck_assert_int_le(n, 6);
}
END_TEST

/*
 * Sends the pieces of a script, separated by "|", one for each request it
 * hears. A "!" closes; else the server listens until the client leaves.
 */
static const char *script;

static void
serve_script(int fd)
{
	say(fd, HELLO);
	if (hear_verb(fd, "HELLO") != 2 || hear_verb(fd, "CALL") < 3)
		_exit(1);
	for (const char *p = script; *p != '\0';) {
		size_t n = strcspn(p, "|!");

		if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
			_exit(0);	/* the server has sent enough */
		p += n;
		if (*p == '!')
			_exit(0);
		p += *p == '|';
		if (hear_verb(fd, "INPUT") == 0)
			_exit(0);
	}
	while (hear_verb(fd, "INPUT") > 0)
		continue;
	_exit(0);
}

/* One byte of input, or none, and its end. */
static const struct {
	const char *script;
	size_t n_input;
	int error;
	enum reqd_outcome outcome;
	bool may_have_run;
} input_rows[] = {
	{ "+7-1\r\n|:1\r\n|" EXIT_0, 1, 0, REQD_EXIT, true },
	{ "+7-1\r\n|" EXIT_0, 0, 0, REQD_EXIT, true },
	{ PUSH("stdout", 1, "a") "+7-1\r\n" PUSH("stdout", 1, "b") "|:1\r\n"
	    PUSH("stdout", 1, "c") "|" EXIT_0, 1, 0, REQD_EXIT, true },
	{ "-BUSY x full\r\n", 1, 0, REQD_BUSY, false },
	{ "-NOSERVICE unknown service 'x'\r\n", 1, 0, REQD_DENIED, false },
	{ "+7-1\r\n|-ERR no such request\r\n|-ERR again\r\n", 1, 0, REQD_FAILED, true },
	{ "+7-1\r\n|-LOST x gone\r\n|-ERR again\r\n", 1, 0, REQD_LOST, true },
	{ "+7-1\r\n|-ERR no\r\n|" EXIT_0, 1, 0, REQD_EXIT, true },
	{ "+7-1\r\n|:0\r\n|" EXIT_0, 1, 0, REQD_EXIT, true },
	/* The result of a call with the same token comes in place of an id. */
	{ EXIT_0, 1, 0, REQD_EXIT, true },
	{ PUSH("stdout", 1, "a") EXIT_0, 1, 0, REQD_EXIT, true },
	{ "-LOST x gone\r\n", 1, 0, REQD_LOST, true },
	{ "$1\r\na\r\n", 1, REQD_E_PROTOCOL, 0, true },
	{ "%1\r\n$1\r\na\r\n:1\r\n", 1, REQD_E_PROTOCOL, 0, true },
	/* The program has ended by itself. */
	{ "+7-1\r\n" ENDED("7-1") "|" EXIT_0, 0, 0, REQD_EXIT, true },
	{ "+7-1\r\n|" ENDED("7-1") ":0\r\n|" EXIT_0, 1, 0, REQD_EXIT, true },
	{ ENDED("7-1") "+7-1\r\n", 0, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n" ENDED("7-2"), 0, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n>1\r\n$5\r\nended\r\n", 0, REQD_E_PROTOCOL, 0, true },
	{ "+\r\n", 1, REQD_E_PROTOCOL, 0, true },
	{ ":1\r\n", 1, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n:1\r\n", 1, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n|+OK\r\n|" EXIT_0, 1, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n|:-1\r\n|" EXIT_0, 1, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n|:65537\r\n|" EXIT_0, 1, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n|" EXIT_0 "|:1\r\n", 1, REQD_E_PROTOCOL, 0, true },
	{ "+9-9\r\n" PUSH("stdout", 1, "a"), 1, REQD_E_PROTOCOL, 0, true },
	{ "+7-1\r\n|:1\r\n|!", 1, REQD_E_CLOSED, 0, true },
	{ "+7-1\r\n|!", 1, REQD_E_CLOSED, 0, true },
	{ "!", 1, REQD_E_CLOSED, 0, true },
};

START_TEST(replies_to_input)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd *c;
	pid_t pid;
	int r;

	seen[0] = '\0';
	script = input_rows[_i].script;
	c = connected_to(serve_script, &pid);
	(void)reqd_call_set_output(call, note_output, NULL);
	r = reqd_open(c, call, &res);
	if (r == 0 && input_rows[_i].n_input > 0)
		r = reqd_write(c, "x", input_rows[_i].n_input);
	if (r >= 0 && res == NULL)
		r = reqd_finish(c, &res);
	ck_assert_msg((r < 0 ? r : 0) == input_rows[_i].error, "row %d: %d (%s)", _i, r,
	    reqd_error_text(c));
	ck_assert_int_eq(reqd_was_sent(c), input_rows[_i].may_have_run);
	if (r >= 0) {
		ck_assert_int_eq(res->outcome, input_rows[_i].outcome);
		ck_assert_int_eq(res->may_have_run, input_rows[_i].may_have_run);
	}
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	ck_assert_int_eq(server_status(pid), 0);
}
END_TEST

static long
fail_input(void *arg, void *buf, size_t size)
{
	(void)arg;
	(void)buf;
	(void)size;
	return -1;
}

/* The user types nothing, and the program has ended: the call ends. */
START_TEST(silent_input_ends_with_the_program)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd *c;
	pid_t pid;
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	script = "+7-1\r\n" PUSH("stdout", 1, "a") ENDED("7-1") "|" EXIT_0;
	c = connected_to(serve_script, &pid);
	(void)reqd_set_deadline(c, 10000);
	(void)reqd_call_set_output(call, note_output, NULL);
	(void)reqd_call_set_input_fd(call, p[0]);
	ck_assert_msg(reqd_call(c, call, &res) == 0, "%s", reqd_error_text(c));
	ck_assert_int_eq(res->outcome, REQD_EXIT);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	(void)close(p[0]);
	(void)close(p[1]);
	ck_assert_int_eq(server_status(pid), 0);
}
END_TEST

START_TEST(input_that_cannot_be_read)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct reqd *c;
	pid_t pid;

	script = "+7-1\r\n";
	c = connected_to(serve_script, &pid);
	(void)reqd_call_set_input_fd(call, fd);
	ck_assert_int_eq(reqd_call(c, call, &res), REQD_E_INPUT);
	ck_assert_int_eq(server_status(pid), 0);
	reqd_free(c);

	c = connected_to(serve_script, &pid);
	(void)reqd_call_set_input(call, fail_input, NULL);
	ck_assert_int_eq(reqd_call(c, call, &res), REQD_E_STOPPED);
	ck_assert_int_eq(server_status(pid), 0);
	reqd_call_free(call);
	reqd_free(c);
	(void)close(fd);
}
END_TEST

/* ----------------------------------------------------------- requests --- */

static void
expect_sent(int peer, const char *want)
{
	char got[2048];
	ssize_t n = recv(peer, got, sizeof(got), MSG_DONTWAIT);

	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(n, (ssize_t)strlen(want));
	ck_assert_mem_eq(got, want, strlen(want));
}

START_TEST(call_on_the_wire)
{
	struct reqd_call *call = reqd_call_new("svc");
	struct reqd_result *res = NULL;
	int peer;
	struct reqd *c = connected(HELLO EXIT_0 EXIT_0, &peer);

	expect_sent(peer, "*2\r\n" B(5, "HELLO") B(1, "3"));
	ck_assert_int_eq(reqd_call_add(call, "a\0b", 3), 0);
	ck_assert_int_eq(reqd_call_add(call, "", 0), 0);
	ck_assert_int_eq(reqd_call(c, call, &res), 0);
	{
		static const char want[] = "*5\r\n" B(4, "CALL") B(6, "--full") B(3, "svc")
		    "$3\r\na\0b\r\n" "$0\r\n\r\n";
		char got[256];

		ck_assert_int_eq(recv(peer, got, sizeof(got), 0), sizeof(want) - 1);
		ck_assert_mem_eq(got, want, sizeof(want) - 1);
	}
	reqd_result_free(res);
	reqd_call_free(call);

	call = reqd_call_new("svc");
	ck_assert_int_eq(reqd_call_add_named(call, "path", "/", 1), 0);
	ck_assert_int_eq(reqd_call_set_timeout(call, 1500), 0);
	ck_assert_int_eq(reqd_call_set_id(call, "T-1"), 0);
	ck_assert_int_eq(reqd_call_add_meta(call, "k", "v:w"), 0);
	(void)reqd_call_set_output(call, note_output, NULL);
	ck_assert_int_eq(reqd_call(c, call, &res), 0);
	expect_sent(peer, "*9\r\n" B(4, "CALL") B(6, "--full") B(8, "--stream") B(7, "--named")
	    B(14, "--timeout=1500") B(8, "--id=T-1") B(12, "--meta=k:v:w") B(3, "svc")
	    B(6, "path=/"));
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
	(void)close(peer);
}
END_TEST

/* A wrong call is refused before a byte leaves, and the connection lives. */
START_TEST(wrong_calls_send_nothing)
{
	struct reqd_call *calls[9];
	struct reqd_result *res = NULL;
	char value[1026];
	int peer;
	struct reqd *c = connected(HELLO EXIT_0, &peer);

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	expect_sent(peer, "*2\r\n" B(5, "HELLO") B(1, "3"));
	for (size_t i = 0; i < N(calls); i++)
		calls[i] = reqd_call_new(i == 0 ? "--full" : i == 1 ? "" : "x");
	ck_assert_int_eq(reqd_call_set_id(calls[2], "a b"), REQD_E_INVALID);
	ck_assert_int_eq(reqd_call_set_timeout(calls[3], 0), REQD_E_INVALID);
	ck_assert_int_eq(reqd_call_add(calls[4], "a", 1), 0);
	ck_assert_int_eq(reqd_call_add_named(calls[4], "n", "a", 1), REQD_E_INVALID);
	ck_assert_int_eq(reqd_call_add_named(calls[5], "a=b", "a", 1), REQD_E_INVALID);
	ck_assert_int_eq(reqd_call_add_meta(calls[6], "k", value), REQD_E_INVALID);
	ck_assert_int_eq(reqd_call_set_input_fd(calls[7], -1), REQD_E_INVALID);
	for (size_t i = 0; i + 1 < N(calls); i++) {
		ck_assert_int_eq(reqd_call(c, calls[i], &res), REQD_E_INVALID);
		ck_assert(!reqd_was_sent(c));
		reqd_call_free(calls[i]);
	}
	ck_assert_int_eq(recv(peer, value, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(reqd_call(c, calls[8], &res), 0);
	reqd_result_free(res);
	reqd_call_free(calls[8]);
	reqd_free(c);
	(void)close(peer);
}
END_TEST

START_TEST(pipelined_requests)
{
	static const char *const ping[] = { "PING" };
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	struct reqd_value *v[3];
	size_t len;
	int peer;
	struct reqd *c = connected(HELLO "+PONG\r\n>1\r\n+x\r\n%1\r\n+k\r\n:7\r\n", &peer);

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(reqd_send(c, 1, ping, NULL), 0);
	ck_assert_int_eq(reqd_call(c, call, &res), REQD_E_INVALID);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(reqd_receive(c, &v[i]), 0);
	ck_assert_int_eq(reqd_value_kind(v[0]), REQD_SIMPLE);
	ck_assert_mem_eq(reqd_value_data(v[0], &len), "PONG", 4);
	ck_assert_int_eq(len, 4);
	ck_assert_int_eq(reqd_value_kind(v[1]), REQD_PUSH);
	ck_assert_int_eq(reqd_value_integer(reqd_value_get(v[2], "k")), 7);
	ck_assert_ptr_null(reqd_value_get(v[2], "none"));
	ck_assert_ptr_null(reqd_value_get(v[0], "k"));
	ck_assert_ptr_null(reqd_value_at(v[2], 2));
	ck_assert_int_eq(reqd_value_kind(NULL), REQD_NULL);
	ck_assert_str_eq(reqd_value_data(NULL, &len), "");
	ck_assert_int_eq(reqd_send(c, 0, ping, NULL), REQD_E_INVALID);
	for (int i = 0; i < 3; i++)
		reqd_value_free(v[i]);
	reqd_call_free(call);
	reqd_free(c);
	(void)close(peer);
}
END_TEST

/* A large reply keeps its buffer; a small one behind it must not suffer. */
START_TEST(large_replies)
{
	static char bytes[150000];
	static const char *const words[] = { "ANY" };
	struct reqd_value *v[2];
	struct reqd *c = reqd_new();
	size_t len;
	int peer, n;

	n = snprintf(bytes, sizeof(bytes), "%s*2\r\n:1\r\n$100000\r\n", HELLO);
	memset(bytes + n, 'x', 100000);
	ck_assert_int_lt(n + 100000 + 10, (int)sizeof(bytes));
	memcpy(bytes + n + 100000, "\r\n", 3);
	ck_assert_int_eq(attach_bytes(c, bytes, (size_t)n + 100002, &peer), 0);
	ck_assert_int_eq(reqd_request(c, &v[0], 1, words), 0);
	ck_assert_int_eq(reqd_request(c, &v[1], 1, words), REQD_E_CLOSED);
	reqd_free(c);
	ck_assert_int_eq(reqd_value_integer(reqd_value_at(v[0], 0)), 1);
	ck_assert_mem_eq(reqd_value_data(reqd_value_at(v[0], 1), &len), bytes + n, 100000);
	ck_assert_int_eq(len, 100000);
	reqd_value_free(v[0]);
	(void)close(peer);
}
END_TEST

/* ----------------------------------------------------------- connect --- */

static const char *const wrong_urls[] = {
	"", "a b", "h:x", "http://x", "tcp://", "tcp://*", "tcp://h:0", "tcp://h:99999", "tcp://h:x",
	"unix://rel", "unix://", "fd://x", "tcp://a:b:c", "\x1b]0;x\a",
};

START_TEST(connect_refuses_wrong_urls)
{
	struct reqd *c = reqd_new();

	ck_assert_int_eq(reqd_connect(c, &wrong_urls[_i], 1, 0), REQD_E_INVALID);
	for (const char *p = reqd_error_text(c); *p != '\0'; p++)
		ck_assert((unsigned char)*p >= ' ');
	reqd_free(c);
}
END_TEST

static const struct {
	const char *bytes;
	int error;
} hello_rows[] = {
	{ HELLO, 0 },
	{ "%3\r\n+server\r\n+\x1b[2J\r\n+version\r\n+1\r\n+proto\r\n:3\r\n", 0 },
	{ "-ERR max number of clients reached\r\n", REQD_E_REFUSED },
	{ "-DENIED \x1b[2J\r\n", REQD_E_REFUSED },
	{ "+OK\r\n", REQD_E_PROTOCOL },
	{ "%1\r\n+proto\r\n:2\r\n", REQD_E_PROTOCOL },
	{ "%1\r\n+proto\r\n+3\r\n", REQD_E_PROTOCOL },
	{ "SSH-2.0-OpenSSH\r\n", REQD_E_PROTOCOL },
	{ "", REQD_E_CLOSED },
};

START_TEST(greeting)
{
	struct reqd *c = reqd_new();
	int peer;

	ck_assert_int_eq(attach_bytes(c, hello_rows[_i].bytes, strlen(hello_rows[_i].bytes), &peer),
	    hello_rows[_i].error);
	ck_assert_ptr_null(strchr(reqd_error_text(c), '\x1b'));
	ck_assert_ptr_null(strchr(reqd_server(c), '\x1b'));
	reqd_free(c);
	(void)close(peer);
}
END_TEST

static int
listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

/* The first server does not exist, the second refuses, the third answers. */
START_TEST(connect_tries_in_order)
{
	char dir[] = "/tmp/test_client.XXXXXX", paths[3][64], urls[3][80];
	const char *list[3];
	struct reqd *c = reqd_new();
	int fds[3] = { -1, -1, -1 };
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (int i = 0; i < 3; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%d", dir, i);
		(void)snprintf(urls[i], sizeof(urls[i]), "unix://%s", paths[i]);
		list[i] = urls[i];
		if (i > 0)
			fds[i] = listen_at(paths[i]);
	}
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int a = accept(fds[1], NULL, NULL);

		say(a, "-ERR max number of clients reached\r\n");
		(void)close(a);
		a = accept(fds[2], NULL, NULL);
		say(a, HELLO "+PONG\r\n");
		while (hear_verb(a, "HELLO") > 0)
			continue;
		_exit(0);
	}
	ck_assert_int_eq(reqd_connect(c, list, 1, 0), REQD_E_CONNECT);
	ck_assert_ptr_nonnull(strstr(reqd_error_text(c), urls[0]));
	ck_assert_msg(reqd_connect(c, list, 3, 0) == 0, "%s", reqd_error_text(c));
	ck_assert_str_eq(reqd_url(c), urls[2]);
	ck_assert_int_eq(reqd_error(c), 0);
	reqd_close(c);
	ck_assert_int_eq(server_status(pid), 0);
	reqd_free(c);
	for (int i = 1; i < 3; i++) {
		(void)close(fds[i]);
		(void)unlink(paths[i]);
	}
	(void)rmdir(dir);
}
END_TEST

/*
 * Sends each connection its text before it is closed; exits with the number of
 * connections.
 */
static void
serve_in_turn(int listener, const char *const *says)
{
	int n;

	for (n = 0; says[n] != NULL; n++) {
		int a = accept(listener, NULL, NULL);

		if (*says[n] == '!') {
			/* Closing with unread bytes resets the connection. */
			(void)recv(a, heard, 1, MSG_PEEK);
			(void)close(a);
			continue;
		}
		(void)hear_verb(a, "HELLO");
		say(a, says[n]);
		(void)close(a);
	}
	_exit(n);
}

static const struct {
	const char *says[4];
	int error;
} redial_rows[] = {
	{ { "", HELLO }, 0 },
	{ { "!", HELLO }, 0 },
	{ { "", "" }, REQD_E_CLOSED },
	{ { "%" }, REQD_E_CLOSED },	/* the answer had begun */
	{ { "-ERR max number of clients reached\r\n" }, REQD_E_REFUSED },
	{ { "", "-ERR max number of clients reached\r\n" }, REQD_E_REFUSED },
};

/* A server at a socket of its own. */
struct place {
	char dir[32], path[48], url[64];
	int listener;
	pid_t pid;
};

static void
place_open(struct place *p, const char *const *says)
{
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/test_client.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->dir));
	(void)snprintf(p->path, sizeof(p->path), "%s/s", p->dir);
	(void)snprintf(p->url, sizeof(p->url), "unix://%s", p->path);
	p->listener = listen_at(p->path);
	p->pid = fork();
	ck_assert_int_ge(p->pid, 0);
	if (p->pid == 0)
		serve_in_turn(p->listener, says);
}

static void
place_close(struct place *p)
{
	(void)close(p->listener);
	(void)unlink(p->path);
	(void)rmdir(p->dir);
}

/*
 * The client connects once more, and only once, to a server that ends before
 * its first byte.
 */
START_TEST(connect_dials_again)
{
	const char *const *says = redial_rows[_i].says;
	struct reqd *c = reqd_new();
	struct place p;
	int n = 0;

	place_open(&p, says);
	ck_assert_int_eq(reqd_connect(c, (const char *const[]){ p.url }, 1, 0),
	    redial_rows[_i].error);
	while (says[n] != NULL)
		n++;
	ck_assert_int_eq(server_status(p.pid), n);
	/* No other connection waits to be accepted. */
	ck_assert_int_eq(fcntl(p.listener, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(accept(p.listener, NULL, NULL), -1);
	reqd_free(c);
	place_close(&p);
}
END_TEST

/* The second connection stays in the queue for ever. */
START_TEST(dialing_again_takes_no_longer)
{
	static const char *const says[] = { "", NULL };
	struct reqd *c = reqd_new();
	struct place p;

	place_open(&p, says);
	ck_assert_int_eq(reqd_set_connect_timeout(c, 100), 0);
	ck_assert_int_eq(reqd_connect(c, (const char *const[]){ p.url }, 1, 0), REQD_E_TIMEOUT);
	ck_assert_int_eq(server_status(p.pid), 1);
	reqd_free(c);
	place_close(&p);
}
END_TEST

START_TEST(connect_by_environment)
{
	struct reqd *c = reqd_new();

	ck_assert_int_eq(setenv("REQD_SERVER", "unix:///nonexistent/a", 1), 0);
	ck_assert_int_eq(reqd_connect(c, NULL, 0, 0), REQD_E_CONNECT);
	ck_assert_str_eq(reqd_url(c), "unix:///nonexistent/a");
	ck_assert_int_eq(unsetenv("REQD_SERVER"), 0);
	reqd_free(c);
}
END_TEST

/* The peer is gone before the request: an error, and no SIGPIPE. */
START_TEST(closed_before_the_call)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	int peer;
	struct reqd *c = connected(HELLO, &peer);

	(void)close(peer);
	(void)signal(SIGPIPE, SIG_DFL);
	ck_assert_int_eq(reqd_call(c, call, &res), REQD_E_CLOSED);
	ck_assert(!reqd_was_sent(c));
	reqd_call_free(call);
	reqd_free(c);
}
END_TEST

/*
 * The server has answered and closed before the request: its answer still
 * reaches the client.
 */
START_TEST(last_words_are_read)
{
	struct reqd_call *call = reqd_call_new("x");
	struct reqd_result *res = NULL;
	int peer;
	struct reqd *c = connected(HELLO "-LOADING draining\r\n", &peer);

	(void)close(peer);
	ck_assert_int_eq(reqd_call(c, call, &res), 0);
	ck_assert_int_eq(res->outcome, REQD_DRAINING);
	reqd_result_free(res);
	reqd_call_free(call);
	reqd_free(c);
}
END_TEST

START_TEST(settings_have_ranges)
{
	struct reqd_value *v = NULL;
	struct reqd *c = reqd_new();

	ck_assert_int_eq(reqd_set_connect_timeout(c, 0), REQD_E_INVALID);
	ck_assert_int_eq(reqd_set_connect_timeout(c, 86400001), REQD_E_INVALID);
	ck_assert_int_eq(reqd_set_reply_limit(c, 1023), REQD_E_INVALID);
	ck_assert_int_eq(reqd_set_reply_limit(c, (1u << 30) + 1), REQD_E_INVALID);
	ck_assert_int_eq(reqd_set_deadline(c, UINT64_MAX), REQD_E_INVALID);
	ck_assert_int_eq(reqd_receive(c, &v), REQD_E_CLOSED);
	ck_assert_str_eq(reqd_error_text(c), "not connected");
	ck_assert_ptr_null(reqd_free(NULL));
	ck_assert_ptr_null(reqd_result_free(NULL));
	ck_assert_ptr_null(reqd_call_free(NULL));
	ck_assert_ptr_null(reqd_value_free(NULL));
	reqd_free(c);
}
END_TEST

static Suite *
client_suite(void)
{
	Suite *s = suite_create("client");
	TCase *t = tcase_create("outcomes");

	tcase_add_loop_test(t, a_login_goes_with_the_greeting, 0, 3);
	tcase_add_test(t, wrong_logins_are_misuse);
	tcase_add_test(t, a_refused_login_is_an_error);
	tcase_add_test(t, an_error_never_shows_a_token);
	tcase_add_loop_test(t, call_outcome, 0, (int)N(outcome_rows));
	tcase_add_test(t, call_result_has_output);
	suite_add_tcase(s, t);

	t = tcase_create("bytes");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_cut_is_an_error);
	tcase_add_test(t, every_wrong_byte_is_survived);
	tcase_add_test(t, slow_bytes_make_a_reply);
	tcase_add_loop_test(t, endless_replies_end, 0, (int)N(endless_rows));
	tcase_add_test(t, endless_pushes_meet_the_deadline);
	tcase_add_test(t, silence_meets_the_deadline);
	suite_add_tcase(s, t);

	t = tcase_create("streams");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, pushes, 0, (int)N(push_rows));
	tcase_add_test(t, input_and_output_at_the_same_time);
	tcase_add_test(t, input_from_a_pipe);
	tcase_add_test(t, input_in_steps);
	tcase_add_test(t, program_that_wants_no_more);
	tcase_add_loop_test(t, replies_to_input, 0, (int)N(input_rows));
	tcase_add_test(t, silent_input_ends_with_the_program);
	tcase_add_test(t, input_that_cannot_be_read);
	suite_add_tcase(s, t);

	t = tcase_create("requests");
	tcase_add_test(t, call_on_the_wire);
	tcase_add_test(t, wrong_calls_send_nothing);
	tcase_add_test(t, pipelined_requests);
	tcase_add_test(t, large_replies);
	suite_add_tcase(s, t);

	t = tcase_create("connect");
	tcase_add_loop_test(t, connect_refuses_wrong_urls, 0, (int)N(wrong_urls));
	tcase_add_loop_test(t, greeting, 0, (int)N(hello_rows));
	tcase_add_test(t, connect_tries_in_order);
	tcase_add_loop_test(t, connect_dials_again, 0, (int)N(redial_rows));
	tcase_add_test(t, dialing_again_takes_no_longer);
	tcase_add_test(t, connect_by_environment);
	tcase_add_test(t, closed_before_the_call);
	tcase_add_test(t, last_words_are_read);
	tcase_add_test(t, settings_have_ranges);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(client_suite());
	int n_failed;

	srunner_run_all(sr, CK_ENV);
	n_failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
