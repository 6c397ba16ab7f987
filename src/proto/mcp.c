/* SPDX-License-Identifier: ISC */
/* mcp: reads messages of the Model Context Protocol, and writes answers. */
#include "config.h"

#include "proto/mcp.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/jsonbuf.h"

#define META "io.modelcontextprotocol/"

/* The longest name in the field Mcp-Name. */
#define NAME_MAX_BYTES 256

/* An answer may be kept for so long, by the client that got it. */
#define TTL_MSEC 60000

static const char *const legacy[] = { MCP_LEGACY, "2025-06-18", "2025-03-26" };

static const struct {
	const char *name;
	enum mcp_method method;
	bool of_modern, of_legacy;
	bool has_name;		/* params.name is repeated in a field */
} methods[] = {
	{ "initialize", MCP_INITIALIZE, false, true, false },
	{ "ping", MCP_PING, false, true, false },
	{ "server/discover", MCP_DISCOVER, true, false, false },
	{ "tools/list", MCP_LIST, true, true, false },
	{ "tools/call", MCP_CALL, true, true, true },
	{ "subscriptions/listen", MCP_LISTEN, true, false, false },
};

/* -------------------------------------------------------------- reading --- */

static void
refuse(struct mcp_message *m, unsigned status, enum mcp_code code, const char *why)
{
	m->status = status;
	m->code = code;
	m->why = why;
}

static struct slice
text_of(const json_t *v)
{
	return json_is_string(v) ? (struct slice){ json_string_value(v), json_string_length(v) } :
	    (struct slice){ 0 };
}

static const json_t *
meta(const struct mcp_message *m, const char *key)
{
	return json_object_get(json_object_get(m->params, "_meta"), key);
}

static bool
is_legacy_version(struct slice version)
{
	for (size_t i = 0; i < ARRAY_LEN(legacy); i++) {
		if (slice_is(version, legacy[i]))
			return true;
	}
	return false;
}

/* True if two texts are one. */
static bool
is_same(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Compares a field, which may be in Base64, with the text of the message. */
static bool
field_is(struct slice field, struct slice text)
{
	static const char begin[] = "=?base64?", end[] = "?=";
	const size_t n = sizeof(begin) - 1, n_end = sizeof(end) - 1;
	uint8_t room[NAME_MAX_BYTES];
	struct slice inner;
	size_t len;

	if (field.len < n + n_end || !slice_starts(field, begin) ||
	    memcmp(field.data + field.len - n_end, end, n_end) != 0)
		return is_same(field, text);
	inner = (struct slice){ field.data + n, field.len - n - n_end };
	return base64_decode(inner, room, sizeof(room), &len) == 0 &&
	    is_same((struct slice){ (const char *)room, len }, text);
}

/* Looks whether the fields of HTTP say the same as the message. */
static bool
fields_agree(const struct mcp_message *m, const struct mcp_fields *f, struct slice method,
    bool has_name)
{
	struct slice name = text_of(json_object_get(m->params, "name"));

	return is_same(f->version, text_of(meta(m, META "protocolVersion"))) &&
	    f->method.data != NULL && field_is(f->method, method) &&
	    (!has_name || (f->name.data != NULL && field_is(f->name, name)));
}

/* Reads the id. False: it is of a wrong kind. */
static bool
read_id(struct mcp_message *m)
{
	const json_t *id = json_object_get(m->root, "id");

	if (id == NULL)
		return true;
	if (!json_is_integer(id) && !(json_is_string(id) && json_string_length(id) <= MCP_ID_MAX))
		return false;
	m->id = id;
	return true;
}

static void
read_notification(struct mcp_message *m, struct slice method)
{
	m->method = slice_is(method, "notifications/cancelled") ? MCP_CANCELLED : MCP_OTHER;
}

/* Looks at a request of which the shape is right. */
static void
read_request(struct mcp_message *m, const struct mcp_fields *f, struct slice method)
{
	struct slice version = text_of(meta(m, META "protocolVersion"));
	bool is_known = false, has_name = false;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (!slice_is(method, methods[i].name))
			continue;
		has_name = methods[i].has_name;
		is_known = m->is_modern ? methods[i].of_modern : methods[i].of_legacy;
		if (is_known)
			m->method = methods[i].method;
	}
	if (m->is_modern && (version.data == NULL ||
	    !json_is_object(meta(m, META "clientCapabilities"))))
		refuse(m, 400, MCP_BAD_PARAMS, "_meta must have " META "protocolVersion and "
		    META "clientCapabilities");
	else if (m->is_modern && f != NULL && !fields_agree(m, f, method, has_name))
		refuse(m, 400, MCP_BAD_FIELD, "MCP-Protocol-Version, Mcp-Method and Mcp-Name must be "
		    "there, and say what the message says");
	else if (m->is_modern && !slice_is(version, MCP_MODERN))
		refuse(m, 400, MCP_BAD_VERSION, "Unsupported protocol version");
	else if (!is_known)
		refuse(m, m->is_modern ? 404 : 200, MCP_NO_METHOD, "Method not found");
}

