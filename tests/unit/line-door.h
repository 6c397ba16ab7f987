/* SPDX-License-Identifier: ISC */
/*
 * line-door: a door that speaks lines of text, to show what a door needs of
 * calls, and that it needs nothing of RESP. "NAME ARG..." calls a service,
 * "? NAME" asks what it is; the answer is "ok TEXT" or "failed HOW: WHY".
 */
#pragma once

#include "worker/builtin.h"
#include "worker/identity.h"
#include "worker/sink.h"

struct door {
	struct loop_io io;
	struct loop_task task;
	struct call_sink sink;
	struct call *call;
	struct peer_identity *who;
	struct buf in, out;
};

static inline void
door_on_ended(struct call_sink *s, struct call *call, const struct result *res)
{
	struct door *d = CONTAINER_OF(s, struct door, sink);
	struct slice text = res->is_value ? res->value->text : res->out;

	(void)call;
	d->call = NULL;
	if (outcome_is_success(&res->outcome))
		(void)buf_printf(&d->out, "ok %.*s\n", (int)text.len, text.data);
	else
		(void)buf_printf(&d->out, "failed %s: %.*s\n", outcome_word(res->outcome.kind),
		    (int)res->detail.len, res->detail.data);
	loop_defer(&w.loop, &d->task);
}

static inline void
door_take_line(struct door *d, char *line)
{
	static const struct call_sink_ops ops = { .ended = door_on_ended };
	struct slice words[8];
	size_t n = 0;
	struct callopt opt = { 0 };
	const struct service *s;
	bool is_question;

	for (char *word; n < ARRAY_LEN(words) && (word = strsep(&line, " ")) != NULL;)
		words[n++] = slice_of(word);
	is_question = slice_is(words[0], "?") && n > 1;
	opt.service = words[is_question];
	opt.args = words + 1 + is_question;
	opt.n_args = n - 1 - is_question;
	s = conf_find_service(w.conf, opt.service.data, opt.service.len);
	if (s == NULL) {
		(void)buf_append_str(&d->out, "failed denied: no such service\n");
		return;
	}
	d->sink.ops = &ops;
	d->call = call_start(&(struct call_request){
		.desk = &w.desk, .sink = &d->sink, .who = d->who, .service = s, .opt = &opt,
		.builtin = is_question ? &builtin_describe : NULL,
	});
}

static inline void
door_on_task(struct loop_task *t)
{
	struct door *d = CONTAINER_OF(t, struct door, task);
	char bytes[512];
	ssize_t n = recv(d->io.fd, bytes, sizeof(bytes), 0);
	const char *end;

	if (n > 0)
		(void)buf_append(&d->in, bytes, (size_t)n);
	while (d->call == NULL && buf_len(&d->in) > 0 &&
	    (end = memchr(buf_data(&d->in), '\n', buf_len(&d->in))) != NULL) {
		char *line = strndup(buf_data(&d->in), (size_t)(end - buf_data(&d->in)));

		buf_consume(&d->in, strlen(line) + 1);
		door_take_line(d, line);
		free(line);
	}
	ck_assert_int_eq(send(d->io.fd, buf_data(&d->out), buf_len(&d->out), MSG_NOSIGNAL),
	    (ssize_t)buf_len(&d->out));
	buf_clear(&d->out);
}

static inline void
door_on_event(struct loop_io *io, uint32_t events)
{
	(void)events;
	loop_defer(&w.loop, &CONTAINER_OF(io, struct door, io)->task);
}

/* The client's end of it. */
static inline int
door_open(struct door *d)
{
	const struct caller who = { .is_unix = true, .has_uid = true, .uid = 12345 };
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	*d = (struct door){ .io = { .fn = door_on_event, .fd = pair[0] },
		.task.fn = door_on_task, .who = identity_new(&who, "unix") };
	ck_assert_int_eq(loop_add(&w.loop, &d->io, EPOLLIN), 0);
	return pair[1];
}

static inline void
door_close(struct door *d)
{
	if (d->call != NULL)
		call_orphan(TAKE_PTR(d->call));
	loop_undefer(&w.loop, &d->task);
	loop_close(&w.loop, &d->io);
	d->who = identity_unref(d->who);
	buf_done(&d->in);
	buf_done(&d->out);
}
