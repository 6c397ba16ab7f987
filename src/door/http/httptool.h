/* SPDX-License-Identifier: ISC */
/* httptool: one call of a tool by MCP over HTTP, from its message to its answer. */
#pragma once

#include "door/http/httpsession.h"
#include "proto/mcp.h"

struct service;

#define HTTP_TOOL_SESSION "Mcp-Session-Id"
#define HTTP_TOOL_SESSION_MAX 128	/* bytes of its value */

/* Answers with the message in the scratch buffer, and finishes the request. */
void http_tool_answer(struct http_session *s, unsigned status);

/* Answers with an error. */
void http_tool_refuse(struct http_session *s, const struct mcp_message *m, enum mcp_code code,
    const char *why);
void http_tool_refuse_name(struct http_session *s, const struct mcp_message *m, const char *name);

/* Sends a message as an event; the first one begins the answer. */
void http_tool_event(struct http_session *s, struct buf *message);

/* The description of a service, as of DESCRIBE. New, or NULL without memory. */
json_t *http_tool_describe(const struct service *service);

/* Calls the service, and answers when the call has ended. Takes the message. */
void http_tool_call(struct http_session *s, struct mcp_message *m, const struct service *service,
    struct slice session);

/* Answers a notification, which needs no words. */
void http_tool_accept(struct http_session *s);

/* Cancels a call of this session, in whatever worker it runs, and then accepts the notification. */
void http_tool_cancel(struct http_session *s, const struct mcp_message *m, struct slice session);
