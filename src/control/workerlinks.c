/* SPDX-License-Identifier: ISC */
/*
 * workerlinks: links come and go with workers; a worker answers, and says nothing else.
 */
#include "config.h"

#include "control/workerlinks.h"

#include <stdlib.h>

#include "ipc/channel.h"

static struct worker_link *
link_of(struct mail *m)
{
	return CONTAINER_OF(m, struct worker_link, mail);
}

static void
on_frame(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	(void)f;
	(void)fds;
	(void)n_fds;
	worker_link_accuse(link_of(m), "sent control what is no answer");
}

static void
on_lost(struct mail *m, enum mail_end how)
{
	if (how == MAIL_BAD)
		worker_link_accuse(link_of(m), "sent control a bad message");
	else
		mail_close(m);
}

static const struct mail_ops mail_ops = {
	.frame = on_frame,
	.lost = on_lost,
	.max_unsent = WORKER_LETTERS,
};

void
worker_links_init(struct worker_links *all, struct loop *l, struct member *m)
{
	all->loop = l;
	all->member = m;
}

struct worker_link *
worker_link_at(const struct worker_links *all, unsigned slot)
{
	struct worker_link *l = slot < CONF_MAX_WORKERS ? all->list[slot] : NULL;

	return l != NULL && mail_is_open(&l->mail) ? l : NULL;
}

/* Made when a slot is used for the first time: links of others take no memory. */
static struct worker_link *
link_new(struct worker_links *all, uint16_t slot)
{
	struct worker_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->all = all;
	l->slot = slot;
	mail_init(&l->mail, MAIL_ABOVE, all->loop, &mail_ops);
	all->list[slot] = l;
	return l;
}

void
worker_links_attach(struct worker_links *all, const struct frame *f, struct mail_ends ends)
{
	struct worker_link *l = all->list[f->slot];

	if (l == NULL)
		l = link_new(all, f->slot);
	if (l == NULL) {
		channel_close_fds((int[]){ ends.socket, ends.pipe }, 2);
		return;
	}
	mail_close(&l->mail);
	l->serial = f->link.serial;
	(void)mail_open(&l->mail, ends);
}

void
worker_links_detach(struct worker_links *all, const struct frame *f)
{
	struct worker_link *l = worker_link_at(all, f->slot);

	if (l != NULL && l->serial == f->link.serial)
		mail_close(&l->mail);
}

void
worker_links_done(struct worker_links *all)
{
	for (size_t i = 0; i < CONF_MAX_WORKERS; i++)
		free(all->list[i]);
}

void
worker_link_accuse(struct worker_link *l, const char *what)
{
	if (!mail_is_open(&l->mail))
		return;
	member_accuse(l->all->member, l->slot, l->serial, what);
	mail_close(&l->mail);
}
