/* SPDX-License-Identifier: ISC */
/*
 * strays: what a dead runner has left behind. The master is the subreaper,
 * so commands of a runner that was killed become its children, and it is
 * the one to end them (R12).
 */
#pragma once

#include <stdbool.h>

struct master;

/*
 * The runner has died: kills every child that is no process of ours, again
 * and again until there is none. Each time stop_advance() hears of it.
 */
void strays_begin(struct master *m);

/* Or are they given up? Those that cannot be killed are not waited for without end. */
bool strays_are_gone(const struct master *m);
