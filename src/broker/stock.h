/* SPDX-License-Identifier: ISC */
/*
 * stock: which kits there are, and who has them. The runner makes them; the
 * broker keeps some of each kind, hands each worker a few ahead of need and
 * another for each one used, and takes those for handlers.
 *
 * A kit is the worker's that it was sent to: no other may name it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/table.h"
#include "ipc/mail.h"

struct broker;
struct link;

/* Kept here, of each kind; asked for again when half of them are gone, or after a while. */
#define STOCK_SHELF 16

struct stock_kit {
	uint32_t number;	/* 0: unknown */
	bool has_input;
	struct link *owner;	/* NULL: it is in stock, or in use */
};

struct shelf {
	struct {
		uint32_t number;
		int fds[ENTRY_N_FDS];
	} list[STOCK_SHELF];
	size_t n;
	size_t n_asked;		/* of the runner, and not come yet */
};

struct stock {
	struct stock_kit *slots;	/* for FRAME_MAX_KITS */
	struct shelf shelves[2];	/* without stdin, with */
	struct loop_timer timer;	/* what was used has been used for long enough */
	bool is_due;
};

/* slots is zeroed memory, borrowed. */
void stock_init(struct stock *k, struct stock_kit *slots);

/* One has come from the runner. Takes the descriptors. */
void stock_on_kit(struct broker *b, const struct frame *f, int *fds);

/* The turn ends: workers get what they lack, and more is asked for. */
void stock_supply(struct broker *b);

enum kit_claim {
	KIT_GOOD,	/* it is in use now */
	KIT_VOID,	/* of a runner that is gone, which the worker cannot know yet */
	KIT_FORGED,	/* never sent to this worker, or used before, or of the other kind */
};

/* A worker names one. */
enum kit_claim stock_claim(struct link *l, uint32_t number, bool has_input);

/* One that is in use is the runner's from now on. */
void stock_forget(struct broker *b, uint32_t number);

/* One that is in use will not be started. */
void stock_drop(struct broker *b, uint32_t number);

/* Is there one for us? */
bool stock_has(const struct broker *b, bool has_input);

/* Takes one with stdin out of the stock, for us: its number, and our ends. */
uint32_t stock_take(struct broker *b, int fds[static ENTRY_N_FDS]);

/* A worker is gone, and nobody uses those it had. */
void stock_link_closed(struct link *l);

/* The runner is gone: all are void. */
void stock_lost(struct broker *b);
