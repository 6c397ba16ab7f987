/* SPDX-License-Identifier: ISC */
/*
 * workers: what the workers ask of the runner, and what becomes of that when
 * one of them is gone.
 */
#pragma once

struct link;

/* Takes fd, by which a new worker speaks. Who had this link before is gone. */
void workers_open(struct link *l, int fd);
