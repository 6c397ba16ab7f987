/* SPDX-License-Identifier: ISC */
/* orders: the orders of the broker to the runner. */
#pragma once

#include <stdint.h>

#include "ipc/mail.h"

struct runner;

/* Starts with no broker. */
void orders_init(struct runner *r);

/* Takes the ends of a new broker. Programs of an earlier broker are ended. */
void orders_open(struct runner *r, struct mail_ends ends, uint16_t slot, uint64_t serial);

/* Closes the link of a broker that is gone or has to go. */
void orders_close(struct runner *r);
