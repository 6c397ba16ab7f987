/* SPDX-License-Identifier: ISC */
/*
 * bare-pipe: the least that handing a request to another process and taking
 * its answer costs: two processes, two pipes, one message each way at a time.
 *
 *	bare-pipe [-d SECONDS] [-b BYTES]
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MAX_BYTES 4096

static char message[MAX_BYTES];

static void
answer(int in, int out)
{
	ssize_t n;

	while ((n = read(in, message, sizeof(message))) > 0) {
		if (write(out, message, (size_t)n) != n)
			_exit(1);
	}
	_exit(0);
}

static double
cpu_us(int who)
{
	struct rusage ru;

	getrusage(who, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

int
main(int argc, char **argv)
{
	long seconds = 2, bytes = 32;
	int there[2], back[2], c, status;
	uint64_t started, end, n = 0;
	double elapsed;
	pid_t pid;

	while ((c = getopt(argc, argv, "d:b:")) != -1) {
		if (c == 'd')
			seconds = bench_number(optarg, "-d", 3600);
		else if (c == 'b')
			bytes = bench_number(optarg, "-b", MAX_BYTES);
		else
			bench_die("usage: bare-pipe [-d SECONDS] [-b BYTES]");
	}
	if (pipe(there) < 0 || pipe(back) < 0)
		bench_die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		answer(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	started = bench_now();
	end = started + (uint64_t)seconds * 1000000000;
	while (n % 64 != 0 || bench_now() < end) {
		if (write(there[1], message, (size_t)bytes) != bytes ||
		    read(back[0], message, sizeof(message)) != bytes)
			bench_die("the other end is gone");
		n++;
	}
	elapsed = (double)(bench_now() - started) / 1e9;
	close(there[1]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("the other end: wait status %d", status);
	printf("requests=%llu seconds=%.3f rate=%.1f cpu_us=%.3f\n", (unsigned long long)n, elapsed,
	    (double)n / elapsed, (cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN)) / (double)n);
	return 0;
}
