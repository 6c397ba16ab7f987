/* SPDX-License-Identifier: ISC */
/*
 * strays: what a dead runner has left behind. The master is the subreaper,
 * so commands of a runner that was killed become its children, and it is
 * the one to end them (R12).
 */
#pragma once

#include <stdbool.h>

struct master;

/* Kills every child that is no process of ours; true when there was one. */
bool strays_kill(struct master *m);
