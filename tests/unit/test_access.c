/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf/access.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char text[] =
    "listen \"unix:///x\" {} listen \"tcp://127.0.0.1:1\" { name = \"mesh\" }\n"
    "listen \"unix:///y\" { name = \"side\" } listen \"tcp://[::1]:1\" { name = \"mesh\" } user = \"reqd\" ids = \"70:70\"\n"
    "role \"local\" { net = {\"127.0.0.0/8\", \"::1/128\", \"unix\"} }\n"
    "role \"lan\" { net = {\"10.0.0.0/8\"} }\n"
    "role \"socket\" { net = {\"unix\"} }\n"
    "role \"alice\" { user = {\"alice\"} uids = {1000} }\n"
    "role \"adm\" { group = {\"adm\"} gids = {4} members = {1001} }\n"
    "role \"both\" { net = {\"unix\"} user = {\"bob\"} uids = {1002} group = {\"ops\"} gids = {50} }\n"
    "role \"never\" { net = {\"10.0.0.0/8\"} user = {\"alice\"} uids = {1000} }\n"
    "role \"nobody-looked-up\" { user = {\"alice\"} }\n"
    "role \"mesh\" { cert = {\"URI:spiffe://prod/web/*\", \"DNS:ops.example.org\"} }\n"
    "role \"near-mesh\" { net = {\"10.0.0.0/8\"} login = {\"ann\"} cert = {\"EMAIL:ann@example.org\"} }\n"
    "service \"closed\" { command = {\"/bin/true\"} }\n"
    "service \"open\" { command = {\"/bin/true\"} allow = {\"local\", \"lan\"} }\n"
    "service \"staff\" { command = {\"/bin/true\"} allow = {\"alice\", \"adm\", \"both\"} }\n"
    "service \"not-adm\" { command = {\"/bin/true\"} allow = {\"local\", \"adm\"} deny = {\"adm\", \"lan\"} }\n"
    "service \"at-mesh\" { command = {\"/bin/true\"} allow = {\"local\"} listen = {\"mesh\"} }\n"
    "service \"at-both\" { command = {\"/bin/true\"} allow = {\"local\"} listen = {\"side\", \"mesh\"} }\n"
    "service \"certified\" { command = {\"/bin/true\"} allow = {\"mesh\", \"near-mesh\"} }\n"
    "service \"only-deny\" { command = {\"/bin/true\"} deny = {\"lan\"} }\n";

enum { LOCAL = 1, LAN = 2, SOCKET = 4, ALICE = 8, ADM = 16, BOTH = 32, MESH = 256, NEAR_MESH = 512 };

static struct conf *conf;

static void
load(void)
{
	struct conf_errors errors = { 0 };
	int r = conf_parse(text, sizeof(text) - 1, 1, &conf, &errors);

	ck_assert_msg(r == 0, "%s", errors.n > 0 ? errors.list[0].text : "?");
}

static void
unload(void)
{
	conf = conf_unref(conf);
}

/*
 * addr "" means a unix socket with these ids; "?" means a unix socket without
 * ids.
 */
static const struct {
	const char *addr;
	unsigned uid, gid, group;
	uint64_t roles;
	bool closed, open, staff;	/* may be called */
	const char *name;
} callers[] = {
	{ "127.0.0.1", 0, 0, 0, LOCAL, false, true, false, "addr:127.0.0.1" },
	{ "::1", 0, 0, 0, LOCAL, false, true, false, "addr:::1" },
	{ "::ffff:127.9.9.9", 0, 0, 0, LOCAL, false, true, false, "addr:127.9.9.9" },
	{ "10.1.2.3", 1000, 4, 4, LAN, false, true, false, "addr:10.1.2.3" },
	{ "::ffff:10.1.2.3", 0, 0, 0, LAN, false, true, false, "addr:10.1.2.3" },
	{ "11.1.2.3", 1000, 4, 4, 0, false, false, false, "addr:11.1.2.3" },
	{ "2001:db8::1", 0, 0, 0, 0, false, false, false, "addr:2001:db8::1" },
	{ "", 1000, 99, 99, LOCAL | SOCKET | ALICE, false, true, true, "uid:1000" },
	{ "", 1001, 99, 99, LOCAL | SOCKET | ADM, false, true, true, "uid:1001" },
	{ "", 7, 4, 99, LOCAL | SOCKET | ADM, false, true, true, "uid:7" },
	{ "", 7, 99, 4, LOCAL | SOCKET | ADM, false, true, true, "uid:7" },
	{ "", 7, 99, 50, LOCAL | SOCKET | BOTH, false, true, true, "uid:7" },
	{ "", 1002, 99, 99, LOCAL | SOCKET | BOTH, false, true, true, "uid:1002" },
	{ "", 7, 99, 99, LOCAL | SOCKET, false, true, false, "uid:7" },
	{ "", 0, 0, 0, LOCAL | SOCKET, true, true, true, "uid:0" },
	{ "", 70, 70, 70, LOCAL | SOCKET, true, true, true, "uid:70" },
	{ "?", 0, 0, 4, LOCAL | SOCKET, false, true, false, "unix" },
};

