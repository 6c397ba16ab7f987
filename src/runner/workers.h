/* SPDX-License-Identifier: ISC */
/*
 * workers: what the workers ask of the runner, and what becomes of that when
 * one of them is gone.
 */
#pragma once

#include <stdint.h>

struct link;

/* Takes fd, by which a new worker speaks. Who had this link before is gone. */
void workers_open(struct link *l, uint64_t serial, int fd);

/* The worker is gone, and all that it has asked for. Harmless when it was already. */
void workers_close(struct link *l);
