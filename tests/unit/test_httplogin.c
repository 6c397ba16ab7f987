/* SPDX-License-Identifier: ISC */
/* httplogin: names and passwords by HTTP; the test is the process that checks them. */
#include "config.h"

static const char rules[] =
    "logins = \"/etc/reqd/logins\"\n"
    "listen \"http://127.0.0.1:7380\" {}\n"
    "role \"people\" { login = {\"alice\", \"bob\"} }\n"
    "role \"other\" { net = {\"10.1.1.1/32\"} }\n"
    "service \"echo\" { command = {\"/bin/echo\", \"{text}\"} allow = {\"people\"}\n"
    "  argument \"text\" { type = text optional = yes } }\n"
    "credential \"0123456789abcdef\" { login = \"alice\" kind = password }\n"
    "credential \"1123456789abcdef\" { login = \"bob\" kind = password }\n";

#include "http-peer.h"

#include "door/http/httppairs.h"
#include "door/http/httpsession.h"
#include "ipc/password.h"

#define ALICE "0123456789abcdef"

/* alice:secret, alice:wrong, bob:secret */
#define RIGHT "Authorization: Basic YWxpY2U6c2VjcmV0\r\n"
#define WRONG "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n"
#define BOB "Authorization: Basic Ym9iOnNlY3JldA==\r\n"

static struct mail_ends auth;

static void
begin(void)
{
	struct mail_ends theirs;

	setup();
	ck_assert_int_eq(mail_pair(&auth, &theirs), 0);
	authlink_attach(&w.auth, theirs);
	turns();
}

static void
end(void)
{
	teardown();
	(void)close(auth.socket);
	(void)close(auth.pipe);
}

/* Reads the next question. */
static struct password_ask
question(void)
{
	struct password_ask q = { 0 };

	turns();
	ck_assert_int_eq(read(auth.pipe, &q, sizeof(q)), (ssize_t)sizeof(q));
	return q;
}

static void
no_question(void)
{
	struct password_ask q;

	turns();
	ck_assert_int_lt(read(auth.pipe, &q, sizeof(q)), 0);
}

static void
answer(const struct password_ask *q, enum password_verdict verdict, const char *credential)
{
	struct password_answer a = { .id = q->id, .verdict = (uint8_t)verdict, .retry_sec = 7 };

	(void)strlcpy(a.credential, credential, sizeof(a.credential));
	ck_assert_int_eq(send(auth.socket, &a, sizeof(a), 0), (ssize_t)sizeof(a));
	turns();
}

START_TEST(a_password_lets_in_and_is_remembered)
{
	int fd = client(), other = client();
	struct password_ask q;

	say(fd, "GET /whoami" HOST RIGHT "\r\nGET /healthz" HOST "\r\n");
	ck_heard(fd, "");
	q = question();
	ck_assert_str_eq(q.login, "alice");
	ck_assert_uint_eq(q.secret_len, 6);
	ck_assert_mem_eq(q.secret, "secret", 6);
	answer(&q, PASSWORD_RIGHT, ALICE);
	ck_assert_ptr_nonnull(strstr(answers(fd), "\"caller\":\"login:alice\""));
	/* The same pair asks nobody again, on any connection of this worker. */
	say(fd, "GET /whoami" HOST RIGHT "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "\"caller\":\"login:alice\""));
	say(other, "POST /call/echo" HOST RIGHT "\r\n");
	program_says("x", 0);
	ck_answers(other, "200(x)");
	no_question();
	/* A request without the field is nobody's. */
	say(fd, "POST /call/echo" HOST "\r\n");
	ck_status(fd, "401");
	ck_assert_uint_eq(stats.logins, 3);
}
END_TEST

START_TEST(a_body_waits_for_the_password)
{
	int fd = client();
	struct password_ask q;

	say(fd, "POST /call/echo" HOST RIGHT "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
	    "{\"text\":");
	q = question();
	say(fd, "\"hi\"}");
	asked_nothing();
	answer(&q, PASSWORD_RIGHT, ALICE);
	program_says("hi", 0);
	ck_answers(fd, "200(hi)");
	say(fd, "POST /call/echo" HOST BOB "Content-Type: application/json\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n");
	q = question();
	answer(&q, PASSWORD_RIGHT, "1123456789abcdef");
	asked_nothing();
	say(fd, "0\r\n\r\n");
	no_question();
	program_says("x", 0);
	ck_answers(fd, "200(x)");
}
END_TEST

