/* SPDX-License-Identifier: ISC */
/*
 * mcp: messages of the Model Context Protocol, JSON-RPC 2.0 in both eras: since 2026-07-28
 * each request says its version, before that a handshake says it for all. Nothing is kept
 * between two messages, so one reader serves both eras at once.
 *
 * Answers are written into a buf, without the end of a line; check buf_failed() at the end.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

#define MCP_MODERN "2026-07-28"
#define MCP_LEGACY "2025-11-25"

/* Bytes of the text of an id. */
#define MCP_ID_MAX 128

enum mcp_method {
	MCP_UNKNOWN,
	MCP_INITIALIZE,
	MCP_PING,
	MCP_DISCOVER,
	MCP_LIST,
	MCP_CALL,
	MCP_LISTEN,
	MCP_CANCELLED,
	MCP_OTHER,		/* a notification without an effect, or an answer: nothing to do */
};

enum mcp_code {
	MCP_BAD_JSON = -32700,
	MCP_BAD_REQUEST = -32600,
	MCP_NO_METHOD = -32601,
	MCP_BAD_PARAMS = -32602,
	MCP_INTERNAL = -32603,
	MCP_BAD_FIELD = -32020,
	MCP_BAD_VERSION = -32022,
};

/* The fields of HTTP that repeat a part of the message; data NULL: not sent. */
struct mcp_fields {
	struct slice version, method, name;
};

struct mcp_message {
	json_t *root;		/* owns all that follows; NULL: it was no JSON */
	const json_t *id;	/* NULL: a notification */
	const json_t *params;	/* an object; NULL: none */
	enum mcp_method method;
	bool is_modern;
	int code;		/* enum mcp_code of what is wrong; 0: nothing */
	unsigned status;	/* the same for HTTP */
	const char *why;
};

/* Reads one message, and finds what is wrong with it. fields NULL: there are none. */
void mcp_read(struct slice text, const struct mcp_fields *fields, struct mcp_message *ret);
void mcp_done(struct mcp_message *m);

/* True if the message wants an answer, and be it that it is wrong. */
bool mcp_wants_answer(const struct mcp_message *m);

/* The token of the progress that the client wants to hear of; NULL: none. */
const json_t *mcp_progress_token(const struct mcp_message *m);

/* Of tools/list: the name behind which the page begins, "" at first. NULL: a wrong cursor. */
const char *mcp_cursor(const struct mcp_message *m);

/* Of tools/call: the name of the tool. NULL: there is none. */
const char *mcp_tool_name(const struct mcp_message *m);

/* Of notifications/cancelled: the id of the request; NULL: none. */
const json_t *mcp_cancelled_id(const struct mcp_message *m);

/* Of subscriptions/listen: true if changes of the list are wanted. */
bool mcp_wants_changes(const struct mcp_message *m);

/* -------------------------------------------------------------- answers --- */

/* Writes what is wrong with the message. */
void mcp_put_wrong(struct buf *b, const struct mcp_message *m);

/* Writes an error of our own. */
void mcp_put_error(struct buf *b, const struct mcp_message *m, enum mcp_code code,
    const char *why);

/* Writes a result without content. */
void mcp_put_empty(struct buf *b, const struct mcp_message *m);

/* Answers initialize and server/discover. has_changes: the server tells of a changed list. */
void mcp_put_hello(struct buf *b, const struct mcp_message *m, bool has_changes);

/* Opens a result; its members follow, then mcp_close_result(). */
void mcp_open_result(struct buf *b, const struct mcp_message *m);
void mcp_close_result(struct buf *b);

/* Writes how long a result may be kept, where the era knows that. */
void mcp_put_freshness(struct buf *b, const struct mcp_message *m);

/* Opens a message of our own; method and params follow, then mcp_close_result(). */
void mcp_open_message(struct buf *b);

/* Writes any JSON as a member, or as an element. */
void mcp_put_json(struct buf *b, const char *key, const json_t *v);

/* Says which changes a listener will hear of, as its first message. */
void mcp_put_listening(struct buf *b, const struct mcp_message *m, bool has_changes);
/* Tells a listener, by the id of its request, that the list has changed, or that this is the end. */
void mcp_put_changed(struct buf *b, const json_t *id);
void mcp_put_listened(struct buf *b, const json_t *id);
