/* SPDX-License-Identifier: ISC */
/*
 * never-read: never reads its stdin and sleeps, so that a large input stays in
 * the pipe. -x: exits with status 0 at once instead, leaving it unread.
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
	if (!leaves)
		zoo_rest();
	return 0;
}
