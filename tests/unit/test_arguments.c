/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf/arguments.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define MAX_ARGV 8

static const char text[] =
    "listen \"unix:///x\" {}\n"
    "service \"types\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { optional = yes } }\n"
    "service \"text\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { max-length = 5 } }\n"
    "service \"integer\" { command = {\"/bin/echo\", \"--\", \"{v}\"}\n"
    " argument \"v\" { type = integer min = 1 max = 10 } }\n"
    "service \"negative\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { type = integer } }\n"
    "service \"decimal\" { command = {\"/bin/echo\", \"--\", \"{v}\"}\n"
    " argument \"v\" { type = decimal min = -1.5 max = 2 } }\n"
    "service \"flag\" { command = {\"/bin/ls\", \"{all}\", \"{raw}\"}\n"
    " argument \"all\" { type = flag value = \"-a\" } argument \"raw\" { type = flag default = yes } }\n"
    "service \"choice\" { command = {\"/bin/echo\", \"{v}\"}\n"
    " argument \"v\" { type = choice values = {\"start\", \"stop\"} } }\n"
    "service \"path\" { command = {\"/bin/echo\", \"--\", \"{v}\"}\n"
    " argument \"v\" { type = path below = \"/srv/data/\" } }\n"
    "service \"name\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { type = name } }\n"
    "service \"host\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { type = host } }\n"
    "service \"pattern\" { command = {\"/bin/echo\", \"{v}\"}\n"
    " argument \"v\" { type = pattern pattern = \"[a-c]+|x\" } }\n"
    "service \"size\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { type = size min = 1K max = 1M } }\n"
    "service \"duration\" { command = {\"/bin/echo\", \"{v}\"}\n"
    " argument \"v\" { type = duration max = 10s } }\n"
    "service \"secret\" { command = {\"/bin/echo\", \"{pin}\"}\n"
    " argument \"pin\" { type = integer secret = yes } }\n"
    "service \"login\" { command = {\"/bin/echo\", \"--\", \"{user}\", \"{pin}\"}\n"
    " argument \"user\" { type = name } argument \"pin\" { secret = yes } }\n"
    "service \"dash\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { dash = yes } }\n"
    "service \"half\" { command = {\"/bin/echo\", \"{v}\", \"--\", \"{v}\"} argument \"v\" {} }\n"
    "service \"cold\" { command = {\"/bin/echo\", \"{v}\"}\n"
    " argument \"v\" { type = integer min = -10 max = 40 } }\n"
    "service \"colder\" { command = {\"/bin/echo\", \"{v}\"}\n"
    " argument \"v\" { type = decimal max = -0.5 } }\n"
    "service \"none\" { command = {\"/bin/echo\"} }\n"
    "service \"many\" { command = {\"/bin/tool\", \"-n{count}\", \"--x={mode}\", \"{{{file}}}\", \"--\", \"{rest}\"}\n"
    " environment = {\"A={file}:{count}\", \"B={rest}\"} lock = \"{file}/{mode}\"\n"
    " argument \"file\" {} argument \"count\" { type = integer default = 3 }\n"
    " argument \"mode\" { optional = yes } argument \"rest\" { repeat = yes optional = yes } }\n"
    "service \"long\" { command = {\"/bin/echo\", \"{v}\"} argument \"v\" { max-length = 131071 } }\n";

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

static const struct service *
service(const char *name)
{
	const struct service *s = conf_find_service(conf, name, strlen(name));

	ck_assert_ptr_nonnull(s);
	return s;
}

static int
check(const char *name, bool named, const char *const *words, struct values *ret,
    char why[static ARGUMENTS_WHY])
{
	struct slice argv[MAX_ARGV];
	size_t argc = 0;

	for (; words[argc] != NULL; argc++)
		argv[argc] = slice_of(words[argc]);
	return arguments_check(service(name), argv, argc, named, ret, why);
}

/* --------------------------------------------------------------- values --- */

