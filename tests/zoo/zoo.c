/* SPDX-License-Identifier: ISC */
/* zoo: functions that the misbehaving programs share. */
#include "config.h"

#include "zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *pid_file;
static int gate = -1;

void
zoo_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

int
zoo_getopt(int argc, char **argv, const char *own)
{
	char options[64];
	int c;

	/* "+": an argument after the options may begin with a dash. */
	snprintf(options, sizeof(options), "+p:%s", own);
	c = getopt(argc, argv, options);
	if (c == 'p') {
		pid_file = optarg;
		return zoo_getopt(argc, argv, own);
	}
	if (c == '?')
		exit(2);
	return c;
}

void
zoo_record(void)
{
	int fd;

	if (pid_file == NULL)
		return;
	fd = open(pid_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		zoo_die(pid_file);
	if (dprintf(fd, "%d\n", (int)getpid()) < 0)
		zoo_die(pid_file);
	close(fd);
}

pid_t
zoo_fork(void)
{
	int fds[2];
	pid_t pid;
	char c;

	if (pipe2(fds, O_CLOEXEC) < 0)
		zoo_die("pipe");
	pid = fork();
	if (pid < 0)
		zoo_die("fork");
	if (pid == 0) {
		close(fds[0]);
		zoo_settled();
		gate = fds[1];
		zoo_record();
		return 0;
	}
	close(fds[1]);
	while (read(fds[0], &c, 1) < 0 && errno == EINTR)
		;
	close(fds[0]);
	return pid;
}

void
zoo_settled(void)
{
	if (gate >= 0)
		close(gate);
	gate = -1;
}

void
zoo_ignore_signals(void)
{
	const struct sigaction sa = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGQUIT, &sa, NULL);
	sigaction(SIGPIPE, &sa, NULL);
}

void
zoo_close_stdio(void)
{
	int fd;

	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		zoo_die("/dev/null");
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

void
zoo_flood(int fd, unsigned long long n)
{
	static char block[1 << 16];
	unsigned long long left;
	size_t len;
	ssize_t r;

	memset(block, 'x', sizeof(block));
	for (size_t i = 63; i < sizeof(block); i += 64)
		block[i] = '\n';

	for (left = n; n == 0 || left > 0; left -= (unsigned long long)r) {
		len = sizeof(block);
		if (n != 0 && left < len)
			len = (size_t)left;
		r = write(fd, block, len);
		if (r < 0)
			zoo_die("write");
	}
}

void
zoo_rest(void)
{
	for (;;)
		pause();
}
