/* SPDX-License-Identifier: ISC */
/*
 * fuzz_request: the request decoder. However the bytes are cut, the same
 * requests and the same end come out, and every word lies in the input or in
 * the line buffer.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct finding {
	size_t n_requests;
	size_t used;
	uint64_t words;		/* FNV-1a over all words and their lengths */
	int end;
	const char *error;
};

static bool
lies_in(struct slice s, const char *data, size_t len)
{
	uintptr_t start = (uintptr_t)data, at = (uintptr_t)s.data;

	return at >= start && at - start <= len && s.len <= len - (at - start);
}

static uint64_t
mix(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h;
}

static void
finding_add(struct finding *f, const struct request *r, struct slice input,
    const struct request_limits *l)
{
	if (r->argc == 0 || r->argc > l->max_arguments)
		abort();
	for (size_t i = 0; i < r->argc; i++) {
		struct slice w = r->argv[i];

		if (w.len > l->argument_limit)
			abort();
		if (!lies_in(w, input.data, input.len) &&
		    !lies_in(w, r->line.data, r->line.cap))
			abort();
		f->words = mix(f->words, &w.len, sizeof(w.len));
		f->words = mix(f->words, w.data, w.len);
	}
	f->n_requests++;
}

static struct finding
run(const uint8_t *data, size_t size, size_t step, const struct request_limits *l)
{
	struct finding f = { .words = UINT64_C(14695981039346656037) };
	struct request_cursor cursor = { 0 };
	struct request r;
	size_t arrived = 0;

	request_init(&r);
	f.end = REQUEST_AGAIN;
	while (arrived < size && f.end != REQUEST_BAD && f.end != REQUEST_FOREIGN) {
		size_t n = step < size - arrived ? step : size - arrived, start = f.used;
		char *block;

		arrived += n;
		block = malloc(arrived - start);
		if (block == NULL)
			abort();
		memcpy(block, data + start, arrived - start);
		f.end = REQUEST_OK;
		while (f.used < arrived && (f.end == REQUEST_OK || f.end == REQUEST_EMPTY)) {
			struct slice left = { block + (f.used - start),
				arrived - f.used };
			size_t used = 0;

			f.end = request_decode(left, l, &cursor, &r, &used, &f.error);
			if (f.end < 0)
				abort();
			if (f.end != REQUEST_OK && f.end != REQUEST_EMPTY)
				break;
			if (used == 0 || used > left.len)
				abort();
			if (f.end == REQUEST_OK) {
				if (used + 16 * r.argc > l->request_limit)
					abort();
				finding_add(&f, &r, left, l);
			}
			f.used += used;
		}
		free(block);
	}
	if (f.end != REQUEST_BAD)
		f.error = "";
	request_done(&r);
	return f;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct request_limits limits[] = {
		{ 1024, 1u << 20, 4u << 20, true },
		{ 4, 16, 128, true },
		{ 1024, 1u << 20, 4u << 20, false },
	};

	if (size == 0)
		return 0;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct finding a = run(data, size, size, &limits[i]);
		struct finding b = run(data, size, 1 + size % 7, &limits[i]);
		bool same_end = a.end == b.end ||
		    (a.end <= REQUEST_EMPTY && a.end != REQUEST_AGAIN &&
			b.end <= REQUEST_EMPTY && b.end != REQUEST_AGAIN);

		if (!same_end || a.n_requests != b.n_requests || a.used != b.used ||
		    a.words != b.words)
			abort();
		/* The text may live in one thread-local place; compare its kind. */
		if (a.end == REQUEST_BAD && strlen(a.error) != strlen(b.error))
			abort();
	}
	return 0;
}
