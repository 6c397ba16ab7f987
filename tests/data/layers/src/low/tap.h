/* SPDX-License-Identifier: ISC */
/* tap: water, told to whoever asked for it by a callback. */
#pragma once

struct tap {
	void (*on_water)(void *arg);
	void *arg;
};

void tap_open(struct tap *t);
void tap_turn(struct tap *t, int by);
const char *tap_mark(void);
