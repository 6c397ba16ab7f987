/* SPDX-License-Identifier: ISC */
/*
 * bringup: the way of a process from its start until it serves. The process gets the
 * configuration in force, exactly as at a reload: it prepares, waits for those
 * that it awaits, and commits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "master/process.h"

/* Gives a process that has started, or is behind, the configuration in force. */
void bringup_prepare(struct process *p);

/* Sends a process its part of an edition: the text and, if it is to listen, the sockets. */
void bringup_send(struct process *p, const struct edition *e);

/* Answers of a process that does not serve yet. */
void bringup_on_ready(struct process *p);
void bringup_on_prepared(struct process *p, uint32_t generation);
void bringup_on_committed(struct process *p, uint32_t generation);

/*
 * Processes that were held back go on, unless those that they await will serve
 * soon.
 */
void bringup_release_held(struct processes *all);
