/* SPDX-License-Identifier: ISC */
/*
 * ends: what a program is started with, made ahead of need: pipes, and for each process
 * that writes jobs a file for them. The ends that a worker has are sent down and closed
 * here; those of the program wait under a number that START names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "ipc/frame.h"
#include "ipc/mail.h"
#include "ipc/roles.h"

enum kit_end { KIT_OUT, KIT_ERR, KIT_IN, KIT_N_ENDS };

struct ends_kit {
	uint32_t number;	/* 0: free */
	uint32_t next_free;
	int ends[KIT_N_ENDS];	/* -1: none */
};

/* Output ends of programs that have ended: see ends_part(). */
#define ENDS_MAX_PARTING 256

struct ends {
	struct mail *to;		/* the broker */
	struct ends_kit *slots;	/* for FRAME_MAX_KITS */
	uint32_t n_touched, first_free, last_use, n_used;
	uint16_t owed[2];	/* without stdin, with: to be made as soon as there is room */
	bool is_short[2];	/* the last one could not be made, which the broker knows */
	int fd_limit;		/* descriptors from here on are a reserve */

	struct {
		int fd;			/* -1: none */
		uint64_t serial;
	} jobs[ROLE_MAX_PROCESSES];	/* by whose they are */

	struct {
		uint64_t since_usec;
		int fd;
	} parting[ENDS_MAX_PARTING];
	size_t first_parting, n_parting;
	struct loop_timer timer;	/* a turn is wanted */
};

/* What is made goes by this mail, to which mail_init() was done. slots is zeroed memory, borrowed. */
void ends_init(struct ends *k, struct mail *to, struct ends_kit *slots, int fd_limit);

/* MAKE_KITS, MAKE_JOBS or UNKIT: what is wrong with it, or NULL. */
const char *ends_order(struct ends *k, const struct frame *f);

/* Takes a kit's ends out of the table. False: there is none of this number. */
bool ends_take(struct ends *k, uint32_t number, int ends[static KIT_N_ENDS]);

/* The broker is gone: nobody will name kits and jobs. */
void ends_drop_all(struct ends *k);

/*
 * Closes an end of a program's output, after a while: the worker hears of
 * the program's end by ENDED, and is not woken once more by its pipes. Takes fd.
 */
void ends_part(struct ends *k, int fd);

/* The turn ends: makes and sends what is owed, and closes those ends whose time has come. */
void ends_advance(struct ends *k);
