/* SPDX-License-Identifier: ISC */
/*
 * stop: the orderly end. Workers finish what they have taken, or are cut at
 * the deadline; then the runner goes, then the log, each when the ones before
 * are gone.
 */
#pragma once

struct master;

/* Begins it; again: cuts what still runs. */
void stop_begin(struct master *m);

/* Goes on as far as is possible; called when any process has come up or gone. */
void stop_advance(struct master *m);
