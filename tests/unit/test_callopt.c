/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "proto/callopt.h"

#define MAX_WORDS 32

static struct callopt opt;
static char why[CALLOPT_WHY];

/* Words separated by single blanks. */
static int
parse(const char *line)
{
	static struct slice argv[MAX_WORDS];
	size_t argc = 0;

	for (const char *p = line;; p++) {
		size_t n = strcspn(p, " ");

		ck_assert_uint_lt(argc, MAX_WORDS);
		argv[argc++] = (struct slice){ p, n };
		p += n;
		if (*p == '\0')
			break;
	}
	opt = (struct callopt){ 0 };
	why[0] = '\0';
	return callopt_parse(argv, argc, &opt, why);
}

START_TEST(no_options)
{
	ck_assert_int_eq(parse("CALL echo a b"), 0);
	ck_assert(slice_is(opt.service, "echo"));
	ck_assert_uint_eq(opt.n_args, 2);
	ck_assert(slice_is(opt.args[0], "a"));
	ck_assert(slice_is(opt.args[1], "b"));
	ck_assert(!opt.full && !opt.stream && !opt.named && !opt.input);
	ck_assert(!opt.open && !opt.has_timeout);
	ck_assert_ptr_null(opt.token.data);
	ck_assert_uint_eq(opt.n_meta, 0);

	ck_assert_int_eq(parse("CALL echo"), 0);
	ck_assert_uint_eq(opt.n_args, 0);
}
END_TEST

START_TEST(all_options)
{
	ck_assert_int_eq(parse("CALL --full --stream --named --stdin "
	    "--timeout=5000 --id=Ab1._:- --meta=k:v --meta=k_2:a:b= "
	    "SVC x=1 input"), 0);
	ck_assert(opt.full && opt.stream && opt.named && opt.input);
	ck_assert(!opt.open && opt.has_timeout);
	ck_assert_uint_eq(opt.timeout_ms, 5000);
	ck_assert(slice_is(opt.token, "Ab1._:-"));
	ck_assert_uint_eq(opt.n_meta, 2);
	ck_assert(slice_is(opt.meta[0].key, "k"));
	ck_assert(slice_is(opt.meta[0].value, "v"));
	ck_assert(slice_is(opt.meta[1].key, "k_2"));
	ck_assert(slice_is(opt.meta[1].value, "a:b="));
	ck_assert(slice_is(opt.service, "SVC"));
	ck_assert_uint_eq(opt.n_args, 1);
	ck_assert(slice_is(opt.stdin_data, "input"));

	ck_assert_int_eq(parse("CALL --open --full s"), 0);
	ck_assert(opt.open && opt.full && !opt.input && !opt.notify);
	ck_assert_int_eq(parse("CALL --notify --open s"), 0);
	ck_assert(opt.open && opt.notify);
	ck_assert(!opt.explain);
	ck_assert_int_eq(parse("CALL --Explain --full s --explain"), 0);
	ck_assert(opt.explain && opt.full && opt.n_args == 1);
	ck_assert_int_eq(parse("CALL --FULL --Timeout=1 --ID=t s"), 0);
	ck_assert(opt.full);
	ck_assert_uint_eq(opt.timeout_ms, 1);
	ck_assert(slice_is(opt.token, "t"));
	ck_assert_int_eq(parse("CALL --meta=k: s"), 0);
	ck_assert_uint_eq(opt.meta[0].value.len, 0);
}
END_TEST

START_TEST(options_end_at_the_service)
{
	ck_assert_int_eq(parse("CALL echo --full --nonsense -- -x"), 0);
	ck_assert(!opt.full);
	ck_assert_uint_eq(opt.n_args, 4);
	ck_assert_int_eq(parse("CALL -x a"), 0);
	ck_assert(slice_is(opt.service, "-x"));
	ck_assert_int_eq(parse("CALL --stdin count --full"), 0);
	ck_assert(slice_is(opt.stdin_data, "--full"));
	ck_assert_uint_eq(opt.n_args, 0);
}
END_TEST

