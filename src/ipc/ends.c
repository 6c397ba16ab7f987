/* SPDX-License-Identifier: ISC */
/* Makes pipes and files for programs ahead of need. No allocation: the runner uses it. */
#include "config.h"

#include "ipc/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/job.h"

/* Unless the machine is overloaded, ENDED reaches the worker within this time. */
#define PARTING_USEC (1 * USEC_PER_MSEC)
#define PARTING_TIMER_USEC (5 * USEC_PER_MSEC)
/* No event tells when there are descriptors, or memory, again. */
#define RETRY_USEC (20 * USEC_PER_MSEC)

static void on_turn_wanted(struct loop_timer *t);

void
ends_init(struct ends *k, struct mail *to, struct ends_kit *slots, int fd_limit)
{
	/* Numbers start at a time, so that those of one runner are not those of the next. */
	*k = (struct ends){
		.to = to, .slots = slots, .fd_limit = fd_limit, .first_free = FRAME_MAX_KITS,
		.last_use = (uint32_t)clock_wall_usec(),
		.timer.fn = on_turn_wanted,
	};
	for (size_t i = 0; i < ROLE_MAX_PROCESSES; i++)
		k->jobs[i].fd = -1;
}

/* The timer exists only to begin a turn, at whose end ends_advance() runs. */
static void
on_turn_wanted(struct loop_timer *t)
{
	(void)t;
}

static void
want_turn(struct ends *k, uint64_t in_usec)
{
	if (!loop_timer_is_armed(&k->timer))
		loop_arm(k->to->loop, &k->timer, clock_usec() + in_usec);
}

/* ---------------------------------------------------------------- making --- */

static struct ends_kit *
kit_new(struct ends *k)
{
	struct ends_kit *kit;
	uint32_t i = k->first_free;

	if (i < FRAME_MAX_KITS)
		k->first_free = k->slots[i].next_free;
	else if (k->n_touched < FRAME_MAX_KITS)
		i = k->n_touched++;
	else
		return NULL;
	kit = &k->slots[i];
	do {
		kit->number = ++k->last_use * FRAME_MAX_KITS + i;
	} while (kit->number == 0);
	for (size_t end = 0; end < KIT_N_ENDS; end++)
		kit->ends[end] = -1;
	k->n_used++;
	return kit;
}

static void
kit_free(struct ends *k, struct ends_kit *kit)
{
	kit->number = 0;
	kit->next_free = k->first_free;
	k->first_free = (uint32_t)(kit - k->slots);
	k->n_used--;
}

/* The program's end of a new pipe; the other goes to *ret. 0 or -errno. */
static int
end_open(struct ends_kit *kit, enum kit_end end, int *ret)
{
	int own = end == KIT_IN, fds[2], r = fd_pipe(fds, own);

	if (r < 0)
		return r;
	kit->ends[end] = fds[1 - own];
	*ret = fds[own];
	return 0;
}

/* Opens all pipes of a kit: the program's ends stay in kit, the worker's go out. 0 or -errno. */
static int
kit_open(struct ends_kit *kit, bool has_input, int worker[static KIT_N_ENDS])
{
	int r = end_open(kit, KIT_OUT, &worker[KIT_OUT]);

	if (r >= 0)
		r = end_open(kit, KIT_ERR, &worker[KIT_ERR]);
	if (r >= 0 && has_input)
		r = end_open(kit, KIT_IN, &worker[KIT_IN]);
	return r;
}

/* Makes a kit and sends it. 0 or -errno. */
static int
kit_make(struct ends *k, bool has_input)
{
	int worker[KIT_N_ENDS] = { -1, -1, -1 };
	struct frame f = { .type = FRAME_KIT, .kit.has_input = has_input };
	struct ends_kit *kit = kit_new(k);
	int error;

	if (kit == NULL)
		return -ENFILE;
	f.kit.number = kit->number;
	error = kit_open(kit, has_input, worker);
	if (error == 0 && worker[has_input ? KIT_IN : KIT_ERR] >= k->fd_limit)
		error = -EMFILE;
	if (error == 0 && !mail_post(k->to, &f, worker, has_input ? 3 : 2))
		error = -ENOBUFS;
	if (error < 0) {
		channel_close_fds(worker, KIT_N_ENDS);
		channel_close_fds(kit->ends, KIT_N_ENDS);
		kit_free(k, kit);
	}
	return error;
}

static void
part_first(struct ends *k)
{
	(void)close(k->parting[k->first_parting].fd);
	k->first_parting = (k->first_parting + 1) % ENDS_MAX_PARTING;
	k->n_parting--;
}

/*
 * Makes and sends owed kits. When a kit cannot be made, the broker is told why,
 * once, and the next attempt follows after a while.
 */
