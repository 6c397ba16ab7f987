/* SPDX-License-Identifier: ISC */
/* notify: messages to systemd about the state of reqd. */
#pragma once

#include <stdint.h>

#include "master/process.h"

/* Sends READY=1 once every process serves; with the numbers of the moment. */
void notify_ready(const struct processes *all);
void notify_reloading(void);
void notify_stopping(uint64_t drain_usec);

/* Sends STATUS= with live numbers, when they have changed. */
void notify_status(const struct processes *all);

/* Sends WATCHDOG=1, if the unit has a watchdog; the caller has seen progress. */
void notify_watchdog(void);