static const struct {
	const char *line, *why;
} wrong[] = {
	{ "CALL", "no service given" },
	{ "CALL --full", "no service given" },
	{ "CALL --stdin --open s x", "--stdin and --open cannot be used together" },
	{ "CALL --open --stdin s x", "--stdin and --open cannot be used together" },
	{ "CALL --stdin s", "--stdin needs the input as last argument" },
	{ "CALL --ful s", "unknown option '--ful'; did you mean '--full'?" },
	{ "CALL --timout=5 s", "unknown option '--timout'; did you mean '--timeout'?" },
	{ "CALL --async s", "unknown option '--async'" },
	{ "CALL --\x1b[2J\xff s", "unknown option '--\\x1b[2J\\xff'" },
	{ "CALL --abcdefghijklmnopqrstuvwxyz s",
	    "unknown option '--abcdefghijklmnopqrstuv...'" },
	{ "CALL --full=yes s", "--full takes no value" },
	{ "CALL --notify s", "--notify needs --open" },
	{ "CALL --explain --explain s", "--explain is given twice" },
	{ "CALL --explain=yes s", "--explain takes no value" },
	{ "CALL --explain", "no service given" },
	{ "CALL --notify --stdin s x", "--notify needs --open" },
	{ "CALL --open= s", "--open takes no value" },
	{ "CALL --timeout s", "--timeout needs a value: --timeout=..." },
	{ "CALL --id s", "--id needs a value: --id=..." },
	{ "CALL --full --full s", "--full is given twice" },
	{ "CALL --id=a --ID=a s", "--id is given twice" },
	{ "CALL --timeout= s", "--timeout needs milliseconds, 1 or more" },
	{ "CALL --timeout=0 s", "--timeout needs milliseconds, 1 or more" },
	{ "CALL --timeout=05 s", "--timeout needs milliseconds, 1 or more" },
	{ "CALL --timeout=-5 s", "--timeout needs milliseconds, 1 or more" },
	{ "CALL --timeout=+5 s", "--timeout needs milliseconds, 1 or more" },
	{ "CALL --timeout=5s s", "--timeout needs milliseconds, 1 or more" },
	{ "CALL --timeout=3153600000001 s", "--timeout is more than 100 years" },
	{ "CALL --timeout=18446744073709551617 s", "--timeout is more than 100 years" },
	{ "CALL --id= s", "--id needs 1 to 128 characters of A-Z a-z 0-9 . _ : -" },
	{ "CALL --id=a/b s", "--id needs 1 to 128 characters of A-Z a-z 0-9 . _ : -" },
	{ "CALL --meta= s", "--meta needs KEY:VALUE" },
	{ "CALL --meta=key s", "--meta needs KEY:VALUE" },
	{ "CALL --meta=:v s", "--meta needs a key of 1 to 64 characters of A-Z a-z 0-9 _" },
	{ "CALL --meta=a-b:v s", "--meta needs a key of 1 to 64 characters of A-Z a-z 0-9 _" },
	{ "CALL --meta=k:a\tb s", "value of --meta k is not printable UTF-8" },
	{ "CALL --meta=k:\xff s", "value of --meta k is not printable UTF-8" },
	{ "CALL --meta=k:\x7f s", "value of --meta k is not printable UTF-8" },
	{ "CALL --meta=k:\xc2\x9b s", "value of --meta k is not printable UTF-8" },
	{ "CALL --meta=k:1 --meta=K:2 s", "--meta K is given twice" },
};

START_TEST(wrong_options)
{
	ck_assert_int_eq(parse(wrong[_i].line), 1);
	ck_assert_str_eq(why, wrong[_i].why);
}
END_TEST

START_TEST(bare_dashes_are_no_option)
{
	ck_assert_int_eq(parse("CALL -- s"), 1);
	ck_assert_int_eq(strncmp(why, "unknown option '--'", 19), 0);
}
END_TEST

