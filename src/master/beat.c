/* SPDX-License-Identifier: ISC */
/* Asks every process for signs of life, and replaces silent ones. */
#include "config.h"

#include "master/beat.h"

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "ipc/logrec.h"
#include "master/stuck.h"

/*
 * A process that gets stuck is asked within one beat, so it is replaced
 * between 8.5 and 11.5 seconds later.
 */
#define BEAT_USEC (3 * USEC_PER_SEC)
#define START_LIMIT_USEC (30 * USEC_PER_SEC)

/* A busy machine delays a beat by up to this time; a longer delay was a stop. */
#define LATE_USEC (1 * USEC_PER_SEC)

uint64_t
beat_limit(enum role_kind kind, bool is_serving)
{
	uint64_t silence_usec = role_rules[kind].silence_usec;

	return is_serving || silence_usec > START_LIMIT_USEC ? silence_usec : START_LIMIT_USEC;
}

uint64_t
beat_excuse(uint64_t due_usec, uint64_t now_usec)
{
	return now_usec > due_usec + LATE_USEC ? now_usec - due_usec : 0;
}

static void
replace(struct process *p)
{
	if (p->state == PROCESS_SERVING) {
		/* The log line is written while the process is still there to look at. */
		stuck_log(p);
		process_kill(p, "makes no progress");
	} else {
		process_kill(p, "does not get ready");
	}
}

/*
 * Asks one process for a sign of life, or replaces it. Returns when its answer
 * is overdue; 0: never.
 */
static uint64_t
beat_one(struct process *p, uint64_t now, uint64_t excuse)
{
	struct frame ping = { .type = FRAME_PING, .id = now };
	uint64_t limit = beat_limit(p->kind, p->state == PROCESS_SERVING);

	if (p->state == PROCESS_DOWN || p->state == PROCESS_STOPPING)
		return 0;
	if (p->owing_usec != 0)
		p->owing_usec += excuse;
	if (p->owing_usec != 0 && now >= p->owing_usec + limit) {
		replace(p);
		p->owing_usec = now;
	} else if (p->state == PROCESS_SERVING && p->owing_usec == 0) {
		p->owing_usec = now;
		(void)process_send(p, &ping, NULL, 0);
	}
	return p->owing_usec == 0 ? 0 : p->owing_usec + limit;
}

static void
on_beat(struct loop_timer *t)
{
	struct beat *b = CONTAINER_OF(t, struct beat, timer);
	uint64_t now = clock_usec(), excuse = beat_excuse(b->due_usec, now);
	struct process *p;

	b->due_usec = now + b->every_usec;
	FOR_EACH_PROCESS(p, b->all) {
		uint64_t overdue = beat_one(p, now, excuse);

		if (overdue != 0 && overdue < b->due_usec)
			b->due_usec = overdue;
	}
	b->on_beat(b);
	loop_arm(b->all->loop, t, b->due_usec);
}

void
beat_start(struct beat *b, struct processes *all, void (*on_each)(struct beat *b))
{
	uint64_t watchdog_usec;

	*b = (struct beat){ .timer.fn = on_beat, .all = all, .on_beat = on_each };
	b->every_usec = BEAT_USEC;
	if (sd_watchdog_enabled(0, &watchdog_usec) > 0 && watchdog_usec / 3 < BEAT_USEC)
		b->every_usec = watchdog_usec / 3;
	b->due_usec = clock_usec() + b->every_usec;
	loop_arm(all->loop, &b->timer, b->due_usec);
}
