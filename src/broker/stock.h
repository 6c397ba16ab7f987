/* SPDX-License-Identifier: ISC */
/*
 * stock: the kits there are, and the process that has each; also the files for
 * jobs. The runner makes kits. The broker keeps some of each kind, hands each
 * worker a few ahead of need, more when half of those are used, and takes those
 * for handlers.
 *
 * A kit belongs to the worker that it was sent to: no other worker may name it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/table.h"
#include "ipc/job.h"
#include "ipc/mail.h"

struct broker;
struct link;

/*
 * The share of a worker, ahead of need: STOCK_SHARE kits without stdin, half as many
 * with. The broker keeps twice as many of each kind. More are asked for when
 * half of them are gone, or after a while. With few open files all numbers are
 * smaller, but never zero.
 */
#define STOCK_SHARE 8
#define STOCK_SHELF (2 * STOCK_SHARE)

/* The jobs of handlers are in a file of the broker. */
#define STOCK_OWN_JOBS ROLE_PROCESS(ROLE_BROKER, 0)

struct stock_kit {
	uint32_t number;	/* 0: unknown */
	bool has_input;
	struct link *owner;	/* NULL: in stock, or in use */
};

struct shelf {
	struct {
		uint32_t number;
		int fds[ENTRY_N_FDS];
	} list[STOCK_SHELF];
	size_t n;
	size_t n_asked;		/* kits asked of the runner that have not come yet */
	int error;		/* errno: there are none until the next one comes; 0: there are */
};

struct stock {
	struct stock_kit *slots;	/* for FRAME_MAX_KITS */
	struct shelf shelves[2];	/* without stdin, with */
	struct jobs jobs;		/* of handlers */
	int jobs_error;			/* errno: there is no file for handlers' jobs */
	uint64_t jobs_usec;		/* when the file is asked for again */
	size_t share;			/* of a worker */
	size_t max_fds;			/* limit of descriptors in kits that are not in use */
	struct loop_timer timer;	/* end of the short wait after a use */
	bool is_due;
	bool has_news;			/* see stock_has_news() */
	uint64_t complain_usec;		/* when a shortage is logged again */
};

/* slots is zeroed memory, borrowed; n_files is how many open files we and the runner may have. */
void stock_init(struct stock *k, struct stock_kit *slots, uint64_t n_files);

/* True if there are kits for handlers again, or if it became known that there are none. */
bool stock_has_news(struct stock *k);

/* Takes JOBS from the runner: the file of a worker, or the broker's own. */
void stock_on_jobs(struct broker *b, const struct frame *f, int *fds, size_t n_fds);

/* Takes MAKE_JOBS from a worker that had no room for the file. */
const char *stock_jobs_wanted(struct link *l, const struct frame *f);

/* Divides the kits among this number of workers. */
void stock_divide(struct stock *k, size_t n_workers);

/*
 * Takes a kit and its descriptors from the runner; no descriptors: this process
 * had no room for them.
 */
void stock_on_kit(struct broker *b, const struct frame *f, int *fds, size_t n_fds);

/* Notes that the runner cannot make a kit; the runner goes on trying. */
void stock_on_none(struct broker *b, const struct frame *f);

/* At the end of the turn, gives workers the kits they lack, and asks the runner for more. */
void stock_supply(struct broker *b);

enum kit_claim {
	KIT_GOOD,	/* in use from now on */
	KIT_VOID,	/* of a runner that is gone, which the worker may not know yet */
	KIT_FORGED,	/* never sent to this worker, or used before, or of the other kind */
};

/* Judges a kit that a worker names, and takes it into use. */
enum kit_claim stock_claim(struct link *l, uint32_t number, bool has_input);

/* A worker had no room for a kit. Returns what is wrong, or NULL. */
const char *stock_returned(struct link *l, const struct frame *f);

/* A kit in use goes to the runner. */
void stock_forget(struct broker *b, uint32_t number);

/* Destroys a kit in use that will not be started. */
void stock_drop(struct broker *b, uint32_t number);

/* 0 if there is a kit with stdin for the broker; -EAGAIN: later; or -errno: none can be made. */
int stock_look(const struct broker *b);

/* Takes such a kit out of the stock: returns its number, and the broker's ends. */
uint32_t stock_take(struct broker *b, int fds[static ENTRY_N_FDS]);

/* The worker is gone: its unused kits are destroyed. */
void stock_link_closed(struct link *l);

/* The runner is gone: all kits are void. */
void stock_lost(struct broker *b);
