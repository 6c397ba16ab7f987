/* SPDX-License-Identifier: ISC */
/*
 * conf: a configuration with every kind of section and value, cut at every
 * byte, with each line left out, doubled or exchanged with the next, and with
 * every byte changed. The verdict always comes at once, and an error names its
 * line.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "unit.h"

/* A verdict takes a millisecond; a parser that takes longer than this hangs. */
#define PATIENCE_USEC (2 * USEC_PER_SEC)

static const char whole[] =
    "# a comment\n"
    "listen \"tcp://127.0.0.1:7373\" {\n"
    "	backlog = 64\n"
    "	send-buffer = 64K   /* another\n"
    "	comment */\n"
    "	user-timeout = 5s\n"
    "}\n"
    "listen \"unix:///run/reqd/x.sock\" { mode = 0660 }\n"
    "listen 'fd://web' { idle-timeout = 10m }\n"
    "control { path = \"/run/reqd/c.sock\" }\n"
    "log {\n"
    "	to = stderr\n"
    "	level = debug // the last\n"
    "}\n"
    "workers = auto\n"
    "kill-grace = 250ms\n"
    "runtime-directory = \"/run/reqd\"\n"
    "role \"local\" { net = {\"127.0.0.0/8\", \"::1/128\", \"unix\"} }\n"
    "role \"root\" {\n"
    "	user = {\"root\"}\n"
    "}\n"
    "service \"du\" {\n"
    "	summary = \"Space, \\\"used\\\" and ${free}\"\n"
    "	command = {\"/bin/df\", \"-h\", \"--\", \"{path}\", \"{more}\"}\n"
    "	allow = {\"local\",\n"
    "	    \"root\"}\n"
    "	argument \"path\" { type = path  below = \"/\"  default = \"/\" }\n"
    "	argument \"more\" {\n"
    "		type = pattern\n"
    "		pattern = \"[a-z]{1,8}\"\n"
    "		repeat = yes\n"
    "		optional = yes\n"
    "	}\n"
    "	environment = {\"A=1\", \"B={path}\"}\n"
    "	lock = \"{path}\"\n"
    "	limits { memory = 100M  files = 64 }\n"
    "	verb = {\"DU\"}\n"
    "	timeout = 5s\n"
    "}\n"
    "service \"up\" {\n"
    "	handler = {\"/bin/cat\", \"{{}}\"}\n"
    "	processes { min = 0  max = 4 }\n"
    "	argument \"n\" { type = integer  min = 1  max = 9 }\n"
    "	context = yes\n"
    "}\n";

static char path[64];

static void
set_up(void)
{
	int fd;

	(void)strlcpy(path, "/tmp/reqd-mutants.XXXXXX", sizeof(path));
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static void
tear_down(void)
{
	(void)unlink(path);
}

static size_t
n_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void
check_errors(const struct conf_errors *errors, const char *text, size_t len)
{
	ck_assert_uint_gt(errors->n, 0);
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->list[i];

		ck_assert_msg(e->file != NULL && strcmp(e->file, path) == 0, "no file: %s", e->text);
		ck_assert_msg(*e->text != '\0' && strpbrk(e->text, "\n\r\t") == NULL, "'%s'", e->text);
		ck_assert_msg(e->line <= n_lines(text, len), "%u: %s\n%.*s", e->line, e->text, (int)len,
		    text);
		/* Only an error about something missing has no line. */
		ck_assert_msg(e->line > 0 || strncmp(e->text, "there is no ", 12) == 0,
		    "no line: %s\n%.*s", e->text, (int)len, text);
	}
}

/*
 * Loads the same bytes as a file and as the text that roles get. 0 when they
 * are right.
 */
