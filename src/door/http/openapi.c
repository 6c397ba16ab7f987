/* SPDX-License-Identifier: ISC */
/* openapi: describes the paths of services in the words of OpenAPI 3.1. */
#include "config.h"

#include "door/http/openapi.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/jsonbuf.h"
#include "conf/schemajson.h"
#include "door/http/httpanswer.h"
#include "proto/httpreply.h"

/* Letters of an ETag: 128 bits, and quotes. */
#define ETAG_BYTES 16
#define ETAG_TEXT (2 * ETAG_BYTES + 3)

#define FORM_TYPE "application/x-www-form-urlencoded"

#define REF(what) "{\"$ref\":\"#/components/" what "\"}"

/* The answers of all services: HTTP.md, section 12. */
static const char responses[] =
    "\"responses\":{"
    "\"Success\":{\"description\":\"The program has ended with 0\",\"headers\":{"
    "\"Reqd-Id\":{\"description\":\"The id of the call\",\"schema\":{\"type\":\"string\"}},"
    "\"Reqd-Outcome\":{\"description\":\"How the call has ended\",\"schema\":{\"type\":\"string\"}}},"
    "\"content\":{"
    "\"text/plain\":{\"schema\":{\"type\":\"string\"}},"
    "\"application/json\":{\"schema\":" REF("schemas/Result") "},"
    "\"application/x-ndjson\":{\"schema\":{\"type\":\"string\"}},"
    "\"text/event-stream\":{\"schema\":{\"type\":\"string\"}}}},"
    "\"Refused\":{\"description\":\"Nothing has run\",\"content\":{"
    "\"application/problem+json\":{\"schema\":" REF("schemas/Problem") "}}},"
    "\"Failed\":{\"description\":\"The call has failed; 'ran' says whether the program may have run\","
    "\"content\":{\"application/problem+json\":{\"schema\":" REF("schemas/Problem") "}}}}";

static const char parameters[] =
    "\"parameters\":{"
    "\"Timeout\":{\"name\":\"Reqd-Timeout\",\"in\":\"header\",\"description\":"
    "\"Time limit in milliseconds; it can make that of the service shorter\","
    "\"schema\":{\"type\":\"integer\",\"minimum\":1}},"
    "\"Key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":"
    "\"The same key again never runs the program a second time\","
    "\"schema\":{\"type\":\"string\"}}}";

static const char schemas[] =
    "\"Result\":{\"type\":\"object\",\"required\":[\"status\",\"outcome\",\"id\"],\"properties\":{"
    "\"status\":{\"type\":\"integer\",\"description\":\"Exit status; -1: none\"},"
    "\"signal\":{\"type\":[\"integer\",\"null\"]},"
    "\"value\":{\"description\":\"The answer of a handler\"},"
    "\"stdout\":{\"type\":\"string\"},"
    "\"stdout_base64\":{\"type\":\"string\",\"contentEncoding\":\"base64\"},"
    "\"stderr\":{\"type\":\"string\"},"
    "\"stderr_base64\":{\"type\":\"string\",\"contentEncoding\":\"base64\"},"
    "\"truncated\":{\"type\":\"boolean\"},\"usec\":{\"type\":\"integer\"},"
    "\"id\":{\"type\":\"string\"},\"outcome\":{\"type\":\"string\"}}},"
    "\"Problem\":{\"type\":\"object\",\"required\":[\"title\",\"status\"],\"properties\":{"
    "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
    "\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"},"
    "\"ran\":{\"enum\":[\"no\",\"yes\",\"perhaps\"]},\"result\":" REF("schemas/Result") "}}";

/* Appends JSON that is there already. */
static void
put_raw(struct buf *b, const char *key, const char *json)
{
	jsonbuf_key(b, key);
	(void)buf_append_str(b, json);
}

/* ----------------------------------------------------------------- call --- */

/* Writes the arguments as parts of the query. */
static void
put_query(struct buf *b, const struct service *s)
{
	for (size_t i = 0; i < s->n_args; i++) {
		const struct argument *a = &s->args[i];

		jsonbuf_open(b, NULL, '{');
		jsonbuf_text(b, "name", a->name);
		jsonbuf_text(b, "in", "query");
		if (a->help != NULL)
			jsonbuf_text(b, "description", a->help);
		if (!schemajson_is_optional(a))
			jsonbuf_bool(b, "required", true);
		schemajson_argument(b, "schema", a);
		jsonbuf_close(b, '}');
	}
}

