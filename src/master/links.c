/* SPDX-License-Identifier: ISC */
/* Makes channels between processes, and hands out their ends, logs and pages. */
#include "config.h"

#include "master/links.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/mail.h"
#include "ipc/stats.h"
#include "master/process.h"

/* A LINK that says which process the descriptors belong to. */
static struct frame
link_frame(const struct process *of)
{
	struct frame f = {
		.type = FRAME_LINK, .slot = process_number(of),
		.link = { .serial = of->serial, .pid = (uint32_t)of->pid },
	};

	(void)strlcpy(f.link.name, of->name, sizeof(f.link.name));
	return f;
}

void
links_to_log(struct process *p)
{
	struct process *log = process_at(p->all, ROLE_LOG, 0);
	struct frame f = link_frame(p);

	if (p->log_read < 0 || log->state < PROCESS_PREPARING)
		return;
	/* If the log does not take a link, its successor gets all of them. */
	if (process_send(log, &f, &p->log_read, 1) < 0)
		process_kill(log, "does not take a link");
}

/* Hands all sockets of records to the log, the master's own included. */
static void
link_records(struct process *log)
{
	struct frame f = { .type = FRAME_LINK, .link = { .pid = (uint32_t)getpid() } };
	struct process *p;

	(void)strlcpy(f.link.name, "master", sizeof(f.link.name));
	(void)process_send(log, &f, &log->all->log_read, 1);
	FOR_EACH_PROCESS(p, log->all) {
		if (process_is_up(p))
			links_to_log(p);
	}
}

/* Gives a process its ends of the mail with another one. */
static void
give_ends(struct process *p, struct process *other, const struct mail_ends *ends)
{
	int fds[2] = { ends->socket, ends->pipe };
	struct frame f = link_frame(other);

	other->is_linked = true;
	(void)process_send(p, &f, fds, 2);
	channel_close_fds(fds, 2);
}

/* Makes a mail between the two processes, if the role table asks for one. */
static void
link_channel(struct process *below, struct process *above)
{
	struct mail_ends a, b;
	int r;

	if ((below->rules->channels & ROLE_BIT(above->kind)) == 0 ||
	    below->state < PROCESS_PREPARING || above->state < PROCESS_PREPARING)
		return;
	/* A process that does not serve yet would refuse questions. */
	if (above->generation == 0 && !above->rules->only_asks)
		return;
	r = mail_pair(&a, &b);
	if (r < 0) {
		log_err("cannot link %s to %s: %s", below->name, above->name, strerror(-r));
		return;
	}
	give_ends(above, below, &a);
	give_ends(below, above, &b);
}

/* Gives a process the page of another one to read, if the role table asks for that. */
static void
share_page(struct process *reader, const struct process *of)
{
	struct frame f = { .type = FRAME_STATS, .slot = process_number(of) };
	int fd;

	if ((reader->rules->pages & ROLE_BIT(of->kind)) == 0 || of->stats_fd < 0 ||
	    reader->state < PROCESS_PREPARING)
		return;
	/* A worker reads the present load only; other processes also read what has been counted. */
	if (reader->rules->listens && !process_is_wanted(of) && !process_is_up(of))
		return;
	fd = stats_reopen_readonly(of->stats_fd);
	if (fd < 0)
		return;
	(void)process_send(reader, &f, &fd, 1);
	(void)close(fd);
}

/* True if one of the two processes has a channel to the other. */
static bool
are_joined(const struct process *a, const struct process *b)
{
	return (a->rules->channels & ROLE_BIT(b->kind)) != 0 ||
	    (b->rules->channels & ROLE_BIT(a->kind)) != 0;
}

void
links_close(struct process *p)
{
	struct frame f = {
		.type = FRAME_UNLINK, .slot = process_number(p), .link = { .serial = p->serial },
	};
	struct process *other;

	if (!p->is_linked)
		return;
	p->is_linked = false;
	FOR_EACH_PROCESS(other, p->all) {
		if (other != p && are_joined(p, other) && other->state >= PROCESS_PREPARING)
			(void)process_send(other, &f, NULL, 0);
	}
}

void
links_open(struct process *p)
{
	struct process *other;

	if (p->kind == ROLE_LOG)
		link_records(p);
	FOR_EACH_PROCESS(other, p->all) {
		if (other == p)
			continue;
		share_page(p, other);
		share_page(other, p);
		link_channel(p, other);
		link_channel(other, p);
	}
}

void
links_serve(struct process *p)
{
	struct process *other;

	FOR_EACH_PROCESS(other, p->all) {
		if (other != p && !p->rules->only_asks)
			link_channel(other, p);
	}
}