static struct caller
caller_of(int i)
{
	struct caller who = { .uid = callers[i].uid, .gid = callers[i].gid,
		.groups = &callers[i].group, .n_groups = 1 };
	const char *addr = callers[i].addr;

	who.is_unix = *addr == '\0' || *addr == '?';
	who.has_uid = *addr == '\0';
	if (who.is_unix) {
		who.addr.sa.sa_family = AF_UNIX;
	} else if (strchr(addr, ':') != NULL) {
		who.addr.sa.sa_family = AF_INET6;
		ck_assert_int_eq(inet_pton(AF_INET6, addr, &who.addr.in6.sin6_addr), 1);
	} else {
		who.addr.sa.sa_family = AF_INET;
		ck_assert_int_eq(inet_pton(AF_INET, addr, &who.addr.in.sin_addr), 1);
	}
	return who;
}

static bool
may_call(const char *name, const struct caller *who)
{
	const struct service *s = conf_find_service(conf, name, strlen(name));

	return access_allowed(conf, s, who, access_roles(conf, who));
}

START_TEST(callers_have_their_roles)
{
	struct caller who = caller_of(_i);
	char name[ADDR_TEXT];

	ck_assert_uint_eq(access_roles(conf, &who), callers[_i].roles);
	ck_assert_int_eq(may_call("closed", &who), callers[_i].closed);
	ck_assert_int_eq(may_call("open", &who), callers[_i].open);
	ck_assert_int_eq(may_call("staff", &who), callers[_i].staff);
	ck_assert_int_eq(access_is_admin(conf, &who), callers[_i].closed);
	caller_format(&who, name, sizeof(name));
	ck_assert_str_eq(name, callers[_i].name);
}
END_TEST

START_TEST(deny_comes_before_allow)
{
	struct caller who = caller_of(_i);
	uint64_t roles = callers[_i].roles;
	bool is_admin = callers[_i].closed;

	ck_assert_int_eq(may_call("not-adm", &who),
	    is_admin || ((roles & LOCAL) != 0 && (roles & (ADM | LAN)) == 0));
	ck_assert_int_eq(may_call("only-deny", &who), is_admin);
}
END_TEST

START_TEST(a_service_is_at_its_listeners_only)
{
	struct caller who = caller_of(_i);
	bool is_local = (callers[_i].roles & LOCAL) != 0;

	for (unsigned at = 0; at < 4; at++) {
		who.listeners = UINT32_C(1) << at;
		ck_assert_int_eq(may_call("open", &who), callers[_i].open);
		ck_assert_int_eq(may_call("at-mesh", &who), is_local && (at == 1 || at == 3));
		ck_assert_int_eq(may_call("at-both", &who), is_local && at != 0);
	}
	/* The listener of the caller is no longer there. */
	who.listeners = 0;
	ck_assert_int_eq(may_call("open", &who), callers[_i].open);
	ck_assert(!may_call("at-both", &who));

	who.listeners = access_listeners(conf, &who);
	ck_assert_uint_eq(who.listeners, who.is_unix ? 1 + 4 : 2 + 8);
}
END_TEST

START_TEST(a_zeroed_caller_is_nobody)
{
	struct caller who = { 0 };

	ck_assert_uint_eq(access_roles(conf, &who), 0);
	ck_assert(!access_is_admin(conf, &who));
	ck_assert(!may_call("open", &who));
}
END_TEST

static void
expect_explained(int caller, const char *service, const char *const *lines)
{
	struct caller who = caller_of(caller);
	/* At the first listener of its kind. */
	who.listeners = who.is_unix ? 1 : 2;
	struct buf out = BUF_INIT(0);
	const char *got;

	ck_assert_int_eq(access_explain(conf, conf_find_service(conf, service, strlen(service)), &who,
	    0, &out), 0);
	got = buf_text(&out);
	for (; *lines != NULL; lines++)
		ck_assert_msg(strstr(got, *lines) != NULL, "wanted: %s\ngot: %s", *lines, got);
	buf_done(&out);
}

START_TEST(a_login_alone_has_no_place)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(0);
	struct caller who = { 0 };

	ck_assert_int_eq(caller_add("login:alice", &who), 0);
	ck_assert_int_eq(access_explain(conf, conf_find_service(conf, "open", 4), &who, 0, &out), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
	    "Role 'lan' (from 10.0.0.0/8) does not include the caller; the question does not say "
	    "where it comes from.\n"));
}
END_TEST

