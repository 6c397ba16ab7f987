/* SPDX-License-Identifier: ISC */
/*
 * bare-spawn: the least that running a program and taking its output costs.
 *
 * -j processes, each in a loop: two pipes, fork, in the child setsid and
 * dup2 and exec, then read both pipes to their end and wait. -m spawn does
 * the same with posix_spawn. Its rate is what a command server can come
 * near to on as many cores.
 *
 *	bare-spawn [-j PARALLEL] [-d SECONDS] [-m fork|spawn] PROGRAM [ARG]...
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MAX_PARALLEL 256

extern char **environ;

struct pipes {
	int out[2], err[2];
};

static int null_fd;

static pid_t
start_fork(char **argv, const struct pipes *p)
{
	pid_t pid;

	pid = fork();
	if (pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	setsid();
	dup2(null_fd, STDIN_FILENO);
	dup2(p->out[1], STDOUT_FILENO);
	dup2(p->err[1], STDERR_FILENO);
	execv(argv[0], argv);
	_exit(127);
}

static pid_t
start_spawn(char **argv, const struct pipes *p)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid;
	int r;

	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, null_fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, p->out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, p->err[1], STDERR_FILENO);
	r = posix_spawn(&pid, argv[0], &actions, &attr, argv, environ);
	if (r != 0)
		bench_die("%s: %s", argv[0], strerror(r));
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return pid;
}

static void
drain(int fd)
{
	static char buf[65536];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

static void
run_once(char **argv, pid_t (*start)(char **, const struct pipes *))
{
	struct pipes p;
	pid_t pid;
	int status;

	if (pipe2(p.out, O_CLOEXEC) < 0 || pipe2(p.err, O_CLOEXEC) < 0)
		bench_die("pipe: %s", strerror(errno));
	pid = start(argv, &p);
	close(p.out[1]);
	close(p.err[1]);
	drain(p.out[0]);
	drain(p.err[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("%s: wait status %d", argv[0], status);
}

static void
loop(char **argv, bool spawn, uint64_t end, volatile uint64_t *count)
{
	while (bench_now() < end) {
		run_once(argv, spawn ? start_spawn : start_fork);
		(*count)++;
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	volatile uint64_t *counts;
	long parallel = 1, seconds = 2;
	uint64_t started, end, total = 0;
	struct rusage ru;
	bool spawn = false, failed = false;
	double elapsed, cpu;
	int c, status;

	while ((c = getopt(argc, argv, "+j:d:m:")) != -1) {
		if (c == 'j')
			parallel = bench_number(optarg, "-j", MAX_PARALLEL);
		else if (c == 'd')
			seconds = bench_number(optarg, "-d", 3600);
		else if (c == 'm' && strcmp(optarg, "spawn") == 0)
			spawn = true;
		else if (c != 'm' || strcmp(optarg, "fork") != 0)
			bench_die("bare-spawn: wrong option");
	}
	if (optind == argc)
		bench_die("usage: bare-spawn [-j N] [-d SECONDS] [-m fork|spawn] PROGRAM [ARG]...");

	counts = mmap(NULL, MAX_PARALLEL * 64, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (counts == MAP_FAILED || null_fd < 0)
		bench_die("mmap, /dev/null: %s", strerror(errno));

	started = bench_now();
	end = started + (uint64_t)seconds * 1000000000;
	for (long i = 0; i < parallel; i++) {
		switch (fork()) {
		case -1:
			bench_die("fork: %s", strerror(errno));
		case 0:
			loop(argv + optind, spawn, end, counts + i * 8);
		}
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	if (failed)
		return 1;

	elapsed = (double)(bench_now() - started) / 1e9;
	for (long i = 0; i < parallel; i++)
		total += counts[i * 8];
	getrusage(RUSAGE_CHILDREN, &ru);
	cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	printf("programs=%llu seconds=%.3f rate=%.1f cpu_us=%.1f\n",
	    (unsigned long long)total, elapsed, (double)total / elapsed,
	    cpu * 1e6 / (double)total);
	return 0;
}
