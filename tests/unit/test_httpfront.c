/* SPDX-License-Identifier: ISC */
/* httpfront: requests that a proxy passes on for others. */
#include "config.h"

static const char rules[] =
    "listen \"unix:///tmp/x.sock\" { protocol = http mode = 0660\n"
    "  proxy { from = {\"unix\"} user = \"X-Remote-User\" address = \"X-Forwarded-For\" } }\n"
    "role \"people\" { login = {\"alice\"} }\n"
    "role \"near\" { net = {\"10.0.0.0/8\", \"2001:db8::/32\"} }\n"
    "service \"echo\" { command = {\"/bin/echo\"} allow = {\"people\"} }\n"
    "service \"near\" { command = {\"/bin/echo\"} allow = {\"near\"} }\n";

static const char without[] =
    "listen \"unix:///tmp/x.sock\" { protocol = http mode = 0660 }\n"
    "role \"people\" { login = {\"alice\"} }\n"
    "service \"echo\" { command = {\"/bin/echo\"} allow = {\"people\"} }\n";

#include "http-peer.h"

#define FROM(user, address) HOST "X-Remote-User: " user "\r\nX-Forwarded-For: " address "\r\n"

START_TEST(each_request_has_its_own_caller)
{
	struct conn *c;
	int fd = client_as(&c);
	const char *text;

	say(fd, "GET /whoami" FROM("alice", "10.1.2.3") "\r\n");
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "\"caller\":\"login:alice\""));
	ck_assert_ptr_nonnull(strstr(text, "\"via\":\"unix\""));
	say(fd, "GET /whoami" FROM("", "192.0.2.1, 10.1.2.4") "\r\n");
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "\"caller\":\"addr:10.1.2.4\""));
	ck_assert_ptr_nonnull(strstr(text, "\"roles\":[\"near\"]"));
	say(fd, "GET /whoami" FROM("", "[2001:db8::1]:4711") "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "\"caller\":\"addr:2001:db8::1\""));
	say(fd, "GET /whoami" FROM("bob", "10.1.2.4:80") "\r\n");
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "\"caller\":\"login:bob\""));
	say(fd, "POST /call/echo" FROM("alice", "192.0.2.1") "\r\n");
	program_says("x", 0);
	ck_answers(fd, "200(x)");
	say(fd, "POST /call/echo" FROM("bob", "192.0.2.1") "\r\nPOST /call/echo" FROM("", "10.1.2.3") "\r\n");
	text = answers(fd);
	ck_assert_ptr_nonnull(strstr(text, "404({"));
	asked_nothing();
	/* The account of the proxy itself may nothing here, and its connection stays. */
	ck_assert(c->is_front && !c->is_stranger);
}
END_TEST

START_TEST(a_proxy_has_to_say_both)
{
	static const char *const wrong[] = {
		"POST /call/echo" HOST "\r\n",
		"POST /call/echo" HOST "X-Remote-User: alice\r\n\r\n",
		"POST /call/echo" HOST "X-Forwarded-For: 10.1.2.3\r\n\r\n",
		"POST /call/echo" FROM("alice", "") "\r\n",
		"POST /call/echo" FROM("alice", "unknown") "\r\n",
		"POST /call/echo" FROM("alice", "10.1.2.3,") "\r\n",
		"POST /call/echo" FROM("alice", "10.1.2.3.4") "\r\n",
		"POST /call/echo" FROM("alice", "[10.1.2.3]x") "\r\n",
		"POST /call/echo" FROM("Alice Smith", "10.1.2.3") "\r\n",
		"POST /call/echo" FROM("alice", "10.1.2.3") "X-Remote-User: bob\r\n\r\n",
		"POST /call/echo" FROM("alice", "10.1.2.3") "X-Remote-User: alice\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int fd = client();

		say(fd, wrong[i]);
		ck_assert_msg(strncmp(answers(fd), "400", 3) == 0, "%s", wrong[i]);
		asked_nothing();
		(void)close(fd);
		turns();
	}
}
END_TEST

