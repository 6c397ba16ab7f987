/* SPDX-License-Identifier: ISC */
/* selftest: a private reqd and its client, in a directory of their own. */
#include "config.h"

#include "selftest/selftest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/confine.h"
#include "proto/reply.h"
#include "proto/resp.h"
#include "selftest/testline.h"
#include "selftest/testserver.h"

#define MAX_WORDS 8

struct trial {
	const char *words;	/* of the request; "@" is the id of the open call */
	const char *expect;	/* in the reply, as bytes */
};

/* Requests over TCP and over a unix socket. */
static const struct trial client_trials[] = {
	{ "PING", "+PONG" },
	{ "HELLO 3", "proto" },
	{ "ECHO hello", "hello" },
	{ "WHOAMI", "caller" },
	{ "SERVICES", "echo" },
	{ "DESCRIBE echo", "echo" },
	{ "WHY echo", "outcome" },
	{ "AUTH alice nonsense", "-WRONGPASS" },
	{ "AUTH alice self-test", "+OK" },
	{ "ACL WHOAMI", "alice" },
	{ "AUTH " TESTSERVER_TOKEN, "+OK" },
	{ "WHOAMI", "login:bob" },
	{ "CLIENT ID", ":" },
	{ "CLIENT SETNAME self-test", "+OK" },
	{ "CLIENT LIST", "self-test" },
	{ "SELECT 0", "+OK" },
	{ "INFO", "os:" },
	{ "COMMAND", "*" },
	{ "COMMAND DOCS", "summary" },
	{ "SLOWLOG LEN", ":0" },
	{ "LATENCY LATEST", "*0" },
	{ "MODULE LIST", "*0" },
	{ "ROLE", "master" },
	{ "CLUSTER INFO", "-ERR" },
	{ "READONLY", "-ERR" },
	{ "CONFIG GET save", "save" },
	{ "CANCEL 0000000000000000", ":0" },
	{ "CALL echo one", "one\n" },
	{ "CALL --full echo two", "outcome" },
	{ "CALL --stream echo three", "outcome" },
	{ "CALL --id=token echo four", "four\n" },
	{ "CALL --id=token echo four", "four\n" },
	{ "CALL --stdin cat input", "input" },
	{ "CALL --open cat", "+" },
	{ "INPUT @ chunk", ":5" },
	{ "INPUT @", "chunk" },
	{ "CALL fail", "-EXIT 3" },
	{ "CALL slow", "-TIMEOUT" },
	{ "CALL there-is-none", "-NOSERVICE" },
	{ "CALL talk five", "five" },
	{ "CALL talk six", "six" },
	{ "RESET", "+RESET" },
	{ "QUIT", "+OK" },
};

/* Not often in a row: a handler that ends again and again is started later. */
static const struct trial death_trials[] = { { "CALL die", "-HANDLER" }, { "QUIT", "+OK" } };

/* With a key of another kind, and as the login of a key. */
static const struct trial kind_trials[] = { { "PING", "+PONG" }, { "QUIT", "+OK" } };
static const struct trial key_trials[] = {
	{ "WHOAMI", "login:carol" },
	{ "CALL echo one", "one\n" },
	{ "QUIT", "+OK" },
};