START_TEST(longest_timeout)
{
	ck_assert_int_eq(parse("CALL --timeout=3153600000000 s"), 0);
	ck_assert_uint_eq(opt.timeout_ms, UINT64_C(3153600000000));
}
END_TEST

/* prefix, n times c, suffix */
static int
parse_long(const char *prefix, size_t n, char c, const char *suffix)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)buf_append_str(&b, prefix);
	for (size_t i = 0; i < n; i++)
		(void)buf_append_char(&b, c);
	(void)buf_append_str(&b, suffix);
	return parse(buf_text(&b));
}

START_TEST(longest_values)
{
	ck_assert_int_eq(parse_long("CALL --id=", 128, 'a', " s"), 0);
	ck_assert_int_eq(parse_long("CALL --id=", 129, 'a', " s"), 1);
	ck_assert_int_eq(parse_long("CALL --meta=", 64, 'k', ":v s"), 0);
	ck_assert_int_eq(parse_long("CALL --meta=", 65, 'k', ":v s"), 1);
	ck_assert_int_eq(parse_long("CALL --meta=k:", 1024, 'v', " s"), 0);
	ck_assert_int_eq(parse_long("CALL --meta=k:", 1025, 'v', " s"), 1);
	ck_assert_str_eq(why, "value of --meta k is longer than 1024 bytes");
}
END_TEST

START_TEST(most_meta)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)buf_append_str(&b, "CALL");
	for (int i = 0; i < CALL_MAX_META; i++)
		(void)buf_printf(&b, " --meta=k%d:v", i);
	(void)buf_append_str(&b, " s");
	ck_assert_int_eq(parse(buf_text(&b)), 0);
	ck_assert_uint_eq(opt.n_meta, CALL_MAX_META);
	b.end -= 2;
	(void)buf_append_str(&b, " --meta=one:more s");
	ck_assert_int_eq(parse(buf_text(&b)), 1);
	ck_assert_str_eq(why, "--meta is given more than 16 times");
}
END_TEST

START_TEST(binary_words)
{
	struct slice argv[] = { SLICE("CALL"), SLICE("--id=a\0b"), SLICE("s") };
	struct slice nul[] = { SLICE("CALL"), SLICE("--ful\0"), SLICE("s") };
	struct slice meta[] = { SLICE("CALL"), SLICE("--meta=k:a\0b"), SLICE("s") };
	struct slice args[] = { SLICE("CALL"), SLICE("s"), SLICE("\0\r\n"),
		{ NULL, 0 } };

	ck_assert_int_eq(callopt_parse(argv, 3, &opt, why), 1);
	ck_assert_int_eq(callopt_parse(meta, 3, &opt, why), 1);
	ck_assert_int_eq(callopt_parse(nul, 3, &opt, why), 1);
	ck_assert_str_eq(why, "unknown option '--ful\\x00'");
	ck_assert_int_eq(callopt_parse(args, 4, &opt, why), 0);
	ck_assert_uint_eq(opt.n_args, 2);
	ck_assert_uint_eq(opt.args[0].len, 3);
}
END_TEST

START_TEST(refusal_leaves_the_result_alone)
{
	ck_assert_int_eq(parse("CALL --full --nonsense s"), 1);
	ck_assert(!opt.full);
	ck_assert_ptr_null(opt.service.data);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("callopt");
	TCase *tc = tcase_create("callopt");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, no_options);
	tcase_add_test(tc, all_options);
	tcase_add_test(tc, options_end_at_the_service);
	tcase_add_loop_test(tc, wrong_options, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, bare_dashes_are_no_option);
	tcase_add_test(tc, longest_timeout);
	tcase_add_test(tc, longest_values);
	tcase_add_test(tc, most_meta);
	tcase_add_test(tc, binary_words);
	tcase_add_test(tc, refusal_leaves_the_result_alone);
	suite_add_tcase(s, tc);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
