/* SPDX-License-Identifier: ISC */
/*
 * Keeps kits in stock, and hands them out to workers and handlers. No
 * allocation: this runs in the broker.
 */
#include "config.h"

#include "broker/stock.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/broker.h"
#include "broker/link.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"

/* Messages cost time: a short wait puts several kits into one. */
#define STOCK_USEC (20 * USEC_PER_MSEC)

#define COMPLAIN_USEC (10 * USEC_PER_SEC)

static loop_timer_fn on_stock_due;

void
stock_init(struct stock *k, struct stock_kit *slots, uint64_t n_files)
{
	/* Half of the descriptors are for running programs. */
	*k = (struct stock){
		.slots = slots, .share = 1, .timer.fn = on_stock_due,
		.max_fds = n_files / 2 > SIZE_MAX ? SIZE_MAX : (size_t)(n_files / 2),
	};
}

static size_t
n_fds_of(bool has_input)
{
	return has_input ? 3 : 2;
}

/* The number of kits a worker has ahead of need, and the number kept here. */
static size_t
worker_kits(size_t share, bool has_input)
{
	return has_input ? (share + 1) / 2 : share;
}

static size_t
shelf_kits(size_t share)
{
	return share == 1 ? 1 : 2 * share;
}

void
stock_divide(struct stock *k, size_t n_workers)
{
	size_t n_fds;

	k->share = STOCK_SHARE + 1;
	do {
		k->share--;
		/* The runner has a file of jobs for each worker, and one for the broker. */
		n_fds = n_workers + 1;
		for (size_t kind = 0; kind < 2; kind++)
			n_fds += n_fds_of(kind == 1) * (shelf_kits(k->share) +
			    n_workers * worker_kits(k->share, kind == 1));
	} while (k->share > 1 && n_fds > k->max_fds);
}

/* The end of the turn that this timer begins supplies the workers. */
static void
on_stock_due(struct loop_timer *t)
{
	CONTAINER_OF(t, struct stock, timer)->is_due = true;
}

/* The kit of that number, or NULL. */
static struct stock_kit *
kit_find(struct stock *k, uint32_t number)
{
	struct stock_kit *kit = &k->slots[number % FRAME_MAX_KITS];

	return number != 0 && kit->number == number ? kit : NULL;
}

/* Looks again later, as no event tells when it is time. */
static void
stock_look_later(struct broker *b)
{
	if (!loop_timer_is_armed(&b->stock.timer))
		loop_arm(&b->loop, &b->stock.timer, clock_usec() + STOCK_USEC);
}

/* ----------------------------------------------------------------- stock --- */

/* Answers those who wait for a kit, so that nobody waits in vain. */
static void
shelf_fail(struct broker *b, bool has_input, int error)
{
	b->stock.shelves[has_input].error = error;
	b->stock.has_news |= has_input;
	if (b->loop.now_usec < b->stock.complain_usec)
		return;
	b->stock.complain_usec = b->loop.now_usec + COMPLAIN_USEC;
	log_err("no pipes for another program: %s", strerror(error));
}

/* Tells a worker without a kit of this kind, and without one on the way, the reason. */
static void
link_apologize(struct link *l, bool has_input, int error)
{
	struct frame f = {
		.type = FRAME_NO_KIT, .kit = { .has_input = has_input, .error = error },
	};

	if (link_is_open(l) && l->n_kits[has_input] == 0 && !l->is_short[has_input])
		l->is_short[has_input] = link_has_room(l) && link_answer(l, &f);
}

/* Notes that there is no file for the jobs of the process in this slot for now. */
static void
jobs_fail(struct broker *b, uint16_t slot, int error)
{
	if (slot < BROKER_MAX_LINKS && !b->links[slot].has_jobs) {
		link_apologize(&b->links[slot], false, error);
		link_apologize(&b->links[slot], true, error);
	} else if (slot == STOCK_OWN_JOBS) {
		b->stock.jobs_error = error;
		b->stock.has_news = true;
	}
}

void
stock_on_none(struct broker *b, const struct frame *f)
{
	if (f->kit.is_jobs)
		jobs_fail(b, f->slot, f->kit.error);
	else
		shelf_fail(b, f->kit.has_input != 0, f->kit.error);
}

void
stock_on_kit(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	bool has_input = f->kit.has_input != 0;
	struct shelf *s = &b->stock.shelves[has_input];
	struct stock_kit *kit = &b->stock.slots[f->kit.number % FRAME_MAX_KITS];

	if (s->n_asked > 0)
		s->n_asked--;
	if (n_fds == 0) {
		stock_drop(b, f->kit.number);
		shelf_fail(b, has_input, EMFILE);
		return;
	}
	s->error = 0;
	if (s->n == STOCK_SHELF || kit->number != 0)
		return;
	*kit = (struct stock_kit){ .number = f->kit.number, .has_input = has_input };
	s->list[s->n].number = f->kit.number;
	for (size_t i = 0; i < ENTRY_N_FDS; i++) {
		s->list[s->n].fds[i] = i < n_fds_of(has_input) ? fds[i] : -1;
		if (i < n_fds_of(has_input))
			fds[i] = -1;
	}
	if (s->n++ == 0 && has_input)
		b->stock.has_news = true;
}

