/* SPDX-License-Identifier: ISC */
/*
 * sleeper: sleeps for ever and does nothing else.
 */
#include "config.h"

#include "zoo.h"

int
main(int argc, char **argv)
{
	while (zoo_getopt(argc, argv, "") != -1)
		;
	zoo_record();
	zoo_rest();
}
