/* SPDX-License-Identifier: ISC */
/*
 * hostile -u SOCKET -p PORT [-m] [-t SECONDS] [-w PID]... [PHASE]...
 */
#include "config.h"

#include "hostile.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

struct place place = { .patience = 5 };

static const struct {
	const char *name;
	phase_fn *fn;
} phases[] = {
	{ "valid", phase_valid },
	{ "truncated", phase_truncated },
	{ "changed", phase_changed },
	{ "numbers", phase_numbers },
	{ "pieces", phase_pieces },
	{ "foreign", phase_foreign },
	{ "echoes", phase_echoes },
	{ "held", phase_held },
	{ "pipelines", phase_pipelines },
	{ "greedy", phase_greedy },
	{ "states", phase_states },
	{ "quiet", phase_quiet },
};

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("hostile: ", stdout);
	(void)vprintf(fmt, ap);
	(void)putchar('\n');
	va_end(ap);
	exit(1);
}

void
note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("  ", stdout);
	(void)vprintf(fmt, ap);
	(void)putchar('\n');
	(void)fflush(stdout);
	va_end(ap);
}

double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint32_t
random_below(uint32_t n)
{
	static uint32_t x = 2463534242;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % n;
}

static void
run(const char *name, phase_fn *fn)
{
	struct peer_totals before = peer_totals;
	double began = seconds();

	fn();
	server_lives();
	note("%s: %lu connections, %.1f s", name, peer_totals.n - before.n, seconds() - began);
}

int
main(int argc, char **argv)
{
	int opt;

	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	while ((opt = getopt(argc, argv, "u:p:mt:w:")) != -1) {
		switch (opt) {
		case 'u':
			place.unix_path = optarg;
			break;
		case 'p':
			place.port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'm':
			place.measures_memory = true;
			break;
		case 't':
			place.patience = strtod(optarg, NULL);
			break;
		case 'w':
			if (place.n_workers < MAX_WORKERS)
				place.workers[place.n_workers++] = (int)strtol(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	server_lives();
	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		bool wanted = optind == argc;

		for (int a = optind; a < argc; a++)
			wanted |= strcmp(argv[a], phases[i].name) == 0;
		if (wanted)
			run(phases[i].name, phases[i].fn);
	}
	note("%lu connections, the longest took %.2f s, %lu took more than a second",
	    peer_totals.n, peer_totals.longest, peer_totals.n_over);
	return 0;
}
