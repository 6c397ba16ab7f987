/* SPDX-License-Identifier: ISC */
/*
 * kits: the pipes that programs are started with. The broker sends kits ahead
 * of need, and more when half of them are used; a call that finds none waits
 * for one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call/call.h"
#include "ipc/job.h"

struct frame;
struct kit;

/* The broker sends fewer than this ahead of need. */
#define KITS_MAX 32

/* The worker's ends: stdout, stderr, stdin (-1: none). */
struct kit {
	uint32_t number;
	int fds[CALL_FDS];
};

/* Gives a waiting call its kit; kit NULL: there will be none soon, because of why. */
typedef void kits_equip_fn(struct call *call, struct kit *kit, const char *why);

struct kits {
	struct kit list[2][KITS_MAX];	/* without stdin, with stdin */
	size_t n[2];
	int error[2];			/* errno: no kit will come soon; 0: a call may wait */
	char why[2][80];		/* the same in words */
	struct call_list waiting[2];	/* calls */
	struct jobs jobs;		/* of those that have been sent */
	kits_equip_fn *equip;		/* gives a waiting call its kit */
};

void kits_init(struct kits *k);

/* Drops all kits, as they are void. */
void kits_drop(struct kits *k);

/* Takes a kit and its descriptors: the first waiting call gets it. */
void kits_on_kit(struct kits *k, const struct frame *f, int *fds);

/* No kit will come soon, for this errno: waiting calls and new ones are told so. */
void kits_on_none(struct kits *k, bool has_input, int error);

/* Takes a kit. 0; -EAGAIN: there is none, the call may wait; or -errno. */
int kits_take(struct kits *k, bool has_input, struct kit *ret);

/* Lets a call wait for a kit: equip follows, which takes the kit's descriptors. */
void kits_wait(struct kits *k, struct call *call, kits_equip_fn *equip);

/* Ends the wait of a call. Harmless for a call that does not wait. */
void kits_leave(struct kits *k, struct call *call);
