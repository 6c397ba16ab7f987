/* SPDX-License-Identifier: ISC */
/*
 * signals: a process that no signal interrupts, but those that cannot be blocked.
 */
#pragma once

/* The default disposition for every signal. */
void signals_reset(void);

/* Blocks every signal, for good. */
void signals_block(void);

/* In a child of such a process: no signal is blocked any more. */
void signals_unblock(void);

/* A descriptor that is readable when this signal, which is blocked, has come; or -errno. */
int signals_open(int sig);
