/* SPDX-License-Identifier: ISC */
/* Targets: paths, queries and hosts, taken apart and decoded. test_httphead has more that are refused. */
#include "config.h"

#include "proto/httptarget.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/httphost.h"
#include "unit.h"

#define SEGMENTS 5

static const struct {
	const char *path;
	const char *segments[SEGMENTS];
} paths[] = {
	{ "/", { "" } },
	{ "/a", { "a" } },
	{ "/a/", { "a", "" } },
	{ "//a", { "", "a" } },
	{ "/call/a%20b", { "call", "a b" } },
	{ "/a%2Fb/%41+/%c3%a4", { "a/b", "A+", "\xc3\xa4" } },
	{ "/.a/a./...", { ".a", "a.", "..." } },
	{ "/%2e%2ea", { "..a" } },
	{ "/a;b=c,d@e:f/~", { "a;b=c,d@e:f", "~" } },
	{ "/1/2/3/4/5", { "1", "2", "3", "4", "5" } },
};

START_TEST(splits_paths)
{
	struct slice path = slice_of(paths[_i].path), got[SEGMENTS];
	CLEANUP_FREE char *room = malloc(path.len);
	struct httptarget target;
	size_t n;

	ck_assert_ptr_null(httptarget_parse(path, HTTPTARGET_USUAL, &target));
	ck_assert(slice_eq(target.path, path));
	ck_assert(httptarget_split(path, room, got, SEGMENTS, &n));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(slice_is(got[i], paths[_i].segments[i]), "%s %zu", path.data, i);
	ck_assert(n == SEGMENTS || paths[_i].segments[n] == NULL);
}
END_TEST

START_TEST(refuses_to_split)
{
	struct slice got[SEGMENTS];
	char room[64];
	size_t n;

	ck_assert(!httptarget_split(SLICE("/1/2/3/4/5/6"), room, got, SEGMENTS, &n));
	ck_assert(!httptarget_split(SLICE(""), room, got, SEGMENTS, &n));
	ck_assert(!httptarget_split(SLICE("a/b"), room, got, SEGMENTS, &n));
	ck_assert(!httptarget_split(SLICE("/%4"), room, got, SEGMENTS, &n));
}
END_TEST

START_TEST(each_byte_of_a_path_is_judged)
{
	static const char good[] = "!$&'()*+,-.0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	    "abcdefghijklmnopqrstuvwxyz~/?";
	static const char more[] = "[\\]^`{|}";	/* in a query, too */

	for (int c = 1; c < 256; c++) {
		char text[8] = { '/', (char)c, 'x' };
		struct httptarget target;
		bool is_good = strchr(good, c) != NULL;

		ck_assert_msg((httptarget_parse((struct slice){ text, 3 }, HTTPTARGET_USUAL, &target) ==
		    NULL) == is_good, "%c", c);
		memcpy(text, "/?\0x", 4);
		text[2] = (char)c;
		is_good = is_good || strchr(more, c) != NULL;
		ck_assert_msg((httptarget_parse((struct slice){ text, 4 }, HTTPTARGET_USUAL, &target) ==
		    NULL) == is_good, "%c", c);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *name;	/* NULL: no host */
	unsigned port;
	bool is_ipv6;
} hosts[] = {
	{ "a", "a", 0, false },
	{ "A-1.example.org.", "A-1.example.org.", 0, false },
	{ "a_b:1", "a_b", 1, false },
	{ "127.0.0.1:65535", "127.0.0.1", 65535, false },
	{ "[::1]", "::1", 0, true },
	{ "[2001:DB8::7]:8080", "2001:DB8::7", 8080, true },
	{ "[::ffff:1.2.3.4]:8", "::ffff:1.2.3.4", 8, true },
	{ "", NULL, 0, false },
	{ ":80", NULL, 0, false },
	{ "a:", NULL, 0, false },
	{ "a:0", NULL, 0, false },
	{ "a:00080", NULL, 0, false },
	{ "a:65536", NULL, 0, false },
	{ "a:123456", NULL, 0, false },
	{ "a:-1", NULL, 0, false },
	{ "a:1 ", NULL, 0, false },
	{ "a:1:2", NULL, 0, false },
	{ "a b", NULL, 0, false },
	{ "a%41", NULL, 0, false },
	{ "u@a", NULL, 0, false },
	{ "\xc3\xa4", NULL, 0, false },
	{ "[]", NULL, 0, false },
	{ "[::1", NULL, 0, false },
	{ "[::1]80", NULL, 0, false },
	{ "[::1]:", NULL, 0, false },
	{ "[fe80::1%25lo]", NULL, 0, false },
	{ "[1.2.3.4]", NULL, 0, false },
	{ "[v1.x]", NULL, 0, false },
	{ "[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111]", NULL, 0, false },
};

START_TEST(reads_hosts)
{
	struct httphost host = { .port = 7 };
	bool is_good = httphost_parse(slice_of(hosts[_i].text), &host);

	ck_assert_msg(is_good == (hosts[_i].name != NULL), "%s", hosts[_i].text);
	if (!is_good) {
		ck_assert_uint_eq(host.port, 7);
		return;
	}
	ck_assert(slice_is(host.name, hosts[_i].name));
	ck_assert_uint_eq(host.port, hosts[_i].port);
	ck_assert(host.is_ipv6 == hosts[_i].is_ipv6);
}
END_TEST

START_TEST(names_of_hosts_have_a_limit)
{
	char name[257];
	struct httphost host;

	memset(name, 'a', sizeof(name));
	ck_assert(httphost_parse((struct slice){ name, 255 }, &host));
	ck_assert(!httphost_parse((struct slice){ name, 256 }, &host));
	ck_assert(!httphost_parse((struct slice){ "[::1\0]", 6 }, &host));
	ck_assert(!httphost_parse((struct slice){ "a\0", 2 }, &host));
}
END_TEST

UNIT_MAIN("httptarget",
    tcase_add_loop_test(tc, splits_paths, 0, ARRAY_LEN(paths));
    tcase_add_test(tc, refuses_to_split);
    tcase_add_test(tc, each_byte_of_a_path_is_judged);
    tcase_add_loop_test(tc, reads_hosts, 0, ARRAY_LEN(hosts));
    tcase_add_test(tc, names_of_hosts_have_a_limit))
