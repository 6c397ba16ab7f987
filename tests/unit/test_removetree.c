/* SPDX-License-Identifier: ISC */
/* Trees that a program may leave, and what must be there after their removal. */
#include "config.h"

#include "base/removetree.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit.h"

#define DEPTH 3000	/* longer than PATH_MAX, and deeper than there are descriptors */
#define MANY 2000

static char place[] = "/tmp/reqd-test-removetree.XXXXXX";
static int at, tree;

static void
touch(int dir, const char *name)
{
	CLEANUP_CLOSE int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
}

static int
make(int dir, const char *name)
{
	int fd;

	ck_assert_int_eq(mkdirat(dir, name, 0700), 0);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* tree/ is to be removed; kept/file beside it is not. */
static void
setup(void)
{
	CLEANUP_CLOSE int kept = -1;

	(void)snprintf(place, sizeof(place), "/tmp/reqd-test-removetree.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place));
	at = open(place, O_RDONLY | O_DIRECTORY);
	kept = make(at, "kept");
	touch(kept, "file");
	tree = make(at, "tree");
}

static void
teardown(void)
{
	ck_assert_int_eq(unlinkat(at, "kept/file", 0), 0);
	ck_assert_int_eq(unlinkat(at, "kept", AT_REMOVEDIR), 0);
	(void)close(tree);
	(void)close(at);
	ck_assert_int_eq(rmdir(place), 0);
}

static void
expect_removed(void)
{
	ck_assert_int_eq(removetree(at, "tree"), 0);
	ck_assert_int_eq(faccessat(at, "tree", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	ck_assert_int_eq(errno, ENOENT);
}

START_TEST(an_empty_one_is_removed)
{
	expect_removed();
	/* The tree may be gone already. */
	ck_assert_int_eq(removetree(at, "tree"), 0);
}
END_TEST

START_TEST(no_symlink_is_followed)
{
	CLEANUP_CLOSE int inner = make(tree, "inner");

	ck_assert_int_eq(symlinkat("../kept", tree, "link"), 0);
	ck_assert_int_eq(symlinkat("../../kept", inner, "link"), 0);
	ck_assert_int_eq(symlinkat("../../kept/file", inner, "file"), 0);
	ck_assert_int_eq(symlinkat("nowhere", inner, "dangling"), 0);
	ck_assert_int_eq(linkat(at, "kept/file", inner, "hard", 0), 0);
	expect_removed();
	ck_assert_int_eq(faccessat(at, "kept/file", F_OK, 0), 0);
}
END_TEST

START_TEST(a_symlink_in_its_place_goes_alone)
{
	ck_assert_int_eq(unlinkat(at, "tree", AT_REMOVEDIR), 0);
	ck_assert_int_eq(symlinkat("kept", at, "tree"), 0);
	expect_removed();
	ck_assert_int_eq(faccessat(at, "kept/file", F_OK, 0), 0);
}
END_TEST

START_TEST(a_file_in_its_place_goes)
{
	ck_assert_int_eq(unlinkat(at, "tree", AT_REMOVEDIR), 0);
	touch(at, "tree");
	expect_removed();
}
END_TEST

START_TEST(modes_do_not_matter)
{
	CLEANUP_CLOSE int a = make(tree, "a");
	CLEANUP_CLOSE int b = make(a, "b");
	CLEANUP_CLOSE int c = make(b, "c");

	touch(c, "file");
	touch(b, "file");
	ck_assert_int_eq(fchmodat(c, "file", 0, 0), 0);
	ck_assert_int_eq(fchmod(c, 0), 0);
	ck_assert_int_eq(fchmod(b, 0), 0);
	ck_assert_int_eq(fchmod(a, 0), 0);
	ck_assert_int_eq(fchmod(tree, 0), 0);
	expect_removed();
}
END_TEST

START_TEST(depth_does_not_matter)
{
	int dir = dup(tree);

	for (int i = 0; i < DEPTH; i++) {
		int next = make(dir, "d");

		if (i % 100 == 0)
			touch(dir, "file");
		(void)close(dir);
		dir = next;
	}
	(void)close(dir);
	expect_removed();
}
END_TEST

START_TEST(number_does_not_matter)
{
	CLEANUP_CLOSE int inner = make(tree, "inner");
	char name[16];

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		touch(tree, name);
		(void)close(make(inner, name));
		(void)snprintf(name, sizeof(name), "%d/%d", i, i);
		touch(inner, name);
	}
	expect_removed();
}
END_TEST

/* Directories are moved under names that the program has chosen, too. */
START_TEST(names_may_be_taken)
{
	static const char *const names[] = { ".reqd-1", ".reqd-2", ".reqd-3", ".reqd-4" };
	CLEANUP_CLOSE int a = make(tree, "a");
	CLEANUP_CLOSE int b = make(a, "b");

	touch(tree, names[0]);
	ck_assert_int_eq(symlinkat("../kept", tree, names[1]), 0);
	(void)close(make(tree, names[2]));
	ck_assert_int_eq(mkfifoat(tree, names[3], 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)close(make(b, names[i]));
		touch(b, i % 2 == 0 ? "x" : "y");
		ck_assert_int_eq(unlinkat(b, i % 2 == 0 ? "x" : "y", 0), 0);
	}
	(void)close(make(b, "c"));
	touch(b, "c/file");
	expect_removed();
	ck_assert_int_eq(faccessat(at, "kept/file", F_OK, 0), 0);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_empty_one_is_removed);
	tcase_add_test(tc, no_symlink_is_followed);
	tcase_add_test(tc, a_symlink_in_its_place_goes_alone);
	tcase_add_test(tc, a_file_in_its_place_goes);
	tcase_add_test(tc, modes_do_not_matter);
	tcase_add_test(tc, depth_does_not_matter);
	tcase_add_test(tc, number_does_not_matter);
	tcase_add_test(tc, names_may_be_taken);
}

UNIT_MAIN("removetree", add(tc))
