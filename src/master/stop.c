/* SPDX-License-Identifier: ISC */
/* Ends all processes in the order of the role table. */
#include "config.h"

#include "master/stop.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/logrec.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/orphans.h"

/* Logs the last line while the log process still runs. */
static void
say_last_words(void)
{
	log_notice("stopped");
	log_open(-1);
	(void)close(ROLE_LOG_FD);
}

static void
stop_one(struct process *p, uint64_t deadline)
{
	uint64_t now = clock_usec();

	if (p->state == PROCESS_STOPPING)
		return;
	if (p->rules->stop == ROLE_STOP_BY_FRAME) {
		/* A process that is stopped after the deadline still gets a moment. */
		process_stop(p, deadline > now ? deadline : now);
	} else if (p->state == PROCESS_PREPARING || p->state == PROCESS_SERVING) {
		/* A log process that is starting gets the last line first. */
		say_last_words();
		process_release(p);
	}
}

/* Stops the running processes of a step. False if there are none. */
static bool
stop_step(struct master *m, unsigned step)
{
	struct process *p;
	bool found = false;

	FOR_EACH_PROCESS(p, &m->processes) {
		if (p->rules->stop_step != step || !process_is_up(p))
			continue;
		found = true;
		stop_one(p, m->stop_usec);
	}
	return found;
}

void
stop_advance(struct master *m)
{
	if (!m->processes.is_stopping)
		return;
	for (unsigned step = 0; step < ROLE_STOP_STEPS; step++) {
		/* Nothing about orphans could be logged after the last line. */
		if (step == ROLE_STOP_STEPS - 1 && !orphans_are_gone(&m->orphans))
			return;
		if (stop_step(m, step))
			return;
	}
	m->done = true;
}

static void
stop_hurry(struct master *m)
{
	struct process *p;

	log_notice("asked to stop again: cutting what still runs");
	m->stop_usec = clock_usec();
	FOR_EACH_PROCESS(p, &m->processes) {
		if (p->rules->stop_step == 0)
			process_kill(p, NULL);
		else if (p->state == PROCESS_STOPPING && p->rules->stop == ROLE_STOP_BY_FRAME)
			process_stop(p, m->stop_usec);
	}
	stop_advance(m);
}

static void
on_left(struct loop_timer *t)
{
	stop_begin(CONTAINER_OF(t, struct master, leave));
}

/* Balancers hear at /readyz that reqd stops, and send their clients elsewhere, before it does. */
static void
stop_announce(struct master *m)
{
	const uint64_t delay = m->now.conf->drain_delay_usec;
	struct process *p;

	m->processes.is_leaving = true;
	notify_stopping(delay + m->now.conf->drain_timeout_usec);
	log_event(LOG_EVENT_STOPPING, LOG_NOTICE, "stopping: listeners close in %" PRIu64 " ms",
	    delay / USEC_PER_MSEC);
	FOR_EACH_PROCESS(p, &m->processes) {
		if (p->rules->listens && p->state == PROCESS_SERVING)
			process_tell(p, &(struct frame){ .type = FRAME_LEAVING }, NULL, 0);
	}
	m->leave.fn = on_left;
	loop_arm(&m->loop, &m->leave, clock_usec() + delay);
}

void
stop_begin(struct master *m)
{
	struct process *p;

	if (m->processes.is_stopping) {
		stop_hurry(m);
		return;
	}
	/* A second signal ends the wait. */
	if (!m->processes.is_leaving && m->ready && m->now.conf->drain_delay_usec > 0) {
		stop_announce(m);
		return;
	}
	loop_disarm(&m->loop, &m->leave);
	m->processes.is_stopping = true;
	m->stop_usec = clock_usec() + m->now.conf->drain_timeout_usec;
	notify_stopping(m->now.conf->drain_timeout_usec);
	log_event(LOG_EVENT_STOPPING, LOG_NOTICE, "stopping, finishing what runs");
	reload_cancel(m);
	recovery_cancel(m);
	m->processes.sealed = listen_seal(&m->now.listeners, LISTEN_REQD_ENDS);
	/* A process that waits for its restart is not needed any more, except the log. */
	FOR_EACH_PROCESS(p, &m->processes) {
		if (p->state == PROCESS_DOWN && p->rules->stop == ROLE_STOP_BY_FRAME)
			process_disarm(p);
	}
	/*
	 * Unix sockets leave the file system at once; TCP clients are refused
	 * when the last worker has closed.
	 */
	listen_close(&m->now.listeners);
	stop_advance(m);
}
