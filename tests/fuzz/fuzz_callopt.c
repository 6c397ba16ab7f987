/* SPDX-License-Identifier: ISC */
/*
 * fuzz_callopt: the options of CALL, one word per line of the input. Accepted
 * options keep their promises; refused ones have a reason of one printable
 * line.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/callopt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_WORDS 64

static size_t
words_split(char *p, size_t len, struct slice argv[static MAX_WORDS])
{
	size_t argc = 0;

	while (argc < MAX_WORDS) {
		char *end = len > 0 ? memchr(p, '\n', len) : NULL;
		size_t n = end != NULL ? (size_t)(end - p) : len;

		argv[argc++] = (struct slice){ p, n };
		if (end == NULL)
			break;
		p += n + 1;
		len -= n + 1;
	}
	return argc;
}

static void
check_refused(const char *why)
{
	size_t n = strnlen(why, CALLOPT_WHY);

	if (n == 0 || n == CALLOPT_WHY)
		abort();
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)why[i] < 0x20 || why[i] == 0x7f)
			abort();
	}
}

static void
check_accepted(const struct callopt *o, const struct slice *argv, size_t argc)
{
	if (o->input && o->open)
		abort();
	if (o->notify && !o->open)
		abort();
	if (o->args + o->n_args + (o->input ? 1 : 0) != argv + argc)
		abort();
	if (o->service.data != o->args[-1].data)
		abort();
	if (o->has_timeout && o->timeout_ms == 0)
		abort();
	if (o->token.data != NULL &&
	    (o->token.len == 0 || o->token.len > CALL_TOKEN_MAX))
		abort();
	if (o->n_meta > CALL_MAX_META)
		abort();
	for (size_t i = 0; i < o->n_meta; i++) {
		if (o->meta[i].key.len == 0 ||
		    o->meta[i].key.len > CALL_META_KEY_MAX ||
		    o->meta[i].value.len > CALL_META_VALUE_MAX)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice argv[MAX_WORDS];
	char why[CALLOPT_WHY];
	struct callopt o;
	char *copy;
	size_t argc;

	if (size == 0)
		return 0;
	copy = malloc(size);
	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	argc = words_split(copy, size, argv);
	memset(why, 'x', sizeof(why));
	if (callopt_parse(argv, argc, &o, why) == 0)
		check_accepted(&o, argv, argc);
	else
		check_refused(why);
	free(copy);
	return 0;
}
