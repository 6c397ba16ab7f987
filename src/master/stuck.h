/* SPDX-License-Identifier: ISC */
/*
 * stuck: describes a process that shows no sign of life, as far as the kernel
 * and its page of statistics tell. Once the process is replaced, an
 * administrator has no other trace.
 */
#pragma once

struct process;

/* Writes one line to the log. */
void stuck_log(const struct process *p);
