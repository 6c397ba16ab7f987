/* SPDX-License-Identifier: ISC */
/*
 * kits: what programs are started with. The broker sends them ahead of need, and
 * more when half of them are used; a call that finds none waits for one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call/call.h"
#include "ipc/job.h"

struct frame;
struct kit;

/* The broker sends fewer ahead of need. */
#define KITS_MAX 32

/* The worker's ends: stdout, stderr, stdin (-1: none). */
struct kit {
	uint32_t number;
	int fds[CALL_FDS];
};

/* kit NULL: there will be none soon, and why. */
typedef void kits_equip_fn(struct call *call, struct kit *kit, const char *why);

struct kits {
	struct kit list[2][KITS_MAX];	/* without stdin, with */
	size_t n[2];
	int error[2];			/* errno: none will come soon; 0: wait for one */
	char why[2][80];		/* the same in words */
	struct call_list waiting[2];	/* calls */
	struct jobs jobs;		/* of those that have been sent */
	kits_equip_fn *equip;		/* a call that has waited has this kit, and takes it */
};

void kits_init(struct kits *k);

/* All that are here are void. */
void kits_drop(struct kits *k);

/* One has come: the first call that waits gets it. Takes the descriptors. */
void kits_on_kit(struct kits *k, const struct frame *f, int *fds);

/* There will be none soon, for this errno: calls that wait hear it, and those that come. */
void kits_on_none(struct kits *k, bool has_input, int error);

/* Takes one. 0; -EAGAIN: there is none, wait for one; or -errno. */
int kits_take(struct kits *k, bool has_input, struct kit *ret);

/* The call waits for one: equip follows, which takes its descriptors. */
void kits_wait(struct kits *k, struct call *call, kits_equip_fn *equip);

/* It waits no longer. Harmless when it does not. */
void kits_leave(struct kits *k, struct call *call);
