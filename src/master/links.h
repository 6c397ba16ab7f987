/* SPDX-License-Identifier: ISC */
/*
 * links: which process has which other one's channel, log or statistics page.
 * The master makes them and hands out the ends.
 */
#pragma once

struct process;

/* Hands the records of a process to the log, if that is there. */
void links_to_log(const struct process *p);

/* It is ready: links it to all that it has to do with, and that serve. */
void links_open(struct process *p);

/*
 * It begins to serve: links those to it that have something to ask of it. What
 * they ask before would be refused for a configuration that it does not know.
 */
void links_serve(struct process *p);

/*
 * It is dead or will be at once: whoever has a channel to it closes that, as
 * others may hold its end. Harmless when nothing is linked.
 */
void links_close(struct process *p);
