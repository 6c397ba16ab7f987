/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "unit.h"

static const struct {
	const char *url, *canonical;	/* NULL: refused */
} urls[] = {
	{ "tcp://127.0.0.1:7373", "tcp://127.0.0.1:7373" },
	{ "tcp://127.0.0.1", "tcp://127.0.0.1:7373" },
	{ "tcp://[::1]:80", "tcp://[::1]:80" }, { "tcp://[::1]", "tcp://[::1]:7373" },
	{ "tcp://*:1", "tcp://*:1" }, { "tcp://db.example.org:65535", "tcp://db.example.org:65535" },
	{ "tls://127.0.0.1", "tls://127.0.0.1:7374" }, { "tls://[::1]:80", "tls://[::1]:80" },
	{ "tls://*", "tls://*:7374" }, { "tls://", NULL }, { "tls://h:65536", NULL },
	{ "unix:///run/x.sock", "unix:///run/x.sock" }, { "fd://main", "fd://main" },
	{ "tcp://::1:80", NULL }, { "tcp://[::1", NULL }, { "tcp://[zz]:1", NULL },
	{ "tcp://h:65536", NULL }, { "tcp://h:-1", NULL }, { "tcp://h:08", NULL }, { "tcp://h:", NULL },
	{ "tcp://", NULL }, { "tcp://a b", NULL }, { "unix://run/x", NULL }, { "unix://", NULL }, { "unix:///run/", NULL },
	{ "fd://", NULL }, { "ftp://x", NULL }, { "http:/x", NULL }, { "httpss://x", NULL },
	{ "http://127.0.0.1", "http://127.0.0.1:80" }, { "http://*:8080", "http://*:8080" },
	{ "https://[::1]", "https://[::1]:443" }, { "https://h:8443", "https://h:8443" },
	{ "http://", NULL }, { "https://h/", NULL }, { "", NULL }, { "127.0.0.1:7373", NULL },
};

START_TEST(reads_urls)
{
	const char *why = NULL;
	struct addr a;
	char text[400];
	int r = addr_parse(urls[_i].url, &a, &why);

	if (urls[_i].canonical == NULL) {
		ck_assert_int_lt(r, 0);
		ck_assert_ptr_nonnull(why);
		return;
	}
	ck_assert_int_eq(r, 0);
	addr_format(&a, text, sizeof(text));
	ck_assert_str_eq(text, urls[_i].canonical);
}
END_TEST

static const struct {
	const char *net;
	bool ok;
	const char *in, *out;
} nets[] = {
	{ "10.0.0.0/8", true, "10.255.1.2", "11.0.0.1" },
	{ "127.0.0.1", true, "127.0.0.1", "127.0.0.2" },
	{ "0.0.0.0/0", true, "8.8.8.8", "::1" },
	{ "192.168.4.0/22", true, "192.168.7.255", "192.168.8.0" },
	{ "::1/128", true, "::1", "::2" },
	{ "2001:db8::/33", true, "2001:db8:7fff::1", "2001:db8:8000::1" },
	/* a mapped peer counts as IPv4 */
	{ "10.0.0.0/8", true, "::ffff:10.1.1.1", "::ffff:11.1.1.1" },
	{ "10.0.0.1/8", false, NULL, NULL }, { "10.0.0.0/33", false, NULL, NULL },
	{ "10.0.0/8", false, NULL, NULL }, { "::/129", false, NULL, NULL },
	{ "10.0.0.0/", false, NULL, NULL }, { "10.0.0.0/08", false, NULL, NULL }, { "", false, NULL, NULL },
};

static union sockaddr_any
peer(const char *text)
{
	union sockaddr_any sa;

	memset(&sa, 0, sizeof(sa));
	if (strchr(text, ':') != NULL) {
		sa.in6.sin6_family = AF_INET6;
		ck_assert_int_eq(inet_pton(AF_INET6, text, &sa.in6.sin6_addr), 1);
	} else {
		sa.in.sin_family = AF_INET;
		ck_assert_int_eq(inet_pton(AF_INET, text, &sa.in.sin_addr), 1);
	}
	return sa;
}

START_TEST(matches_networks)
{
	union sockaddr_any in, out;
	struct net n;
	int r = net_parse(nets[_i].net, &n);

	ck_assert_int_eq(r == 0, nets[_i].ok);
	if (!nets[_i].ok)
		return;
	in = peer(nets[_i].in);
	out = peer(nets[_i].out);
	ck_assert(net_contains(&n, &in));
	ck_assert(!net_contains(&n, &out));
}
END_TEST

START_TEST(knows_loopback)
{
	union sockaddr_any yes[] = { peer("127.0.0.1"), peer("127.9.9.9"), peer("::1"),
		peer("::ffff:127.0.0.1") };
	union sockaddr_any no[] = { peer("128.0.0.1"), peer("::2"), peer("::ffff:10.0.0.1") };
	union sockaddr_any local;

	for (size_t i = 0; i < 4; i++)
		ck_assert(addr_is_loopback(&yes[i]));
	for (size_t i = 0; i < 3; i++)
		ck_assert(!addr_is_loopback(&no[i]));
	memset(&local, 0, sizeof(local));
	local.sa.sa_family = AF_UNIX;
	ck_assert(!addr_is_loopback(&local));
}
END_TEST

#define N(a) (int)(sizeof(a) / sizeof((a)[0]))
UNIT_MAIN("addr", tcase_add_loop_test(tc, reads_urls, 0, N(urls));
    tcase_add_loop_test(tc, matches_networks, 0, N(nets)); tcase_add_test(tc, knows_loopback))
