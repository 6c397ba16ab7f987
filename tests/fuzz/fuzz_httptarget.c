/* SPDX-License-Identifier: ISC */
/*
 * fuzz_httptarget: any bytes as a target, a path, a query, a form, a host and a field
 * Accept. A good path has no segment that leads elsewhere, before decoding and after, and
 * no NUL; what is decoded fits in the room that is promised.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/httpaccept.h"
#include "proto/httpform.h"
#include "proto/httphost.h"
#include "proto/httptarget.h"

#define MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
check_form(struct slice text)
{
	CLEANUP_FREE char *room = malloc(text.len > 0 ? text.len : 1);
	struct httppair pairs[MAX];
	size_t n, len = 0;

	require(room != NULL);
	if (httpform_parse(text, room, pairs, MAX, &n) != NULL)
		return;
	require(n <= MAX);
	for (size_t i = 0; i < n; i++) {
		require(pairs[i].name.len > 0 && pairs[i].name.data == room + len);
		len += pairs[i].name.len;
		require(pairs[i].value.data == room + len);
		len += pairs[i].value.len;
	}
	require(len <= text.len);
}

static void
check_path(struct slice path)
{
	CLEANUP_FREE char *room = malloc(path.len);
	struct slice segments[MAX];
	size_t n, slashes = 0, len = 0;

	require(room != NULL && path.len > 0 && path.data[0] == '/');
	for (size_t i = 0; i < path.len; i++)
		slashes += path.data[i] == '/';
	require(httptarget_split(path, room, segments, MAX, &n) == (slashes <= MAX));
	if (slashes > MAX)
		return;
	require(n == slashes);
	for (size_t i = 0; i < n; i++) {
		require(segments[i].data == room + len);
		require(!slice_is(segments[i], ".") && !slice_is(segments[i], "..") &&
		    !slice_has_nul(segments[i]));
		len += segments[i].len;
	}
	require(len < path.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct httptarget t;
	struct httphost host;

	(void)httpaccept_choose(&text, SLICE("text/plain; charset=utf-8"));
	(void)httpaccept_choose(&text, text);
	check_form(text);
	if (httphost_parse(text, &host))
		require(host.name.len > 0 && host.name.data >= text.data &&
		    host.name.data + host.name.len <= text.data + text.len);
	for (int rule = HTTPTARGET_USUAL; rule <= HTTPTARGET_CONNECT; rule++) {
		if (httptarget_parse(text, (enum httptarget_rule)rule, &t) != NULL)
			continue;
		require(t.authority.len == 0 || httphost_parse(t.authority, &host));
		require(t.has_query || t.query.len == 0);
		if (t.form == HTTPTARGET_ORIGIN || t.form == HTTPTARGET_ABSOLUTE)
			check_path(t.path);
		check_form(t.query);
	}
	return 0;
}
