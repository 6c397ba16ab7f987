/* SPDX-License-Identifier: ISC */
/* basin: calls upwards through the pointer that low declares. */
#include "high/basin.h"
#include "low/tap.h"

static void
on_water(void *arg)
{
	drain_open(*(int *)arg);
}

void
basin_fill(void)
{
	int litres = BASIN_LITRES;
	struct tap t = {on_water, &litres};

	tap_open(&t);
}