/* Requests over HTTP: the first line, more fields, the body. */
static const struct web_trial {
	const char *words, *fields, *body;
	const char *expect;	/* in the answer, as bytes */
} web_trials[] = {
	{ "GET /healthz", "", "", "HTTP/1.1 200" },
	{ "GET /readyz", "", "", "HTTP/1.1 200" },
	{ "GET /readyz?service=echo", "", "", "HTTP/1.1 200" },
	{ "GET /services", "", "", "echo" },
	{ "GET /services/echo", "", "", "text" },
	{ "GET /metrics", "", "", "# TYPE" },
	{ "GET /whoami", "", "", "addr:127.0.0.1" },
	{ "GET /whoami", "Authorization: Bearer " TESTSERVER_TOKEN "\r\n", "", "login:bob" },
	{ "GET /whoami", "Authorization: Bearer reqd_nonsense\r\n", "", "HTTP/1.1 401" },
	{ "OPTIONS /call/echo", "", "", "HTTP/1.1 204" },
	{ "POST /call/echo?text=one", "", "", "one\n" },
	{ "POST /call/echo", "Content-Type: application/json\r\n", "{\"text\": \"two\"}", "two\n" },
	{ "POST /call/echo?text=four", "Idempotency-Key: web\r\n", "", "four\n" },
	{ "POST /call/echo?text=four", "Idempotency-Key: web\r\n", "", "four\n" },
	{ "POST /call/cat", "", "input", "input" },
	{ "POST /call/fail", "", "", "HTTP/1.1 500" },
	{ "POST /call/slow", "", "", "HTTP/1.1 504" },
	{ "POST /call/talk?text=five", "", "", "five" },
	{ "POST /call/there-is-none", "", "", "HTTP/1.1 401" },
	{ "POST /call/there-is-none", "Authorization: Bearer " TESTSERVER_TOKEN "\r\n", "", "HTTP/1.1 404" },
	{ "BREW /call/echo", "", "", "HTTP/1.1 501" },
};

static const struct trial control_trials[] = {
	{ "PING", "+PONG" },
	{ "STATUS", "workers" },
	{ "PS", "*" },
	{ "KILL 0000000000000000", ":0" },
	{ "WHY echo addr:127.0.0.1", "local" },
	{ "RESTART talk", ":1" },
};

struct selftest {
	struct testserver server;
	unsigned n_tried, n_wrong;
	char open_id[17];
};

/* ------------------------------------------------------------------ trials --- */

/* Reads one reply into b, and what was pushed before it. 0 or -errno. */
static int
reply_read(struct testline *l, struct buf *b)
{
	static const struct reply_limits limits = { .max_bytes = 1 << 20, .max_items = 1 << 14 };
	struct reply_cursor cursor = { 0 };
	size_t begin = 0;
	char bytes[4096];

	for (;;) {
		struct slice rest = { buf_data(b) + begin, buf_len(b) - begin };
		struct value *v = NULL;
		const char *why;
		bool is_push;
		size_t used;
		ssize_t n;
		int r = rest.len == 0 ? REPLY_AGAIN :
		    reply_decode(rest, &limits, &cursor, &v, &used, &why);

		if (r == REPLY_OK) {
			is_push = v->kind == VALUE_PUSH;
			(void)value_free(v);
			if (!is_push)
				return 0;
			begin += used;
			continue;
		}
		if (r != REPLY_AGAIN)
			return -EPROTO;
		n = testline_read(l, bytes, sizeof(bytes));
		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		if (buf_append(b, bytes, (size_t)n) < 0)
			return -ENOMEM;
	}
}

/* Makes the request of a trial. Returns the number of its words. */
static size_t
words_of(const struct selftest *t, char *text, struct slice argv[static MAX_WORDS])
{
	size_t n = 0;
	char *word;

	while (n < MAX_WORDS && (word = strsep(&text, " ")) != NULL)
		argv[n++] = slice_of(strcmp(word, "@") == 0 ? t->open_id : word);
	return n;
}

/* "+" and 16 digits: the id of a call that takes input. */
static void
note_open_id(struct selftest *t, const struct buf *reply)
{
	if (buf_len(reply) == 19 && buf_data(reply)[0] == '+') {
		memcpy(t->open_id, buf_data(reply) + 1, 16);
		t->open_id[16] = '\0';
	}
}

