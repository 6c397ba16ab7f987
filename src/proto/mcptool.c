/* SPDX-License-Identifier: ISC */
/* mcptool: writes descriptions of services as tools. */
#include "config.h"

#include "proto/mcptool.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonbuf.h"

static const char *
text_member(const json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	return text != NULL ? text : "";
}

bool
mcptool_is_read_only(const json_t *description)
{
	return strcmp(text_member(description, "effects"), "none") == 0;
}

const char *
mcptool_input_name(const json_t *description)
{
	const json_t *properties = json_object_get(json_object_get(description, "input_schema"),
	    "properties");
	const char *input = text_member(description, "input");

	if (*input == '\0' || strcmp(input, "none") == 0)
		return NULL;
	/* An argument may have the name already. */
	return json_object_get(properties, "input") == NULL ? "input" : "stdin";
}

/* ----------------------------------------------------------------- tool --- */

/* Hints say what the configuration says, and nothing where it says nothing. */
static void
put_annotations(struct buf *b, const json_t *description)
{
	bool is_adding = strcmp(text_member(description, "effects"), "adds") == 0;
	bool is_single = json_is_false(json_object_get(description, "idempotent"));

	if (!mcptool_is_read_only(description) && !is_adding && !is_single)
		return;
	jsonbuf_open(b, "annotations", '{');
	if (mcptool_is_read_only(description))
		jsonbuf_bool(b, "readOnlyHint", true);
	if (is_adding) {
		jsonbuf_bool(b, "readOnlyHint", false);
		jsonbuf_bool(b, "destructiveHint", false);
	}
	if (is_single)
		jsonbuf_bool(b, "idempotentHint", false);
	jsonbuf_close(b, '}');
}

static void
json_done(json_t **j)
{
	json_decref(*j);
}

/* Adds the members by which a tool gets its input. False: no memory. */
static bool
add_input(json_t *schema, const char *name, const char *kind)
{
	json_t *properties = json_object_get(schema, "properties");
	bool is_required = strcmp(kind, "required") == 0;
	char in_base64[32];

	(void)snprintf(in_base64, sizeof(in_base64), "%s_base64", name);
	return json_object_set_new(properties, name, json_pack("{s:s, s:s}", "type", "string",
	    "description", is_required ? "What the program reads; without it, nothing" :
	    "What the program reads, if anything")) == 0 &&
	    json_object_set_new(properties, in_base64, json_pack("{s:s, s:s, s:s}", "type", "string",
	    "contentEncoding", "base64", "description", "The same, for bytes that are no text")) == 0;
}

static void
put_schema(struct buf *b, const json_t *description)
{
	const json_t *declared = json_object_get(description, "input_schema");
	CLEANUP(json_done) json_t *schema = declared != NULL ? json_deep_copy(declared) :
	    json_pack("{s:s, s:{}}", "type", "object", "properties");
	const char *input = mcptool_input_name(description);

	if (schema == NULL || (input != NULL && !add_input(schema, input,
	    text_member(description, "input"))))
		b->failed = true;
	else
		mcp_put_json(b, "inputSchema", schema);
}

/* Writes summary and description as one text. */
static void
put_description(struct buf *b, const char *summary, const char *text)
{
	CLEANUP(buf_done) struct buf all = BUF_INIT(0);

	(void)buf_append_str(&all, summary);
	if (*text != '\0' && strcmp(text, summary) != 0) {
		(void)buf_append_str(&all, *summary != '\0' ? "\n\n" : "");
		(void)buf_append_str(&all, text);
	}
	if (buf_len(&all) == 0)
		(void)buf_append_str(&all, "A service of this machine");
	(void)buf_append_char(&all, '\0');
	jsonbuf_text(b, "description", buf_failed(&all) ? summary : buf_data(&all));
}

void
mcptool_put(struct buf *b, const json_t *description)
{
	const char *summary = text_member(description, "summary");

	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "name", text_member(description, "name"));
	if (*summary != '\0')
		jsonbuf_text(b, "title", summary);
	put_description(b, summary, text_member(description, "description"));
	put_schema(b, description);
	put_annotations(b, description);
	jsonbuf_close(b, '}');
}

/* ----------------------------------------------------------------- list --- */

void
mcptool_open_list(struct buf *b, const struct mcp_message *m)
{
	mcp_open_result(b, m);
	jsonbuf_open(b, "tools", '[');
}

void
mcptool_close_list(struct buf *b, const struct mcp_message *m, const char *next)
{
	jsonbuf_close(b, ']');
	if (next != NULL)
		jsonbuf_text(b, "nextCursor", next);
	mcp_put_freshness(b, m);
	mcp_close_result(b);
}