void
mcp_read(struct slice text, const struct mcp_fields *fields, struct mcp_message *ret)
{
	struct mcp_message *m = ret;
	const json_t *params;
	struct slice method;

	*m = (struct mcp_message){ .status = 200 };
	m->root = json_loadb(text.data != NULL ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);
	if (m->root == NULL) {
		refuse(m, 400, MCP_BAD_JSON, "The message is not JSON, or has a member twice");
		return;
	}
	if (!json_is_object(m->root)) {
		refuse(m, 400, MCP_BAD_REQUEST, "The message is no object; batches are not taken");
		return;
	}
	method = text_of(json_object_get(m->root, "method"));
	params = json_object_get(m->root, "params");
	if (!slice_is(text_of(json_object_get(m->root, "jsonrpc")), "2.0") || !read_id(m) ||
	    (params != NULL && !json_is_object(params))) {
		refuse(m, 400, MCP_BAD_REQUEST, "The message is no JSON-RPC 2.0: jsonrpc is \"2.0\", id an "
		    "integer or a text of up to 128 bytes, params an object");
		return;
	}
	m->params = params;
	m->is_modern = meta(m, META "protocolVersion") != NULL ||
	    (fields != NULL && fields->version.data != NULL && !is_legacy_version(fields->version));
	if (method.data == NULL && (json_object_get(m->root, "result") != NULL ||
	    json_object_get(m->root, "error") != NULL)) {
		/* Nothing was asked, so an answer means nothing. */
		m->method = MCP_OTHER;
		m->id = NULL;
	} else if (method.data == NULL) {
		refuse(m, 400, MCP_BAD_REQUEST, "The message has no method");
	} else if (m->id == NULL) {
		read_notification(m, method);
	} else {
		read_request(m, fields, method);
	}
}

void
mcp_done(struct mcp_message *m)
{
	json_decref(m->root);
	*m = (struct mcp_message){ 0 };
}

bool
mcp_wants_answer(const struct mcp_message *m)
{
	return m->id != NULL || m->code != 0;
}

const json_t *
mcp_progress_token(const struct mcp_message *m)
{
	const json_t *token = meta(m, "progressToken");

	return json_is_integer(token) || json_is_string(token) ? token : NULL;
}

const char *
mcp_cursor(const struct mcp_message *m)
{
	const json_t *cursor = json_object_get(m->params, "cursor");

	return cursor == NULL ? "" : json_string_value(cursor);
}

const char *
mcp_tool_name(const struct mcp_message *m)
{
	return json_string_value(json_object_get(m->params, "name"));
}

const json_t *
mcp_cancelled_id(const struct mcp_message *m)
{
	return json_object_get(m->params, "requestId");
}

bool
mcp_wants_changes(const struct mcp_message *m)
{
	return json_is_true(json_object_get(json_object_get(m->params, "notifications"),
	    "toolsListChanged"));
}

/* -------------------------------------------------------------- answers --- */

void
mcp_put_json(struct buf *b, const char *key, const json_t *v)
{
	CLEANUP_FREE char *text = v != NULL ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	jsonbuf_key(b, key);
	(void)buf_append_str(b, text != NULL ? text : "null");
	/* Half an answer would be a lie. */
	if (v != NULL && text == NULL)
		b->failed = true;
}

void
mcp_open_message(struct buf *b)
{
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "jsonrpc", "2.0");
}

static void
put_server(struct buf *b, const char *key)
{
	jsonbuf_open(b, key, '{');
	jsonbuf_text(b, "name", "reqd");
	jsonbuf_text(b, "version", PACKAGE_VERSION);
	jsonbuf_close(b, '}');
}

void
mcp_open_result(struct buf *b, const struct mcp_message *m)
{
	mcp_open_message(b);
	mcp_put_json(b, "id", m->id);
	jsonbuf_open(b, "result", '{');
	if (m->is_modern)
		jsonbuf_text(b, "resultType", "complete");
}

void
mcp_close_result(struct buf *b)
{
	jsonbuf_close(b, '}');
	jsonbuf_close(b, '}');
}

