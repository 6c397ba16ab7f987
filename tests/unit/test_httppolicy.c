/* SPDX-License-Identifier: ISC */
/* httppolicy: which page and which name may ask, as a table. */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "door/http/httppolicy.h"
#include "unit.h"

static char *hosts[] = { "reqd.example.org", "odd.example:8443", "front.example:443", NULL };
static char *origins[] = { "https://dash.example.org", "http://dash.example.org:3000", NULL };

static struct httppolicy_place
tcp_place(const char *address, uint16_t port)
{
	struct httppolicy_place p = { .hosts = hosts, .origins = origins };

	if (inet_pton(AF_INET, address, &p.local.in.sin_addr) == 1) {
		p.local.in.sin_family = AF_INET;
		p.local.in.sin_port = htons(port);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, address, &p.local.in6.sin6_addr), 1);
		p.local.in6.sin6_family = AF_INET6;
		p.local.in6.sin6_port = htons(port);
	}
	return p;
}

static struct slice
given(const char *text)
{
	return text == NULL ? (struct slice){ 0 } : slice_of(text);
}

/* At 127.0.0.1:8080. */
static const struct {
	const char *host, *origin, *site;
	enum httppolicy_verdict verdict;
} cases[] = {
	/* programs */
	{ "127.0.0.1:8080", NULL, NULL, HTTPPOLICY_OWN },
	{ "localhost:8080", NULL, NULL, HTTPPOLICY_OWN },
	{ "LocalHost:8080", NULL, NULL, HTTPPOLICY_OWN },
	{ "reqd.example.org", NULL, NULL, HTTPPOLICY_OWN },
	{ "REQD.example.org", NULL, NULL, HTTPPOLICY_OWN },
	{ "reqd.example.org:8080", NULL, NULL, HTTPPOLICY_OWN },
	{ "odd.example:8443", NULL, NULL, HTTPPOLICY_OWN },
	{ "front.example", NULL, NULL, HTTPPOLICY_OWN },
	/* other names, and the right ones with another port */
	{ "127.0.0.1", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "127.0.0.1:80", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "127.0.0.2:8080", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "[::1]:8080", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "localhost", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "evil.test:8080", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "reqd.example.org:9", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "reqd.example.org.evil.test", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "xreqd.example.org", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "odd.example", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "odd.example:8080", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ NULL, NULL, NULL, HTTPPOLICY_MISDIRECTED },
	{ "dash.example.org", NULL, NULL, HTTPPOLICY_MISDIRECTED },
	/* pages of this server */
	{ "127.0.0.1:8080", "http://127.0.0.1:8080", "same-origin", HTTPPOLICY_OWN },
	{ "localhost:8080", "http://localhost:8080", NULL, HTTPPOLICY_OWN },
	{ "reqd.example.org", "https://reqd.example.org", "same-origin", HTTPPOLICY_OWN },
	{ "127.0.0.1:8080", NULL, "none", HTTPPOLICY_OWN },
	{ "127.0.0.1:8080", NULL, "same-origin", HTTPPOLICY_OWN },
	/* pages that are listed, wherever they lie */
	{ "127.0.0.1:8080", "https://dash.example.org", "cross-site", HTTPPOLICY_LISTED },
	{ "127.0.0.1:8080", "https://dash.example.org:443", NULL, HTTPPOLICY_LISTED },
	{ "127.0.0.1:8080", "http://dash.example.org:3000", NULL, HTTPPOLICY_LISTED },
	{ "evil.test:8080", "https://dash.example.org", NULL, HTTPPOLICY_MISDIRECTED },
	/* other pages */
	{ "127.0.0.1:8080", "http://dash.example.org", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "https://dash.example.org:444", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "https://evil.test", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "https://evil.test", "same-origin", HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "http://127.0.0.1", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "http://127.0.0.1:8081", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "http://localhost:3000", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "null", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "file://", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "chrome-extension://abc", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "http://127.0.0.1:8080/", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", "http://evil.test http://127.0.0.1:8080", NULL, HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", NULL, "cross-site", HTTPPOLICY_FOREIGN },
	{ "127.0.0.1:8080", NULL, "same-site", HTTPPOLICY_FOREIGN },
	/* rebinding: both are the name of the attacker */
	{ "evil.test:8080", "http://evil.test:8080", "same-origin", HTTPPOLICY_FOREIGN },
	{ "evil.test:8080", NULL, NULL, HTTPPOLICY_MISDIRECTED },
};

START_TEST(judges_pages_and_names)
{
	const struct httppolicy_place p = tcp_place("127.0.0.1", 8080);
	const struct httppolicy_fields f = {
		.host = given(cases[_i].host), .origin = given(cases[_i].origin),
		.fetch_site = given(cases[_i].site),
	};
	struct httppolicy_fields probe = f;

	ck_assert_msg(httppolicy_judge(&p, &f) == cases[_i].verdict, "host %s, origin %s, site %s",
	    cases[_i].host, cases[_i].origin, cases[_i].site);
	/* A probe may use any name, but a page of another origin may not send it. */
	probe.is_probe = true;
	if (cases[_i].verdict == HTTPPOLICY_MISDIRECTED)
		ck_assert_int_lt(httppolicy_judge(&p, &probe), HTTPPOLICY_FOREIGN);
	else
		ck_assert_int_eq(httppolicy_judge(&p, &probe), cases[_i].verdict);
}
END_TEST

static enum httppolicy_verdict
at(struct httppolicy_place p, const char *host, const char *origin)
{
	return httppolicy_judge(&p, &(struct httppolicy_fields){ .host = given(host),
	    .origin = given(origin) });
}

/* Requests for a page of ours from a page of another origin. */
static const struct {
	const char *origin, *site, *mode, *dest;
	enum httppolicy_verdict verdict;
} links[] = {
	{ NULL, "cross-site", "navigate", "document", HTTPPOLICY_OWN },
	{ NULL, "same-site", "navigate", "document", HTTPPOLICY_OWN },
	{ NULL, "none", "navigate", "document", HTTPPOLICY_OWN },
	{ NULL, "cross-site", "navigate", "iframe", HTTPPOLICY_FOREIGN },
	{ NULL, "cross-site", "navigate", NULL, HTTPPOLICY_FOREIGN },
	{ NULL, "cross-site", "no-cors", "document", HTTPPOLICY_FOREIGN },
	{ NULL, "cross-site", "no-cors", "image", HTTPPOLICY_FOREIGN },
	{ NULL, "cross-site", NULL, "document", HTTPPOLICY_FOREIGN },
	{ NULL, "cross-site", "cors", "empty", HTTPPOLICY_FOREIGN },
	{ "https://evil.test", "cross-site", "navigate", "document", HTTPPOLICY_FOREIGN },
	{ "null", "cross-site", "navigate", "document", HTTPPOLICY_FOREIGN },
};

START_TEST(a_link_leads_to_a_page_and_nowhere_else)
{
	const struct httppolicy_place p = tcp_place("127.0.0.1", 8080);
	struct httppolicy_fields f = {
		.host = SLICE("127.0.0.1:8080"), .origin = given(links[_i].origin),
		.fetch_site = given(links[_i].site), .fetch_mode = given(links[_i].mode),
		.fetch_dest = given(links[_i].dest), .is_page = true,
	};

	ck_assert_int_eq(httppolicy_judge(&p, &f), links[_i].verdict);
	f.host = SLICE("evil.test:8080");
	ck_assert_int_ne(httppolicy_judge(&p, &f), HTTPPOLICY_OWN);
	f.host = SLICE("127.0.0.1:8080");
	f.is_page = false;
	ck_assert_int_eq(httppolicy_judge(&p, &f), slice_is(f.fetch_site, "none") ?
	    HTTPPOLICY_OWN : HTTPPOLICY_FOREIGN);
}
END_TEST

START_TEST(usual_ports_may_be_left_out)
{
	struct httppolicy_place plain = tcp_place("10.0.0.5", 80), tls = tcp_place("10.0.0.5", 443);

	tls.is_tls = true;
	ck_assert_int_eq(at(plain, "10.0.0.5", NULL), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(plain, "10.0.0.5:80", "http://10.0.0.5"), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(plain, "10.0.0.5:443", NULL), HTTPPOLICY_MISDIRECTED);
	ck_assert_int_eq(at(tls, "10.0.0.5", "https://10.0.0.5"), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(tls, "10.0.0.5:80", NULL), HTTPPOLICY_MISDIRECTED);
	/* localhost is a name of this machine only where the client is on it. */
	ck_assert_int_eq(at(plain, "localhost", NULL), HTTPPOLICY_MISDIRECTED);
}
END_TEST

START_TEST(a_page_without_tls_is_foreign_to_one_with_it)
{
	struct httppolicy_place tls = tcp_place("10.0.0.5", 443);

	tls.is_tls = true;
	ck_assert_int_eq(at(tls, "reqd.example.org", "https://reqd.example.org"), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(tls, "reqd.example.org", "http://reqd.example.org"), HTTPPOLICY_FOREIGN);
	ck_assert_int_eq(at(tls, "10.0.0.5", "http://10.0.0.5:443"), HTTPPOLICY_FOREIGN);
	ck_assert_int_eq(at(tls, "10.0.0.5", "http://dash.example.org:3000"), HTTPPOLICY_LISTED);
	/* A proxy may end the TLS. */
	ck_assert_int_eq(at(tcp_place("10.0.0.5", 80), "reqd.example.org",
	    "https://reqd.example.org"), HTTPPOLICY_OWN);
}
END_TEST

START_TEST(addresses_have_many_texts)
{
	struct httppolicy_place six = tcp_place("::1", 8080), mapped = tcp_place("::ffff:10.0.0.5", 80);

	ck_assert_int_eq(at(six, "[::1]:8080", NULL), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(six, "[0:0:0::1]:8080", "http://[::1]:8080"), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(six, "localhost:8080", NULL), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(six, "127.0.0.1:8080", NULL), HTTPPOLICY_MISDIRECTED);
	ck_assert_int_eq(at(mapped, "10.0.0.5", NULL), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(mapped, "[::ffff:10.0.0.5]", NULL), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(mapped, "10.0.0.6", NULL), HTTPPOLICY_MISDIRECTED);
}
END_TEST

START_TEST(a_unix_socket_takes_any_name_but_not_any_page)
{
	struct httppolicy_place p = { .is_unix = true, .hosts = hosts, .origins = origins };

	ck_assert_int_eq(at(p, "anything", NULL), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(p, NULL, NULL), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(p, "reqd.example.org", "https://reqd.example.org"), HTTPPOLICY_OWN);
	ck_assert_int_eq(at(p, "x", "https://dash.example.org"), HTTPPOLICY_LISTED);
	ck_assert_int_eq(at(p, "evil.test", "https://evil.test"), HTTPPOLICY_FOREIGN);
	ck_assert_int_eq(at(p, "localhost", "http://localhost"), HTTPPOLICY_FOREIGN);
	p.hosts = NULL;
	ck_assert_int_eq(at(p, "reqd.example.org", "https://reqd.example.org"), HTTPPOLICY_FOREIGN);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, judges_pages_and_names, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, a_link_leads_to_a_page_and_nowhere_else, 0, ARRAY_LEN(links));
	tcase_add_test(tc, usual_ports_may_be_left_out);
	tcase_add_test(tc, a_page_without_tls_is_foreign_to_one_with_it);
	tcase_add_test(tc, addresses_have_many_texts);
	tcase_add_test(tc, a_unix_socket_takes_any_name_but_not_any_page);
}

UNIT_MAIN("httppolicy", add(tc))
