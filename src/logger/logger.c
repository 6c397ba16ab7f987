/* SPDX-License-Identifier: ISC */
/*
 * logger: reads records from all processes and writes them to stderr or the
 * journal.
 */
#include "config.h"

#include "logger/logger.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "ipc/channel.h"
#include "ipc/confinement.h"
#include "ipc/logrec.h"
#include "ipc/member.h"
#include "ipc/roles.h"
#include "logger/logsink.h"

/*
 * Time for the other processes to send their last records, after the death of
 * the master.
 */
#define FAREWELL_USEC (500 * USEC_PER_MSEC)
#define ERR_RETRY_USEC (50 * USEC_PER_MSEC)
/*
 * Time that the log rests after it has read records. Being woken for each record of a
 * busy server would cost as much as writing it. Meanwhile records are safe in the
 * sockets, which hold some hundreds.
 */
#define REST_MSEC 2

struct source {
	LIST_ENTRY(source) link;
	struct loop_io io;
	struct log_source from;
	struct logger *logger;
};

struct logger {
	struct loop loop;
	struct member member;
	struct loop_timer farewell;
	LIST_HEAD(sources, source) sources;
	bool done;
	bool has_read;			/* a record, in this turn */
	bool has_more;			/* a source may have more records than it was read for */
	struct buf line;		/* the line that is being written to stderr */
	struct loop_io err;		/* waits for room in stderr */
	struct loop_timer err_retry;	/* the same if stderr cannot be polled */
	bool is_blocked;		/* no record is read until line is written */
	bool is_configured;		/* until then no record is read: its format is not known */
	bool is_torn;			/* a line was cut by an error */
	uint64_t lost;			/* lines that could not be written */
	char record[LOGREC_MAX];
};

/* ------------------------------------------------------------- writing --- */

static bool
may_read(const struct logger *g)
{
	return g->is_configured && !g->is_blocked;
}

static void
sources_watch(struct logger *g)
{
	struct source *s;

	if (!may_read(g))
		return;
	LIST_FOREACH(s, &g->sources, link)
		(void)loop_add(&g->loop, &s->io, EPOLLIN);
}

static void
err_unblock(struct logger *g)
{
	if (!g->is_blocked)
		return;
	g->is_blocked = false;
	loop_remove(&g->loop, &g->err);
	loop_disarm(&g->loop, &g->err_retry);
	sources_watch(g);
}

/*
 * The reader of stderr is slow. Leave the records in the sockets; the master is
 * still answered.
 */
static void
err_block(struct logger *g)
{
	struct source *s;

	if (g->is_blocked)
		return;
	g->is_blocked = true;
	LIST_FOREACH(s, &g->sources, link)
		loop_remove(&g->loop, &s->io);
	if (loop_add(&g->loop, &g->err, EPOLLOUT) < 0)
		loop_arm(&g->loop, &g->err_retry, g->loop.now_usec + ERR_RETRY_USEC);
}

/*
 * Writes so little that a pipe with room takes it whole. So a stderr that
 * blocks does not block here.
 */
static ssize_t
err_write(const char *data, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) == 0)
		return -EAGAIN;
	for (;;) {
		ssize_t n = write(STDERR_FILENO, data, len < PIPE_BUF ? len : PIPE_BUF);

		if (n >= 0 || errno != EINTR)
			return n < 0 ? -errno : n;
	}
}

static void
line_flush(struct logger *g)
{
	while (buf_len(&g->line) > 0) {
		ssize_t n = err_write(buf_data(&g->line), buf_len(&g->line));

		if (n == -EAGAIN) {
			err_block(g);
			return;
		}
		if (n < 0) {
			/*
			 * The disk is full, or stderr is closed. Later lines
			 * may get through.
			 */
			g->lost++;
			buf_clear(&g->line);
			break;
		}
		buf_consume(&g->line, (size_t)n);
		g->is_torn = buf_len(&g->line) > 0;
	}
	err_unblock(g);
}

static void
on_err(struct loop_io *io, uint32_t events)
{
	(void)events;
	line_flush(CONTAINER_OF(io, struct logger, err));
}

static void
on_err_retry(struct loop_timer *t)
{
	struct logger *g = CONTAINER_OF(t, struct logger, err_retry);

	loop_arm(&g->loop, t, g->loop.now_usec + ERR_RETRY_USEC);
	line_flush(g);
}

/* Logs the number of lines that were lost before this one. */
static void
put_lost(struct logger *g)
{
	struct log_source self = { .name = "log" };
	struct logrec_view r;
	struct logrec rec;

	if (g->is_torn)
		(void)buf_append_char(&g->line, '\n');
	if (g->lost == 0)
		return;
	self.pid = (int)getpid();
	logrec_start(&rec, LOG_WARNING);
	logrec_add_str(&rec, LOG_KEY_MESSAGE, "log records dropped, they could not be written");
	logrec_add_u64(&rec, LOG_KEY_DROPPED, g->lost);
	if (logrec_parse((struct slice){ rec.data, rec.len }, &r) == 0)
		(void)logsink_format(g->member.current, &g->line, &self, &r);
}