/* The reply in one line, for people. */
static const char *
on_one_line(struct buf *reply)
{
	(void)buf_append_char(reply, '\0');
	for (char *p = (char *)(uintptr_t)buf_data(reply); *p != '\0'; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	return buf_data(reply);
}

static void
verdict(struct selftest *t, const char *where, const char *what, const char *wrong)
{
	t->n_tried++;
	t->n_wrong += wrong != NULL;
	(void)printf("%-8s %-28s %s\n", where, what, wrong == NULL ? "ok" : wrong);
	(void)fflush(stdout);
}

/* Judges a reply; r is -errno where there is none. */
static void
judge(struct selftest *t, enum door door, const char *words, int r, struct buf *reply,
    const char *expect)
{
	struct slice got = buf_slice(reply);
	char wrong[256];

	if (r == 0 && memmem(got.data, got.len, expect, strlen(expect)) != NULL) {
		verdict(t, testserver_door(door), words, NULL);
		return;
	}
	if (r < 0)
		(void)snprintf(wrong, sizeof(wrong), "WRONG: %s", strerror(-r));
	else
		(void)snprintf(wrong, sizeof(wrong), "WRONG: %.200s", on_one_line(reply));
	verdict(t, testserver_door(door), words, wrong);
}

static void
try(struct selftest *t, struct testline *l, enum door door, const struct trial *trial)
{
	CLEANUP(buf_done) struct buf request = BUF_INIT(0);
	CLEANUP(buf_done) struct buf reply = BUF_INIT(0);
	struct slice argv[MAX_WORDS];
	char text[128];
	size_t n;
	int r;

	(void)strlcpy(text, trial->words, sizeof(text));
	n = words_of(t, text, argv);
	resp_request(&request, argv, n);
	r = testline_write(l, buf_data(&request), buf_len(&request));
	if (r == 0)
		r = reply_read(l, &reply);
	note_open_id(t, &reply);
	judge(t, door, trial->words, r, &reply, trial->expect);
}

static void
try_all(struct selftest *t, enum door door, const struct trial *trials, size_t n)
{
	struct testline l = TESTLINE_INIT;
	const char *wrong = testserver_open(&t->server, door, &l);

	if (wrong != NULL)
		verdict(t, testserver_door(door), "connect", wrong);
	for (size_t i = 0; i < n && wrong == NULL; i++)
		try(t, &l, door, &trials[i]);
	testline_close(&l);
}

/* A request over HTTP, on a connection of its own, which the server closes behind the answer. */
static void
try_web(struct selftest *t, enum door door, const struct web_trial *trial)
{
	CLEANUP(buf_done) struct buf request = BUF_INIT(0);
	CLEANUP(buf_done) struct buf reply = BUF_INIT(0);
	struct testline l = TESTLINE_INIT;
	const char *wrong = testserver_open(&t->server, door, &l);
	char bytes[4096];
	ssize_t n;
	int r;

	(void)buf_printf(&request, "%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
	    "%sContent-Length: %zu\r\n\r\n%s", trial->words, t->server.ports[door], trial->fields,
	    strlen(trial->body), trial->body);
	if (wrong == NULL) {
		r = testline_write(&l, buf_data(&request), buf_len(&request));
		while (r == 0 && (n = testline_read(&l, bytes, sizeof(bytes))) != 0)
			r = n < 0 ? (int)n : buf_append(&reply, bytes, (size_t)n);
		judge(t, door, trial->words, r, &reply, trial->expect);
	} else {
		verdict(t, testserver_door(door), trial->words, wrong);
	}
	testline_close(&l);
}

static void
try_web_all(struct selftest *t, enum door door)
{
	for (size_t i = 0; i < ARRAY_LEN(web_trials); i++)
		try_web(t, door, &web_trials[i]);
}

/* A new service and another worker, by a reload; then a wrong file, which changes nothing. */
static void
try_reloads(struct selftest *t)
{
	static const struct trial reload = { "RELOAD", "\"ok\":true" }, refused = { "RELOAD", "\"ok\":false" };
	static const struct web_trial web_another = { "POST /call/another", "", "", "another\n" };
	static const struct trial another[] = { { "CALL another", "another\n" }, { "QUIT", "+OK" } };
	char path[108];
	CLEANUP_FILE FILE *f = NULL;

	if (testserver_change(&t->server) < 0) {
		verdict(t, "control", "RELOAD", "WRONG: no new configuration");
		return;
	}
	try_all(t, DOOR_CONTROL, &reload, 1);
	try_all(t, DOOR_TCP, another, ARRAY_LEN(another));
	try_all(t, DOOR_UNIX, another, ARRAY_LEN(another));
	try_all(t, DOOR_TLS, another, ARRAY_LEN(another));
	try_web(t, DOOR_HTTPS, &web_another);
	testserver_path(&t->server, "reqd.conf", path);
	f = fopen(path, "ae");
	if (f == NULL || fputs("broken", f) < 0 || fflush(f) != 0)
		return;
	try_all(t, DOOR_CONTROL, &refused, 1);
	try_all(t, DOOR_TCP, another, ARRAY_LEN(another));
}

/* ----------------------------------------------------------------- results --- */

/* Prints each call of the kernel that a process made and did not get. */
static void
print_refused(const struct selftest *t)
{
	unsigned n = 0;

	for (const char *at = t->server.log; (at = strstr(at, CONFINE_TOLD)) != NULL; at++) {
		char who[32], call[64];
		int number;

		if (sscanf(at, CONFINE_TOLD " %31[^:]: %d", who, &number) != 2)
			continue;
		confine_name(number, call, sizeof(call));
		(void)printf("refused  %-28s %s\n", who, call);
		n++;
	}
	if (n == 0)
		(void)printf("No process made a call of the kernel that it may not make.\n");
	else
		(void)printf("%u calls of the kernel were refused; the processes did without.\n", n);
}

/* Lines that say what went wrong in the private reqd. */
static void
print_alarms(struct selftest *t)
{
	char *rest = t->server.log, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strstr(line, "forbidden") == NULL && strstr(line, "] crit:") == NULL &&
		    strstr(line, "] alert:") == NULL && strstr(line, "cannot confine") == NULL)
			continue;
		t->n_wrong++;
		(void)printf("%s\n", line);
	}
}

