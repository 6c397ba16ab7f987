/* SPDX-License-Identifier: ISC */
/* Counts of the processes that each worker wants. */
#include "config.h"

#include "broker/wants.h"

/* No worker has more calls than this. */
#define WANTS_MAX (4u << 20)

bool
wants_add(struct wants *w, uint16_t worker)
{
	if (w->of[worker] >= WANTS_MAX)
		return false;
	w->of[worker]++;
	w->all++;
	return true;
}

uint16_t
wants_serve(struct wants *w)
{
	do {
		w->turn = (uint16_t)((w->turn + 1) % WANTS_MAX_WORKERS);
	} while (w->of[w->turn] == 0);
	w->of[w->turn]--;
	w->all--;
	return w->turn;
}

static void
give_up(struct wants *w, uint16_t worker)
{
	w->all -= w->of[worker];
	w->of[worker] = 0;
}

void
wants_refuse_one(struct wants *w, uint16_t worker)
{
	if (w->of[worker] == 0)
		return;
	give_up(w, worker);
	w->n_refused += !w->is_refused[worker];
	w->is_refused[worker] = true;
}

void
wants_refuse(struct wants *w)
{
	for (uint16_t i = 0; w->all > 0 && i < WANTS_MAX_WORKERS; i++)
		wants_refuse_one(w, i);
}

void
wants_told(struct wants *w, uint16_t worker)
{
	w->n_refused -= w->is_refused[worker];
	w->is_refused[worker] = false;
}

void
wants_forget(struct wants *w, uint16_t worker)
{
	give_up(w, worker);
	wants_told(w, worker);
}

void
wants_inherit(struct wants *heir, struct wants *old)
{
	for (uint16_t i = 0; old->all > 0 && i < WANTS_MAX_WORKERS; i++) {
		heir->of[i] += old->of[i];
		heir->all += old->of[i];
		give_up(old, i);
	}
}
