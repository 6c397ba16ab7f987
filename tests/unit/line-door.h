/* SPDX-License-Identifier: ISC */
/*
 * line-door: a door that speaks lines of text, to show what a door is made of,
 * and that connections and calls need nothing of RESP. "NAME ARG..." calls a
 * service, "? NAME" asks what it is, "bye" ends; the answer is "ok TEXT" or
 * "failed HOW: WHY".
 */
#pragma once

#include "call/builtin.h"
#include "call/sink.h"
#include "door/resp/describe.h"
#include "net/conn.h"

struct line_session {
	struct conn conn;
	struct call_sink sink;
	struct call *call;
	bool was_asked;
};

static inline struct line_session *
line_session_of(const struct conn *c)
{
	return CONTAINER_OF(c, struct line_session, conn);
}

static inline void
line_on_ended(struct call_sink *s, struct call *call, const struct result *res)
{
	struct line_session *l = CONTAINER_OF(s, struct line_session, sink);
	struct slice text = res->is_value ? res->value->text : res->out;
	struct buf *out = conn_out(&l->conn);

	(void)call;
	l->call = NULL;
	if (outcome_is_success(&res->outcome))
		(void)buf_printf(out, "ok %.*s\n", (int)text.len, text.data);
	else
		(void)buf_printf(out, "failed %s: %.*s\n", outcome_word(res->outcome.kind),
		    (int)res->detail.len, res->detail.data);
	conn_resume(&l->conn);
}

static inline void
line_take(struct line_session *l, char *line)
{
	struct slice words[8];
	size_t n = 0;
	struct callopt opt = { 0 };
	const struct service *s;
	bool is_question;

	for (char *word; n < ARRAY_LEN(words) && (word = strsep(&line, " ")) != NULL;)
		words[n++] = slice_of(word);
	l->was_asked = true;
	if (slice_is(words[0], "bye")) {
		conn_quit(&l->conn);
		return;
	}
	is_question = slice_is(words[0], "?") && n > 1;
	opt.service = words[is_question];
	opt.args = words + 1 + is_question;
	opt.n_args = n - 1 - is_question;
	s = conf_find_service(w.conf, opt.service.data, opt.service.len);
	if (s == NULL) {
		(void)buf_append_str(conn_out(&l->conn), "failed denied: no such service\n");
		return;
	}
	l->conn.wait = CONN_WAITS;
	l->call = call_start(&(struct call_request){
		.desk = &w.desk, .sink = &l->sink, .who = peer_identity(&l->conn.peer),
		.service = s, .opt = &opt, .builtin = is_question ? &builtin_describe : NULL,
	});
}

static inline size_t
line_on_bytes(struct conn *c, struct slice bytes)
{
	size_t used = 0;
	const char *end;

	while (conn_is_ready(c) && used < bytes.len &&
	    (end = memchr(bytes.data + used, '\n', bytes.len - used)) != NULL) {
		size_t len = (size_t)(end - bytes.data) - used;
		char *line = strndup(bytes.data + used, len);

		used += len + 1;
		line_take(line_session_of(c), line);
		free(line);
	}
	return c->state > CONN_PATIENT ? bytes.len : used;
}

static inline size_t
line_rest_max(struct conn *c)
{
	(void)c;
	return 512;
}

/* A client that shuts down its side waits for all the answers. */
static inline bool
line_on_end(struct conn *c, struct slice bytes)
{
	(void)c;
	(void)bytes;
	return true;
}

static inline void
line_on_room(struct conn *c)
{
	(void)c;
}

static inline void
line_abandon(struct conn *c)
{
	struct line_session *l = line_session_of(c);

	if (l->call != NULL)
		call_orphan(TAKE_PTR(l->call));
}

static inline enum door_work
line_work(const struct conn *c)
{
	const struct line_session *l = line_session_of(c);

	return l->call != NULL ? DOOR_BUSY : l->was_asked ? DOOR_IDLE : DOOR_NEW;
}

static inline struct conn *
line_create(struct door *d)
{
	static const struct call_sink_ops ops = { .ended = line_on_ended };
	struct line_session *l = calloc(1, sizeof(*l));

	(void)d;
	if (l == NULL)
		return NULL;
	l->sink.ops = &ops;
	return &l->conn;
}

static inline void
line_destroy(struct conn *c)
{
	free(line_session_of(c));
}

static const struct door_ops line_ops = {
	.create = line_create,
	.destroy = line_destroy,
	.on_bytes = line_on_bytes,
	.rest_max = line_rest_max,
	.on_end = line_on_end,
	.on_room = line_on_room,
	.abandon = line_abandon,
	.work = line_work,
};

/* Connects a client of this door; *ret is the worker's side. */
static inline int
line_client(struct conn **ret)
{
	static struct door door = { .ops = &line_ops };
	int fd;

	listening->door = &door;
	fd = client_as(ret);
	listening->door = &w.door.door;
	return fd;
}
