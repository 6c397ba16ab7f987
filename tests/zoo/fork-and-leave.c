/* SPDX-License-Identifier: ISC */
/*
 * fork-and-leave: leaves a child behind in the same session that holds both
 * output pipes and sleeps, and sleeps itself; with -x it exits at once with
 * status 0.
 */
#include "config.h"

#include <stdbool.h>

#include "zoo.h"

int
main(int argc, char **argv)
{
	bool leaves = false;
	int c;

	while ((c = zoo_getopt(argc, argv, "x")) != -1)
		if (c == 'x')
			leaves = true;
	zoo_record();
	if (zoo_fork() == 0) {
		zoo_settled();
		zoo_rest();
	}
	if (!leaves)
		zoo_rest();
	return 0;
}
