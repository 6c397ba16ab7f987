/* SPDX-License-Identifier: ISC */
/*
 * The handler side of libreqd through its public face. Each case is a child
 * that serves what stands in a file (or comes through a pipe) and leaves its
 * replies and messages in files.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/reqd.h"
#include "unit.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define PING "*1\r\n$4\r\nPING\r\n"
#define PONG "+PONG\r\n"
#define LARGE (3u << 20)

/* ---------------------------------------------------------- functions --- */

/* Not ck_assert: Check's own messages would go to descriptor 3. */
static void
must(bool condition)
{
	if (!condition)
		abort();
}

static void
echo(struct reqd_request *req)
{
	for (size_t i = 0; i < req->argc; i++)
		must(req->argv[i][req->lens[i]] == '\0');
	must(req->argv[req->argc] == NULL);
	if (req->argc == 2) {
		reqd_reply_bulk(req, req->argv[1], req->lens[1]);
		return;
	}
	reqd_reply_array(req, req->argc - 1);
	for (size_t i = 1; i < req->argc; i++)
		reqd_reply_bulk(req, req->argv[i], req->lens[i]);
}

static void
every_type(struct reqd_request *req)
{
	reqd_reply_array(req, 14);
	reqd_reply_text(req, "");
	reqd_reply_bulk(req, "a\0\r\n", 4);
	reqd_reply_bulk(req, NULL, 0);
	reqd_reply_integer(req, 0);
	reqd_reply_integer(req, INT64_MIN);
	reqd_reply_integer(req, INT64_MAX);
	reqd_reply_double(req, -0.5);
	reqd_reply_double(req, (double)INFINITY);
	reqd_reply_double(req, (double)NAN);
	reqd_reply_bool(req, true);
	reqd_reply_bool(req, false);
	reqd_reply_null(req);
	reqd_reply_array(req, 0);
	reqd_reply_map(req, 2);
	reqd_reply_text(req, "k");
	reqd_reply_map(req, 0);
	reqd_reply_text(req, "l");
	reqd_reply_array(req, 1);
	reqd_reply_integer(req, 7);
}

static void
none(struct reqd_request *req)
{
	(void)req;
}

static void
two(struct reqd_request *req)
{
	reqd_reply_integer(req, 1);
	reqd_reply_integer(req, 2);
}

static void
three(struct reqd_request *req)
{
	two(req);
	reqd_reply_array(req, 5);
}

static void
second_after_array(struct reqd_request *req)
{
	reqd_reply_array(req, 1);
	reqd_reply_integer(req, 1);
	reqd_reply_null(req);
}

static void
second_after_empty_map(struct reqd_request *req)
{
	reqd_reply_map(req, 0);
	reqd_reply_map(req, 0);
}

static void
unfinished_array(struct reqd_request *req)
{
	reqd_reply_array(req, 2);
	reqd_reply_integer(req, 1);
}

static void
unfinished_map(struct reqd_request *req)
{
	reqd_reply_map(req, 1);
	reqd_reply_text(req, "key");
}

static void
unfinished_inside(struct reqd_request *req)
{
	reqd_reply_array(req, 1);
	reqd_reply_array(req, 1);
	reqd_reply_array(req, 1);
}

static void
nest(struct reqd_request *req, int depth)
{
	for (int i = 0; i < depth; i++)
		reqd_reply_array(req, 1);
	reqd_reply_integer(req, 1);
}

static void
deep(struct reqd_request *req)
{
	nest(req, 8);
}

static void
too_deep(struct reqd_request *req)
{
	nest(req, 9);
}

static void
far_too_deep(struct reqd_request *req)
{
	nest(req, 10000);
}

static void
too_many_items(struct reqd_request *req)
{
	reqd_reply_array(req, (size_t)INT32_MAX + 1);
}

static void
too_many_pairs(struct reqd_request *req)
{
	reqd_reply_map(req, SIZE_MAX / 2 + 2);
}

static void
impossible_length(struct reqd_request *req)
{
	reqd_reply_array(req, 2);
	reqd_reply_bulk(req, "", SIZE_MAX - 8);
}

static void
error(struct reqd_request *req)
{
	reqd_reply_error(req, "NOTFOUND", "no key '%s'", "x");
}

static void
error_no_text(struct reqd_request *req)
{
	reqd_reply_error(req, "NOTFOUND", "%s", "");
}

static void
error_midway(struct reqd_request *req)
{
	unfinished_array(req);
	reqd_reply_error(req, "ERR", "%d of %d", 1, 2);
}

static void
error_after_reply(struct reqd_request *req)
{
	reqd_reply_integer(req, 1);
	reqd_reply_error(req, "ERR", "changed my mind");
}

