/* SPDX-License-Identifier: ISC */
/*
 * links: which process has which other one's channel, log or statistics page.
 * The master makes them and hands out the ends.
 */
#pragma once

struct process;

/* Hands the records of a process to the log, if that is there. */
void links_to_log(struct process *p);

/* Links a process that is ready to all that it has to do with, and that serve. */
void links_open(struct process *p);

/*
 * Links to a process that begins to serve those that have something to ask of it. Their
 * questions would be refused before, for a configuration that it does not know.
 */
void links_serve(struct process *p);

/*
 * Has all channels to a process closed that is dead or will be at once, as others may
 * hold its ends. Harmless when nothing is linked.
 */
void links_close(struct process *p);