START_TEST(a_wrong_password_lets_nobody_in)
{
	static const enum password_verdict noes[] = { PASSWORD_WRONG, PASSWORD_UNKNOWN, PASSWORD_OFF,
		PASSWORD_EXPIRED, PASSWORD_ELSEWHERE };
	int fd = client();
	struct password_ask q;
	const char *text;

	for (size_t i = 0; i < ARRAY_LEN(noes); i++) {
		say(fd, "POST /call/echo" HOST WRONG "\r\n");
		q = question();
		answer(&q, noes[i], "");
		text = heard(fd);
		ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 401 "));
		ck_assert_ptr_nonnull(strstr(text, "\r\nWWW-Authenticate: Bearer realm=\"reqd\"\r\n"));
		ck_assert_ptr_nonnull(strstr(text, "\r\nWWW-Authenticate: Basic realm=\"reqd\""));
		ck_assert_ptr_nonnull(strstr(text, "the name and the password let nobody in"));
	}
	/* The word of auth counts only for the login that was asked about. */
	say(fd, "POST /call/echo" HOST WRONG "\r\n");
	q = question();
	answer(&q, PASSWORD_RIGHT, "1123456789abcdef");
	ck_status(fd, "401");
	ck_assert_uint_eq(stats.logins, 0);
	ck_assert_uint_eq(stats.logins_failed, 6);
	asked_nothing();
}
END_TEST

START_TEST(a_login_is_put_off)
{
	int fd = client();
	struct password_ask q;
	const char *text;

	say(fd, "POST /call/echo" HOST RIGHT "\r\n");
	q = question();
	answer(&q, PASSWORD_PENALTY, "");
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 503 "));
	ck_assert_ptr_nonnull(strstr(text, "\r\nRetry-After: 7\r\n"));
	/* The process that checks ends. */
	say(fd, "POST /call/echo" HOST RIGHT "\r\n");
	q = question();
	(void)close(auth.socket);
	(void)close(auth.pipe);
	auth = (struct mail_ends){ -1, -1 };
	turns();
	ck_status(fd, "503");
	asked_nothing();
}
END_TEST

START_TEST(malformed_fields_ask_nobody)
{
	static const char *const wrong[] = {
		"Basic YWxpY2U", "Basic YWxpY2U=", "Basic  YWxpY2U6c2VjcmV0", "Basic !", "Basic YWxpY2U6",
		"Basic YWxpY2U6AA==", "Digest YWxpY2U6c2VjcmV0", "Basic",
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char text[200];
		int fd = client();

		(void)snprintf(text, sizeof(text), "POST /call/echo" HOST "Authorization: %s\r\n\r\n", wrong[i]);
		say(fd, text);
		ck_assert_msg(strncmp(answers(fd), "401", 3) == 0, "%s", wrong[i]);
		no_question();
		(void)close(fd);
		turns();
	}
}
END_TEST

START_TEST(a_client_that_goes_leaves_no_question)
{
	struct password_ask q;
	struct conn *c;
	int fd = client_as(&c);

	say(fd, "POST /call/echo" HOST RIGHT "\r\n");
	q = question();
	conn_close(c);
	turns();
	ck_heard(fd, "(closed)");
	answer(&q, PASSWORD_RIGHT, ALICE);
	asked_nothing();
	ck_assert_uint_eq(stats.logins, 0);
}
END_TEST

START_TEST(a_page_is_not_asked_by_its_browser)
{
	int fd = client();
	const char *text;

	say(fd, "POST /call/echo" HOST "Sec-Fetch-Mode: cors\r\n\r\n");
	text = heard(fd);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 401 "));
	ck_assert_ptr_null(strstr(text, "Basic"));
	say(fd, "POST /call/echo" HOST "\r\n");
	ck_assert_ptr_nonnull(strstr(heard(fd), "\r\nWWW-Authenticate: Basic "));
}
END_TEST

START_TEST(pairs_are_known_for_a_minute_under_their_rules)
{
	static struct httppairs p;
	struct conf *next = conf_of(rules, 2);
	const struct slice pair = SLICE("alice:secret");
	const struct credential *c = conf_find_credential(w.conf, ALICE);

	ck_assert_ptr_null(httppairs_find(&p, w.conf, pair, 1));
	httppairs_add(&p, w.conf, pair, c, 1);
	ck_assert_ptr_eq(httppairs_find(&p, w.conf, pair, 2), c);
	ck_assert_ptr_null(httppairs_find(&p, w.conf, SLICE("alice:secreT"), 2));
	ck_assert_ptr_null(httppairs_find(&p, w.conf, SLICE("alice:secre"), 2));
	ck_assert_ptr_null(httppairs_find(&p, w.conf, pair, 61 * USEC_PER_SEC));
	ck_assert_ptr_null(httppairs_find(&p, next, pair, 2));
	for (int i = 0; i < HTTPPAIRS_MAX; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "alice:%d", i);
		httppairs_add(&p, w.conf, slice_of(text), c, 2);
	}
	ck_assert_ptr_null(httppairs_find(&p, w.conf, pair, 3));
	ck_assert_ptr_eq(httppairs_find(&p, w.conf, SLICE("alice:0"), 3), c);
	conf_unref(next);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_password_lets_in_and_is_remembered);
	tcase_add_test(tc, a_body_waits_for_the_password);
	tcase_add_test(tc, a_wrong_password_lets_nobody_in);
	tcase_add_test(tc, a_login_is_put_off);
	tcase_add_test(tc, malformed_fields_ask_nobody);
	tcase_add_test(tc, a_client_that_goes_leaves_no_question);
	tcase_add_test(tc, a_page_is_not_asked_by_its_browser);
	tcase_add_test(tc, pairs_are_known_for_a_minute_under_their_rules);
}

UNIT_MAIN("httplogin", add(tc))