static const struct {
	const char *names[3];	/* of the certificate */
	const char *login, *addr;
	uint64_t roles;
	const char *text;
} certified[] = {
	{ { "URI:spiffe://prod/web/7" }, NULL, "11.0.0.1", MESH, "cert:URI:spiffe://prod/web/7" },
	{ { "URI:spiffe://prod/db/1", "DNS:ops.example.org" }, NULL, "11.0.0.1", MESH,
	    "cert:URI:spiffe://prod/db/1" },
	{ { "URI:spiffe://prod/web/../db" }, NULL, "11.0.0.1", 0, "cert:URI:spiffe://prod/web/../db" },
	{ { "EMAIL:ann@example.org" }, NULL, "10.1.2.3", LAN | NEAR_MESH, "cert:EMAIL:ann@example.org" },
	{ { "EMAIL:ann@example.org" }, NULL, "11.0.0.1", 0, "cert:EMAIL:ann@example.org" },
	/* A login stands in place of the certificate. */
	{ { "URI:spiffe://prod/web/7" }, "ann", "10.1.2.3", LAN | NEAR_MESH, "login:ann" },
	{ { "URI:spiffe://prod/web/7" }, "bob", "11.0.0.1", 0, "login:bob" },
	{ { NULL }, NULL, "11.0.0.1", 0, "addr:11.0.0.1" },
};

START_TEST(names_of_certificates_have_roles)
{
	struct caller who = { .addr.in.sin_family = AF_INET, .login = certified[_i].login,
		.cert = certified[_i].names[0], .certs = (char *const *)(uintptr_t)certified[_i].names };
	struct caller asked = { 0 };
	char name[CALLER_TEXT];

	ck_assert_int_eq(inet_pton(AF_INET, certified[_i].addr, &who.addr.in.sin_addr), 1);
	while (certified[_i].names[who.n_certs] != NULL)
		who.n_certs++;
	ck_assert_uint_eq(access_roles(conf, &who), certified[_i].roles);
	ck_assert_int_eq(may_call("certified", &who), (certified[_i].roles & (MESH | NEAR_MESH)) != 0);
	caller_format(&who, name, sizeof(name));
	ck_assert_str_eq(name, certified[_i].text);
	/* The text is a question, too. */
	ck_assert_int_eq(caller_add(certified[_i].text, &asked), 0);
	caller_format(&asked, name, sizeof(name));
	ck_assert_str_eq(name, certified[_i].text);
}
END_TEST

START_TEST(questions_about_certificates_are_checked)
{
	struct caller who = { 0 };

	ck_assert_int_lt(caller_add("cert:CN=ops", &who), 0);
	ck_assert_int_lt(caller_add("cert:", &who), 0);
	ck_assert_int_lt(caller_add("cert:DNS:a b", &who), 0);
	ck_assert_int_eq(caller_add("cert:DNS:ops.example.org", &who), 0);
	ck_assert_int_lt(caller_add("cert:DNS:other", &who), 0);
	ck_assert_int_eq(caller_add("addr:10.1.2.3", &who), 0);
	ck_assert_uint_eq(access_roles(conf, &who), LAN | MESH);
}
END_TEST

START_TEST(certificates_are_explained)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(0);
	struct caller who = { 0 };

	ck_assert_int_eq(caller_add("cert:DNS:else.example.org", &who), 0);
	ck_assert_int_eq(access_explain(conf, conf_find_service(conf, "certified", 9), &who, 0, &out), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
	    "Role 'mesh' (as certificate URI:spiffe://prod/web/* or certificate DNS:ops.example.org) "
	    "does not include the caller, whose certificate has other names.\n"));
	buf_clear(&out);
	who = caller_of(3);
	ck_assert_int_eq(access_explain(conf, conf_find_service(conf, "certified", 9), &who, 0, &out), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&out),
	    "does not include the caller, who has shown no certificate of the listener's authority.\n"));
}
END_TEST

