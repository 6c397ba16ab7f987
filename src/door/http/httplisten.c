/* SPDX-License-Identifier: ISC */
/* httplisten: tells listeners that the list of tools has changed. */
#include "config.h"

#include "door/http/httplisten.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "door/http/httpanswer.h"
#include "door/http/httpcall.h"
#include "door/http/httptool.h"
#include "door/resp/describe.h"

struct http_listen {
	struct http_extra extra;
	LIST_ENTRY(http_listen) entry;
	struct http_session *session;
	struct mcp_message m;
	struct digest tools;	/* of the list, as the client may know it */
};

static void
forget_descriptions(struct http_door *d)
{
	free(TAKE_PTR(d->described));
}

/* Describes all services once for all who listen. Without memory they hear of no change. */
static const struct digest *
describe_all(struct http_door *d)
{
	const struct conf *conf = d->conf;
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	if (d->described != NULL && d->described_generation == conf->generation)
		return d->described;
	forget_descriptions(d);
	d->described_generation = conf->generation;
	d->described = calloc(conf->n_services + 1, sizeof(*d->described));
	for (size_t i = 0; i < conf->n_services && d->described != NULL; i++) {
		struct slice text;

		buf_clear(&b);
		(void)describe_service(&conf->services[i], &b);
		text = buf_slice(&b);
		d->described[i] = digest_of(&text, 1);
	}
	return d->described;
}

/* Finds the digest of all that the caller may call. False: there is no memory. */
static bool
digest_tools(struct http_session *s, struct digest *ret)
{
	const struct conf *conf = s->http->conf;
	const struct digest *described = describe_all(s->http);

	*ret = (struct digest){ { 0 } };
	for (size_t i = 0; i < conf->n_services && described != NULL; i++) {
		struct slice parts[2] = {
			{ (const char *)ret->bytes, sizeof(ret->bytes) },
			{ (const char *)described[i].bytes, sizeof(described[i].bytes) },
		};
		struct digest next;

		if (!http_session_may_call(s, &conf->services[i]))
			continue;
		next = digest_of(parts, ARRAY_LEN(parts));
		*ret = next;
	}
	return described != NULL;
}

static void
drop(struct http_session *s, struct http_extra *extra)
{
	struct http_listen *l = CONTAINER_OF(extra, struct http_listen, extra);

	(void)s;
	LIST_REMOVE(l, entry);
	mcp_done(&l->m);
	free(l);
}

/* Ends the answer, with a result that says so. */
static void
end(struct http_listen *l)
{
	struct http_session *s = l->session;
	struct buf *b = &s->http->body;

	buf_clear(b);
	mcp_put_listened(b, l->m.id);
	http_tool_event(s, b);
	s->goes_on = false;
	loop_disarm(s->conn.net->loop, &s->beat);
	http_answer_end(s);
	http_session_finish(s);
}

void
http_listen(struct http_session *s, struct mcp_message *m)
{
	struct http_listen *l = calloc(1, sizeof(*l));
	struct buf *b = &s->http->body;

	if (l == NULL) {
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return;
	}
	l->extra.drop = drop;
	l->session = s;
	l->m = *m;
	*m = (struct mcp_message){ 0 };
	(void)digest_tools(s, &l->tools);
	LIST_INSERT_HEAD(&s->http->listening, l, entry);
	s->extra = &l->extra;
	s->form = HTTP_SSE;
	buf_clear(b);
	mcp_put_listening(b, &l->m, true);
	http_tool_event(s, b);
	/* Nothing will come, where nothing is wanted, and from a worker that stops. */
	if (!mcp_wants_changes(&l->m) || s->conn.net->stopping || s->conn.listener->gone) {
		end(l);
		return;
	}
	s->conn.wait = CONN_WAITS;
	conn_flush(&s->conn);
	http_call_arm_beat(s);
}

void
http_listen_judge_anew(struct http_door *d)
{
	struct http_listen *l, *next;

	forget_descriptions(d);
	for (l = LIST_FIRST(&d->listening); l != NULL; l = next) {
		struct http_session *s = l->session;
		struct digest tools;

		next = LIST_NEXT(l, entry);
		if (digest_tools(s, &tools) && !digest_eq(&tools, &l->tools)) {
			l->tools = tools;
			buf_clear(&d->body);
			mcp_put_changed(&d->body, l->m.id);
			http_tool_event(s, &d->body);
			conn_flush(&s->conn);
		}
		if (s->conn.listener->gone)
			end(l);
	}
}

void
http_listen_stop(struct http_door *d)
{
	struct http_listen *l;

	while ((l = LIST_FIRST(&d->listening)) != NULL)
		end(l);
}

void
http_listen_done(struct http_door *d)
{
	forget_descriptions(d);
}
