/* SPDX-License-Identifier: ISC */
/* workers: the requests of the workers to the broker, and their end when a worker is gone. */
#pragma once

#include <stdint.h>

#include "ipc/mail.h"

struct broker;
struct link;

/* Starts with no workers. */
void workers_init(struct broker *b);

/* Takes the ends by which a new worker speaks. The worker that had this link before is gone. */
void workers_open(struct link *l, struct mail_ends ends, uint64_t serial);

/* Closes the link of a worker that is gone or has to go. */
void workers_close(struct link *l);

/* Sends more of what waits for a worker, as it reads again. */
void workers_flush(struct link *l);