static int
judge(const char *text, size_t len)
{
	struct conf_errors errors = { 0 };
	uint64_t began = clock_usec();
	struct conf *c = NULL;
	FILE *f = fopen(path, "w");
	int r;

	ck_assert_ptr_nonnull(f);
	if (geteuid() == 0)
		ck_assert_int_eq(fprintf(f, "user = \"games\" "), 15);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
	r = conf_load(path, CONF_NO_PROGRAMS, &c, &errors);
	ck_assert_msg(r == 0 || r == -EINVAL, "%d", r);
	if (r == 0) {
		ck_assert_uint_eq(errors.n, 0);
		(void)conf_unref(c);
	} else {
		check_errors(&errors, text, len);
		ck_assert_ptr_null(c);
	}
	conf_errors_done(&errors);

	c = NULL;
	if (conf_parse(text, len, 1, &c, &errors) == 0)
		(void)conf_unref(c);
	else
		ck_assert_uint_gt(errors.n, 0);
	conf_errors_done(&errors);
	ck_assert_msg(clock_usec() - began < PATIENCE_USEC, "too slow:\n%.*s", (int)len, text);
	return r;
}

START_TEST(the_whole_is_right)
{
	ck_assert_int_eq(judge(whole, strlen(whole)), 0);
}
END_TEST

START_TEST(cut_at_every_byte)
{
	size_t n_right = 0;

	for (size_t len = 0; len < strlen(whole); len++)
		n_right += judge(whole, len) == 0;
	/* Between two sections nothing is missing. */
	ck_assert_uint_ge(n_right, 8);
	ck_assert_uint_lt(n_right, strlen(whole) / 2);
}
END_TEST

/* Leaves out the bytes [from, to), and puts more in at their place. */
static int
judge_with(size_t from, size_t to, const char *more, size_t more_len)
{
	char text[sizeof(whole) * 2];
	size_t tail = strlen(whole) - to;

	memcpy(text, whole, from);
	memcpy(text + from, more, more_len);
	memcpy(text + from + more_len, whole + to, tail);
	return judge(text, from + more_len + tail);
}

/*
 * Returns the offset of line i, counted from 0; the length when there is no
 * such line.
 */
static size_t
line_at(size_t i)
{
	const char *p = whole;

	while (i-- > 0 && *p != '\0')
		p += strcspn(p, "\n") + 1;
	return (size_t)(p - whole);
}

START_TEST(every_line_left_out_doubled_and_exchanged)
{
	size_t n = n_lines(whole, strlen(whole)) - 1, n_right[3] = { 0 };

	for (size_t i = 0; i < n; i++) {
		size_t from = line_at(i), to = line_at(i + 1), next = line_at(i + 2);
		char both[2 * sizeof(whole)];

		n_right[0] += judge_with(from, to, "", 0) == 0;
		n_right[1] += judge_with(from, from, whole + from, to - from) == 0;
		memcpy(both, whole + to, next - to);
		memcpy(both + (next - to), whole + from, to - from);
		n_right[2] += judge_with(from, next, both, next - from) == 0;
	}
	/*
	 * Some lines may be missing, few may stand twice, and most may change
	 * places.
	 */
	ck_assert_uint_ge(n_right[0], 10);
	ck_assert_uint_lt(n_right[0], n - 10);
	ck_assert_uint_lt(n_right[1], 5);
	ck_assert_uint_ge(n_right[2], 10);
	ck_assert_uint_lt(n_right[2], n - 10);
}
END_TEST

/* In each run of the loop one byte of all becomes this one. */
START_TEST(every_byte_changed)
{
	static const char bytes[] = { '\0', '\n', ' ', '"', '\'', '{', '}', '=', ',', '#', '/', '*', '\\',
		'$', '(', '+', '0', 'x', '\x7f', '\xff' };
	size_t len = strlen(whole), n_right = 0;

	for (size_t i = 0; i < len; i++)
		n_right += judge_with(i, i + 1, &bytes[_i], 1) == 0;
	ck_assert_uint_lt(n_right, len);
}
END_TEST

UNIT_MAIN("conf_mutants",
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_whole_is_right);
    tcase_add_test(tc, cut_at_every_byte);
    tcase_add_test(tc, every_line_left_out_doubled_and_exchanged);
    tcase_add_loop_test(tc, every_byte_changed, 0, 20))