/* With why NULL the value is good. */
static const struct {
	const char *service, *value, *why;
} values[] = {
	{ "text", "", NULL },
	{ "text", "12345", NULL },
	{ "text", "\xff\n\x01", NULL },
	{ "text", "123456", "argument 'v': '123456' is longer than 5 bytes" },
	{ "text", "-x", "argument 'v': '-x' starts with '-', which it may not" },
	{ "text", "-", "argument 'v': '-' starts with '-', which it may not" },
	{ "dash", "-x", NULL },
	{ "half", "-x", "argument 'v': '-x' starts with '-', which it may not" },
	{ "half", "x", NULL },
	{ "integer", "1", NULL },
	{ "integer", "10", NULL },
	{ "integer", "0", "argument 'v': '0' is below the minimum 1" },
	{ "integer", "-1", "argument 'v': '-1' is below the minimum 1" },
	{ "integer", "11", "argument 'v': '11' is above the maximum 10" },
	{ "integer", "", "argument 'v': '' is not an integer" },
	{ "integer", "01", "argument 'v': '01' is not an integer" },
	{ "integer", "+1", "argument 'v': '+1' is not an integer" },
	{ "integer", "1 ", "argument 'v': '1 ' is not an integer" },
	{ "integer", "1\n", "argument 'v': '1\\n' is not an integer" },
	{ "integer", "0x1", "argument 'v': '0x1' is not an integer" },
	{ "integer", "9223372036854775808", "argument 'v': '9223372036854775808' is too large" },
	{ "negative", "-9223372036854775808",
	  "argument 'v': '-9223372036854775808' starts with '-', which it may not" },
	{ "negative", "9223372036854775807", NULL },
	{ "cold", "-5", NULL },
	{ "cold", "-10", NULL },
	{ "cold", "40", NULL },
	{ "cold", "-11", "argument 'v': '-11' is below the minimum -10" },
	{ "cold", "-", "argument 'v': '-' is not an integer" },
	{ "cold", "-n", "argument 'v': '-n' is not an integer" },
	{ "cold", "--5", "argument 'v': '--5' is not an integer" },
	{ "cold", "-5x", "argument 'v': '-5x' is not an integer" },
	{ "colder", "-0.75", NULL },
	{ "colder", "-e", "argument 'v': '-e' is not a decimal number such as 2.5" },
	{ "decimal", "2", NULL },
	{ "decimal", "-1.5", NULL },
	{ "decimal", "-0.0", NULL },
	{ "decimal", "2.01", "argument 'v': '2.01' is above the maximum 2" },
	{ "decimal", "-1.51", "argument 'v': '-1.51' is below the minimum -1.5" },
	{ "decimal", "1e0", "argument 'v': '1e0' is not a decimal number such as 2.5" },
	{ "decimal", "1.", "argument 'v': '1.' is not a decimal number such as 2.5" },
	{ "decimal", ".5", "argument 'v': '.5' is not a decimal number such as 2.5" },
	{ "decimal", "nan", "argument 'v': 'nan' is not a decimal number such as 2.5" },
	{ "decimal", "00.5", "argument 'v': '00.5' is not a decimal number such as 2.5" },
	{ "choice", "stop", NULL },
	{ "choice", "Stop", "argument 'v': 'Stop' is not one of start, stop" },
	{ "choice", "", "argument 'v': '' is not one of start, stop" },
	{ "path", "/srv/data", NULL },
	{ "path", "/srv/data/x", NULL },
	{ "path", "x/y", NULL },
	{ "path", "..x/y..", NULL },
	{ "path", "-x", NULL },
	{ "path", "", "argument 'v': '' is not a path" },
	{ "path", "/srv/database", "argument 'v': '/srv/database' is not below /srv/data/" },
	{ "path", "/", "argument 'v': '/' is not below /srv/data/" },
	{ "path", "/srv/data/../x", "argument 'v': '/srv/data/../x' has a '..' in it" },
	{ "path", "..", "argument 'v': '..' has a '..' in it" },
	{ "path", "a/..", "argument 'v': 'a/..' has a '..' in it" },
	{ "name", "a", NULL },
	{ "name", "_a.b-C9", NULL },
	{ "name", ".a", "argument 'v': '.a' is not a name of letters, digits, '_', '.' and '-'" },
	{ "name", "a/b", "argument 'v': 'a/b' is not a name of letters, digits, '_', '.' and '-'" },
	{ "name", "\xc3\xa9", "argument 'v': '\xc3\xa9' is not a name of letters, digits, '_', '.' and '-'" },
	{ "name", "", "argument 'v': '' is not a name of letters, digits, '_', '.' and '-'" },
	{ "host", "a", NULL },
	{ "host", "www.example.org", NULL },
	{ "host", "3com.com", NULL },
	{ "host", "127.0.0.1", NULL },
	{ "host", "::1", NULL },
	{ "host", "1.2.3", "argument 'v': '1.2.3' is not a host name or an address" },
	{ "host", "256.1.1.1", "argument 'v': '256.1.1.1' is not a host name or an address" },
	{ "host", "a..b", "argument 'v': 'a..b' is not a host name or an address" },
	{ "host", "a-.b", "argument 'v': 'a-.b' is not a host name or an address" },
	{ "host", "a_b", "argument 'v': 'a_b' is not a host name or an address" },
	{ "host", "a.", "argument 'v': 'a.' is not a host name or an address" },
	{ "host", "a;b", "argument 'v': 'a;b' is not a host name or an address" },
	{ "pattern", "abc", NULL },
	{ "pattern", "x", NULL },
	{ "pattern", "xa", "argument 'v': 'xa' does not match [a-c]+|x" },
	{ "pattern", "abcd", "argument 'v': 'abcd' does not match [a-c]+|x" },
	{ "pattern", "abc\n", "argument 'v': 'abc\\n' does not match [a-c]+|x" },
	{ "pattern", "", "argument 'v': '' does not match [a-c]+|x" },
	{ "size", "1K", NULL },
	{ "size", "2M", "argument 'v': '2M' is above the maximum 1M" },
	{ "size", "1", "argument 'v': '1' is below the minimum 1K" },
	{ "size", "1Q", "argument 'v': '1Q' is not a size such as 64K or 1M" },
	{ "duration", "10s", NULL },
	{ "duration", "1m", "argument 'v': '1m' is above the maximum 10s" },
	{ "duration", "5", "argument 'v': '5' is not a duration such as 250ms or 5s" },
	{ "secret", "1234", NULL },
	{ "secret", "12x4", "argument 'pin': the value is not an integer" },
	{ "flag", "maybe", "argument 'all': 'maybe' is neither yes nor no" },
	{ "none", "x", "no arguments are taken" },
};

