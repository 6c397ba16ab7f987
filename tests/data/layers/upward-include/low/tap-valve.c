/* SPDX-License-Identifier: ISC */
/* Wrong: low includes a header of high, for a number only. */
#include "low/tap.h"
#  include "high/basin.h"

void
tap_turn(struct tap *t, int by)
{
	if (by < BASIN_LITRES)
		t->on_water(t->arg);
}
