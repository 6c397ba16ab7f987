/* SPDX-License-Identifier: ISC */
/*
 * stock: which kits there are, and who has them; who has a file for jobs. The runner makes them; the
 * broker keeps some of each kind, hands each worker a few ahead of need, more when
 * half of those are used, and takes those for handlers.
 *
 * A kit is the worker's that it was sent to: no other may name it.
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
 * What a worker has ahead of need: so many without stdin, half as many with. Here are
 * twice as many of each kind; more are asked for when half of them are gone, or after a
 * while. All of it is less where there are few open files, but never none.
 */
#define STOCK_SHARE 8
#define STOCK_SHELF (2 * STOCK_SHARE)

/* The jobs of handlers are in a file of the broker. */
#define STOCK_OWN_JOBS ROLE_PROCESS(ROLE_BROKER, 0)

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
	int error;		/* errno: there are none, until the next has come; 0: there are */
};

struct stock {
	struct stock_kit *slots;	/* for FRAME_MAX_KITS */
	struct shelf shelves[2];	/* without stdin, with */
	struct jobs jobs;		/* of handlers */
	int jobs_error;			/* errno: there is no file for them */
	uint64_t jobs_usec;		/* when it is asked for, again */
	size_t share;			/* of a worker */
	size_t max_fds;			/* all kits that are not in use may have so many */
	struct loop_timer timer;	/* what was used has been used for long enough */
	bool is_due;
	bool has_news;			/* see stock_has_news() */
	uint64_t complain_usec;		/* when a shortage is logged again */
};

/* slots is zeroed memory, borrowed; n_files is how many open files we and the runner may have. */
void stock_init(struct stock *k, struct stock_kit *slots, uint64_t n_files);

/* True if there are kits for handlers again, or it is known since that there are none. */
bool stock_has_news(struct stock *k);

/* JOBS from the runner: the file of a worker, or our own. */
void stock_on_jobs(struct broker *b, const struct frame *f, int *fds, size_t n_fds);

/* MAKE_JOBS from a worker, which had no room for the file. */
const char *stock_jobs_wanted(struct link *l, const struct frame *f);

/* There are to be so many workers. */
void stock_divide(struct stock *k, size_t n_workers);

/* One has come from the runner; without descriptors when we have no room for them. Takes those. */
void stock_on_kit(struct broker *b, const struct frame *f, int *fds, size_t n_fds);

/* The runner cannot make one, and goes on trying. */
void stock_on_none(struct broker *b, const struct frame *f);

/* The turn ends: workers get what they lack, and more is asked for. */
void stock_supply(struct broker *b);

enum kit_claim {
	KIT_GOOD,	/* it is in use now */
	KIT_VOID,	/* of a runner that is gone, which the worker cannot know yet */
	KIT_FORGED,	/* never sent to this worker, or used before, or of the other kind */
};

/* A worker names one. */
enum kit_claim stock_claim(struct link *l, uint32_t number, bool has_input);

/* A worker had no room for one. What is wrong, or NULL. */
const char *stock_returned(struct link *l, const struct frame *f);

/* One that is in use is the runner's from now on. */
void stock_forget(struct broker *b, uint32_t number);

/* One that is in use will not be started. */
void stock_drop(struct broker *b, uint32_t number);

/* Is there one with stdin for us? 0; -EAGAIN: later; or -errno: none can be made. */
int stock_look(const struct broker *b);

/* Takes it out of the stock: its number, and our ends. */
uint32_t stock_take(struct broker *b, int fds[static ENTRY_N_FDS]);

/* A worker is gone, and nobody uses those it had. */
void stock_link_closed(struct link *l);

/* The runner is gone: all are void. */
void stock_lost(struct broker *b);
