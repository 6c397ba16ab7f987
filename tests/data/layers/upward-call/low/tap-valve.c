/* SPDX-License-Identifier: ISC */
/* Wrong: low calls high, without including a word of it. */
#include "low/tap.h"

void basin_fill(void);

void
tap_turn(struct tap *t, int by)
{
	(void)t;
	if (by > 1)
		basin_fill();
}