static void
error_then_more(struct reqd_request *req)
{
	reqd_reply_error(req, "FIRST", "one");
	reqd_reply_error(req, "SECOND", "two");
	reqd_reply_array(req, 3);
	reqd_reply_integer(req, 1);
}

static void
error_lines(struct reqd_request *req)
{
	reqd_reply_error(req, "ERR", "%s", "a\r\n+OK\r\n\tb\x1b[1m");
}

static void
error_code_lower(struct reqd_request *req)
{
	reqd_reply_error(req, "err", "x");
}

static void
error_code_lines(struct reqd_request *req)
{
	reqd_reply_error(req, "A\r\n:1", "x");
}

static void
error_code_null(struct reqd_request *req)
{
	reqd_reply_error(req, NULL, "x");
}

static void
error_code_long(struct reqd_request *req)
{
	reqd_reply_error(req, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x");
}

static void
error_long(struct reqd_request *req)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	reqd_reply_error(req, "ERR", "%s", text);
}

static void
exit_3(struct reqd_request *req)
{
	reqd_reply_exit(req, 3, "no %s", "luck");
}

static void
exit_0(struct reqd_request *req)
{
	reqd_reply_exit(req, 0, "%s", "");
}

static void
exit_256(struct reqd_request *req)
{
	reqd_reply_exit(req, 256, "x");
}

static void
output(struct reqd_request *req)
{
	if (reqd_output(req, 1, "a\r\n", 3) != 0 || reqd_output(req, 2, "", 0) != 0)
		return;
	reqd_reply_array(req, 2);
	reqd_reply_integer(req, reqd_output(req, 1, "x", 1));
	reqd_reply_integer(req, reqd_output(req, 3, "x", 1));
}

static void
output_wrong(struct reqd_request *req)
{
	reqd_reply_integer(req, reqd_output(req, 0, "x", 1));
}

static void
output_much(struct reqd_request *req)
{
	reqd_reply_integer(req, reqd_output(req, 1, "", SIZE_MAX - 8));
}

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

static void
text_or_null(struct reqd_request *req, const char *text)
{
	if (text == NULL)
		reqd_reply_null(req);
	else
		reqd_reply_text(req, text);
}

static void
context(struct reqd_request *req)
{
	int64_t left = reqd_request_time_left(req);

	reqd_reply_array(req, 9);
	text_or_null(req, reqd_request_context(req, "id"));
	text_or_null(req, reqd_request_context(req, "caller"));
	text_or_null(req, reqd_request_context(req, "peer"));
	text_or_null(req, reqd_request_context(req, "i"));
	text_or_null(req, reqd_request_context(req, ""));
	text_or_null(req, reqd_request_meta(req, "Trace"));
	text_or_null(req, reqd_request_meta(req, "empty"));
	text_or_null(req, reqd_request_meta(req, "id"));
	/* Time may have passed. */
	reqd_reply_integer(req, left > 4000000 && left <= 5000000 ? 5 : left);
}

/* argv[1]: how many pieces it asks for. The words stay where they are. */
static void
input(struct reqd_request *req)
{
	char *all = calloc(1, LARGE);
	size_t len, total = 0;
	const void *data;
	int r = 1;

	must(all != NULL && req->argc == 2);
	for (int i = atoi(req->argv[1]); i > 0; i--) {
		r = reqd_request_input(req, &data, &len);
		must(r > 0 ? len > 0 : len == 0);
		must(total + len < LARGE);
		memcpy(all + total, data, len);
		total += len;
		must(strcmp(req->argv[0], "input") == 0 && req->argv[2] == NULL);
	}
	reqd_reply_array(req, 2);
	reqd_reply_integer(req, r == REQD_E_CLOSED ? -1 : r);
	reqd_reply_bulk(req, all, total);
	free(all);
}

static const struct {
	const char *name;
	void (*fn)(struct reqd_request *req);
} functions[] = {
	{ "echo", echo }, { "every_type", every_type }, { "none", none },
	{ "two", two }, { "three", three },
	{ "second_after_array", second_after_array },
	{ "second_after_empty_map", second_after_empty_map },
	{ "unfinished_array", unfinished_array },
	{ "unfinished_map", unfinished_map },
	{ "unfinished_inside", unfinished_inside },
	{ "deep", deep }, { "too_deep", too_deep },
	{ "far_too_deep", far_too_deep },
	{ "too_many_items", too_many_items },
	{ "too_many_pairs", too_many_pairs },
	{ "impossible_length", impossible_length },
	{ "error", error }, { "error_no_text", error_no_text },
	{ "error_midway", error_midway },
	{ "error_after_reply", error_after_reply },
	{ "error_then_more", error_then_more }, { "error_lines", error_lines },
	{ "error_code_lower", error_code_lower },
	{ "error_code_lines", error_code_lines },
	{ "error_code_null", error_code_null },
	{ "error_code_long", error_code_long }, { "error_long", error_long },
	{ "exit_3", exit_3 }, { "exit_0", exit_0 }, { "exit_256", exit_256 },
	{ "output", output }, { "output_wrong", output_wrong },
	{ "output_much", output_much },
	{ "output_to_nobody", output_to_nobody }, { "print", print },
	{ "large", large }, { "context", context }, { "input", input },
};