static int
run(struct selftest *t)
{
	int r = testserver_start(&t->server);

	if (r < 0) {
		(void)fprintf(stderr, "reqd: the private reqd does not serve: %s\n%s",
		    strerror(-r), t->server.log != NULL ? t->server.log : "");
		return EX_OSERR;
	}
	try_all(t, DOOR_TCP, client_trials, ARRAY_LEN(client_trials));
	try_all(t, DOOR_UNIX, client_trials, ARRAY_LEN(client_trials));
	try_all(t, DOOR_TCP, death_trials, ARRAY_LEN(death_trials));
	try_all(t, DOOR_UNIX, death_trials, ARRAY_LEN(death_trials));
	try_all(t, DOOR_TLS, client_trials, ARRAY_LEN(client_trials));
	try_all(t, DOOR_RSA, kind_trials, ARRAY_LEN(kind_trials));
	try_all(t, DOOR_ED25519, kind_trials, ARRAY_LEN(kind_trials));
	try_all(t, DOOR_KEY, key_trials, ARRAY_LEN(key_trials));
	try_web_all(t, DOOR_HTTP);
	try_web_all(t, DOOR_HTTPS);
	try_all(t, DOOR_CONTROL, control_trials, ARRAY_LEN(control_trials));
	try_reloads(t);
	verdict(t, "master", "stop", testserver_stop(&t->server) == 0 ? NULL : "WRONG: its status is not 0");
	(void)testserver_read_log(&t->server);
	print_refused(t);
	print_alarms(t);
	(void)printf("%u tried, %u wrong\n", t->n_tried, t->n_wrong);
	return t->n_wrong == 0 ? 0 : 1;
}

int
selftest_main(void)
{
	struct selftest t = { 0 };
	int r, status;

	if (!confine_is_built_in()) {
		(void)fputs("reqd: this reqd was built without its sandbox\n", stderr);
		return EX_UNAVAILABLE;
	}
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	r = testserver_init(&t.server);
	if (r < 0) {
		(void)fprintf(stderr, "reqd: %s: %s\n", t.server.dir, strerror(-r));
		return EX_OSERR;
	}
	(void)printf("Landlock: %s\n", confine_landlock() > 0 ? "yes" :
	    "not in this kernel; filters of system calls do without");
	status = run(&t);
	testserver_done(&t.server);
	return status;
}
