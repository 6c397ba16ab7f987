/* SPDX-License-Identifier: ISC */
/* The answer to CALL --explain, as a table for people. */
#include "config.h"

#include "ctl/explanation.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "proto/reply.h"
#include "proto/resp.h"
#include "unit.h"

static char printed[8192];

/* Prints what the server answers, which is RESP. */
static void
print(struct buf *b)
{
	const struct reply_limits limits = { .max_bytes = buf_len(b), .max_items = 1000 };
	int real_stdout = dup(STDOUT_FILENO);
	struct reply_cursor cursor = { 0 };
	FILE *f = tmpfile();
	struct value *v = NULL;
	const char *wrong;
	size_t used, n;

	ck_assert(!buf_failed(b));
	ck_assert_int_eq(reply_decode(buf_slice(b), &limits, &cursor, &v, &used, &wrong), REPLY_OK);
	(void)fflush(stdout);
	ck_assert_int_ge(dup2(fileno(f), STDOUT_FILENO), 0);
	explanation_print((const struct reqd_value *)(const void *)v);
	(void)fflush(stdout);
	ck_assert_int_ge(dup2(real_stdout, STDOUT_FILENO), 0);
	(void)close(real_stdout);
	rewind(f);
	n = fread(printed, 1, sizeof(printed) - 1, f);
	printed[n] = '\0';
	(void)fclose(f);
	value_free(v);
	buf_done(b);
}

static void
text(struct buf *b, const char *key, const char *value)
{
	resp_bulk_str(b, key);
	if (value != NULL)
		resp_bulk_str(b, value);
	else
		resp_null(b, RESP3);
}

static void
number(struct buf *b, const char *key, int64_t value)
{
	resp_bulk_str(b, key);
	resp_integer(b, value);
}

static void
list(struct buf *b, const char *key, size_t n, const char *const *words)
{
	resp_bulk_str(b, key);
	resp_array(b, n);
	for (size_t i = 0; i < n; i++)
		resp_bulk_str(b, words[i]);
}

START_TEST(a_command_is_a_table)
{
	static const char *const argv[] = { "/bin/tar", "-cf", "a b", "", "--token=***" };
	static const char *const env[] = { "PATH", "LANG" }, *const paths[] = { "/etc" };
	struct buf b = BUF_INIT(0);

	resp_map(&b, RESP3, 25);
	text(&b, "service", "backup");
	text(&b, "kind", "command");
	text(&b, "caller", "uid:1000");
	text(&b, "outcome", NULL);
	text(&b, "why", "You may call backup: you have the role ops, which its allow list names.");
	list(&b, "argv", 5, argv);
	list(&b, "environment", 2, env);
	text(&b, "request", NULL);
	text(&b, "user", "www-data");
	number(&b, "uid", 33);
	number(&b, "gid", 34);
	resp_bulk_str(&b, "groups");
	resp_array(&b, 2);
	resp_integer(&b, 4);
	resp_integer(&b, 27);
	text(&b, "directory", "/srv");
	text(&b, "umask", "022");
	resp_bulk_str(&b, "limits");
	resp_map(&b, RESP3, 3);
	number(&b, "memory", 1 << 20);
	number(&b, "cpu", 7);
	number(&b, "files", 33);
	text(&b, "sandbox", "strict");
	list(&b, "sandbox_read", 1, paths);
	list(&b, "sandbox_write", 0, NULL);
	number(&b, "concurrency", 2);
	number(&b, "queue", 16);
	number(&b, "queue_timeout_ms", 10000);
	text(&b, "lock", "db main");
	number(&b, "nice", -5);
	number(&b, "timeout_ms", 30000);
	number(&b, "output_limit", 65536);
	print(&b);
	ck_assert_str_eq(printed,
	    "service       backup\n"
	    "kind          command\n"
	    "caller        uid:1000\n"
	    "allowed       You may call backup: you have the role ops, which its allow list\n"
	    "              names.\n"
	    "argv          /bin/tar -cf \"a b\" \"\" --token=***\n"
	    "environment   PATH LANG\n"
	    "account       www-data, uid 33, gid 34, groups 4 27\n"
	    "directory     /srv\n"
	    "umask         022\n"
	    "limits        memory 1M, cpu 7s, files 33\n"
	    "sandbox       strict and reads /etc\n"
	    "places        2 at a time, 16 wait, 10s at most\n"
	    "lock          \"db main\"\n"
	    "nice          -5\n"
	    "time limit    30s\n"
	    "output limit  64K\n");
}
END_TEST

