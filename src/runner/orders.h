/* SPDX-License-Identifier: ISC */
/*
 * orders: what the broker says to the runner.
 */
#pragma once

#include <stdint.h>

#include "ipc/mail.h"

struct runner;

/* No broker yet. */
void orders_init(struct runner *r);

/* A broker; takes the ends. What an earlier one had started is ended. */
void orders_open(struct runner *r, struct mail_ends ends, uint16_t slot, uint64_t serial);

/* It is gone, or is to be. */
void orders_close(struct runner *r);
