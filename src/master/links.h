/* SPDX-License-Identifier: ISC */
/*
 * links: the channels, logs and statistics pages that one process has of
 * another. The master makes them and hands out the ends.
 */
#pragma once

struct process;

/* Hands the records of a process to the log, if there is a log process. */
void links_to_log(struct process *p);

/* Links a process that is ready to the processes that serve, as the role table says. */
void links_open(struct process *p);

/*
 * Links a process that begins to serve to the processes that ask it. Earlier
 * questions would be refused, as they are about a configuration that the
 * process does not know yet.
 */
void links_serve(struct process *p);

/*
 * Closes, everywhere, all channels to a process that is dead or will be at
 * once, as other processes may hold its ends. Harmless when nothing is linked.
 */
void links_close(struct process *p);