static void
record_write(struct logger *g, const struct log_source *from, const struct logrec_view *r)
{
	uint64_t lost = g->lost;

	if (logsink_is_journal(g->member.current) && logsink_journal(from, r) >= 0)
		return;
	put_lost(g);
	if (logsink_format(g->member.current, &g->line, from, r) < 0)
		buf_clear(&g->line);
	line_flush(g);
	if (g->lost == lost)
		g->lost = 0;
}

/* ------------------------------------------------------------- sources --- */

static void
source_close(struct source *s)
{
	loop_close_shared(&s->logger->loop, &s->io);
	LIST_REMOVE(s, link);
	free(s);
}

static void
on_record(struct loop_io *io, uint32_t events)
{
	struct source *s = CONTAINER_OF(io, struct source, io);
	struct logger *g = s->logger;

	(void)events;
	/*
	 * Read some records at a time: a process with many must not delay the
	 * others.
	 */
	for (int i = 0; i < 32; i++) {
		ssize_t n = recv(io->fd, g->record, sizeof(g->record), MSG_DONTWAIT);
		struct logrec_view r;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			source_close(s);
			return;
		}
		g->has_read = true;
		if (logrec_parse((struct slice){ g->record, (size_t)n }, &r) < 0)
			continue;
		if (g->member.current != NULL && r.level > g->member.current->log_level)
			continue;
		record_write(g, &s->from, &r);
		if (g->is_blocked)
			return;
	}
	g->has_more = true;
}

/* Takes fd. */
static void
source_open(struct logger *g, const struct frame *f, int fd)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)close(fd);
		return;
	}
	s->logger = g;
	(void)strlcpy(s->from.name, f->link.name, sizeof(s->from.name));
	s->from.pid = (int)f->link.pid;
	s->io = (struct loop_io){ .fn = on_record, .fd = fd };
	if (may_read(g) && loop_add(&g->loop, &s->io, EPOLLIN) < 0) {
		(void)close(fd);
		free(s);
		return;
	}
	LIST_INSERT_HEAD(&g->sources, s, link);
}

/* -------------------------------------------------------------- master --- */

static void
on_link(struct member *m, const struct frame *f, int *fds, size_t n_fds)
{
	(void)n_fds;
	source_open(CONTAINER_OF(m, struct logger, member), f, TAKE_FD(fds[0]));
}

/* The first configuration is there, or none will come. */
static void
logger_configured(struct logger *g)
{
	if (g->is_configured)
		return;
	g->is_configured = true;
	sources_watch(g);
}

static void
on_commit(struct member *m)
{
	logger_configured(CONTAINER_OF(m, struct logger, member));
}

static const struct member_ops member_ops = {
	.commit = on_commit, .link = on_link, .forgets = true,
};

static void
on_farewell(struct loop_timer *t)
{
	CONTAINER_OF(t, struct logger, farewell)->done = true;
}

/* The other processes end, too: read their last records. */
static void
farewell_begin(struct logger *g)
{
	logger_configured(g);
	if (LIST_EMPTY(&g->sources))
		g->done = true;
	else if (!loop_timer_is_armed(&g->farewell))
		loop_arm(&g->loop, &g->farewell, g->loop.now_usec + FAREWELL_USEC);
}

/* Lets more records gather for a moment. A frame of the master ends the rest. */
static void
logger_rest(struct logger *g)
{
	struct pollfd p = { .fd = g->member.master.fd, .events = POLLIN };

	if (g->has_read && !g->has_more && !g->is_blocked && !g->member.is_over)
		(void)poll(&p, 1, REST_MSEC);
	g->has_read = g->has_more = false;
}

int
logger_main(void)
{
	static struct logger logger;
	struct logger *g = &logger;

	if (loop_init(&g->loop) < 0)
		return ROLE_EXIT_SETUP;
	LIST_INIT(&g->sources);
	g->line = BUF_INIT(0);
	g->err = (struct loop_io){ .fn = on_err, .fd = STDERR_FILENO };
	g->err_retry.fn = on_err_retry;
	g->farewell.fn = on_farewell;
	if (member_init(&g->member, &member_ops, &g->loop) < 0)
		return ROLE_EXIT_SETUP;
	logsink_open();
	if (confinement_begin(ROLE_LOG, 0) < 0)
		return ROLE_EXIT_SETUP;
	member_tell(&g->member, &(struct frame){ .type = FRAME_READY });
	while (!g->done) {
		if (loop_turn(&g->loop) < 0)
			return ROLE_EXIT_SETUP;
		if (g->member.is_over)
			farewell_begin(g);
		logger_rest(g);
	}
	return ROLE_EXIT_OK;
}