static void
put_parameters(struct buf *b, const struct service *s, bool in_query)
{
	jsonbuf_open(b, "parameters", '[');
	if (in_query)
		put_query(b, s);
	put_raw(b, NULL, REF("parameters/Timeout"));
	/* A handler knows no keys. */
	if (s->handler == NULL && s->idempotent)
		put_raw(b, NULL, REF("parameters/Key"));
	else if (s->handler == NULL)
		put_raw(b, NULL, "{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":true,"
		    "\"schema\":{\"type\":\"string\"}}");
	jsonbuf_close(b, ']');
}

static bool
has_required(const struct service *s)
{
	for (size_t i = 0; i < s->n_args; i++) {
		if (!schemajson_is_optional(&s->args[i]))
			return true;
	}
	return false;
}

/* Writes the schema of the arguments as a type of body. */
static void
put_type(struct buf *b, const char *type, const struct service *s)
{
	jsonbuf_open(b, type, '{');
	jsonbuf_open(b, "schema", '{');
	jsonbuf_key(b, "$ref");
	(void)buf_printf(b, "\"#/components/schemas/call.%s\"", s->name);
	jsonbuf_close(b, '}');
	jsonbuf_close(b, '}');
}

/* Writes the body: the arguments, or the input of a service that takes one. */
static void
put_body(struct buf *b, const struct service *s)
{
	bool takes_input = s->input != INPUT_NONE;

	if (!takes_input && s->n_args == 0)
		return;
	jsonbuf_open(b, "requestBody", '{');
	if (takes_input ? s->input == INPUT_REQUIRED : has_required(s))
		jsonbuf_bool(b, "required", true);
	jsonbuf_open(b, "content", '{');
	if (takes_input) {
		put_raw(b, "*/*", "{}");
	} else {
		put_type(b, HTTP_JSON_TYPE, s);
		put_type(b, FORM_TYPE, s);
	}
	jsonbuf_close(b, '}');
	jsonbuf_close(b, '}');
}

static void
put_operation(struct buf *b, const struct service *s, bool is_get)
{
	char id[SERVICE_NAME_MAX + 8];

	(void)snprintf(id, sizeof(id), "%s%s", is_get ? "get-" : "", s->name);
	jsonbuf_open(b, is_get ? "get" : "post", '{');
	jsonbuf_text(b, "operationId", id);
	if (s->summary[0] != '\0')
		jsonbuf_text(b, "summary", s->summary);
	if (s->description[0] != '\0')
		jsonbuf_text(b, "description", s->description);
	put_parameters(b, s, is_get || s->input != INPUT_NONE);
	if (!is_get)
		put_body(b, s);
	put_raw(b, "responses", "{\"200\":" REF("responses/Success") ",\"4XX\":" REF("responses/Refused")
	    ",\"5XX\":" REF("responses/Failed") "}");
	jsonbuf_text(b, "x-reqd-effects", service_effects_word(s));
	jsonbuf_close(b, '}');
}

static void
put_path(struct buf *b, const struct service *s)
{
	char path[SERVICE_NAME_MAX + 8];

	(void)snprintf(path, sizeof(path), "/call/%s", s->name);
	jsonbuf_open(b, path, '{');
	put_operation(b, s, false);
	if (s->effects == EFFECTS_NONE && s->input == INPUT_NONE)
		put_operation(b, s, true);
	jsonbuf_close(b, '}');
}

/* ------------------------------------------------------------- document --- */

