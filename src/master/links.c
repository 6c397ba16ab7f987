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
	struct process *log = master_process(p->master, ROLE_LOG, 0);
	struct frame f = { .type = FRAME_LINK, .slot = process_number(p), .id = (uint64_t)p->pid };

	if (p->log_read < 0 || log->state < PROCESS_PREPARING)
		return;
	process_name(p, f.text, sizeof(f.text));
	/* Its successor gets them all anew. */
	if (process_send(log, &f, &p->log_read, 1) < 0)
		process_kill(log, "does not take a link");
}

/* All records there are, with those of the master. */
static void
link_records(struct process *log)
{
	struct master *m = log->master;
	struct frame f = { .type = FRAME_LINK, .id = (uint64_t)getpid(), .text = "master" };
	const struct process *p;

	(void)process_send(log, &f, &m->log_read, 1);
	FOR_EACH_PROCESS(p, m) {
		if (process_is_up(p))
			links_to_log(p);
	}
}

/* A channel of their own, if the table says so. */
static void
link_channel(struct process *from, struct process *to)
{
	struct frame to_from = { .type = FRAME_LINK, .slot = process_number(to) };
	struct frame to_to = { .type = FRAME_LINK, .slot = process_number(from) };
	char a[32], b[32];
	int fds[2], r;

	if ((from->rules->channels & ROLE_BIT(to->kind)) == 0 ||
	    from->state < PROCESS_PREPARING || to->state < PROCESS_PREPARING)
		return;
	r = channel_pair(fds);
	if (r < 0) {
		process_name(from, a, sizeof(a));
		process_name(to, b, sizeof(b));
		log_err("cannot link %s to %s: %s", a, b, strerror(-r));
		return;
	}
	(void)process_send(to, &to_to, &fds[0], 1);
	(void)process_send(from, &to_from, &fds[1], 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* The page of a process for another one to read, if the table says so. */
static void
share_page(struct process *reader, const struct process *of)
{
	struct frame f = { .type = FRAME_STATS, .slot = process_number(of) };
	int fd;

	if ((reader->rules->pages & ROLE_BIT(of->kind)) == 0 || of->stats_fd < 0 ||
	    reader->state < PROCESS_PREPARING)
		return;
	if (!master_wants(of) && !process_is_up(of))
		return;
	fd = stats_reopen_readonly(of->stats_fd);
	if (fd < 0)
		return;
	(void)process_send(reader, &f, &fd, 1);
	(void)close(fd);
}

void
links_open(struct process *p)
{
	struct process *other;

	if (p->kind == ROLE_LOG)
		link_records(p);
	FOR_EACH_PROCESS(other, p->master) {
		if (other == p)
			continue;
		share_page(p, other);
		share_page(other, p);
		link_channel(p, other);
		link_channel(other, p);
	}
}
