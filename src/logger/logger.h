/* SPDX-License-Identifier: ISC */
/*
 * logger: the log process. Reads records from every other process over a
 * socket of its own, so that none can speak for another, and writes them.
 */
#pragma once

/* Role entry: descriptors as in ipc/roles.h. Returns an exit code. */
int logger_main(void);