static void
put_views(struct buf *b)
{
	put_raw(b, "/services", "{\"get\":{\"operationId\":\"reqd-services\",\"summary\":"
	    "\"The services that you may call, with their summaries\",\"responses\":{\"200\":{"
	    "\"description\":\"Summaries by name\",\"content\":{\"" HTTP_JSON_TYPE "\":{\"schema\":{"
	    "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}}}}}}}");
	put_raw(b, "/services/{name}", "{\"get\":{\"operationId\":\"reqd-service\",\"summary\":"
	    "\"The declaration of a service\",\"parameters\":[{\"name\":\"name\",\"in\":\"path\","
	    "\"required\":true,\"schema\":{\"type\":\"string\"}}],\"responses\":{\"200\":{"
	    "\"description\":\"Arguments, limits and more\",\"content\":{\"" HTTP_JSON_TYPE "\":{"
	    "\"schema\":{\"type\":\"object\"}}}},\"4XX\":" REF("responses/Refused") "}}}");
	put_raw(b, "/whoami", "{\"get\":{\"operationId\":\"reqd-whoami\",\"summary\":"
	    "\"You, as the server sees you\",\"responses\":{\"200\":{\"description\":"
	    "\"Login, address and roles\",\"content\":{\"" HTTP_JSON_TYPE "\":{\"schema\":{"
	    "\"type\":\"object\"}}}}}}}");
}

/* Writes the schemas of the arguments that stand in bodies. */
static void
put_schemas(struct http_session *s, struct buf *b)
{
	const struct conf *conf = s->http->conf;

	jsonbuf_open(b, "schemas", '{');
	(void)buf_append_str(b, schemas);
	for (size_t i = 0; i < conf->n_services; i++) {
		const struct service *service = &conf->services[i];
		char key[SERVICE_NAME_MAX + 8];

		if (service->input != INPUT_NONE || service->n_args == 0 ||
		    !http_session_may_call(s, service))
			continue;
		(void)snprintf(key, sizeof(key), "call.%s", service->name);
		schemajson_service(b, key, service);
	}
	jsonbuf_close(b, '}');
}

static void
put_document(struct http_session *s, struct buf *b)
{
	const struct conf *conf = s->http->conf;

	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "openapi", "3.1.0");
	put_raw(b, "info", "{\"title\":\"reqd\",\"version\":\"" PACKAGE_VERSION "\",\"description\":"
	    "\"The services of this server that you may call\"}");
	put_raw(b, "servers", "[{\"url\":\"/\"}]");
	jsonbuf_open(b, "paths", '{');
	for (size_t i = 0; i < conf->n_services; i++) {
		if (http_session_may_call(s, &conf->services[i]))
			put_path(b, &conf->services[i]);
	}
	put_views(b);
	jsonbuf_close(b, '}');
	jsonbuf_open(b, "components", '{');
	put_schemas(s, b);
	(void)buf_append_char(b, ',');
	(void)buf_append_str(b, responses);
	(void)buf_append_char(b, ',');
	(void)buf_append_str(b, parameters);
	put_raw(b, "securitySchemes", "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
	jsonbuf_close(b, '}');
	put_raw(b, "security", "[{},{\"token\":[]}]");
	(void)buf_append_str(b, "}\n");
}

/* The tag is made of the document, which depends on the rules and on who asks. */
static void
etag_format(struct slice document, char ret[static ETAG_TEXT])
{
	uint8_t hash[DIGEST_SHA256];

	digest_sha256(document, hash);
	ret[0] = '"';
	for (size_t i = 0; i < ETAG_BYTES; i++)
		(void)snprintf(ret + 1 + 2 * i, 3, "%02x", hash[i]);
	ret[ETAG_TEXT - 2] = '"';
	ret[ETAG_TEXT - 1] = '\0';
}

/* True if the client has the document with this tag. */
static bool
is_known(const struct httphead *h, const char *etag)
{
	const struct slice *known = httphead_get(h, HTTPKNOWN_IF_NONE_MATCH);

	return known != NULL && (slice_is(*known, "*") ||
	    memmem(known->data, known->len, etag, strlen(etag)) != NULL);
}

enum http_next
http_openapi(struct http_session *s, const struct http_request *rq)
{
	struct buf *b = &s->http->body;
	char etag[ETAG_TEXT];

	buf_clear(b);
	put_document(s, b);
	if (buf_failed(b)) {
		buf_done(b);
		http_refuse(s, 503, "BUSY", "the server: out of memory");
		return HTTP_DONE;
	}
	etag_format(buf_slice(b), etag);
	if (is_known(rq->head, etag)) {
		httpreply_fixed(http_answer_head(s, 304, NULL), "ETag", etag);
		http_answer_body(s, (struct slice){ 0 });
	} else {
		httpreply_fixed(http_answer_head(s, 200, HTTP_JSON_TYPE), "ETag", etag);
		http_answer_scratch(s);
	}
	http_session_finish(s);
	return HTTP_DONE;
}
