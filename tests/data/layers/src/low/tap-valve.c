/* SPDX-License-Identifier: ISC */
#include "low/tap.h"

void
tap_turn(struct tap *t, int by)
{
	if (by > 1)
		tap_open(t);
	t->on_water(t->arg);
}
