/* SPDX-License-Identifier: ISC */
/* stderr: reads the stderr of handler processes and logs it line by line. */
#include "config.h"

#include "lease/stderr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/fd.h"
#include "ipc/logrec.h"
#include "lease/lease.h"
#include "lease/leases.h"

/* The most that is read at the end of a process: all that a pipe can hold. */
#define STDERR_END (64u << 10)

/* The process that wrote the lines. */
struct speaker {
	const char *service;
	const char *request;	/* NULL: none */
	pid_t pid;
	char *last;		/* gets the last line */
	size_t last_len;
};

static void
log_line(const struct speaker *who, struct slice text)
{
	char detail[32];
	struct logrec r;

	if (text.len > 0)
		escape_plain(text, who->last, who->last_len);
	if (log_level() < LOG_INFO)
		return;
	logrec_start(&r, LOG_INFO);
	if (who->request != NULL)
		logrec_add_str(&r, LOG_KEY_REQUEST, who->request);
	logrec_add_str(&r, LOG_KEY_SERVICE, who->service);
	(void)snprintf(detail, sizeof(detail), "handler %d", (int)who->pid);
	logrec_add_str(&r, LOG_KEY_DETAIL, detail);
	logrec_add(&r, LOG_KEY_STDERR, text);
	log_send(&r);
}

/*
 * Logs the lines of b. A line without an end stays in b, unless the process has
 * ended.
 */
static void
log_lines(const struct speaker *who, struct buf *b, bool is_end)
{
	while (buf_len(b) > 0) {
		const char *text = buf_data(b), *nl = memchr(text, '\n', buf_len(b));
		size_t len = nl != NULL ? (size_t)(nl - text) : buf_len(b);

		if (nl == NULL && !is_end && len < LOGREC_VALUE_MAX)
			return;
		log_line(who, (struct slice){ text, len });
		buf_consume(b, len + (nl != NULL));
	}
}

static bool
is_logged(const struct lease *l)
{
	const struct conf *conf = l->leases->conf;
	const char *name = l->set->service;
	/* A broker may lend before the first rules are in force here. */
	const struct service *s = conf != NULL ? conf_find_service(conf, name, strlen(name)) : NULL;

	return s == NULL || s->log != SERVICE_LOG_NONE;
}

static struct speaker
speaker_of(struct lease *l)
{
	struct death_words *words = &l->conversation.broke.words;
	const struct exchange *x = TAILQ_FIRST(&l->conversation.flight);

	return (struct speaker){
		.service = l->set->service,
		.request = x != NULL ? x->id : NULL,
		.pid = (pid_t)l->pid,
		.last = words->line,
		.last_len = sizeof(words->line),
	};
}

/* Reads once. False: nothing is there, or the end. */
static bool
lease_stderr_read(struct lease *l)
{
	const struct speaker who = speaker_of(l);
	struct lease_stderr *err = &l->conversation.err;
	char bytes[4096];
	ssize_t n = read(err->io.fd, bytes, sizeof(bytes));
	size_t some;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		loop_close_shared(l->leases->loop, &err->io);
		return false;
	}
	some = (size_t)n < err->left ? (size_t)n : err->left;
	err->left -= some;
	if (is_logged(l)) {
		(void)buf_append(&err->line, bytes, some);
		log_lines(&who, &err->line, err->left == 0);
	}
	return true;
}

static void
on_readable(struct loop_io *io, uint32_t events)
{
	(void)events;
	(void)lease_stderr_read(io->user);
}

/* The last lines often explain the end of a process. */
void
lease_stderr_close(struct lease *l)
{
	const struct speaker who = speaker_of(l);
	struct lease_stderr *err = &l->conversation.err;

	for (size_t i = 0; i < STDERR_END / 4096 && err->io.fd >= 0; i++) {
		if (!lease_stderr_read(l))
			break;
	}
	if (is_logged(l))
		log_lines(&who, &err->line, true);
	loop_close_shared(l->leases->loop, &err->io);
	buf_done(&err->line);
}

void
lease_stderr_log_dead(const char *service, pid_t pid, int fd, char *last, size_t last_len)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STDERR_END);
	const struct speaker who = {
		.service = service, .pid = pid, .last = last, .last_len = last_len,
	};
	char bytes[4096];

	if (fd_set_nonblock(fd, true) < 0)
		return;
	for (;;) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n <= 0 || buf_append(&b, bytes, (size_t)n) < 0)
			break;
	}
	log_lines(&who, &b, true);
}

int
lease_stderr_open(struct lease *l, int fd)
{
	struct lease_stderr *err = &l->conversation.err;

	err->io = (struct loop_io){ .fn = on_readable, .fd = fd, .user = l };
	lease_stderr_allow(err);
	return loop_add(l->leases->loop, &err->io, EPOLLIN);
}