bool
stock_has_news(struct stock *k)
{
	bool has_news = k->has_news;

	k->has_news = false;
	return has_news;
}

/* Takes the kit that came last, because its pages are warm. */
static uint32_t
shelf_pop(struct shelf *s, int fds[static ENTRY_N_FDS])
{
	s->n--;
	memcpy(fds, s->list[s->n].fds, sizeof(s->list[s->n].fds));
	return s->list[s->n].number;
}

/* Sends a worker one kit. False: there is none here, or no room there. */
static bool
supply_one(struct link *l, bool has_input)
{
	struct stock *k = &l->broker->stock;
	struct shelf *s = &k->shelves[has_input];
	struct frame f = { .type = FRAME_KIT, .slot = l->slot, .kit.has_input = has_input };
	int fds[ENTRY_N_FDS];

	if (s->n == 0 || !link_has_room(l))
		return false;
	f.kit.number = shelf_pop(s, fds);
	/* Checked before: the link has room, so the post cannot fail. */
	(void)mail_post(&l->mail, &f, fds, n_fds_of(has_input));
	kit_find(k, f.kit.number)->owner = l;
	l->n_kits[has_input]++;
	l->is_short[has_input] = false;
	return true;
}

static void
shelf_refill(struct broker *b, bool has_input)
{
	struct shelf *s = &b->stock.shelves[has_input];
	size_t have = s->n + s->n_asked, wanted = shelf_kits(b->stock.share);
	struct frame f = { .type = FRAME_MAKE_KITS, .make.has_input = has_input };

	if (have >= wanted || !mail_is_open(&b->runner))
		return;
	if ((have > wanted / 2 || s->error != 0) && !b->stock.is_due) {
		stock_look_later(b);
		return;
	}
	f.make.n = (uint16_t)(wanted - have);
	if (mail_post(&b->runner, &f, NULL, 0))
		s->n_asked += f.make.n;
}

/*
 * True if the worker is to get kits now: when half of its share is used, or
 * after a while. Several go together, because each message wakes the worker.
 */
static bool
is_to_supply(struct link *l, bool has_input)
{
	struct broker *b = l->broker;
	size_t wanted = worker_kits(b->stock.share, has_input);

	if (!link_is_open(l) || !l->has_jobs)
		return false;
	if (l->n_kits[has_input] >= wanted) {
		l->is_filling[has_input] = false;
		return false;
	}
	if (l->n_kits[has_input] <= wanted / 2 || b->stock.is_due)
		l->is_filling[has_input] = true;
	if (!l->is_filling[has_input]) {
		stock_look_later(b);
		return false;
	}
	if (b->loop.now_usec >= l->kits_usec)
		return true;
	stock_look_later(b);
	return false;
}

/* Asks for a file of jobs, and again until it comes: it may get lost where open files are few. */
static void
jobs_ask(struct broker *b, uint16_t slot, uint64_t serial, uint64_t *due_usec)
{
	struct frame f = { .type = FRAME_MAKE_JOBS, .slot = slot, .jobs_serial = serial };

	stock_look_later(b);
	if (b->loop.now_usec < *due_usec || !mail_post(&b->runner, &f, NULL, 0))
		return;
	*due_usec = b->loop.now_usec + STOCK_USEC;
}

static void
jobs_ask_all(struct broker *b)
{
	if (!mail_is_open(&b->runner))
		return;
	if (b->stock.jobs.places == NULL)
		jobs_ask(b, STOCK_OWN_JOBS, 1, &b->stock.jobs_usec);
	for (uint16_t i = 0; i < BROKER_MAX_LINKS; i++) {
		struct link *l = &b->links[i];

		if (link_is_open(l) && !l->has_jobs)
			jobs_ask(b, i, l->serial, &l->jobs_usec);
	}
}

void
stock_on_jobs(struct broker *b, const struct frame *f, int *fds, size_t n_fds)
{
	struct link *l = f->slot < BROKER_MAX_LINKS ? &b->links[f->slot] : NULL;

	if (n_fds == 0) {
		jobs_fail(b, f->slot, EMFILE);
	} else if (l == NULL && b->stock.jobs.places == NULL) {
		b->stock.jobs_error = -jobs_open(&b->stock.jobs, TAKE_FD(fds[0]));
		b->stock.has_news = true;
	} else if (l != NULL && !l->has_jobs && l->serial == f->jobs_serial) {
		l->has_jobs = mail_post(&l->mail, f, fds, 1);
		if (l->has_jobs)
			fds[0] = -1;
	}
}

