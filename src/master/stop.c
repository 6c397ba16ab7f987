/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/stop.h"

#include <unistd.h>

#include "base/clock.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/strays.h"

static bool
workers_are_gone(const struct master *m)
{
	for (size_t i = MASTER_WORKERS; i < MASTER_MAX_PROCESSES; i++) {
		if (process_is_up(&m->processes[i]))
			return false;
	}
	return true;
}

void
stop_advance(struct master *m)
{
	struct process *runner = master_runner(m), *log = master_log(m);
	uint64_t now = clock_usec();

	if (!m->stopping || !workers_are_gone(m))
		return;
	if (process_is_up(runner)) {
		/* Whatever the workers took, it has a moment of its own. */
		if (runner->state != PROCESS_STOPPING)
			process_stop(runner, m->stop_usec > now ? m->stop_usec : now);
		return;
	}
	if (!strays_are_gone(m))
		return;
	/* One that is starting is given the last words first. */
	if (process_is_up(log)) {
		if (log->state == PROCESS_PREPARING || log->state == PROCESS_SERVING) {
			log_notice("stopped");
			log_open(-1);
			(void)close(ROLE_LOG_FD);
			process_release(log);
		}
		return;
	}
	(void)sd_event_exit(m->event, 0);
}

static void
stop_hurry(struct master *m)
{
	uint64_t now = clock_usec();

	log_notice("asked to stop again: cutting what still runs");
	m->stop_usec = now;
	for (size_t i = MASTER_WORKERS; i < MASTER_MAX_PROCESSES; i++)
		process_kill(&m->processes[i], NULL);
	if (master_runner(m)->state == PROCESS_STOPPING)
		process_stop(master_runner(m), now);
	stop_advance(m);
}

void
stop_begin(struct master *m)
{
	if (m->stopping) {
		stop_hurry(m);
		return;
	}
	m->stopping = true;
	m->stop_usec = clock_usec() + m->conf->drain_timeout_usec;
	notify_stopping(m->conf->drain_timeout_usec);
	log_event(LOG_EVENT_STOPPING, LOG_NOTICE, "stopping, finishing what runs");
	/* Some workers may listen on what was about to come already. */
	if (m->reload.phase == RELOAD_COMMIT_WORKERS)
		(void)listen_seal(&m->reload.listeners, NULL);
	reload_cancel(m);
	m->sealed = listen_seal(&m->listeners, NULL);
	for (size_t i = MASTER_WORKERS; i < MASTER_MAX_PROCESSES; i++) {
		if (m->processes[i].master != NULL)
			process_stop(&m->processes[i], m->stop_usec);
	}
	/* No runner any more when it was waiting to be started again. */
	master_runner(m)->timer = sd_event_source_disable_unref(master_runner(m)->timer);
	/* Our unix paths go at once; TCP clients are refused when the last worker has closed. */
	listen_close(&m->listeners, NULL);
	stop_advance(m);
}
