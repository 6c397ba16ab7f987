/* SPDX-License-Identifier: ISC */
/*
 * close-stdout: writes one line, closes stdout, works on for 200 ms and exits
 * with status 0. -a: closes stderr too. -f: never ends.
 */
#include "config.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "zoo.h"

int
main(int argc, char **argv)
{
	bool all = false, for_ever = false;
	int c;

	while ((c = zoo_getopt(argc, argv, "af")) != -1) {
		if (c == 'a')
			all = true;
		if (c == 'f')
			for_ever = true;
	}
	zoo_record();
	puts("closing");
	fflush(stdout);
	close(STDOUT_FILENO);
	if (all)
		close(STDERR_FILENO);
	if (for_ever)
		zoo_rest();
	poll(NULL, 0, 200);
	return 0;
}