const char *
stock_jobs_wanted(struct link *l, const struct frame *f)
{
	(void)f;
	/* The question is about a file of the runner before. */
	if (l->unkit.serial != 0)
		return NULL;
	l->has_jobs = false;
	l->jobs_usec = l->broker->loop.now_usec + STOCK_USEC;
	return NULL;
}

void
stock_supply(struct broker *b)
{
	jobs_ask_all(b);
	for (size_t kind = 0; kind < 2; kind++) {
		bool is_served = true;

		/* One kit at a time to each worker, so that a short supply is shared. */
		while (is_served && b->stock.shelves[kind].n > 0) {
			is_served = false;
			for (size_t i = 0; i < BROKER_MAX_LINKS; i++) {
				struct link *l = &b->links[i];

				if (is_to_supply(l, kind == 1))
					is_served |= supply_one(l, kind == 1);
			}
		}
		if (b->stock.shelves[kind].error != 0 && b->stock.shelves[kind].n == 0) {
			for (size_t i = 0; i < BROKER_MAX_LINKS; i++)
				link_apologize(&b->links[i], kind == 1, b->stock.shelves[kind].error);
		}
		shelf_refill(b, kind == 1);
	}
	b->stock.is_due = false;
}

int
stock_look(const struct broker *b)
{
	const struct shelf *s = &b->stock.shelves[1];

	if (b->stock.jobs.places == NULL && b->stock.jobs_error != 0)
		return -b->stock.jobs_error;
	if (s->n > 0 && b->stock.jobs.places != NULL)
		return 0;
	return s->error != 0 ? -s->error : -EAGAIN;
}

uint32_t
stock_take(struct broker *b, int fds[static ENTRY_N_FDS])
{
	return shelf_pop(&b->stock.shelves[1], fds);
}

/* ------------------------------------------------------------------- use --- */

enum kit_claim
stock_claim(struct link *l, uint32_t number, bool has_input)
{
	struct stock_kit *kit = kit_find(&l->broker->stock, number);

	if (kit == NULL || kit->owner != l || kit->has_input != has_input)
		return l->unkit.serial != 0 ? KIT_VOID : KIT_FORGED;
	kit->owner = NULL;
	l->n_kits[has_input]--;
	return KIT_GOOD;
}

const char *
stock_returned(struct link *l, const struct frame *f)
{
	switch (stock_claim(l, f->kit.number, f->kit.has_input != 0)) {
	case KIT_FORGED:
		return "returned a kit that is not its own";
	case KIT_VOID:
		break;
	case KIT_GOOD:
		stock_drop(l->broker, f->kit.number);
		/* No event tells when the worker has room again. */
		l->kits_usec = l->broker->loop.now_usec + STOCK_USEC;
		break;
	}
	return NULL;
}

void
stock_forget(struct broker *b, uint32_t number)
{
	struct stock_kit *kit = kit_find(&b->stock, number);

	if (kit != NULL)
		kit->number = 0;
}

void
stock_drop(struct broker *b, uint32_t number)
{
	struct frame f = { .type = FRAME_UNKIT, .kit.number = number };

	stock_forget(b, number);
	(void)mail_post(&b->runner, &f, NULL, 0);
}

/* ------------------------------------------------------------------- end --- */

void
stock_link_closed(struct link *l)
{
	struct broker *b = l->broker;

	for (size_t i = 0; l->n_kits[0] + l->n_kits[1] > 0 && i < FRAME_MAX_KITS; i++) {
		struct stock_kit *kit = &b->stock.slots[i];

		if (kit->number == 0 || kit->owner != l)
			continue;
		l->n_kits[kit->has_input]--;
		stock_drop(b, kit->number);
	}
}

void
stock_lost(struct broker *b)
{
	struct frame f = { .type = FRAME_UNKIT };

	jobs_close(&b->stock.jobs);
	b->stock.jobs_usec = 0;
	for (size_t kind = 0; kind < 2; kind++) {
		struct shelf *s = &b->stock.shelves[kind];

		while (s->n > 0)
			channel_close_fds(s->list[--s->n].fds, ENTRY_N_FDS);
		s->n_asked = 0;
		s->error = 0;
	}
	for (size_t i = 0; i < FRAME_MAX_KITS; i++) {
		if (b->stock.slots[i].number != 0)
			b->stock.slots[i] = (struct stock_kit){ 0 };
	}
	for (size_t i = 0; i < BROKER_MAX_LINKS; i++) {
		struct link *l = &b->links[i];

		if (!link_is_open(l))
			continue;
		l->n_kits[0] = l->n_kits[1] = 0;
		l->is_short[0] = l->is_short[1] = l->has_jobs = false;
		l->jobs_usec = 0;
		/*
		 * If the question is open already, only the answer to the newest one
		 * counts.
		 */
		mail_forget(&l->mail, &l->unkit);
		if (!mail_ask(&l->mail, &f, &l->unkit))
			link_accuse(l, "takes no message");
	}
}
