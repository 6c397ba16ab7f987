/* SPDX-License-Identifier: ISC */
/*
 * Sockets are taken from the environment of a child, as descriptors have fixed
 * numbers there.
 */
#include "config.h"

#include "master/passed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/roles.h"
#include "unit.h"

#define FIRST 3	/* as systemd numbers them */

struct outcome {
	size_t n, n_lost;
	char text[512];		/* the words of passed_lost() */
};

/* So many sockets, under a limit on the numbers of descriptors. */
static void
pass(size_t n, rlim_t limit, struct outcome *ret)
{
	static struct passed_set set;
	char number[32], names[4096] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), wanted = FIRST + (int)i;

		if (fd < 0 || (fd != wanted && dup2(fd, wanted) < 0))
			_exit(2);
		if (fd > wanted)
			close(fd);
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%ss%zu",
		    i > 0 ? ":" : "", i);
	}
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%zu", n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ limit, limit }) < 0 || passed_take(&set) < 0)
		_exit(3);
	ret->n = set.n;
	ret->n_lost = set.n_lost;
	if (!passed_lost(&set, ret->text, sizeof(ret->text)))
		ret->text[0] = '\0';
}

static struct outcome
passed(size_t n, rlim_t limit)
{
	struct outcome o = { 0 };
	int pair[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(pair), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* Out of the way of the numbers that are passed. */
		int out = dup2(pair[1], 200);

		pass(n, limit, &o);
		_exit(write(out, &o, sizeof(o)) == (ssize_t)sizeof(o) ? 0 : 4);
	}
	close(pair[1]);
	ck_assert_int_eq(read(pair[0], &o, sizeof(o)), (int)sizeof(o));
	close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return o;
}

START_TEST(none_is_lost)
{
	struct outcome o = passed(3, 1024);

	ck_assert_uint_eq(o.n, 3);
	ck_assert_uint_eq(o.n_lost, 0);
	ck_assert_str_eq(o.text, "");
}
END_TEST

/* Each moves up, above the numbers of the roles, and finds no room there. */
START_TEST(those_without_a_descriptor_are_named)
{
	const size_t n = 5;
	struct outcome o = passed(n, FIRST + n + ROLE_N_FDS + 2);

	ck_assert_uint_eq(o.n, 2);
	ck_assert_uint_eq(o.n_lost, 3);
	ck_assert_msg(strstr(o.text, "3 passed sockets") != NULL, "%s", o.text);
	ck_assert_msg(strstr(o.text, "s2, s3, s4") != NULL, "%s", o.text);
	ck_assert_msg(strstr(o.text, "Too many open files; LimitNOFILE=") != NULL, "%s", o.text);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	struct outcome o = passed(2 * CONF_MAX_LISTENERS + 2, 1024);

	ck_assert_uint_eq(o.n, 2 * CONF_MAX_LISTENERS);
	ck_assert_uint_eq(o.n_lost, 2);
	ck_assert_msg(strstr(o.text, "64 are the most") != NULL, "%s", o.text);
}
END_TEST

UNIT_MAIN("passed", tcase_add_test(tc, none_is_lost);
    tcase_add_test(tc, those_without_a_descriptor_are_named);
    tcase_add_test(tc, more_than_there_is_room_for))