static void
handle(void *arg, struct reqd_request *req)
{
	must(strcmp(arg, "argument") == 0);
	for (size_t i = 0; i < N(functions); i++) {
		if (strcmp(functions[i].name, req->argv[0]) == 0)
			functions[i].fn(req);
	}
}

/* ----------------------------------------------------------- children --- */

struct text {
	char *data;
	size_t len;
};

/* channel: REQD_CHANNEL, which makes out its descriptor 3. */
struct child {
	int in, out;
	int not_its;		/* the other end of in, to be closed; 0: none */
	const char *channel;
	bool is_batch;
	pid_t pid;
	int err;
};

struct served {
	struct text out, err;
	int status;		/* as of wait(2) */
};

static int
file_new(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static struct text
file_take(int fd)
{
	struct text t = { NULL, (size_t)lseek(fd, 0, SEEK_END) };

	t.data = calloc(1, t.len + 1);
	ck_assert_ptr_nonnull(t.data);
	ck_assert_int_eq(pread(fd, t.data, t.len, 0), (ssize_t)t.len);
	(void)close(fd);
	return t;
}

static void
child_start(struct child *c)
{
	char argument[] = "argument";

	c->err = file_new("", 0);
	(void)fflush(NULL);
	c->pid = fork();
	ck_assert_int_ge(c->pid, 0);
	if (c->pid > 0)
		return;
	(void)signal(SIGPIPE, SIG_DFL);
	if (c->not_its > 0)
		(void)close(c->not_its);
	(void)dup2(c->in, 0);
	(void)dup2(c->err, 2);
	if (c->channel == NULL) {
		(void)dup2(c->out, 1);
		(void)unsetenv("REQD_CHANNEL");
	} else {
		(void)dup2(c->err, 1);
		(void)dup2(c->out, 3);
		(void)setenv("REQD_CHANNEL", c->channel, 1);
	}
	exit(c->is_batch ? reqd_serve_batch(handle, argument) : reqd_serve(handle, argument));
}

static struct served
child_end(struct child *c)
{
	struct served s = { 0 };

	ck_assert_int_eq(waitpid(c->pid, &s.status, 0), c->pid);
	s.err = file_take(c->err);
	return s;
}

static void
served_done(struct served *s)
{
	free(s->out.data);
	free(s->err.data);
}

static struct served
serve_on(const char *channel, const void *data, size_t len)
{
	struct child c = { .in = file_new(data, len), .out = file_new("", 0), .channel = channel };
	struct served s;

	child_start(&c);
	s = child_end(&c);
	s.out = file_take(c.out);
	(void)close(c.in);
	return s;
}

static void
assert_bytes(const char *what, struct text got, const void *want, size_t len)
{
	ck_assert_msg(got.len == len && memcmp(got.data, want, len) == 0,
	    "%s: got %zu bytes: %s", what, got.len, got.data);
}

static void
assert_ended(const char *what, const struct served *s, int status, const char *err)
{
	ck_assert_msg(WIFEXITED(s->status) && WEXITSTATUS(s->status) == status,
	    "%s: status %x, %s", what, (unsigned)s->status, s->err.data);
	ck_assert_msg(strcmp(s->err.data, err) == 0, "%s: %s", what, s->err.data);
}

/* ---------------------------------------------------------- what is right */

static const struct {
	const char *name;
	const char *reply;
} replies[] = {
	{ "every_type",
	  "*14\r\n$0\r\n\r\n$4\r\na@\r\n\r\n$0\r\n\r\n:0\r\n:-9223372036854775808\r\n"
	  ":9223372036854775807\r\n,-0.5\r\n,inf\r\n,nan\r\n#t\r\n#f\r\n_\r\n*0\r\n"
	  "%2\r\n$1\r\nk\r\n%0\r\n$1\r\nl\r\n*1\r\n:7\r\n" },
	{ "none", "-ERR handler made no reply\r\n" },
	{ "unknown", "-ERR handler made no reply\r\n" },
	{ "ping", "-ERR handler made no reply\r\n" },
	{ "two", "-ERR handler made more than one reply\r\n" },
	{ "three", "-ERR handler made more than one reply\r\n" },
	{ "second_after_array", "-ERR handler made more than one reply\r\n" },
	{ "second_after_empty_map", "-ERR handler made more than one reply\r\n" },
	{ "unfinished_array", "-ERR handler did not finish its reply\r\n" },
	{ "unfinished_map", "-ERR handler did not finish its reply\r\n" },
	{ "unfinished_inside", "-ERR handler did not finish its reply\r\n" },
	{ "deep", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n" },
	{ "too_deep", "-ERR handler nested its reply too deeply\r\n" },
	{ "far_too_deep", "-ERR handler nested its reply too deeply\r\n" },
	{ "too_many_items", "-ERR handler made a reply of too many items\r\n" },
	{ "too_many_pairs", "-ERR handler made a reply of too many items\r\n" },
	{ "impossible_length", "-ERR handler has no memory for its reply\r\n" },
	{ "error", "-NOTFOUND no key 'x'\r\n" },
	{ "error_no_text", "-NOTFOUND\r\n" },
	{ "error_midway", "-ERR 1 of 2\r\n" },
	{ "error_after_reply", "-ERR changed my mind\r\n" },
	{ "error_then_more", "-FIRST one\r\n" },
	{ "error_lines", "-ERR a  +OK   b [1m\r\n" },
	{ "error_code_lower", "-ERR x\r\n" },
	{ "error_code_lines", "-ERR x\r\n" },
	{ "error_code_null", "-ERR x\r\n" },
	{ "error_code_long", "-ERR x\r\n" },
	{ "exit_3", "-EXIT 3 no luck\r\n" },
	{ "exit_0", "-EXIT 255\r\n" },
	{ "exit_256", "-EXIT 255 x\r\n" },
	{ "output",
	  ">3\r\n$6\r\noutput\r\n$6\r\nstdout\r\n$3\r\na\r\n\r\n"
	  ">3\r\n$6\r\noutput\r\n$6\r\nstderr\r\n$0\r\n\r\n*2\r\n:-2\r\n:-2\r\n" },
	{ "output_wrong", ":-2\r\n" },
	{ "output_much", ":-1\r\n" },
};

/* PING behind each: the stream is in step. */
START_TEST(replies_are_one_value)
{
	char in[256], want[512];
	struct served s;
	int n, m;

	n = snprintf(in, sizeof(in), "*1\r\n$%zu\r\n%s\r\n" PING, strlen(replies[_i].name),
	    replies[_i].name);
	m = snprintf(want, sizeof(want), "%s" PONG, replies[_i].reply);
	for (int i = 0; i < m; i++) {
		if (want[i] == '@')
			want[i] = '\0';
	}
	s = serve_on(NULL, in, (size_t)n);
	assert_bytes(replies[_i].name, s.out, want, (size_t)m);
	assert_ended(replies[_i].name, &s, 0, "");
	served_done(&s);
}
END_TEST

START_TEST(error_is_cut)
{
	static const char in[] = "*1\r\n$10\r\nerror_long\r\n" PING;
	struct served s = serve_on(NULL, in, sizeof(in) - 1);

	ck_assert_int_eq(s.out.len, 1024 + sizeof(PONG) - 1);
	ck_assert_int_eq(memcmp(s.out.data, "-ERR xxx", 8), 0);
	ck_assert_str_eq(s.out.data + 1020, "xx\r\n" PONG);
	assert_ended("long", &s, 0, "");
	served_done(&s);
}
END_TEST

static const struct {
	const char *name;
	const char *in;
	size_t in_len;
	const char *out;
	size_t out_len;
} requests[] = {
#define CASE(name, in, out) { name, in, sizeof(in) - 1, out, sizeof(out) - 1 }
	CASE("nothing", "", ""),
	CASE("ping", PING PING, PONG PONG),
	CASE("one", "*2\r\n$4\r\necho\r\n$2\r\nhi\r\n", "$2\r\nhi\r\n"),
	CASE("empty", "*2\r\n$4\r\necho\r\n$0\r\n\r\n", "$0\r\n\r\n"),
	CASE("no argument", "*1\r\n$4\r\necho\r\n", "*0\r\n"),
	CASE("bytes", "*2\r\n$4\r\necho\r\n$6\r\n\0\xff\r\n*1\r\n", "$6\r\n\0\xff\r\n*1\r\n"),
	CASE("two", "*3\r\n$4\r\necho\r\n$0\r\n\r\n$1\r\n=\r\n",
	    "*2\r\n$0\r\n\r\n$1\r\n=\r\n"),
	CASE("ping with arguments is the function's", "*2\r\n$4\r\nPING\r\n$1\r\na\r\n",
	    "-ERR handler made no reply\r\n"),
	CASE("no name", "*1\r\n$0\r\n\r\n", "-ERR handler made no reply\r\n"),
	CASE("context", "*2\r\n$4\r\nid=1\r\n$4\r\necho\r\n", "*0\r\n"),
#define INPUT(n) "*2\r\n$5\r\ninput\r\n$1\r\n" n "\r\n"
#define PIECES \
	">2\r\n$5\r\ninput\r\n$3\r\none\r\n>2\r\n$5\r\ninput\r\n$4\r\n\0\r\n*\r\n" END
#define END ">2\r\n$5\r\ninput\r\n$0\r\n\r\n"
	CASE("input", INPUT("3") PIECES PING INPUT("1") END,
	    "*2\r\n:0\r\n$7\r\none\0\r\n*\r\n" PONG "*2\r\n:0\r\n$0\r\n\r\n"),
	CASE("input after its end", INPUT("9") PIECES PING INPUT("9") PIECES,
	    "*2\r\n:0\r\n$7\r\none\0\r\n*\r\n" PONG "*2\r\n:0\r\n$7\r\none\0\r\n*\r\n"),
	CASE("half of the input", INPUT("1") PIECES INPUT("3") PIECES PING,
	    "*2\r\n:1\r\n$3\r\none\r\n*2\r\n:0\r\n$7\r\none\0\r\n*\r\n" PONG),
	CASE("not its end", INPUT("2") PIECES PING, "*2\r\n:1\r\n$7\r\none\0\r\n*\r\n" PONG),
	CASE("no input asked for", INPUT("0") PIECES "*1\r\n$4\r\necho\r\n" PIECES PING,
	    "*2\r\n:1\r\n$0\r\n\r\n*0\r\n" PONG),
	CASE("context and ping", "*2\r\n$4\r\nid=1\r\n$4\r\nPING\r\n", PONG),
#undef CASE
};

START_TEST(requests_are_answered)
{
	struct served s = serve_on(NULL, requests[_i].in, requests[_i].in_len);

	assert_bytes(requests[_i].name, s.out, requests[_i].out, requests[_i].out_len);
	assert_ended(requests[_i].name, &s, 0, "");
	served_done(&s);
}
END_TEST

/* The same, a byte at a time through a pipe that does not block its reader. */
START_TEST(requests_arrive_slowly)
{
	struct child c = { .out = file_new("", 0) };
	struct served s;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	c.in = fds[0];
	c.not_its = fds[1];
	child_start(&c);
	(void)close(fds[0]);
	for (size_t i = 0; i < requests[_i].in_len; i++)
		ck_assert_int_eq(write(fds[1], requests[_i].in + i, 1), 1);
	(void)close(fds[1]);
	s = child_end(&c);
	s.out = file_take(c.out);
	assert_bytes(requests[_i].name, s.out, requests[_i].out, requests[_i].out_len);
	assert_ended(requests[_i].name, &s, 0, "");
	served_done(&s);
}
END_TEST

/* ----------------------------------------------------------- what is wrong */

START_TEST(truncations_end_it)
{
	static const char whole[] = "*3\r\n$11\r\nid=1\nmeta.a\r\n$4\r\necho\r\n"
				    "$12\r\n*1\r\n$4\r\nPING\r\n";
	char in[sizeof(PING) + sizeof(whole)];
	struct served s;

	memcpy(in, PING, sizeof(PING) - 1);
	memcpy(in + sizeof(PING) - 1, whole, sizeof(whole));
	for (size_t cut = 1; cut < sizeof(whole) - 1; cut++) {
		char what[32];

		(void)snprintf(what, sizeof(what), "cut at %zu", cut);
		s = serve_on(NULL, in, sizeof(PING) - 1 + cut);
		assert_bytes(what, s.out, PONG, sizeof(PONG) - 1);
		assert_ended(what, &s, 1, "reqd_serve: the input ended inside a request\n");
		served_done(&s);
	}
}
END_TEST

static const struct {
	const char *in;
	const char *why;
} malformed[] = {
	{ "x", "it does not begin with '*'" },
	{ "PING\r\n", "it does not begin with '*'" },
	{ "\r\n" PING, "it does not begin with '*'" },
	{ "$4\r\nPING\r\n", "it does not begin with '*'" },
	{ "*0\r\n" PING, "it has no words" },
	{ "*-1\r\n" PING, "it has no words" },
	{ "*\r\n", "invalid multibulk length" },
	{ "*x\r\n", "invalid multibulk length" },
	{ "* 1\r\n", "invalid multibulk length" },
	{ "*+1\r\n", "invalid multibulk length" },
	{ "*01\r\n$4\r\nPING\r\n", "invalid multibulk length" },
	{ "*1\n$4\r\nPING\r\n", "invalid multibulk length" },
	{ "*1\r$4\r\nPING\r\n", "invalid multibulk length" },
	{ "*1000003\r\n", "invalid multibulk length" },
	{ "*4294967297\r\n", "invalid multibulk length" },
	{ "*18446744073709551617\r\n", "invalid multibulk length" },
	{ "*9999999999999999999999999999999999999\r\n", "too big mbulk count string" },
	{ "*1\r\n:4\r\n", "expected '$', got ':'" },
	{ "*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'" },
	{ "*1\r\n\r\n", "expected '$', got '\\x0d'" },
	{ "*1\r\n$-1\r\n", "invalid bulk length" },
	{ "*1\r\n$\r\n", "invalid bulk length" },
	{ "*1\r\n$04\r\nPING\r\n", "invalid bulk length" },
	{ "*1\r\n$4\nPING\r\n", "invalid bulk length" },
	{ "*1\r\n$1073741825\r\n", "invalid bulk length" },
	{ "*2\r\n$1\r\na\r\n$4294967296\r\n", "invalid bulk length" },
	{ "*1\r\n$18446744073709551620\r\nPING\r\n", "invalid bulk length" },
	{ "*1\r\n$9999999999999999999999999999999999999\r\n", "too big bulk count string" },
	{ "*1\r\n$4\r\nPINGX\r\n", "expected CRLF after bulk" },
	{ "*1\r\n$3\r\nPING\r\n", "expected CRLF after bulk" },
	{ "*1\r\n$4\r\nPING\rX", "expected CRLF after bulk" },
	{ "*1\r\n$4\r\nid=1\r\n", "a context and nothing else" },
};

START_TEST(malformed_ends_it)
{
	struct served s = serve_on(NULL, malformed[_i].in, strlen(malformed[_i].in));
	char want[128];

	(void)snprintf(want, sizeof(want), "reqd_serve: not a request: %s\n", malformed[_i].why);
	assert_bytes(malformed[_i].in, s.out, "", 0);
	assert_ended(malformed[_i].in, &s, 1, want);
	served_done(&s);
}
END_TEST

static const struct {
	const char *in, *why;
} broken_inputs[] = {
	{ "", "the input ended inside a request" },
	{ ">2\r\n$5\r\ninp", "the input ended inside a request" },
	{ ">2\r\n$5\r\ninput\r\n$3\r\none\r\n", "the input ended inside a request" },
	{ PING, "not the input of a request" },
	{ ">x\r\n", "not the input of a request: invalid length" },
	{ ">2\r\n$5\r\ninput\r\n:3\r\n", "not the input of a request: another push" },
	{ ">2\r\n$6\r\noutput\r\n$1\r\na\r\n", "not the input of a request: another push" },
	{ ">2\r\n$5\r\ninput\r\n$1048677\r\n", "not the input of a request: value too big" },
};

START_TEST(broken_input_ends_it)
{
	char in[256];
	struct served s;
	char want[128];

	for (int skipped = 0; skipped < 2; skipped++) {
		int n = snprintf(in, sizeof(in), "*2\r\n$5\r\ninput\r\n$1\r\n%d\r\n%s", skipped ? 0 : 9,
		    broken_inputs[_i].in);

		if (skipped && *broken_inputs[_i].in != '>')
			break;
		/* That one is no more than the end of an input that nobody wants. */
		if (skipped && _i == 2)
			break;
		s = serve_on(NULL, in, (size_t)n);
		(void)snprintf(want, sizeof(want), "reqd_serve: %s\n", broken_inputs[_i].why);
		assert_bytes(in, s.out, skipped ? "*2\r\n:1\r\n$0\r\n\r\n" : "", skipped ? 14 : 0);
		assert_ended(in, &s, 1, want);
		served_done(&s);
	}
}
END_TEST

/* The reply to the request before it is sent all the same. */
START_TEST(broken_input_takes_no_reply_along)
{
	static const char in[] = PING "*2\r\n$5\r\ninput\r\n$1\r\n9\r\n*0\r\n";
	struct child c = {
		.in = file_new(in, strlen(in)), .out = file_new("", 0), .is_batch = true,
	};
	struct served s;

	child_start(&c);
	s = child_end(&c);
	s.out = file_take(c.out);
	assert_bytes(in, s.out, PONG, strlen(PONG));
	assert_ended(in, &s, 1, "reqd_serve: not the input of a request\n");
	served_done(&s);
	(void)close(c.in);
}
END_TEST

START_TEST(input_that_cannot_be_read)
{
	struct child c = { .in = open("/", O_RDONLY | O_CLOEXEC), .out = file_new("", 0) };
	struct served s;

	child_start(&c);
	s = child_end(&c);
	s.out = file_take(c.out);
	assert_bytes("directory", s.out, "", 0);
	assert_ended("directory", &s, 1, "reqd_serve: cannot read a request: Is a directory\n");
	served_done(&s);
	(void)close(c.in);
}
END_TEST

/* ----------------------------------------------------------- amount, order */

START_TEST(many_requests)
{
	static const char one[] = "*2\r\n$4\r\necho\r\n$4\r\n%04u\r\n", reply[] = "$4\r\n%04u\r\n";
	enum { COUNT = 5000, IN = sizeof(one) - 1, OUT = sizeof(reply) - 1 };
	char *in = malloc(COUNT * IN + 1), *want = malloc(COUNT * OUT + 1);
	struct served s;

	ck_assert(in != NULL && want != NULL);
	for (unsigned i = 0; i < COUNT; i++) {
		(void)snprintf(in + i * IN, IN + 1, one, i % 10000);
		(void)snprintf(want + i * OUT, OUT + 1, reply, i % 10000);
	}
	s = serve_on(NULL, in, COUNT * IN);
	assert_bytes("many", s.out, want, COUNT * OUT);
	assert_ended("many", &s, 0, "");
	served_done(&s);
	free(in);
	free(want);
}
END_TEST

START_TEST(large_argument)
{
	static const char head[] = "*2\r\n$4\r\necho\r\n$3145728\r\n", reply[] = "$3145728\r\n";
	const size_t n = sizeof(head) - 1, len = n + LARGE + 2 + sizeof(PING) - 1;
	char *in = malloc(len);
	struct served s;

	ck_assert_ptr_nonnull(in);
	memcpy(in, head, n);
	for (size_t i = 0; i < LARGE; i++)
		in[n + i] = (char)(i * 7);
	memcpy(in + n + LARGE, "\r\n" PING, 2 + sizeof(PING) - 1);
	s = serve_on(NULL, in, len);
	ck_assert_int_eq(s.out.len, sizeof(reply) - 1 + LARGE + 2 + sizeof(PONG) - 1);
	ck_assert_int_eq(memcmp(s.out.data, reply, sizeof(reply) - 1), 0);
	ck_assert_int_eq(memcmp(s.out.data + sizeof(reply) - 1, in + n, LARGE), 0);
	ck_assert_str_eq(s.out.data + sizeof(reply) - 1 + LARGE, "\r\n" PONG);
	assert_ended("large", &s, 0, "");
	served_done(&s);
	free(in);
}
END_TEST

START_TEST(many_words)
{
	enum { COUNT = 200000 };
	static const char head[] = "*200001\r\n$4\r\necho\r\n", word[] = "$0\r\n\r\n";
	const size_t n = sizeof(head) - 1, w = sizeof(word) - 1;
	char *in = malloc(n + COUNT * w + sizeof(PING) - 1);
	struct served s;

	ck_assert_ptr_nonnull(in);
	memcpy(in, head, n);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(in + n + i * w, word, w);
	memcpy(in + n + COUNT * w, PING, sizeof(PING) - 1);
	s = serve_on(NULL, in, n + COUNT * w + sizeof(PING) - 1);
	ck_assert_int_eq(s.out.len, strlen("*200000\r\n") + COUNT * w + sizeof(PONG) - 1);
	ck_assert_str_eq(s.out.data + s.out.len - (sizeof(PONG) - 1), PONG);
	assert_ended("words", &s, 0, "");
	served_done(&s);
	free(in);
}
END_TEST

/* A reader with boundaries sees what goes out with the first write, and then all. */
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
	assert_ended("writes", &s, 0, "");
	served_done(&s);
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

/* A pipe that takes 64 KiB at a time, and says so. */
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
	assert_ended("full", &s, 0, "");
	served_done(&s);
	(void)close(fds[0]);
	(void)close(c.in);
}
END_TEST

/* ------------------------------------------------------------- channels --- */

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

	assert_ended("reply", &s, 1, "reqd_serve: cannot write the reply: Broken pipe\n");
	served_done(&s);
	s = serve_to_nobody("*1\r\n$16\r\noutput_to_nobody\r\n" PING);
	assert_ended("output", &s, 1, "1 1\nreqd_serve: cannot write the reply: Broken pipe\n");
	served_done(&s);
}
END_TEST

