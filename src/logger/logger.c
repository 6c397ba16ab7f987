/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "logger/logger.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "ipc/roles.h"
#include "logger/sink.h"

/* After the master's death the others have so long to say their last words. */
#define FAREWELL_USEC (500 * USEC_PER_MSEC)

struct source {
	LIST_ENTRY(source) link;
	struct loop_io io;
	struct log_source from;
	struct logger *logger;
};

struct logger {
	struct loop loop;
	struct loop_io master;
	struct loop_timer farewell;
	LIST_HEAD(sources, source) sources;
	struct conf *conf, *prepared;
	bool done;
	char record[LOGREC_MAX];
};

static void
source_close(struct source *s)
{
	loop_remove(&s->logger->loop, &s->io);
	(void)close(s->io.fd);
	LIST_REMOVE(s, link);
	if (LIST_EMPTY(&s->logger->sources) && s->logger->master.fd < 0)
		s->logger->done = true;
	free(s);
}

static void
on_record(struct loop_io *io, uint32_t events)
{
	struct source *s = CONTAINER_OF(io, struct source, io);
	struct logger *g = s->logger;

	(void)events;
	/* Some at a time: a chatty process must not silence the others. */
	for (int i = 0; i < 32; i++) {
		ssize_t n = recv(io->fd, g->record, sizeof(g->record), MSG_DONTWAIT);
		struct logrec_view r;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			source_close(s);
			return;
		}
		if (logrec_parse((struct slice){ g->record, (size_t)n }, &r) < 0)
			continue;
		if (g->conf != NULL && r.level > g->conf->log_level)
			continue;
		sink_write(g->conf, &s->from, &r);
	}
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
	(void)strlcpy(s->from.name, f->text, sizeof(s->from.name));
	s->from.pid = (int)f->id;
	s->io = (struct loop_io){ .fn = on_record, .fd = fd };
	if (loop_add(&g->loop, &s->io, EPOLLIN) < 0) {
		(void)close(fd);
		free(s);
		return;
	}
	LIST_INSERT_HEAD(&g->sources, s, link);
}

static void
on_prepare(struct logger *g, const struct frame *f, int fd)
{
	struct frame answer = { .type = FRAME_PREPARED, .generation = f->generation };
	struct conf_errors errors = { 0 };
	const char *text;
	size_t len;
	int r;

	g->prepared = conf_unref(g->prepared);
	r = fd_map_sealed(fd, CONF_MAX_TEXT, &text, &len);
	if (r >= 0) {
		r = conf_parse(text, len, f->generation, &g->prepared, &errors);
		if (text != NULL)
			(void)munmap((void *)(uintptr_t)text, len);
	}
	if (r < 0) {
		answer.type = FRAME_REFUSED;
		(void)strlcpy(answer.text, errors.n > 0 ? errors.list[0].text : strerror(-r),
		    sizeof(answer.text));
	}
	conf_errors_done(&errors);
	(void)channel_send(g->master.fd, &answer, NULL, 0);
}

static void
on_commit(struct logger *g, const struct frame *f)
{
	struct frame answer = { .type = FRAME_COMMITTED, .generation = f->generation };

	if (g->prepared == NULL || g->prepared->generation != f->generation) {
		answer.type = FRAME_REFUSED;
		(void)strlcpy(answer.text, "nothing prepared", sizeof(answer.text));
	} else {
		conf_unref(g->conf);
		g->conf = TAKE_PTR(g->prepared);
	}
	(void)channel_send(g->master.fd, &answer, NULL, 0);
}

static void
on_frame(struct logger *g, const struct frame *f, int *fds)
{
	struct frame pong = { .type = FRAME_PONG, .id = f->id };

	switch (f->type) {
	case FRAME_LINK:
		source_open(g, f, TAKE_FD(fds[0]));
		return;
	case FRAME_PREPARE:
		on_prepare(g, f, fds[0]);
		return;
	case FRAME_COMMIT:
		on_commit(g, f);
		return;
	case FRAME_ABORT:
		g->prepared = conf_unref(g->prepared);
		return;
	case FRAME_PING:
		(void)channel_send(g->master.fd, &pong, NULL, 0);
		return;
	default:
		return;
	}
}

static void
on_farewell(struct loop_timer *t)
{
	CONTAINER_OF(t, struct logger, farewell)->done = true;
}

static void
on_master(struct loop_io *io, uint32_t events)
{
	struct logger *g = CONTAINER_OF(io, struct logger, master);

	(void)events;
	for (;;) {
		int fds[FRAME_MAX_FDS];
		struct frame f;
		size_t n_fds;
		int r;

		r = channel_receive(io->fd, &f, fds, &n_fds);
		if (r == -EAGAIN)
			return;
		if (r != CHANNEL_OK)
			break;
		on_frame(g, &f, fds);
		channel_close_fds(fds, n_fds);
	}
	loop_remove(&g->loop, io);
	(void)close(TAKE_FD(io->fd));
	if (LIST_EMPTY(&g->sources))
		g->done = true;
	g->farewell.fn = on_farewell;
	loop_arm(&g->loop, &g->farewell, g->loop.now_usec + FAREWELL_USEC);
}

int
logger_main(void)
{
	struct frame ready = { .type = FRAME_READY };
	struct logger *g = calloc(1, sizeof(*g));

	if (g == NULL || loop_init(&g->loop) < 0)
		return ROLE_EXIT_SETUP;
	LIST_INIT(&g->sources);
	g->master = (struct loop_io){ .fn = on_master, .fd = ROLE_CHANNEL_FD };
	if (loop_add(&g->loop, &g->master, EPOLLIN) < 0)
		return ROLE_EXIT_SETUP;
	(void)channel_send(g->master.fd, &ready, NULL, 0);
	while (!g->done) {
		if (loop_turn(&g->loop) < 0)
			return ROLE_EXIT_SETUP;
	}
	return ROLE_EXIT_OK;
}
