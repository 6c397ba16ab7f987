/* SPDX-License-Identifier: ISC */
/*
 * The list of our own children, by either way that the kernel has for it.
 */
#include "config.h"

#include "base/children.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void
note_child(pid_t pid, void *arg)
{
	pid_t *list = arg;

	while (*list != 0)
		list++;
	*list = pid;
}

static int
compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(test_children)
{
	enum { N = 700 };	/* more children than one read gives */
	static pid_t seen[2][N + 2];
	pid_t pid[N], sorted[N];
	int fd = children_open();

	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		ck_assert_int_ge(pid[i], 0);
		if (pid[i] == 0)
			_exit(0);
	}
	children_each(-1, note_child, seen[0]);
	if (fd >= 0)
		children_each(fd, note_child, seen[1]);
	/* Numbers start anew at pid_max, so the order of birth says nothing. */
	memcpy(sorted, pid, sizeof(sorted));
	qsort(sorted, N, sizeof(sorted[0]), compare_pids);
	for (int k = 0; k < (fd >= 0 ? 2 : 1); k++) {
		qsort(seen[k], N, sizeof(seen[k][0]), compare_pids);
		for (int i = 0; i < N; i++)
			ck_assert_int_eq(seen[k][i], sorted[i]);
		ck_assert_int_eq(seen[k][N], 0);
	}
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(waitpid(pid[i], NULL, 0), pid[i]);
	(void)close(fd);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, test_children);
}

UNIT_MAIN("children", add(tc))
