/* SPDX-License-Identifier: ISC */
/* Wrong: drain and basin call each other, and are two nouns. */
#include "high/basin.h"

void
drain_open(int litres)
{
	if (litres > BASIN_LITRES)
		basin_fill();
}
