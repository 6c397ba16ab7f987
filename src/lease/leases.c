/* SPDX-License-Identifier: ISC */
/*
 * leases: decides which request of a service gets which of its handler
 * processes, and when.
 */
#include "config.h"

#include "lease/leases.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/frame.h"

static int
lease_set_compare(const struct lease_set *a, const struct lease_set *b)
{
	return strcmp(a->service, b->service);
}

RB_PROTOTYPE_INTERNAL(lease_sets, lease_set, node, lease_set_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(lease_sets, lease_set, node, lease_set_compare,
    __attribute__((unused)) static)

static struct lease_set *
lease_set_find(struct leases *ls, const char *service)
{
	struct lease_set key;

	(void)strlcpy(key.service, service, sizeof(key.service));
	return RB_FIND(lease_sets, &ls->sets, &key);
}

/*
 * Returns the service under the rules in force, or NULL when it has no handler
 * any more.
 */
static const struct service *
lease_set_service(const struct lease_set *set)
{
	const struct conf *conf = set->leases->conf;
	const struct service *s = NULL;

	if (conf != NULL)
		s = conf_find_service(conf, set->service, strlen(set->service));
	return s != NULL && s->handler != NULL ? s : NULL;
}

/*
 * Returns the settings that change the form of requests. A process knows only
 * the form that it was started with.
 */
static uint8_t
service_format(const struct service *s)
{
	return (uint8_t)(s->pool.context | (s->input == INPUT_PUSHED) << 1);
}

void
leases_init(struct leases *ls, struct loop *loop, char *read)
{
	*ls = (struct leases){ .loop = loop, .read = read };
	RB_INIT(&ls->sets);
	LIST_INIT(&ls->dead);
	LIST_INIT(&ls->unflushed);
	shares_init(&ls->seats, NULL, 0, sizeof(struct share));
}

struct lease_set *
lease_set_get(struct leases *ls, const char *service)
{
	const struct service *s;
	struct lease_set *set = lease_set_find(ls, service);

	if (set != NULL)
		return set;
	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return NULL;
	set->leases = ls;
	set->id = ++ls->n_sets;
	LIST_INIT(&set->list);
	TAILQ_INIT(&set->waiting);
	(void)strlcpy(set->service, service, sizeof(set->service));
	s = lease_set_service(set);
	if (s != NULL) {
		set->format = service_format(s);
		set->is_paused = s->state == SERVICE_PAUSED;
	}
	RB_INSERT(lease_sets, &ls->sets, set);
	return set;
}

/* ------------------------------------------------------------- the queue --- */

/* Posts one WANT for each waiting call, less those that were posted already. */
static void
lease_set_want(struct lease_set *set)
{
	struct leases *ls = set->leases;
	struct frame f = { .type = FRAME_WANT };

	/* There are no calls before the first rules. */
	if (set->is_paused || set->n_wanted >= set->n_waiting)
		return;
	f.generation = ls->conf->generation;
	(void)strlcpy(f.lease.service, set->service, sizeof(f.lease.service));
	while (set->n_wanted < set->n_waiting) {
		/*
		 * If memory is out, the next call asks again, or the deadline
		 * ends this one.
		 */
		if (ls->post(ls, &f) < 0)
			return;
		set->n_wanted++;
	}
}

/* Counts a request that waits from now on. */
static void
seat_take(struct lease_set *set, struct exchange *x)
{
	set->n_waiting++;
	if (x->party != NULL)
		x->seat = shares_get(&set->leases->seats, x->party, set->id);
}

void
lease_set_leave(struct lease_set *set, struct exchange *x)
{
	TAILQ_REMOVE(&set->waiting, x, link);
	set->n_waiting--;
	x->seat = shares_put(&set->leases->seats, x->seat);
}

void
lease_set_put_back(struct lease_set *set, struct exchange *x)
{
	x->pid = 0;
	TAILQ_INSERT_HEAD(&set->waiting, x, link);
	seat_take(set, x);
	x->ops->put_back(x);
}

bool
lease_set_has_room(const struct lease_set *set, const struct service *s)
{
	/*
	 * One request may always wait, even if the queue of the service is 0.
	 */
	return set->n_waiting == 0 || set->n_waiting < s->queue;
}

bool
lease_set_is_fair(const struct lease_set *set, const struct service *s, const struct digest *party)
{
	size_t room = set->n_waiting < s->queue ? s->queue - set->n_waiting : 1;

	return party == NULL ||
	    share_allows(shares_count(&set->leases->seats, party, set->id), room, 1);
}

bool
lease_set_fits(const struct lease_set *set, const struct service *s)
{
	const struct service *now = lease_set_service(set);

	return now != NULL && service_format(now) == service_format(s);
}

struct lease *
lease_set_find_free(const struct lease_set *set, const struct service *s)
{
	struct lease *l, *best = NULL;

	if (set->is_paused)
		return NULL;
	LIST_FOREACH(l, &set->list, link) {
		if (!lease_is_free(l, s))
			continue;
		if (l->conversation.n_flight == 0) {
			if (!conversation_has_news(l))
				return l;
			/*
			 * The process has ended or written something: its event
			 * is next.
			 */
			continue;
		}
		if (best == NULL || l->conversation.n_flight < best->conversation.n_flight)
			best = l;
	}
	return best;
}

/* ---------------------------------------------------------------- dispatch --- */

void
lease_set_dispatch(struct lease_set *set)
{
	struct exchange *x;

	while ((x = TAILQ_FIRST(&set->waiting)) != NULL) {
		struct lease *l = lease_set_find_free(set, x->service);

		if (l == NULL)
			break;
		lease_set_leave(set, x);
		if (!lease_give(l, x, &x->text))
			lease_set_put_back(set, x);
	}
	lease_set_want(set);
}

void
lease_set_enter(struct lease_set *set, struct exchange *x, struct lease *lease, struct buf *text)
{
	if (lease != NULL && lease_give(lease, x, text))
		return;
	TAILQ_INSERT_TAIL(&set->waiting, x, link);
	seat_take(set, x);
	lease_set_dispatch(set);
}

/* -------------------------------------------------- events of the broker --- */

/*
 * The broker has its new rules a moment before this worker. True if the process
 * takes, or may take, requests in another form than this worker makes.
 */
static bool
is_early(const struct lease_set *set, const struct frame *f)
{
	const struct leases *ls = set->leases;
	const struct conf *next = ls->prepared;
	const struct service *s = NULL;

	if (f->lease.is_probe != 0 || ls->conf == NULL || f->generation <= ls->conf->generation)
		return false;
	if (next != NULL && next->generation == f->generation)
		s = conf_find_service(next, set->service, strlen(set->service));
	return s == NULL || s->handler == NULL || service_format(s) != set->format;
}

void
leases_on_granted(struct leases *ls, const struct frame *f, int fds[static 3])
{
	struct lease_set *set = lease_set_get(ls, f->lease.service);
	struct lease *l;

	if (set == NULL) {
		lease_decline(ls, f, fds, LEASE_BROKEN);
		return;
	}
	if (is_early(set, f)) {
		/*
		 * The lease counts as wanted until the new rules are in force
		 * here. Else this worker would ask again at once.
		 */
		lease_decline(ls, f, fds, LEASE_WHOLE);
		set->n_early++;
		return;
	}
	if (f->lease.is_probe == 0 && set->n_wanted > 0)
		set->n_wanted--;
	if (f->generation != 0 && f->generation < set->format_generation) {
		/* The lease was on its way while the rules changed. */
		lease_decline(ls, f, fds, LEASE_WHOLE);
		lease_set_want(set);
		return;
	}
	l = lease_new(set, f, fds);
	if (l == NULL)
		lease_set_want(set);
	else
		lease_begin(l, f->lease.due_usec);
}

void
leases_on_recalled(struct leases *ls, uint64_t id)
{
	struct lease_set *set;
	struct lease *l;

	RB_FOREACH(set, lease_sets, &ls->sets) {
		LIST_FOREACH(l, &set->list, link) {
			if (l->id != id)
				continue;
			lease_recall(l);
			return;
		}
	}
}

/* Ends all waiting requests: there is no process for them. */
static void
lease_set_refuse(struct lease_set *set, const char *why)
{
	struct exchange *x;

	set->n_wanted = set->n_early = 0;
	while ((x = TAILQ_FIRST(&set->waiting)) != NULL) {
		lease_set_leave(set, x);
		x->ops->ended(x, OUTCOME_UNAVAIL, 0, why);
	}
}

/*
 * Returns the words for waiting calls about why there is no handler; they stay
 * in set.
 */
static const char *
lease_set_explain(struct lease_set *set, const struct frame_unable *u)
{
	uint64_t now = set->leases->loop->now_usec;

	if (u->reason == UNABLE_GONE)
		return "the configuration has changed, try again";
	if (u->reason == UNABLE_STOPPING)
		return "reqd is stopping";
	death_describe_outage(&u->death, u->retry_usec > now ? u->retry_usec - now : 0, set->why);
	return set->why;
}

void
leases_on_unable(struct leases *ls, const struct frame_unable *u)
{
	struct lease_set *set = lease_set_find(ls, u->service);

	if (set != NULL)
		lease_set_refuse(set, lease_set_explain(set, u));
}

void
leases_on_no_room(struct leases *ls, const struct frame *f, int fds[static 3])
{
	struct lease_set *set = lease_set_find(ls, f->lease.service);

	/*
	 * Without the descriptors nobody can find out whether a new process
	 * answers.
	 */
	lease_decline(ls, f, fds, f->lease.is_probe != 0 ? LEASE_BROKEN : LEASE_WHOLE);
	if (set != NULL)
		lease_set_refuse(set, "too many open files in the server");
}

void
leases_on_lost(struct leases *ls)
{
	struct lease_set *set;
	struct lease *l, *next;

	RB_FOREACH(set, lease_sets, &ls->sets) {
		set->n_wanted = set->n_early = 0;
		LIST_FOREACH_SAFE(l, &set->list, link, next)
			lease_disown(l);
	}
}

void
leases_on_attached(struct leases *ls)
{
	struct lease_set *set;

	RB_FOREACH(set, lease_sets, &ls->sets)
		lease_set_want(set);
}

/* -------------------------------------------------- events of the worker --- */

void
leases_flush(struct leases *ls)
{
	struct lease *l;

	while ((l = LIST_FIRST(&ls->unflushed)) != NULL)
		lease_flush(l);
}

void
leases_bury(struct leases *ls)
{
	struct lease *l;

	while ((l = LIST_FIRST(&ls->dead)) != NULL)
		lease_free(l);
}

void
leases_on_stall(struct leases *ls, uint64_t usec)
{
	struct lease_set *set;
	struct lease *l;

	RB_FOREACH(set, lease_sets, &ls->sets) {
		LIST_FOREACH(l, &set->list, link) {
			if (l->is_probe && loop_timer_is_armed(&l->timer))
				loop_arm(ls->loop, &l->timer, l->timer.due_usec + usec);
		}
	}
}

/* Requests have another form from now on: those made before do not fit. */
static void
lease_set_reform(struct lease_set *set, uint8_t format)
{
	struct lease *l, *next;

	set->format = format;
	set->format_generation = set->leases->conf->generation;
	LIST_FOREACH_SAFE(l, &set->list, link, next)
		lease_outdate(l);
	lease_set_refuse(set, LEASES_CHANGED);
}

void
leases_reload(struct leases *ls)
{
	struct lease_set *set;

	RB_FOREACH(set, lease_sets, &ls->sets) {
		const struct service *s = lease_set_service(set);

		set->n_wanted -= set->n_early < set->n_wanted ? set->n_early : set->n_wanted;
		set->n_early = 0;
		set->is_paused = s != NULL && s->state == SERVICE_PAUSED;
		if (s == NULL)
			lease_set_refuse(set, LEASES_CHANGED);
		else if (service_format(s) != set->format)
			lease_set_reform(set, service_format(s));
		else
			lease_set_dispatch(set);
	}
}

void
leases_give_back(struct leases *ls)
{
	struct lease_set *set;
	struct lease *l, *next;

	RB_FOREACH(set, lease_sets, &ls->sets) {
		/* No more leases are asked for. */
		set->n_wanted = SIZE_MAX;
		LIST_FOREACH_SAFE(l, &set->list, link, next)
			lease_give_back(l);
	}
}

void
leases_done(struct leases *ls)
{
	struct lease_set *set, *next;
	struct lease *l;

	/* Ends the leases that are left; their last request was never sent. */
	RB_FOREACH(set, lease_sets, &ls->sets) {
		while ((l = LIST_FIRST(&set->list)) != NULL)
			lease_part(l, LEASE_BROKEN);
	}
	leases_bury(ls);
	RB_FOREACH_SAFE(set, lease_sets, &ls->sets, next) {
		RB_REMOVE(lease_sets, &ls->sets, set);
		free(set);
	}
}
