/* SPDX-License-Identifier: ISC */
/*
 * ignore-term: ignores TERM, INT, HUP, QUIT and PIPE and sleeps. Only KILL ends
 * it. Writes its pid to stdout when it has begun to ignore these signals.
 */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "zoo.h"

int
main(int argc, char **argv)
{
	while (zoo_getopt(argc, argv, "") != -1)
		;
	zoo_ignore_signals();
	zoo_record();
	printf("%d\n", (int)getpid());
	fflush(stdout);
	zoo_rest();
}