START_TEST(values_are_judged)
{
	char why[ARGUMENTS_WHY] = "";
	struct values v;
	int r = check(values[_i].service, false, (const char *[]){ values[_i].value, NULL }, &v, why);

	if (values[_i].why == NULL) {
		ck_assert_msg(r == ARGUMENTS_OK, "%s %s: %s", values[_i].service, values[_i].value,
		    why);
		ck_assert_uint_eq(v.n[0], 1);
		ck_assert(slice_is(v.all[v.first[0]], values[_i].value));
		values_done(&v);
	} else {
		ck_assert_int_eq(r, ARGUMENTS_BAD);
		ck_assert_str_eq(why, values[_i].why);
	}
}
END_TEST

START_TEST(bytes_no_program_can_take_are_refused)
{
	static char big[131072];
	struct slice nul = { "a\0b", 3 }, long_one = { big, sizeof(big) };
	char why[ARGUMENTS_WHY];
	struct values v;

	memset(big, 'x', sizeof(big));
	ck_assert_int_eq(arguments_check(service("text"), &nul, 1, false, &v, why), ARGUMENTS_BAD);
	ck_assert_str_eq(why, "argument 'v': 'a\\x00b' holds a NUL byte");
	ck_assert_int_eq(arguments_check(service("integer"), &nul, 1, false, &v, why), ARGUMENTS_BAD);
	ck_assert_int_eq(arguments_check(service("name"), &nul, 1, false, &v, why), ARGUMENTS_BAD);
	ck_assert_int_eq(arguments_check(service("long"), &long_one, 1, false, &v, why), ARGUMENTS_BAD);
	ck_assert_str_eq(why, "argument 'v': 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 131071 bytes");
	long_one.len--;
	ck_assert_int_eq(arguments_check(service("long"), &long_one, 1, false, &v, why), ARGUMENTS_OK);
	values_done(&v);
	nul = (struct slice){ NULL, 0 };
	ck_assert_int_eq(arguments_check(service("pattern"), &nul, 1, false, &v, why), ARGUMENTS_BAD);
	ck_assert_int_eq(arguments_check(service("text"), &nul, 1, false, &v, why), ARGUMENTS_OK);
	values_done(&v);
}
END_TEST

