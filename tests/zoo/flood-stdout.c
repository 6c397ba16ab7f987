/* SPDX-License-Identifier: ISC */
/*
 * flood-stdout: writes to stdout for ever, or with -n exactly that many bytes.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "zoo.h"

int
main(int argc, char **argv)
{
	unsigned long long n = 0;
	int c;

	while ((c = zoo_getopt(argc, argv, "n:")) != -1)
		if (c == 'n')
			n = strtoull(optarg, NULL, 10);
	zoo_record();
	zoo_flood(STDOUT_FILENO, n);
	return 0;
}
