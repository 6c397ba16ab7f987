/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/links.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "master/master.h"

void
links_to_log(const struct process *p)
{
	struct master *m = p->master;
	struct process *log = master_log(m);
	struct frame f = { .type = FRAME_LINK, .slot = (uint16_t)p->slot, .id = (uint64_t)p->pid };

	if (p->log_read < 0 || log->state < PROCESS_PREPARING)
		return;
	process_name(p, f.text, sizeof(f.text));
	/* Its successor gets them all anew. */
	if (process_send(log, &f, &p->log_read, 1) < 0)
		process_kill(log, "does not take a link");
}

static void
link_own_log(struct master *m)
{
	struct frame f = { .type = FRAME_LINK, .id = (uint64_t)getpid(), .text = "master" };

	(void)process_send(master_log(m), &f, &m->log_read, 1);
}

/* A channel of their own for a worker and the runner. */
static void
link_runner(struct master *m, struct process *worker)
{
	struct process *runner = master_runner(m);
	struct frame f = { .type = FRAME_LINK, .slot = (uint16_t)worker->slot };
	int fds[2];

	if (runner->state < PROCESS_PREPARING || worker->state < PROCESS_PREPARING)
		return;
	if (channel_pair(fds) < 0) {
		log_err("cannot link worker %u to the runner: %s", worker->slot, strerror(errno));
		return;
	}
	(void)process_send(runner, &f, &fds[0], 1);
	(void)process_send(worker, &f, &fds[1], 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
send_stats(struct process *to, const struct process *of, unsigned slot)
{
	struct frame f = { .type = FRAME_STATS, .slot = (uint16_t)slot };
	int fd = stats_reopen_readonly(of->stats_fd);

	if (fd < 0)
		return;
	(void)process_send(to, &f, &fd, 1);
	(void)close(fd);
}

/* Each worker reads the pages of all the others, and the runner's. */
static void
share_stats(struct master *m, struct process *worker)
{
	send_stats(worker, master_runner(m), MASTER_RUNNER_SLOT);
	for (size_t i = MASTER_WORKERS; i < MASTER_MAX_PROCESSES; i++) {
		struct process *other = &m->processes[i];

		if (other == worker || (i >= m->n_processes && !process_is_up(other)))
			continue;
		send_stats(worker, other, other->slot);
		if (other->state >= PROCESS_PREPARING)
			send_stats(other, worker, worker->slot);
	}
}

void
links_open(struct process *p)
{
	struct master *m = p->master;

	switch (p->kind) {
	case ROLE_LOG:
		link_own_log(m);
		for (size_t i = 0; i < MASTER_MAX_PROCESSES; i++) {
			if (process_is_up(&m->processes[i]))
				links_to_log(&m->processes[i]);
		}
		break;
	case ROLE_RUNNER:
		for (size_t i = MASTER_WORKERS; i < MASTER_MAX_PROCESSES; i++) {
			if (process_is_up(&m->processes[i]))
				link_runner(m, &m->processes[i]);
		}
		break;
	case ROLE_WORKER:
		share_stats(m, p);
		link_runner(m, p);
		break;
	case ROLE_MASTER:
		break;
	}
}