START_TEST(a_probe_is_of_no_client)
{
	int fd = client();

	say(fd, "GET /whoami" FROM("alice", "10.1.2.3") "\r\n");
	ck_status(fd, "200");
	say(fd, "GET /healthz" HOST "\r\nGET /readyz?service=near" HOST "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "200(ok\n) 404({"));
}
END_TEST

/* The certificate of the proxy lets its clients be nobody, whether it has a name or a key. */
START_TEST(a_certificate_is_of_the_proxy_alone)
{
	char login[] = "box", id[] = "1";
	const struct credential key = { .login = login, .id = id, .kind = CREDENTIAL_KEY };
	struct tlspeer *shown = calloc(1, sizeof(*shown));
	struct conn *c;
	int fd = client_as(&c);
	const char *text;

	ck_assert_ptr_nonnull(shown);
	*shown = (struct tlspeer){
		.listener = listening, .names = calloc(1, sizeof(char *)), .n_names = 1,
		.generation = w.conf->generation, .until_sec = INT64_MAX,
		.is_verified = true, .was_verified = true, .key = _i == 0 ? NULL : &key,
	};
	ck_assert_ptr_nonnull(shown->names);
	shown->names[0] = strdup("DNS:proxy.example");
	peer_show(&c->peer, shown);
	(void)peer_roles(&c->peer, w.conf);
	say(fd, "GET /whoami" FROM("", "10.1.2.4") "\r\n");
	text = answers(fd);
	ck_assert_msg(strstr(text, "\"caller\":\"addr:10.1.2.4\"") != NULL, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "\"roles\":[\"near\"]"));
	say(fd, "GET /whoami" FROM("alice", "10.1.2.4") "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "\"caller\":\"login:alice\""));
	say(fd, "GET /whoami" FROM("", "10.1.2.4") "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "\"caller\":\"addr:10.1.2.4\""));
}
END_TEST

START_TEST(others_are_not_believed)
{
	struct conf *old;
	int fd;

	old = worker_set_conf(&w, conf_of(without, 2));
	ck_assert_int_eq(listeners_replace(&w.net, w.conf, (int[]){ listener() }, 1), 0);
	listening = LIST_FIRST(&w.net.listeners);
	listening->is_unix = true;
	conf_unref(old);
	fd = client();
	say(fd, "GET /whoami" FROM("alice", "10.1.2.3") "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "\"caller\":\"uid:12345\""));
	say(fd, "POST /call/echo" FROM("alice", "10.1.2.3") "\r\n");
	ck_status(fd, "404");
	asked_nothing();
}
END_TEST

START_TEST(a_proxy_that_is_none_any_more_is_closed)
{
	struct conf *old;
	int fd = client();

	say(fd, "GET /whoami" FROM("alice", "10.1.2.3") "\r\n");
	ck_status(fd, "200");
	old = worker_set_conf(&w, conf_of(without, 2));
	ck_assert_int_eq(listeners_replace(&w.net, w.conf, (int[]){ dup(listening->io.fd) }, 1), 0);
	LIST_FIRST(&w.net.listeners)->is_unix = true;
	conf_unref(old);
	say(fd, "POST /call/echo" HOST "\r\n");
	ck_assert_ptr_nonnull(strstr(answers(fd), "503!({"));
	asked_nothing();
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_request_has_its_own_caller);
	tcase_add_test(tc, a_proxy_has_to_say_both);
	tcase_add_test(tc, a_probe_is_of_no_client);
	tcase_add_loop_test(tc, a_certificate_is_of_the_proxy_alone, 0, 2);
	tcase_add_test(tc, others_are_not_believed);
	tcase_add_test(tc, a_proxy_that_is_none_any_more_is_closed);
}

UNIT_MAIN("httpfront", add(tc))
