/* SPDX-License-Identifier: ISC */
/*
 * hold-pipe: prints one line and exits at once with status 0, while a
 * grandchild in a session of its own holds stdout and stderr for ever.
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
	zoo_record();
	if (zoo_fork() == 0) {
		setsid();
		if (zoo_fork() == 0) {
			zoo_settled();
			zoo_rest();
		}
		_exit(0);
	}
	puts("done");
	return 0;
}