START_TEST(printing_goes_to_the_log)
{
	static const char in[] = "*1\r\n$5\r\nprint\r\n" PING;
	static const char *const channels[] = { NULL, "3" };

	for (size_t i = 0; i < N(channels); i++) {
		struct served s = serve_on(channels[i], in, sizeof(in) - 1);

		/* Nothing to read for the function either. */
		assert_bytes("print", s.out, ":0\r\n" PONG, 4 + sizeof(PONG) - 1);
		assert_ended("print", &s, 0, "printed\n");
		served_done(&s);
	}
}
END_TEST

START_TEST(channel_3)
{
	static const char in[] = "*2\r\n$4\r\necho\r\n$2\r\nhi\r\n" PING;
	struct served s = serve_on("3", in, sizeof(in) - 1);

	assert_bytes("3", s.out, "$2\r\nhi\r\n" PONG, 8 + sizeof(PONG) - 1);
	assert_ended("3", &s, 0, "");
	served_done(&s);
}
END_TEST

START_TEST(other_channels_are_refused)
{
	static const char *const channels[] = { "", "1", "33", "3 ", "x" };

	for (size_t i = 0; i < N(channels); i++) {
		struct served s = serve_on(channels[i], PING, sizeof(PING) - 1);

		assert_bytes(channels[i], s.out, "", 0);
		assert_ended(channels[i], &s, 1, "reqd_serve: REQD_CHANNEL is not 3\n");
		served_done(&s);
	}
}
END_TEST

