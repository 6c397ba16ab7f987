/* SPDX-License-Identifier: ISC */
/* Writes one log line about a silent process. */
#include "config.h"

#include "master/stuck.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/procstate.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "master/process.h"

/* Adds numbers of the process's page, which may be as wrong as the process. */
static void
put_page(struct buf *b, const struct process *p)
{
	const struct conf *c = p->all->edition->conf;
	const struct stats *s = p->stats;
	uint32_t service = s->executing_service;

	if (!p->rules->listens) {
		(void)buf_printf(b, "; %" PRIu64 " run, %" PRIu64 " queued", s->running, s->queued);
		return;
	}
	(void)buf_printf(b, "; %" PRIu64 " connections, %" PRIu64 " calls run, %" PRIu64
	    " requests so far; ", s->connections_open, s->running, s->requests_total);
	if (s->executing_conn == 0) {
		(void)buf_append_str(b, "executes no request");
		return;
	}
	(void)buf_printf(b, "executes a request of client %" PRIu64, s->executing_conn);
	if (s->generation == c->generation && service > 0 && service <= c->n_services)
		(void)buf_printf(b, ", service '%s'", c->services[service - 1].name);
}

void
stuck_log(const struct process *p)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	procstate_describe(p->pid, &b);
	if (p->stats != NULL)
		put_page(&b, p);
	if (!buf_failed(&b))
		log_err("%s (%d): %.*s", p->name, (int)p->pid, (int)buf_len(&b), buf_data(&b));
}
