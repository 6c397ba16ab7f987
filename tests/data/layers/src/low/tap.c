/* SPDX-License-Identifier: ISC */
/* tap: water. Together with tap-valve.c a circle of one noun, which is good. */
#include "low/tap.h"

void
tap_open(struct tap *t)
{
	tap_turn(t, 1);	/* a comment behind code */
}

/* Text that looks like a comment in a string is none,
 * and of these three lines

 * none is code. */
const char *
tap_mark(void)
{
	return "/*";	// and this is one
}
