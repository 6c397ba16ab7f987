/* SPDX-License-Identifier: ISC */
/* Names of certificates, and the rules that they are compared with. */
#include "config.h"

#include "proto/certname.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define FIVE_HUNDRED FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct {
	const char *text;
	bool valid;
} names[] = {
	{ "URI:spiffe://prod/web/7", true }, { "DNS:ops.example.org", true },
	{ "EMAIL:ann@example.org", true }, { "DNS:*.example.org", true },
	{ "DNS:a,DNS:b", true }, { "URI:" FIVE_HUNDRED "01234567", true },
	{ "URI:" FIVE_HUNDRED "012345678", false },
	{ "", false }, { "URI:", false }, { "DNS:", false }, { "uri:x", false }, { "CN:x", false },
	{ "ops.example.org", false }, { "DNS:a b", false }, { "DNS:a\"b", false },
	{ "DNS:a\\b", false }, { "DNS:a\n", false }, { "DNS:a\x7f", false },
	{ "DNS:m\xc3\xbcller", false }, { "DNS:\t", false }, { " DNS:a", false },
};

START_TEST(names_are_checked)
{
	ck_assert_int_eq(certname_is_valid(slice_of(names[_i].text)), names[_i].valid);
}
END_TEST

START_TEST(a_nul_is_no_letter)
{
	ck_assert(!certname_is_valid((struct slice){ "DNS:a\0b", 7 }));
	ck_assert(!certname_is_valid((struct slice){ "DNS:a\0", 6 }));
}
END_TEST

static const struct {
	const char *rule;
	bool good;
} rules[] = {
	{ "URI:spiffe://prod/web/*", true }, { "URI:spiffe://prod/*", true },
	{ "DNS:ops.example.org", true }, { "EMAIL:ann@example.org", true },
	{ "URI:urn:uuid:1", true },
	{ "URI:spiffe://*", false }, { "URI:spiffe:///*", false }, { "URI:*", false },
	{ "URI:spiffe://prod/web*", false }, { "URI:spiffe://prod/*/web", false },
	{ "URI:spiffe://prod/*/*", false }, { "URI:spiffe://*/*", false },
	{ "URI:spiffe://prod/web/**", false }, { "URI:a/*", false },
	{ "DNS:*.example.org", false }, { "DNS:a/*", false }, { "DNS:x://a/*", false },
	{ "EMAIL:*@example.org", false }, { "*", false }, { "", false }, { "ops", false },
};

START_TEST(rules_are_checked)
{
	ck_assert_int_eq(certname_rule_error(rules[_i].rule) == NULL, rules[_i].good);
}
END_TEST

static const struct {
	const char *rule, *name;
	bool matches;
} pairs[] = {
	{ "DNS:ops.example.org", "DNS:ops.example.org", true },
	{ "DNS:ops.example.org", "DNS:OPS.example.org", false },
	{ "DNS:ops.example.org", "DNS:ops.example.org.", false },
	{ "DNS:ops.example.org", "DNS:*.example.org", false },
	{ "DNS:ops.example.org", "URI:ops.example.org", false },
	{ "DNS:ops.example.org", "DNS:ops.example.org,DNS:x", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/7", true },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/a/b", true },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/*", true },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/a..b/.c", true },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/website", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/WEB/7", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://test/web/7", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/..", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/../admin", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/a/../../admin", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/a/.", false },
	{ "URI:spiffe://prod/web/*", "URI:spiffe://prod/web/./a", false },
	{ "URI:spiffe://prod/web/*", "DNS:spiffe://prod/web/7", false },
};

START_TEST(names_fulfil_rules)
{
	ck_assert_int_eq(certname_matches(pairs[_i].rule, pairs[_i].name), pairs[_i].matches);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("certname");
	TCase *t = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(t, names_are_checked, 0, (int)ARRAY_LEN(names));
	tcase_add_test(t, a_nul_is_no_letter);
	tcase_add_loop_test(t, rules_are_checked, 0, (int)ARRAY_LEN(rules));
	tcase_add_loop_test(t, names_fulfil_rules, 0, (int)ARRAY_LEN(pairs));
	suite_add_tcase(s, t);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