START_TEST(a_refusal_says_so)
{
	struct buf b = BUF_INIT(0);

	resp_map(&b, RESP3, 4);
	text(&b, "outcome", "unavail");
	text(&b, "why", "First.\nThen\tthis.");
	text(&b, "user", NULL);
	number(&b, "processes", 4);
	print(&b);
	ck_assert_ptr_nonnull(strstr(printed, "refused       unavail - First. Then\\tthis.\n"));
	ck_assert_ptr_nonnull(strstr(printed, "account       not there\n"));
	ck_assert_ptr_nonnull(strstr(printed, "places        4 processes at most, 0 wait, 0s at most\n"));
}
END_TEST

/* No line is longer than 80 columns, but for a word that is. */
START_TEST(lines_are_broken)
{
	const char *words[40];
	struct buf b = BUF_INIT(0);
	char long_word[101], *next = printed;
	size_t n_lines = 0;

	memset(long_word, 'w', 100);
	long_word[100] = '\0';
	for (size_t i = 0; i < 40; i++)
		words[i] = i == 20 ? long_word : "word-word";
	resp_map(&b, RESP3, 1);
	list(&b, "argv", 40, words);
	print(&b);
	for (char *line = strsep(&next, "\n"); line != NULL; line = strsep(&next, "\n")) {
		if (strstr(line, long_word) != NULL)
			ck_assert_uint_eq(strlen(line), 114);
		else
			ck_assert_uint_le(strlen(line), 80);
		n_lines++;
	}
	ck_assert_uint_ge(n_lines, 9);
}
END_TEST

/* Bytes of a program or a server cannot command the terminal. */
START_TEST(nothing_reaches_the_terminal_raw)
{
	static const char *const argv[] = { "\x1b[2J", "\xff", "a\nb" };
	struct buf b = BUF_INIT(0);

	resp_map(&b, RESP3, 5);
	list(&b, "argv", 3, argv);
	text(&b, "why", "\x1b]0;x\x07 \xc2\x9b");
	text(&b, "service", "\x1bservice");
	number(&b, "timeout_ms", INT64_MAX);
	number(&b, "output_limit", -7);
	print(&b);
	ck_assert_ptr_null(strchr(printed, '\x1b'));
	ck_assert_ptr_null(strchr(printed, '\x07'));
	ck_assert_ptr_null(strstr(printed, "\xc2\x9b"));
	ck_assert_ptr_null(strchr(printed, '\xff'));
	ck_assert_ptr_nonnull(strstr(printed, "a\\nb"));
}
END_TEST

/* An answer of another kind is no reason to crash. */
START_TEST(odd_answers_are_survived)
{
	struct buf b = BUF_INIT(0);

	resp_map(&b, RESP3, 5);
	number(&b, "argv", 3);
	text(&b, "limits", "none");
	list(&b, "why", 0, NULL);
	text(&b, "timeout_ms", "soon");
	number(&b, "service", 7);
	print(&b);
	ck_assert_ptr_null(strstr(printed, "argv"));
	ck_assert_ptr_null(strstr(printed, "limits"));
}
END_TEST

UNIT_MAIN("explanation", tcase_add_test(tc, a_command_is_a_table);
    tcase_add_test(tc, a_refusal_says_so);
    tcase_add_test(tc, lines_are_broken);
    tcase_add_test(tc, nothing_reaches_the_terminal_raw);
    tcase_add_test(tc, odd_answers_are_survived))