/* -------------------------------------------------------------- context --- */

static const struct {
	const char *context;
	const char *reply;
} contexts[] = {
	{ "id=1-2\ncaller=uid:0\npeer=unix\ndeadline-ms=5000000\nmeta.TRACE=a=b\nmeta.empty=\n",
	  "*9\r\n$3\r\n1-2\r\n$5\r\nuid:0\r\n$4\r\nunix\r\n_\r\n_\r\n$3\r\na=b\r\n$0\r\n\r\n_\r\n:5\r\n" },
	/* No line end behind the last; a key that begins like another. */
	{ "idea=no\nid=1", "*9\r\n$1\r\n1\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n" },
	{ "deadline-ms=0\n\n\nx\nid=", "*9\r\n$0\r\n\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:0\r\n" },
	{ "=\ndeadline-ms=-5\n", "*9\r\n_\r\n_\r\n_\r\n_\r\n$0\r\n\r\n_\r\n_\r\n_\r\n:-1\r\n" },
	{ "deadline-ms=5x", "*9\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n" },
	{ "deadline-ms=99999999999999999999",
	  "*9\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n" },
};

/* The request behind it has none, and sees nothing of the former one. */
START_TEST(context_is_read)
{
	static const char without[] = "*9\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n";
	const char *text = contexts[_i].context;
	char in[512], want[512];
	struct served s;

	(void)snprintf(in, sizeof(in),
	    "*2\r\n$%zu\r\n%s\r\n$7\r\ncontext\r\n*1\r\n$7\r\ncontext\r\n", strlen(text), text);
	(void)snprintf(want, sizeof(want), "%s%s", contexts[_i].reply, without);
	s = serve_on(NULL, in, strlen(in));
	assert_bytes(text, s.out, want, strlen(want));
	assert_ended(text, &s, 0, "");
	served_done(&s);
}
END_TEST

