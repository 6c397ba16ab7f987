/* SPDX-License-Identifier: ISC */
/* die-by-signal: sends itself the signal of the given number. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "zoo.h"

int
main(int argc, char **argv)
{
	const struct sigaction sa = { .sa_handler = SIG_DFL };
	int sig;

	while (zoo_getopt(argc, argv, "") != -1)
		;
	zoo_record();
	if (optind == argc)
		return 2;
	sig = (int)strtol(argv[optind], NULL, 10);
	/* A sanitizer may have installed a handler. */
	sigaction(sig, &sa, NULL);
	raise(sig);
	return 0;
}
