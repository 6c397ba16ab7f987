/* SPDX-License-Identifier: ISC */
/*
 * hostile-model: the answers of a server that follows PROTOCOL.md. The framing
 * is that of request_decode(), which the unit tests compare with a second
 * decoder.
 */
#include "config.h"

#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "proto/callopt.h"
#include "proto/request.h"

/* The defaults of a listener. */
static const struct request_limits limits = {
	.max_arguments = 1024,
	.argument_limit = 1u << 20,
	.request_limit = 4u << 20,
	.inline_allowed = true,
};

/* The services of hostile.sh. */
static const char *const services[] = {
	"echo", "complain", "pause", "cat", "keep", "flood", "one", "deaf",
};

static const struct {
	const char *name;
	int min, max;
} verbs[] = {
	{ "PING", 1, 2 }, { "CALL", 2, -1 }, { "ECHO", 2, 2 }, { "INPUT", 2, 3 },
	{ "CANCEL", 2, 2 }, { "SERVICES", 1, 2 }, { "DESCRIBE", 2, 2 }, { "WHOAMI", 1, 1 },
	{ "WHY", 2, 2 }, { "HELLO", 1, -1 }, { "AUTH", 2, 3 }, { "ACL", 2, 2 }, { "CLIENT", 2, -1 },
	{ "SELECT", 2, 2 }, { "RESET", 1, 1 }, { "QUIT", 1, 1 }, { "INFO", 1, -1 },
	{ "COMMAND", 1, -1 }, { "CONFIG", 3, -1 },
};

/* --------------------------------------------------------------- values --- */

/*
 * Returns the length of the line at the start without its CRLF, -1 while it is
 * not whole.
 */
static ssize_t
line_length(struct slice s)
{
	const char *end = memchr(s.data, '\r', s.len);

	if (end == NULL || end + 1 == s.data + s.len)
		return -1;
	return end[1] == '\n' ? end - s.data : -2;
}

static ssize_t
value_length_at(struct slice s, int depth)
{
	ssize_t line = s.len == 0 ? -1 : line_length(s);
	size_t at;
	long n;

	if (line == -1)
		return 0;
	if (line < 1 || depth > 8)
		return -1;
	for (ssize_t i = 1; i < line; i++) {
		if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
			return -1;
	}
	at = (size_t)line + 2;
	n = strtol(s.data + 1, NULL, 10);
	switch (s.data[0]) {
	case '-':
		return line + 2 <= 1024 ? line + 2 : -1;
	case '+': case ':': case '_': case '#': case ',':
		return line + 2;
	case '$':
		if (n < 0)
			return line + 2;
		if (s.len - at < (size_t)n + 2)
			return 0;
		return memcmp(s.data + at + n, "\r\n", 2) == 0 ? line + 2 + n + 2 : -1;
	case '*': case '%': case '>':
		for (n *= s.data[0] == '%' ? 2 : 1; n > 0; n--) {
			ssize_t one = value_length_at((struct slice){ s.data + at, s.len - at },
			    depth + 1);

			if (one <= 0)
				return one;
			at += (size_t)one;
		}
		return (ssize_t)at;
	default:
		return -1;
	}
}

ssize_t
value_length(struct slice s)
{
	return value_length_at(s, 0);
}

/* -------------------------------------------------------------- answers --- */

static struct answer *
add(struct expected *e, enum answer_kind kind, const char *text, size_t len)
{
	struct answer *a;

	if ((e->n & (e->n - 1)) == 0)
		e->list = reallocarray(e->list, e->n > 0 ? 2 * e->n : 1, sizeof(*e->list));
	if (e->list == NULL)
		die("out of memory");
	a = &e->list[e->n++];
	*a = (struct answer){ .kind = kind };
	/* A text that is too long to keep is checked as far as it was kept. */
	if (len > sizeof(a->text)) {
		len = sizeof(a->text);
		a->kind = ANSWER_BEGINS;
	}
	memcpy(a->text, text, len);
	a->len = len;
	return a;
}

static void
add_text(struct expected *e, enum answer_kind kind, const char *text)
{
	(void)add(e, kind, text, strlen(text));
}

static void
add_bulk(struct expected *e, struct slice s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)buf_printf(&b, "$%zu\r\n", s.len);
	(void)buf_append_slice(&b, s);
	(void)buf_append_str(&b, "\r\n");
	(void)add(e, ANSWER_EXACT, buf_data(&b), buf_len(&b));
	/* A bulk may hold any bytes: a cut one is checked as a value. */
	if (e->list[e->n - 1].kind == ANSWER_BEGINS)
		e->list[e->n - 1].kind = ANSWER_VALUE;
}

static void
expect_call(struct expected *e, const struct request *r)
{
	char why[CALLOPT_WHY];
	struct callopt opt;

	if (callopt_parse(r->argv, r->argc, &opt, why) != 0) {
		add_text(e, ANSWER_BEGINS, "-BADARG ");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (!slice_is_nocase(opt.service, services[i]))
			continue;
		add_text(e, ANSWER_CALL, "");
		e->n_calls++;
		return;
	}
	add_text(e, ANSWER_BEGINS, "-NOSERVICE unknown service '");
}

