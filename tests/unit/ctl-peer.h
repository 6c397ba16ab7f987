/* SPDX-License-Identifier: ISC */
/*
 * ctl-peer: what the printing parts of reqctl want of the program around
 * them, which is no library.
 */
#pragma once

#include <stdlib.h>

#include "ctl/cmd.h"

void *
ctl_need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}