UNIT_MAIN("serve",
    tcase_add_loop_test(tc, replies_are_one_value, 0, N(replies));
    tcase_add_test(tc, error_is_cut);
    tcase_add_loop_test(tc, requests_are_answered, 0, N(requests));
    tcase_add_loop_test(tc, requests_arrive_slowly, 0, N(requests));
    tcase_add_test(tc, truncations_end_it);
    tcase_add_loop_test(tc, malformed_ends_it, 0, N(malformed));
    tcase_add_loop_test(tc, broken_input_ends_it, 0, N(broken_inputs));
    tcase_add_test(tc, broken_input_takes_no_reply_along);
    tcase_add_test(tc, input_that_cannot_be_read);
    tcase_add_test(tc, many_requests);
    tcase_add_test(tc, large_argument);
    tcase_add_test(tc, many_words);
    tcase_add_test(tc, one_write_for_each_reply);
    tcase_add_test(tc, one_write_for_what_is_there);
    tcase_add_test(tc, channel_that_is_full);
    tcase_add_test(tc, nobody_reads);
    tcase_add_test(tc, printing_goes_to_the_log);
    tcase_add_test(tc, channel_3);
    tcase_add_test(tc, other_channels_are_refused);
    tcase_add_loop_test(tc, context_is_read, 0, N(contexts)))
