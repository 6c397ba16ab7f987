/* SPDX-License-Identifier: ISC */
/*
 * httplisten: clients of MCP that wait to hear of changes of their tools. Each has an answer
 * of events, which is open until the client or the server goes.
 */
#pragma once

#include "door/http/httpsession.h"
#include "proto/mcp.h"

/* Begins to listen. Takes the message. */
void http_listen(struct http_session *s, struct mcp_message *m);

/* The rules have changed: tells those whose tools are others now. */
void http_listen_judge_anew(struct http_door *d);

/* The server stops: ends all answers. */
void http_listen_stop(struct http_door *d);

/* Frees what is kept for those who listen, of whom there are none any more. */
void http_listen_done(struct http_door *d);
