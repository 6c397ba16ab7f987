/* SPDX-License-Identifier: ISC */
/*
 * ends: the pipes that a program is started with, made ahead of need, and for each
 * process that writes jobs a file for them. The worker's ends are sent to the
 * broker and closed here; the program's ends stay under a number that START
 * names.
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
	uint16_t owed[2];	/* without stdin, with: kits to make, as there is room */
	bool is_short[2];	/* the last kit could not be made, and the broker knows */
	int fd_limit;		/* descriptors from here on are a reserve */

	struct {
		int fd;			/* -1: none */
		uint64_t serial;
	} jobs[ROLE_MAX_PROCESSES];	/* by number of the process that writes them */

	struct {
		uint64_t since_usec;
		int fd;
	} parting[ENDS_MAX_PARTING];
	size_t first_parting, n_parting;
	struct loop_timer timer;	/* to begin a turn */
};

/*
 * Prepares the table. Kits go out by this mail, to which mail_init() was done.
 * slots is zeroed memory, borrowed.
 */
void ends_init(struct ends *k, struct mail *to, struct ends_kit *slots, int fd_limit);

/* Obeys MAKE_KITS, MAKE_JOBS or UNKIT. Returns what is wrong with the frame, or NULL. */
const char *ends_order(struct ends *k, const struct frame *f);

/* Takes a kit's ends out of the table. False: there is no kit of this number. */
bool ends_take(struct ends *k, uint32_t number, int ends[static KIT_N_ENDS]);

/* Drops all kits and jobs, as the broker that could name them is gone. */
void ends_drop_all(struct ends *k);

/*
 * Closes an end of a program's output, after a while: so the worker hears of
 * the program's end by ENDED, and its pipes do not wake it once more. Takes fd.
 */
void ends_part(struct ends *k, int fd);

/* At the end of the turn, makes and sends what is owed, and closes the ends whose time has come. */
void ends_advance(struct ends *k);