static void
open_error(struct buf *b, const struct mcp_message *m, int code, const char *why)
{
	mcp_open_message(b);
	mcp_put_json(b, "id", m->id);
	jsonbuf_open(b, "error", '{');
	jsonbuf_key(b, "code");
	(void)buf_append_i64(b, code);
	jsonbuf_text(b, "message", why);
}

static void
put_versions(struct buf *b, const char *key)
{
	jsonbuf_open(b, key, '[');
	jsonbuf_text(b, NULL, MCP_MODERN);
	for (size_t i = 0; i < ARRAY_LEN(legacy); i++)
		jsonbuf_text(b, NULL, legacy[i]);
	jsonbuf_close(b, ']');
}

void
mcp_put_wrong(struct buf *b, const struct mcp_message *m)
{
	open_error(b, m, m->code, m->why);
	if (m->code == MCP_BAD_VERSION) {
		jsonbuf_open(b, "data", '{');
		put_versions(b, "supported");
		mcp_put_json(b, "requested", meta(m, META "protocolVersion"));
		jsonbuf_close(b, '}');
	}
	mcp_close_result(b);
}

void
mcp_put_error(struct buf *b, const struct mcp_message *m, enum mcp_code code, const char *why)
{
	open_error(b, m, code, why);
	mcp_close_result(b);
}

void
mcp_put_empty(struct buf *b, const struct mcp_message *m)
{
	mcp_open_result(b, m);
	mcp_close_result(b);
}

/* The version of the handshake: the one that was asked for, if it is known. */
static const char *
agreed_version(const struct mcp_message *m)
{
	struct slice asked = text_of(json_object_get(m->params, "protocolVersion"));

	for (size_t i = 0; i < ARRAY_LEN(legacy); i++) {
		if (slice_is(asked, legacy[i]))
			return legacy[i];
	}
	return MCP_LEGACY;
}

void
mcp_put_freshness(struct buf *b, const struct mcp_message *m)
{
	if (!m->is_modern)
		return;
	jsonbuf_number(b, "ttlMs", TTL_MSEC);
	jsonbuf_text(b, "cacheScope", "private");
}

void
mcp_put_hello(struct buf *b, const struct mcp_message *m, bool has_changes)
{
	mcp_open_result(b, m);
	if (m->is_modern)
		put_versions(b, "supportedVersions");
	else
		jsonbuf_text(b, "protocolVersion", agreed_version(m));
	jsonbuf_open(b, "capabilities", '{');
	jsonbuf_open(b, "tools", '{');
	if (has_changes)
		jsonbuf_bool(b, "listChanged", true);
	jsonbuf_close(b, '}');
	jsonbuf_close(b, '}');
	if (m->is_modern) {
		jsonbuf_open(b, "_meta", '{');
		put_server(b, META "serverInfo");
		jsonbuf_close(b, '}');
		mcp_put_freshness(b, m);
	} else {
		put_server(b, "serverInfo");
	}
	jsonbuf_text(b, "instructions", "Each tool is a service of this machine. Arguments are checked "
	    "before anything runs, and a refusal says what is wrong with them.");
	mcp_close_result(b);
}

/* --------------------------------------------------------- subscriptions --- */

static void
put_subscription(struct buf *b, const json_t *id)
{
	jsonbuf_open(b, "_meta", '{');
	mcp_put_json(b, META "subscriptionId", id);
	jsonbuf_close(b, '}');
}

void
mcp_put_listening(struct buf *b, const struct mcp_message *m, bool has_changes)
{
	mcp_open_message(b);
	jsonbuf_text(b, "method", "notifications/subscriptions/acknowledged");
	jsonbuf_open(b, "params", '{');
	put_subscription(b, m->id);
	jsonbuf_open(b, "notifications", '{');
	if (has_changes && mcp_wants_changes(m))
		jsonbuf_bool(b, "toolsListChanged", true);
	jsonbuf_close(b, '}');
	mcp_close_result(b);
}

void
mcp_put_changed(struct buf *b, const json_t *id)
{
	mcp_open_message(b);
	jsonbuf_text(b, "method", "notifications/tools/list_changed");
	jsonbuf_open(b, "params", '{');
	put_subscription(b, id);
	mcp_close_result(b);
}

void
mcp_put_listened(struct buf *b, const json_t *id)
{
	const struct mcp_message m = { .id = id, .is_modern = true };

	mcp_open_result(b, &m);
	put_subscription(b, id);
	mcp_close_result(b);
}
