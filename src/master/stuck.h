/* SPDX-License-Identifier: ISC */
/*
 * stuck: what a process that shows no sign of life is at, as far as the
 * kernel and its page of statistics tell. Whoever is to find out why it got
 * stuck has nothing else once it has been replaced.
 */
#pragma once

struct process;

/* Writes one line to the log. */
void stuck_log(const struct process *p);
