/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ctl/outtable.h"

#include <check.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "unit.h"

#define PEER "[2001:db8:1111:2222:3333:4444:5555:6666]:54321"
#define E_ACUTE "\xc3\xa9"
#define ELLIPSIS "\xe2\x80\xa6"

static const struct out_column columns[] = {
	{ .name = "ID" }, { .name = "PEER", .cut = true }, { .name = "N", .right = true },
	{ .name = "ARGUMENTS", .cut = true },
};

static char printed[4096];

/* Prints a table of two rows to a terminal of that width, or to a pipe for 0. */
static void
print_to(unsigned short width, enum out_style style)
{
	struct winsize size = { .ws_row = 24, .ws_col = width };
	struct ctl ctl = { .out_tty = width > 0 };
	int real_stdout = dup(STDOUT_FILENO), fds[2];
	struct out_table *t;
	ssize_t n;

	if (width > 0) {
		fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
		ck_assert(grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
		fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY);
		ck_assert_int_eq(ioctl(fds[1], TIOCSWINSZ, &size), 0);
	} else {
		ck_assert_int_eq(pipe(fds), 0);
	}
	(void)fflush(stdout);
	ck_assert_int_ge(dup2(fds[1], STDOUT_FILENO), 0);
	t = out_table_new(&ctl, style, columns, 4);
	out_table_row(t, (const char *const[]){ "1", PEER, "12", "a b" });
	out_table_row(t, (const char *const[]){ "22", "local", "3",
	    E_ACUTE E_ACUTE E_ACUTE E_ACUTE "\x1b[2J and more words than there is room for" });
	out_table_end(t);
	(void)fflush(stdout);
	n = read(fds[0], printed, sizeof(printed) - 1);
	ck_assert_int_gt(n, 0);
	printed[n] = '\0';
	ck_assert_int_ge(dup2(real_stdout, STDOUT_FILENO), 0);
	(void)close(real_stdout);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

START_TEST(a_pipe_gets_everything)
{
	ck_assert_int_eq(setenv("COLUMNS", "20", 1), 0);
	print_to(0, OUT_TABLE_ON_TERMINAL);
	ck_assert_str_eq(printed, "1\t" PEER "\t12\ta b\n22\tlocal\t3\t"
	    E_ACUTE E_ACUTE E_ACUTE E_ACUTE "\\x1b[2J and more words than there is room for\n");
	print_to(0, OUT_TABLE_ALWAYS);
	ck_assert_ptr_nonnull(strstr(printed, "ID PEER "));
	ck_assert_ptr_nonnull(strstr(printed, PEER));
	ck_assert_ptr_nonnull(strstr(printed, "than there is room for\n"));
}
END_TEST

START_TEST(a_wide_terminal_too)
{
	print_to(150, OUT_TABLE_ON_TERMINAL);
	ck_assert_ptr_nonnull(strstr(printed, PEER));
	ck_assert_ptr_nonnull(strstr(printed, "than there is room for\r\n"));
}
END_TEST

START_TEST(a_narrow_one_shows_what_is_cut)
{
	print_to(40, OUT_TABLE_ON_TERMINAL);
	ck_assert_str_eq(printed,
	    "ID PEER              N ARGUMENTS\r\n"
	    "1  [2001:db8:1111:" ELLIPSIS " 12 a b\r\n"
	    "22 local             3 " E_ACUTE E_ACUTE E_ACUTE E_ACUTE "\\x1b[2J and " ELLIPSIS
	    "\r\n");
}
END_TEST

START_TEST(a_locale_without_it_gets_dots)
{
	(void)setlocale(LC_CTYPE, "C");
	print_to(40, OUT_TABLE_ON_TERMINAL);
	ck_assert_ptr_nonnull(strstr(printed, "1  [2001:db8:111... 12 a b\r\n"));
}
END_TEST

/*
 * The least widths together are wider than the terminal, which breaks the
 * lines.
 */
START_TEST(there_is_a_least)
{
	print_to(10, OUT_TABLE_ON_TERMINAL);
	ck_assert_ptr_nonnull(strstr(printed, "ID PEER      N ARGUMENTS\r\n"));
	ck_assert_ptr_nonnull(strstr(printed, "1  [2001:d" ELLIPSIS " 12 a b\r\n"));
}
END_TEST

static void
setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_int_eq(setenv("NO_COLOR", "1", 1), 0);
}

UNIT_MAIN("outtable", tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, a_pipe_gets_everything);
    tcase_add_test(tc, a_wide_terminal_too);
    tcase_add_test(tc, a_narrow_one_shows_what_is_cut);
    tcase_add_test(tc, a_locale_without_it_gets_dots);
    tcase_add_test(tc, there_is_a_least))