START_TEST(decisions_are_explained)
{
	expect_explained(0, "closed", (const char *[]){
	    "The caller addr:127.0.0.1 may not call service 'closed'.\n",
	    "The service has no 'allow', so no role may call it.\n",
	    "The caller has role 'local', which the service does not allow.\n", NULL });
	expect_explained(3, "open", (const char *[]){
	    "The caller addr:10.1.2.3 may call service 'open'.\n",
	    "Role 'local' (from unix or 127.0.0.0/8 or ::1/128) does not include the caller, who comes from elsewhere.\n",
	    "Role 'lan' (from 10.0.0.0/8) includes the caller.\n", NULL });
	expect_explained(3, "staff", (const char *[]){
	    "Role 'alice' (as user alice) does not include the caller: users and groups are known over a unix socket only.\n",
	    NULL });
	expect_explained(13, "staff", (const char *[]){
	    "Role 'both' (from unix, as user bob or group ops) does not include the caller, who is none of these",
	    NULL });
	expect_explained(8, "not-adm", (const char *[]){
	    "The caller uid:1001 may not call service 'not-adm'.\n",
	    "The service denies role 'adm' (as group adm), which includes the caller: that decides before 'allow' does.\n",
	    "The service denies role 'lan' (from 10.0.0.0/8), which does not include the caller.\n",
	    "Role 'adm' (as group adm) includes the caller.\n", NULL });
	expect_explained(0, "at-both", (const char *[]){
	    "The caller addr:127.0.0.1 may call service 'at-both'.\n",
	    "The service is at listener 'mesh' (tcp://127.0.0.1:1), listener 'side' (unix:///y), "
	    "listener 'mesh' (tcp://[::1]:1) only.\n", NULL });
	expect_explained(14, "at-both", (const char *[]){
	    "The caller uid:0 may not call service 'at-both'.\n",
	    "only, where the caller is not: that decides, also about root.\n", NULL });
	expect_explained(14, "closed", (const char *[]){
	    "The caller uid:0 may call service 'closed'.\n",
	    "Root and the account of reqd may call every service over a unix socket.\n", NULL });
}
END_TEST

/* The limit that holds, of roles A to F, each a letter. */
static const struct {
	enum access_limit what;
	uint64_t roles;
	const char *decides;	/* "": no limit */
} limits[] = {
	{ ACCESS_RATE, 1, "a" }, { ACCESS_RATE, 2, "b" }, { ACCESS_RATE, 3, "b" },
	/* A minute of c is less than a second of a: 100 / 60 < 2. */
	{ ACCESS_RATE, 1 | 4, "a" }, { ACCESS_RATE, 4 | 8, "d" }, { ACCESS_RATE, 7 | 8, "b" },
	/* Role e has no limits, role f has one of connections only. */
	{ ACCESS_RATE, 1 | 16, "" }, { ACCESS_RATE, 1 | 32, "" }, { ACCESS_RATE, 0, "" },
	{ ACCESS_CALLS, 1, "a" }, { ACCESS_CALLS, 2, "" }, { ACCESS_CALLS, 1 | 4, "c" },
	{ ACCESS_CALLS, 1 | 2, "" }, { ACCESS_CALLS, 16, "" },
	{ ACCESS_CONNECTIONS, 1, "" }, { ACCESS_CONNECTIONS, 32, "f" },
	{ ACCESS_CONNECTIONS, 1 | 16 | 32, "f" }, { ACCESS_CONNECTIONS, 8 | 32, "d" },
};

START_TEST(the_least_strict_limit_decides)
{
	static const char roles[] = "listen \"unix:///x\" {}\n"
	    "role \"a\" { net = {\"unix\"} rate = 2/s calls = 1 }\n"
	    "role \"b\" { net = {\"unix\"} rate = 3/s }\n"
	    "role \"c\" { net = {\"unix\"} rate = 100/m calls = 9 }\n"
	    "role \"d\" { net = {\"unix\"} rate = 10000/h connections = 9 }\n"
	    "role \"e\" { net = {\"unix\"} }\n"
	    "role \"f\" { net = {\"unix\"} connections = 8 }\n";
	struct conf_errors errors = { 0 };
	const struct role *role;

	conf = conf_unref(conf);
	ck_assert_int_eq(conf_parse(roles, sizeof(roles) - 1, 1, &conf, &errors), 0);
	role = access_limit(conf, limits[_i].roles, limits[_i].what);
	ck_assert_str_eq(role != NULL ? role->name : "", limits[_i].decides);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("access");
	TCase *t = tcase_create("roles");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, load, unload);
	tcase_add_loop_test(t, callers_have_their_roles, 0, (int)ARRAY_LEN(callers));
	tcase_add_loop_test(t, deny_comes_before_allow, 0, (int)ARRAY_LEN(callers));
	tcase_add_loop_test(t, a_service_is_at_its_listeners_only, 0, (int)ARRAY_LEN(callers));
	tcase_add_loop_test(t, the_least_strict_limit_decides, 0, (int)ARRAY_LEN(limits));
	tcase_add_test(t, a_zeroed_caller_is_nobody);
	tcase_add_test(t, a_login_alone_has_no_place);
	tcase_add_loop_test(t, names_of_certificates_have_roles, 0, (int)ARRAY_LEN(certified));
	tcase_add_test(t, questions_about_certificates_are_checked);
	tcase_add_test(t, certificates_are_explained);
	tcase_add_test(t, decisions_are_explained);
	suite_add_tcase(s, t);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
