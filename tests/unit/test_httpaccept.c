/* SPDX-License-Identifier: ISC */
/* The form of a reply, by the field Accept. */
#include "config.h"

#include "proto/httpaccept.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

#define BYTES HTTPACCEPT_BYTES
#define JSON HTTPACCEPT_JSON
#define NDJSON HTTPACCEPT_NDJSON
#define EVENTS HTTPACCEPT_EVENTS

static const struct {
	const char *accept;
	enum httpaccept form;
	const char *own;	/* NULL: text/plain; charset=utf-8 */
} rows[] = {
	{ "", BYTES, NULL },
	{ "*/*", BYTES, NULL },
	{ "text/*", BYTES, NULL },
	{ "text/plain", BYTES, NULL },
	{ "application/octet-stream", BYTES, NULL },
	{ "image/png", BYTES, NULL },
	{ "image/png", BYTES, "image/png" },
	{ "image/*, application/json;q=0.9", BYTES, "image/png" },
	{ "image/*, application/json;q=0.9", JSON, NULL },
	{ "application/json", JSON, NULL },
	{ "APPLICATION/Json", JSON, NULL },
	{ "application/json; charset=utf-8", JSON, NULL },
	{ "application/x-ndjson", NDJSON, NULL },
	{ "text/event-stream", EVENTS, NULL },
	{ "application/*", JSON, NULL },
	{ "application/*", BYTES, "application/pdf" },
	/* Fields of clients: axios, an EventSource, MCP, a browser. */
	{ "application/json, text/plain, */*", JSON, NULL },
	{ "application/json, text/event-stream", JSON, NULL },
	{ "text/event-stream, application/json", EVENTS, NULL },
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", BYTES, NULL },
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", BYTES, "text/html" },
	/* Weights. */
	{ "application/json;q=0.5, */*", BYTES, NULL },
	{ "application/json;q=0.5, */*;q=0.4", JSON, NULL },
	{ "application/json;q=0.5, text/event-stream;q=0.501", EVENTS, NULL },
	{ "*/*;q=0.5, text/plain;q=0", JSON, NULL },
	{ "*/*, application/octet-stream;q=0", JSON, "application/octet-stream" },
	{ "application/json;q=0", BYTES, NULL },
	{ "application/json;q=0.000, */*;q=0", BYTES, NULL },
	{ "application/json ; Q=0.1 , text/event-stream\t;\tq=0.2", EVENTS, NULL },
	{ "application/json;a=\"x,y;q=0\\\"\";q=0.7, text/event-stream;q=0.6", JSON, NULL },
	{ "application/json;q=1.000, text/plain;q=0.999", JSON, NULL },
	{ "application/json;q=0.1;q=1, text/event-stream;q=0.2", EVENTS, NULL },
	{ "application/json;q=0., text/event-stream;q=0.2", EVENTS, NULL },
	/* Malformed elements count as not sent. */
	{ "application/json;q=2", BYTES, NULL },
	{ "application/json;q=1.001", BYTES, NULL },
	{ "application/json;q=0.1234", BYTES, NULL },
	{ "application/json;q=.5", BYTES, NULL },
	{ "application/json;q=-1", BYTES, NULL },
	{ "application/json;q=", BYTES, NULL },
	{ "application/json;q=0x1", BYTES, NULL },
	{ "application", BYTES, NULL },
	{ "*", BYTES, NULL },
	{ "*/json", BYTES, NULL },
	{ "/*", BYTES, NULL },
	{ "json", BYTES, NULL },
	{ ",,;,application/json,", JSON, NULL },
	{ "\"application/json", BYTES, NULL },
	{ "a/b;x=\"\\", BYTES, NULL },
};

START_TEST(chooses)
{
	struct slice accept = slice_of(rows[_i].accept);
	CLEANUP_FREE char *copy = malloc(accept.len + 1);
	const char *own = rows[_i].own != NULL ? rows[_i].own : "text/plain; charset=utf-8";

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, accept.data, accept.len);
	accept.data = copy;
	ck_assert_msg(httpaccept_choose(&accept, slice_of(own)) == rows[_i].form, "%s",
	    rows[_i].accept);
}
END_TEST

START_TEST(chooses_without_the_field)
{
	ck_assert_int_eq(httpaccept_choose(NULL, SLICE("text/plain")), BYTES);
	ck_assert_str_eq(httpaccept_type(NDJSON), "application/x-ndjson");
}
END_TEST

START_TEST(elements_have_a_limit)
{
	char text[512] = "";
	struct slice accept = { text, 0 };
	size_t n = 0;

	for (int i = 1; i < HTTPACCEPT_ELEMENTS; i++) {
		memcpy(text + n, "a/b,", 4);
		n += 4;
	}
	memcpy(text + n, "application/json,text/event-stream", 34);
	accept.len = n + 34;
	ck_assert_int_eq(httpaccept_choose(&accept, SLICE("a/c")), JSON);
	accept = (struct slice){ text, n };
	memmove(text + 4, text, n);
	memcpy(text + n + 4, "application/json", 16);
	accept.len = n + 20;
	ck_assert_int_eq(httpaccept_choose(&accept, SLICE("a/c")), BYTES);
}
END_TEST

UNIT_MAIN("httpaccept",
    tcase_add_loop_test(tc, chooses, 0, ARRAY_LEN(rows));
    tcase_add_test(tc, chooses_without_the_field);
    tcase_add_test(tc, elements_have_a_limit))
