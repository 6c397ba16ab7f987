/* SPDX-License-Identifier: ISC */
/* Lists of unused kits, and of calls that wait for one. */
#include "config.h"

#include "call/kits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipc/channel.h"

void
kits_init(struct kits *k)
{
	*k = (struct kits){ 0 };
	TAILQ_INIT(&k->waiting[0]);
	TAILQ_INIT(&k->waiting[1]);
}

void
kits_drop(struct kits *k)
{
	for (size_t kind = 0; kind < 2; kind++) {
		k->error[kind] = 0;
		while (k->n[kind] > 0)
			channel_close_fds(k->list[kind][--k->n[kind]].fds, CALL_FDS);
	}
}

static bool
wants_input(const struct call *call)
{
	return (call->run.flags & RUN_HAS_INPUT) != 0;
}

void
kits_on_none(struct kits *k, bool has_input, int error)
{
	struct call *call;

	k->error[has_input] = error;
	(void)snprintf(k->why[has_input], sizeof(k->why[0]), "the server: %s", strerror(error));
	while ((call = TAILQ_FIRST(&k->waiting[has_input])) != NULL) {
		kits_leave(k, call);
		k->equip(call, NULL, k->why[has_input]);
	}
}

void
kits_on_kit(struct kits *k, const struct frame *f, int *fds)
{
	bool has_input = f->kit.has_input != 0;
	struct kit kit = { .number = f->kit.number, .fds = { -1, -1, -1 } };
	struct call *call = TAILQ_FIRST(&k->waiting[has_input]);

	k->error[has_input] = 0;
	if (call == NULL && k->n[has_input] == KITS_MAX)
		return;
	for (size_t i = 0; i < (has_input ? 3 : 2); i++) {
		kit.fds[i] = fds[i];
		fds[i] = -1;
	}
	if (call == NULL) {
		k->list[has_input][k->n[has_input]++] = kit;
		return;
	}
	kits_leave(k, call);
	k->equip(call, &kit, NULL);
}

int
kits_take(struct kits *k, bool has_input, struct kit *ret)
{
	if (k->n[has_input] == 0)
		return k->error[has_input] != 0 ? -k->error[has_input] : -EAGAIN;
	*ret = k->list[has_input][--k->n[has_input]];
	return 0;
}

void
kits_wait(struct kits *k, struct call *call, kits_equip_fn *equip)
{
	k->equip = equip;
	call->awaits_kit = true;
	TAILQ_INSERT_TAIL(&k->waiting[wants_input(call)], call, link);
}

void
kits_leave(struct kits *k, struct call *call)
{
	if (!call->awaits_kit)
		return;
	call->awaits_kit = false;
	TAILQ_REMOVE(&k->waiting[wants_input(call)], call, link);
}