START_TEST(reasons_are_one_short_line)
{
	char value[300], why[ARGUMENTS_WHY];
	struct slice argv = { value, sizeof(value) };
	struct values v;

	memset(value, '\x01', sizeof(value));
	for (size_t i = 0; i < conf->n_services; i++) {
		for (int named = 0; named < 2; named++) {
			if (arguments_check(&conf->services[i], &argv, 1, named == 1, &v, why) ==
			    ARGUMENTS_OK) {
				values_done(&v);
				continue;
			}
			ck_assert_uint_lt(strlen(why), ARGUMENTS_WHY);
			for (const char *p = why; *p != '\0'; p++)
				ck_assert(*p >= ' ' && *p < 0x7f);
		}
	}
}
END_TEST

/* ------------------------------------------------------------ assigning --- */

static const struct {
	const char *service;
	bool named;
	const char *argv[MAX_ARGV];
	const char *why;	/* NULL: expanded and log instead */
	const char *expanded;	/* blanks between elements */
	const char *log;
} calls[] = {
	{ "none", false, { NULL }, NULL, "/bin/echo", "" },
	{ "none", true, { NULL }, NULL, "/bin/echo", "" },
	{ "many", false, { "f" }, NULL, "/bin/tool -n3 {f} --", "file=f count=3" },
	{ "many", false, { "f", "5", "m", "r1", "r 2", "-r3" }, NULL,
	  "/bin/tool -n5 --x=m {f} -- r1 r 2 -r3", "file=f count=5 mode=m rest=r1 rest=\"r 2\" rest=-r3" },
	{ "many", true, { "rest=1", "file=f", "rest=2=3", "count=4" }, NULL,
	  "/bin/tool -n4 {f} -- 1 2=3", "file=f count=4 rest=1 rest=2=3" },
	{ "many", true, { "file=" }, NULL, "/bin/tool -n3 {} --", "file=\"\" count=3" },
	{ "many", false, { NULL }, "argument 'file' is missing", NULL, NULL },
	{ "many", true, { "count=3" }, "argument 'file' is missing", NULL, NULL },
	{ "many", true, { "file=a", "file=b" }, "argument 'file': given twice", NULL, NULL },
	{ "many", true, { "fiel=a" }, "unknown argument 'fiel'; did you mean 'file'?", NULL, NULL },
	{ "many", true, { "=a" }, "unknown argument ''", NULL, NULL },
	{ "many", true, { "\x1b[2J" }, "unknown argument '\\x1b[2J'", NULL, NULL },
	{ "many", true, { "file" }, "argument 'file': has no value; write file=VALUE", NULL, NULL },
	{ "text", false, { "a", "b" }, "at most 1 argument is taken, not 2", NULL, NULL },
	{ "flag", false, { "1", "off", "x" }, "at most 2 arguments are taken, not 3", NULL, NULL },
	{ "flag", false, { NULL }, NULL, "/bin/ls --raw", "raw=--raw" },
	{ "flag", false, { "on", "no" }, NULL, "/bin/ls -a", "all=-a" },
	{ "flag", false, { "false", "0" }, NULL, "/bin/ls", "" },
	{ "flag", true, { "all" }, NULL, "/bin/ls -a --raw", "all=-a raw=--raw" },
	{ "flag", true, { "raw=no", "all=true" }, NULL, "/bin/ls -a", "all=-a" },
	{ "secret", false, { "1234" }, NULL, "/bin/echo 1234", "pin=***" },
	/* A secret in the wrong place is not shown either. */
	{ "login", false, { "s3cret!", "joe" }, "argument 'user': the value is not a name of letters, digits, '_', '.' and '-'",
	  NULL, NULL },
	{ "login", true, { "user=s3cret!", "pin=x" }, "argument 'user': the value is not a name of letters, digits, '_', '.' and '-'",
	  NULL, NULL },
	{ "login", true, { "s3cret" }, "unknown argument; what was given is not shown, as 'login' has a "
	  "secret", NULL, NULL },
	{ "login", true, { "user=joe", "s3cret=1" }, "unknown argument; what was given is not shown, as "
	  "'login' has a secret", NULL, NULL },
};

