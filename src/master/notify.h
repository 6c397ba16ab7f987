/* SPDX-License-Identifier: ISC */
/*
 * notify: what systemd is told.
 */
#pragma once

#include <stdint.h>

struct master;

/* READY=1 once every process serves; with the numbers of the moment. */
void notify_ready(struct master *m);
void notify_reloading(void);
void notify_stopping(uint64_t drain_usec);

/* STATUS= with live numbers, when they have changed. */
void notify_status(struct master *m);

/* WATCHDOG=1, if one is set; the caller has seen progress (R52). */
void notify_watchdog(void);

/*
 * Gives systemd a descriptor to keep over the end of this process, under a
 * name, or takes it from there. 0 or -errno; blocks for no longer than systemd.
 */
int notify_store(int fd, const char *name);
void notify_unstore(const char *name);
