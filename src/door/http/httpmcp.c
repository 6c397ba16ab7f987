/* SPDX-License-Identifier: ISC */
/*
 * httpmcp: messages of MCP in requests of HTTP. Each message is a request of its own, and is
 * answered with JSON. A call is answered with events where progress is wanted, or when it
 * takes long; a client that closes has cancelled its call.
 */
#include "config.h"

#include "door/http/httpmcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "door/http/httpanswer.h"
#include "door/http/httplisten.h"
#include "door/http/httptool.h"
#include "door/resp/describe.h"
#include "net/login.h"
#include "proto/httpreply.h"
#include "proto/mcptool.h"

/* ---------------------------------------------------------------- tools --- */

static int
compare_services(const void *a, const void *b)
{
	return strcmp((*(const struct service *const *)a)->name,
	    (*(const struct service *const *)b)->name);
}

/* Collects the services behind a name that the caller may call, sorted. */
static size_t
collect(struct http_session *s, const char *after, const struct service **ret)
{
	const struct conf *conf = s->http->conf;
	size_t n = 0;

	for (size_t i = 0; i < conf->n_services; i++) {
		if (strcmp(conf->services[i].name, after) > 0 &&
		    http_session_may_call(s, &conf->services[i]))
			ret[n++] = &conf->services[i];
	}
	if (n > 0)
		qsort(ret, n, sizeof(*ret), compare_services);
	return n;
}

static void
list_tools(struct http_session *s, const struct mcp_message *m)
{
	CLEANUP_FREE const struct service **found = calloc(s->http->conf->n_services + 1,
	    sizeof(*found));
	const char *after = mcp_cursor(m);
	struct buf *b = &s->http->body;
	size_t n, shown;

	if (after == NULL || found == NULL) {
		http_tool_refuse(s, m, after == NULL ? MCP_BAD_PARAMS : MCP_INTERNAL,
		    after == NULL ? "The cursor is no text" : "out of memory");
		return;
	}
	n = collect(s, after, found);
	shown = n < MCPTOOL_PAGE ? n : MCPTOOL_PAGE;
	buf_clear(b);
	mcptool_open_list(b, m);
	for (size_t i = 0; i < shown; i++) {
		json_t *description = http_tool_describe(found[i]);

		b->failed = b->failed || description == NULL;
		if (description != NULL)
			mcptool_put(b, description);
		json_decref(description);
	}
	mcptool_close_list(b, m, shown < n ? found[shown - 1]->name : NULL);
	http_tool_answer(s, 200);
}

/* True if the request is refused, because a credential may open what this caller cannot see. */
static bool
asks_login(struct http_session *s)
{
	if (!login_may_help(&s->conn))
		return false;
	http_answer_problem(s, &(struct http_problem){
		.status = 401, .code = "NOSERVICE", .ran = "no", .asks_login = true,
		.detail = SLICE("there is no tool of that name for callers without a credential: send "
		    "'Authorization: Bearer TOKEN'"),
	});
	http_session_finish(s);
	return true;
}

static void
call_tool(struct http_session *s, struct mcp_message *m, struct slice session)
{
	const char *name = mcp_tool_name(m);
	const struct service *service;

	if (name == NULL) {
		http_tool_refuse(s, m, MCP_BAD_PARAMS, "The name of the tool is missing");
		return;
	}
	service = conf_find_service(s->http->conf, name, strlen(name));
	if (service != NULL && http_session_may_call(s, service))
		http_tool_call(s, m, service, session);
	else if (!asks_login(s))
		http_tool_refuse_name(s, m, name);
}

/* -------------------------------------------------------------- request --- */

/* The session that the client says it is in; data NULL: none. Nobody has stored it. */
static struct slice
session_of(const struct httphead *h)
{
	const struct slice *field = httphead_find(h, SLICE(HTTP_TOOL_SESSION));

	return field != NULL && field->len <= HTTP_TOOL_SESSION_MAX ? *field : (struct slice){ 0 };
}

static void
answer_hello(struct http_session *s, const struct mcp_message *m)
{
	struct buf *b = &s->http->body;
	uint8_t random[16];
	char session[2 * sizeof(random) + 1];

	mcp_put_hello(b, m, m->is_modern);
	if (m->is_modern || buf_failed(b) ||
	    getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
		http_tool_answer(s, 200);
		return;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(session + 2 * i, 3, "%02x", random[i]);
	httpreply_fixed(http_answer_head(s, 200, HTTP_JSON_TYPE), HTTP_TOOL_SESSION, session);
	http_answer_scratch(s);
	http_session_finish(s);
}

static void
take(struct http_session *s, const struct httphead *h, struct mcp_message *m)
{
	struct buf *b = &s->http->body;

	buf_clear(b);
	if (m->code != 0) {
		mcp_put_wrong(b, m);
		http_tool_answer(s, m->status);
		return;
	}
	switch (m->method) {
	case MCP_INITIALIZE:
	case MCP_DISCOVER:
		answer_hello(s, m);
		return;
	case MCP_LIST:
		list_tools(s, m);
		return;
	case MCP_CALL:
		call_tool(s, m, session_of(h));
		return;
	case MCP_PING:
		mcp_put_empty(b, m);
		http_tool_answer(s, 200);
		return;
	case MCP_LISTEN:
		http_listen(s, m);
		return;
	case MCP_CANCELLED:
		http_tool_cancel(s, m, session_of(h));
		return;
	case MCP_OTHER:
	case MCP_UNKNOWN:
		http_tool_accept(s);
		return;
	}
}

static struct slice
field(const struct httphead *h, enum httpknown k)
{
	const struct slice *s = httphead_get(h, k);

	return s != NULL ? *s : (struct slice){ 0 };
}

enum http_next
http_mcp(struct http_session *s, const struct http_request *rq)
{
	const struct httphead *h = rq->head;
	struct mcp_fields fields = {
		field(h, HTTPKNOWN_MCP_PROTOCOL_VERSION), field(h, HTTPKNOWN_MCP_METHOD),
		field(h, HTTPKNOWN_MCP_NAME),
	};
	struct mcp_message m;

	if (!http_call_check_json(s, h, rq->body))
		return HTTP_DONE;
	if (rq->body_is == HTTP_BODY_COMING)
		return HTTP_WANTS_BODY;
	mcp_read(rq->body, &fields, &m);
	take(s, h, &m);
	mcp_done(&m);
	return HTTP_DONE;
}