static void
ends_pay(struct ends *k)
{
	for (size_t kind = 0; kind < 2; kind++) {
		int error = 0;

		while (k->owed[kind] > 0 && mail_has_room(k->to)) {
			error = kit_make(k, kind == 1);
			if (error < 0 && k->n_parting > 0) {
				while (k->n_parting > 0)
					part_first(k);
				error = kit_make(k, kind == 1);
			}
			if (error < 0)
				break;
			k->owed[kind]--;
			k->is_short[kind] = false;
		}
		if (error == 0)
			continue;
		want_turn(k, RETRY_USEC);
		if (k->is_short[kind])
			continue;
		k->is_short[kind] = true;
		(void)mail_post(k->to, &(struct frame){
			.type = FRAME_NO_KIT,
			.kit = { .error = -error, .has_input = kind == 1 },
		}, NULL, 0);
	}
}

/* Notes that the broker wants n more kits of this kind, now or later. */
static void
ends_owe(struct ends *k, bool has_input, uint16_t n)
{
	uint32_t owed = k->owed[has_input] + (uint32_t)n;

	k->owed[has_input] = (uint16_t)(owed > FRAME_MAX_KITS ? FRAME_MAX_KITS : owed);
}

/* Sends a file for jobs; when it cannot be made, the broker asks again. */
static void
ends_make_jobs(struct ends *k, const struct frame *f)
{
	struct frame answer = {
		.type = FRAME_JOBS, .slot = f->slot, .jobs_serial = f->jobs_serial,
	};
	int fd = -1, *own = &k->jobs[f->slot].fd;

	if (k->jobs[f->slot].serial != f->jobs_serial)
		channel_close_fds(own, 1);
	k->jobs[f->slot].serial = f->jobs_serial;
	if (f->jobs_serial == 0)
		return;
	if (*own < 0)
		*own = job_file();
	if (*own >= 0)
		fd = fcntl(*own, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		answer.type = FRAME_NO_KIT;
		answer.kit = (struct frame_kit){
			.error = *own < 0 ? -*own : errno, .is_jobs = true,
		};
	}
	if (!mail_post(k->to, &answer, &fd, fd >= 0) && fd >= 0)
		(void)close(fd);
}

/* ----------------------------------------------------------------- using --- */

bool
ends_take(struct ends *k, uint32_t number, int ends[static KIT_N_ENDS])
{
	struct ends_kit *kit = &k->slots[number % FRAME_MAX_KITS];

	if (number == 0 || kit->number != number)
		return false;
	for (size_t i = 0; i < KIT_N_ENDS; i++)
		ends[i] = kit->ends[i];
	kit_free(k, kit);
	return true;
}

const char *
ends_order(struct ends *k, const struct frame *f)
{
	int ends[KIT_N_ENDS];

	if (f->type == FRAME_MAKE_KITS) {
		ends_owe(k, f->make.has_input != 0, f->make.n);
	} else if (f->type == FRAME_MAKE_JOBS) {
		ends_make_jobs(k, f);
	} else {
		if (!ends_take(k, f->kit.number, ends))
			return "sent the end of a kit that is not there";
		channel_close_fds(ends, KIT_N_ENDS);
	}
	return NULL;
}

void
ends_drop_all(struct ends *k)
{
	k->owed[0] = k->owed[1] = 0;
	k->is_short[0] = k->is_short[1] = false;
	for (size_t i = 0; i < ROLE_MAX_PROCESSES; i++) {
		channel_close_fds(&k->jobs[i].fd, 1);
		k->jobs[i].serial = 0;
	}
	for (uint32_t i = 0; k->n_used > 0 && i < k->n_touched; i++) {
		if (k->slots[i].number == 0)
			continue;
		channel_close_fds(k->slots[i].ends, KIT_N_ENDS);
		kit_free(k, &k->slots[i]);
	}
}

/* --------------------------------------------------------------- parting --- */

void
ends_part(struct ends *k, int fd)
{
	size_t i;

	if (fd < 0)
		return;
	if (k->n_parting == ENDS_MAX_PARTING)
		part_first(k);
	i = (k->first_parting + k->n_parting++) % ENDS_MAX_PARTING;
	k->parting[i].fd = fd;
	k->parting[i].since_usec = clock_usec();
}

void
ends_advance(struct ends *k)
{
	uint64_t now = k->to->loop->now_usec;

	ends_pay(k);
	while (k->n_parting > 0 && now > k->parting[k->first_parting].since_usec + PARTING_USEC)
		part_first(k);
	if (k->n_parting > 0)
		want_turn(k, PARTING_TIMER_USEC);
}
