/* SPDX-License-Identifier: ISC */
/*
 * workers: what the workers ask of the broker, and what becomes of that when
 * one of them is gone.
 */
#pragma once

#include <stdint.h>

#include "ipc/mail.h"

struct broker;
struct link;

/* No workers yet. */
void workers_init(struct broker *b);

/* Takes the ends by which a new worker speaks. Who had this link before is gone. */
void workers_open(struct link *l, struct mail_ends ends, uint64_t serial);

/* It is gone, or is to be. */
void workers_close(struct link *l);

/* The worker reads again: it gets more of what waits for it. */
void workers_flush(struct link *l);
