/* SPDX-License-Identifier: ISC */
/*
 * edition: a configuration with all that this process brings to it. One is in
 * force; a reload makes the next one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "ipc/roles.h"
#include "master/listen.h"

struct overlay_set;

struct master_options {
	const char *conf_file;
	bool json_log;
	const struct overlay_set *overlay;	/* NULL: nothing was ever set */
};

struct edition {
	struct conf *conf;
	int text;			/* sealed canonical text of conf; -1: none */
	struct listen_set listeners;
	struct listen_socket *control;	/* NULL: not opened yet */
	size_t n_workers[PROTOCOL_N];	/* wanted, of each protocol */
	int file_level;			/* of the log, as the files say */
	uint64_t read_usec;		/* wall clock, before the files were read */
};

/* True if the configuration asks for the worker of this slot. */
static inline bool
edition_wants_worker(const struct edition *e, unsigned slot)
{
	return role_slot_index(slot) < e->n_workers[role_slot_protocol(slot)];
}

#define EDITION_NONE ((struct edition){ .text = -1 })

/*
 * Loads a configuration, as the command line overrides it. Opens no sockets. 0;
 * or -errno, with at least one error. CONF_LENIENT leaves errors with 0, too.
 */
int edition_load(struct edition *ret, const struct master_options *o, enum conf_flags flags,
    uint32_t generation, struct conf_errors *errors);

/*
 * The configuration of an edition with what has come in order since. The files are not read:
 * an administrator may be at work on them. overlay NULL: states and the level of the log stay.
 * 1; 0: nothing has; or -errno with an error.
 */
int edition_look_again(struct edition *ret, const struct edition *now,
    const struct overlay_set *overlay, uint32_t generation, struct conf_errors *errors);

/*
 * The configuration of an edition with other states and another level of the log. The files
 * are not read. 0; or -errno with an error.
 */
int edition_overlay(struct edition *ret, const struct edition *now,
    const struct overlay_set *overlay, uint32_t generation, struct conf_errors *errors);

/* Lets go of it. */
void edition_done(struct edition *e);
