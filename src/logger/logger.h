/* SPDX-License-Identifier: ISC */
/*
 * logger: the log process. It reads records from each other process over a
 * socket of that process, so that no process can speak for another, and writes
 * them.
 */
#pragma once

/* Runs the role; descriptors as in ipc/roles.h. Returns an exit code. */
int logger_main(void);
