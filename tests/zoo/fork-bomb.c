/* SPDX-License-Identifier: ISC */
/*
 * fork-bomb: a chain of N processes, each the child of the one before, all of
 * them sleeping for ever. N is the argument and at most 1000. The first one
 * says "settled" when all of them are there.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "zoo.h"

#define DEPTH_MAX 1000

int
main(int argc, char **argv)
{
	pid_t root;
	long depth;

	while (zoo_getopt(argc, argv, "") != -1)
		;
	depth = optind < argc ? strtol(argv[optind], NULL, 10) : 0;
	if (depth < 1 || depth > DEPTH_MAX) {
		fputs("fork-bomb: a depth of 1 to 1000 is needed\n", stderr);
		return 2;
	}

	zoo_record();
	root = getpid();
	while (--depth > 0)
		if (zoo_fork() > 0)
			break;
	zoo_settled();
	if (getpid() == root) {
		puts("settled");
		fflush(stdout);
	}
	zoo_rest();
}
