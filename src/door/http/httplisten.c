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

/* The digest of all that the caller may call, as far as it is described. */
static struct digest
digest_tools(struct http_session *s)
{
	const struct conf *conf = s->http->conf;
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct digest all = { { 0 } };

	for (size_t i = 0; i < conf->n_services; i++) {
		struct slice parts[2] = { { (const char *)all.bytes, sizeof(all.bytes) }, { 0 } };
		struct digest next;

		if (!http_session_may_call(s, &conf->services[i]))
			continue;
		buf_clear(&b);
		(void)describe_service(&conf->services[i], &b);
		parts[1] = buf_slice(&b);
		next = digest_of(parts, ARRAY_LEN(parts));
		all = next;
	}
	return all;
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
	l->tools = digest_tools(s);
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

	for (l = LIST_FIRST(&d->listening); l != NULL; l = next) {
		struct http_session *s = l->session;
		struct digest tools = digest_tools(s);

		next = LIST_NEXT(l, entry);
		if (!digest_eq(&tools, &l->tools)) {
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