static void
expect_verb(struct expected *e, const struct request *r, const char *name)
{
	if (strcmp(name, "PING") == 0 && r->argc == 1)
		add_text(e, ANSWER_EXACT, "+PONG\r\n");
	else if (strcmp(name, "PING") == 0 || strcmp(name, "ECHO") == 0)
		add_bulk(e, r->argv[1]);
	else if (strcmp(name, "CALL") == 0)
		expect_call(e, r);
	else if (strcmp(name, "RESET") == 0)
		add_text(e, ANSWER_EXACT, "+RESET\r\n");
	else if (strcmp(name, "SELECT") == 0)
		add_text(e, ANSWER_BEGINS, slice_is(r->argv[1], "0") ? "+OK" : "-ERR ");
	else if (strcmp(name, "AUTH") == 0)
		add_text(e, ANSWER_BEGINS, "-ERR ");
	else if (strcmp(name, "INPUT") == 0)
		add_text(e, ANSWER_BEGINS, "-BADARG ");
	else if (strcmp(name, "CANCEL") == 0)
		add_text(e, ANSWER_EXACT, ":0\r\n");
	else if (strcmp(name, "QUIT") == 0)
		add_text(e, ANSWER_EXACT, "+OK\r\n");
	else
		add_text(e, ANSWER_VALUE, "");
	e->is_over = strcmp(name, "QUIT") == 0;
}

static void
expect_request(struct expected *e, const struct request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (!slice_is_nocase(r->argv[0], verbs[i].name))
			continue;
		if ((int)r->argc < verbs[i].min ||
		    (verbs[i].max >= 0 && (int)r->argc > verbs[i].max))
			add_text(e, ANSWER_BEGINS, "-ERR wrong number of arguments for '");
		else
			expect_verb(e, r, verbs[i].name);
		return;
	}
	add_text(e, ANSWER_BEGINS, "-ERR unknown command '");
}

void
expected_find(struct expected *e, struct slice input)
{
	struct request_cursor cursor = { 0 };
	struct request r;

	*e = (struct expected){ 0 };
	request_init(&r);
	while (input.len > 0 && !e->is_over && !e->is_error && !e->is_foreign) {
		const char *why = "";
		char text[96];
		size_t used = 0;
		int status = request_decode(input, &limits, &cursor, &r, &used, &why);

		if (status == REQUEST_OK)
			expect_request(e, &r);
		if (status == REQUEST_BAD) {
			(void)snprintf(text, sizeof(text), "-ERR Protocol error: %s\r\n", why);
			add_text(e, ANSWER_EXACT, text);
			e->is_error = true;
		}
		if (status == REQUEST_FOREIGN && e->n == 0 && request_is_http(input)) {
			add_text(e, ANSWER_BARE, request_http_answer);
			e->is_error = true;
		} else {
			e->is_foreign = status == REQUEST_FOREIGN;
		}
		if (status == REQUEST_AGAIN)
			break;
		input.data += used;
		input.len -= used;
	}
	request_done(&r);
}

void
expected_done(struct expected *e)
{
	free(e->list);
	*e = (struct expected){ 0 };
}

/* True for the replies to a call that come when nothing has run. */
static bool
says_not_run(struct slice reply)
{
	static const char *const codes[] = {
		"-BUSY ", "-NOSTART ", "-BADARG ", "-NOSERVICE ", "-LOADING ", "-UNAVAIL ",
		"-NOPROTO ",
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (slice_starts(reply, codes[i]))
			return true;
	}
	return false;
}

static const char *
answer_check(const struct answer *a, struct slice reply, unsigned *ran)
{
	switch (a->kind) {
	case ANSWER_EXACT:
	case ANSWER_BARE:
		return reply.len == a->len && memcmp(reply.data, a->text, a->len) == 0 ?
		    NULL : "another reply";
	case ANSWER_BEGINS:
		return reply.len > a->len && memcmp(reply.data, a->text, a->len) == 0 ?
		    NULL : "another reply";
	case ANSWER_CALL:
		*ran += !says_not_run(reply);
		return NULL;
	case ANSWER_VALUE:
		return NULL;
	}
	return NULL;
}

const char *
expected_check(const struct expected *e, struct slice got, bool cut, unsigned *ran)
{
	for (size_t i = 0; i < e->n; i++) {
		ssize_t len = e->list[i].kind == ANSWER_BARE ? (ssize_t)got.len : value_length(got);
		const char *wrong;

		if (len < 0)
			return "no RESP";
		if (len == 0)
			return cut ? NULL : got.len > 0 ? "half a reply" : "a reply is missing";
		wrong = answer_check(&e->list[i], (struct slice){ got.data, (size_t)len }, ran);
		if (wrong != NULL)
			return wrong;
		got.data += len;
		got.len -= (size_t)len;
	}
	return got.len > 0 ? "more than was asked for" : NULL;
}
