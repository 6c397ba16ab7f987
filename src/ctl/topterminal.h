/* SPDX-License-Identifier: ISC */
/*
 * topterminal: the terminal of 'reqctl top'. Keys come one by one, and the screen is another
 * one. Every end but SIGKILL gives the terminal back as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Takes the terminal over. False: it cannot be done, and nothing has changed. */
bool topterminal_open(void);
void topterminal_close(void);

/* The number of lines, 24 where the terminal does not say it. */
size_t topterminal_rows(void);

/* Shows a whole screen. False: the terminal is gone. */
bool topterminal_show(struct slice screen);

/*
 * Waits for a key so long. The key; 0: the time is over, or the screen has to be drawn anew;
 * -1: the terminal is gone.
 */
int topterminal_key(int ms);