START_TEST(calls_are_expanded)
{
	char why[ARGUMENTS_WHY] = "";
	struct buf out = BUF_INIT(0), log = BUF_INIT(0);
	struct values v;
	size_t n = 0, nuls = 0;
	int r = check(calls[_i].service, calls[_i].named, calls[_i].argv, &v, why);

	if (calls[_i].why != NULL) {
		ck_assert_int_eq(r, ARGUMENTS_BAD);
		ck_assert_str_eq(why, calls[_i].why);
		return;
	}
	ck_assert_msg(r == ARGUMENTS_OK, "%s", why);
	ck_assert_int_eq(arguments_expand(v.service->command, &v, &out, &n), 0);
	for (size_t i = 0; i < buf_len(&out); i++) {
		if (out.data[i] != '\0')
			continue;
		nuls++;
		if (i + 1 < buf_len(&out))
			out.data[i] = ' ';
	}
	ck_assert_uint_eq(n, nuls);
	ck_assert_str_eq(buf_data(&out), calls[_i].expanded);
	ck_assert_int_eq(arguments_format_log(&v, &log, 1000), 0);
	ck_assert_str_eq(buf_text(&log), calls[_i].log);
	buf_done(&out);
	buf_done(&log);
	values_done(&v);
}
END_TEST

START_TEST(texts_are_expanded)
{
	char why[ARGUMENTS_WHY];
	const struct service *s = service("many");
	struct buf out = BUF_INIT(0);
	struct values v;

	ck_assert_int_eq(check("many", false, (const char *[]){ "f", "5", "m", "a", "b", NULL }, &v, why),
	    ARGUMENTS_OK);
	ck_assert_int_eq(arguments_expand_text(s->environment[0], &v, &out), 0);
	(void)buf_append_char(&out, '|');
	ck_assert_int_eq(arguments_expand_text(s->environment[1], &v, &out), 0);
	(void)buf_append_char(&out, '|');
	ck_assert_int_eq(arguments_expand_text(s->lock, &v, &out), 0);
	ck_assert_str_eq(buf_text(&out), "A=f:5|B=a b|f/m");
	buf_clear(&out);
	ck_assert_int_eq(arguments_format_log(&v, &out, 9), 0);
	ck_assert_uint_le(buf_len(&out), 9);
	buf_done(&out);
	out = BUF_INIT(3);
	ck_assert_int_eq(arguments_expand_text(s->lock, &v, &out), 0);
	ck_assert_int_eq(arguments_expand_text(s->lock, &v, &out), -ENOMEM);
	buf_done(&out);
	values_done(&v);
}
END_TEST

START_TEST(guards_are_seen)
{
	ck_assert(service("integer")->args[0].guarded);
	ck_assert(!service("text")->args[0].guarded);
	ck_assert(!service("half")->args[0].guarded);
	ck_assert(!service("many")->args[0].guarded);
	ck_assert(service("many")->args[3].guarded);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("arguments");
	TCase *t = tcase_create("values");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, load, unload);
	tcase_add_loop_test(t, values_are_judged, 0, (int)ARRAY_LEN(values));
	tcase_add_test(t, bytes_no_program_can_take_are_refused);
	tcase_add_test(t, reasons_are_one_short_line);
	suite_add_tcase(s, t);

	t = tcase_create("calls");
	tcase_add_checked_fixture(t, load, unload);
	tcase_add_loop_test(t, calls_are_expanded, 0, (int)ARRAY_LEN(calls));
	tcase_add_test(t, texts_are_expanded);
	tcase_add_test(t, guards_are_seen);
	suite_add_tcase(s, t);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
