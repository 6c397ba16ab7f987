/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/stuck.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/logrec.h"
#include "ipc/stats.h"
#include "master/master.h"

/* The beginning of /proc/PID/NAME; of our own child, not reaped yet. Empty when there is none. */
static void
read_proc(const struct process *p, const char *name, char *ret, size_t len)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)p->pid, name);
	(void)fd_read_text(AT_FDCWD, path, ret, len);
}

static const char *
state_words(char state)
{
	switch (state) {
	case 'R': return "runs";
	case 'S': return "sleeps";
	case 'D': return "waits in the kernel, uninterruptible";
	case 'T': return "stopped by a signal";
	case 't': return "stopped by a debugger";
	default: return "ends";
	}
}

static void
put_kernel(struct buf *b, const struct process *p)
{
	unsigned long user = 0, system = 0;
	long tick = sysconf(_SC_CLK_TCK);
	char stat[512], wchan[512], state = '\0';
	const char *end;
	int n = 0;

	/* Its name may hold anything, so count from its end. */
	read_proc(p, "stat", stat, sizeof(stat));
	end = strrchr(stat, ')');
	if (end != NULL)
		n = sscanf(end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state,
		    &user, &system);
	(void)buf_append_str(b, state_words(state));
	read_proc(p, "wchan", wchan, sizeof(wchan));
	if (wchan[0] != '\0' && wchan[0] != '0')
		(void)buf_printf(b, " (%s)", wchan);
	if (n == 3 && tick > 0)
		(void)buf_printf(b, ", %.1f s of CPU", (double)(user + system) / (double)tick);
}

/* Numbers of its page, which may be wrong, as all else about it. */
static void
put_page(struct buf *b, const struct process *p)
{
	const struct conf *c = p->master->conf;
	const struct stats *s = p->stats;
	uint32_t service = s->executing_service;

	if (p->rules->page != ROLE_PAGE_WORKER) {
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
	char name[32];

	put_kernel(&b, p);
	if (p->stats != NULL)
		put_page(&b, p);
	process_name(p, name, sizeof(name));
	if (!buf_failed(&b))
		log_err("%s (%d): %.*s", name, (int)p->pid, (int)buf_len(&b), buf_data(&b));
}
