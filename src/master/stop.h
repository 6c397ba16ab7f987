/* SPDX-License-Identifier: ISC */
/*
 * stop: the orderly end. Workers finish the requests that they have taken, or
 * are cut at the deadline. Then broker, runner, control and log end, each when
 * the ones before are gone.
 */
#pragma once

struct master;

/* Begins a stop; a second call cuts what still runs. */
void stop_begin(struct master *m);

/* Goes on as far as possible; called when any process has come up or ended. */
void stop_advance(struct master *m);
