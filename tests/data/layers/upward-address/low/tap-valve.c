/* SPDX-License-Identifier: ISC */
/* Wrong: low knows the address of a function of high. */
#include "low/tap.h"

void drain_open(int litres);

void (*const tap_actions[])(int) = {drain_open};

void
tap_turn(struct tap *t, int by)
{
	(void)t;
	tap_actions[0](by);
}
