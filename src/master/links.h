/* SPDX-License-Identifier: ISC */
/*
 * links: which process has which other one's channel, log or statistics page.
 * The master makes them and hands out the ends.
 */
#pragma once

struct process;

/* Hands the records of a process to the log, if that is there. */
void links_to_log(const struct process *p);

/* It is ready: links it to all that it has to do with. */
void links_open(struct process *p);

/*
 * It is dead or will be at once: whoever has a channel to it closes that, as
 * others may hold its end. Harmless when nothing is linked.
 */
void links_close(struct process *p);
