/* SPDX-License-Identifier: ISC */
/*
 * die-at-once: exits with the given status before it has read or written
 * anything. -m TEXT: writes TEXT and a newline to stderr first.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "zoo.h"

int
main(int argc, char **argv)
{
	int c;

	while ((c = zoo_getopt(argc, argv, "m:")) != -1)
		if (c == 'm')
			fprintf(stderr, "%s\n", optarg);
	zoo_record();
	return optind < argc ? (int)strtol(argv[optind], NULL, 10) : 0;
}
