/* SPDX-License-Identifier: ISC */
/*
 * stubborn-tree: a tree three levels deep whose middle processes exit, so that
 * the only living ancestor of a leaf is the root. Two branches of two leaves
 * each, one branch in a session of its own; every leaf ignores TERM. The root
 * sleeps; with -x it exits with status 0 when the tree stands.
 */
#include "config.h"

#include <stdbool.h>
#include <unistd.h>

#include "zoo.h"

static void
grow_branch(bool own_session)
{
	if (zoo_fork() > 0)
		return;
	if (own_session)
		setsid();
	for (int i = 0; i < 2; i++) {
		if (zoo_fork() > 0)
			continue;
		zoo_ignore_signals();
		zoo_settled();
		zoo_rest();
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	bool leaves = false;
	int c;

	while ((c = zoo_getopt(argc, argv, "x")) != -1)
		if (c == 'x')
			leaves = true;
	zoo_record();
	grow_branch(false);
	grow_branch(true);
	if (!leaves)
		zoo_rest();
	return 0;
}
