/* SPDX-License-Identifier: ISC */
/*
 * daemonize: becomes a daemon in the classic way (fork, setsid, fork, standard
 * descriptors to /dev/null) and sleeps for ever; the first process exits 0. -e:
 * executes itself again with an empty environment, so that no trace of its
 * start can be read from it.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "zoo.h"

int
main(int argc, char **argv)
{
	char *const again[] = { "daemon", "-r", NULL };
	char *const no_env[] = { NULL };
	bool reexec = false;
	int c;

	while ((c = zoo_getopt(argc, argv, "er")) != -1) {
		if (c == 'e')
			reexec = true;
		if (c == 'r')
			zoo_rest();
	}
	zoo_record();
	if (zoo_fork() > 0)
		return 0;

	setsid();
	if (zoo_fork() > 0)
		_exit(0);

	if (chdir("/") < 0)
		zoo_die("/");
	zoo_close_stdio();
	if (reexec) {
		/* The gate closes on exec. */
		execve("/proc/self/exe", again, no_env);
		_exit(2);
	}
	zoo_settled();
	zoo_rest();
}
