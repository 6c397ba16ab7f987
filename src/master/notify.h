/* SPDX-License-Identifier: ISC */
/*
 * notify: what systemd is told.
 */
#pragma once

#include <stdint.h>

#include "master/process.h"

/* READY=1 once every process serves; with the numbers of the moment. */
void notify_ready(const struct processes *all);
void notify_reloading(void);
void notify_stopping(uint64_t drain_usec);

/* STATUS= with live numbers, when they have changed. */
void notify_status(const struct processes *all);

/* WATCHDOG=1, if one is set; the caller has seen progress. */
void notify_watchdog(void);
