/* SPDX-License-Identifier: ISC */
/*
 * fuzz_conf: any bytes as canonical text. An accepted text must be the same
 * when it is written and read again; a refused text must have a reason.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/arguments.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

/* Calls every service with the input's own bytes. */
static void
call_services(const struct conf *c, const uint8_t *data, size_t size)
{
	struct slice argv[3] = {
		{ (const char *)data, size / 2 },
		{ (const char *)data + size / 2, size - size / 2 },
		SLICE("1"),
	};
	char why[ARGUMENTS_WHY];

	for (size_t i = 0; i < c->n_services; i++) {
		struct buf out = BUF_INIT(1 << 20);
		struct values v;
		size_t n;

		for (int named = 0; named < 2; named++) {
			if (arguments_check(&c->services[i], argv, 3, named == 1, &v, why) !=
			    ARGUMENTS_OK)
				continue;
			(void)arguments_expand(c->services[i].command, &v, &out, &n);
			(void)arguments_format_log(&v, &out, 200);
			values_done(&v);
		}
		buf_done(&out);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL, *again = NULL;
	char *first, *second;

	if (conf_parse((const char *)data, size, 1, &c, &errors) < 0) {
		require(errors.n > 0 && c == NULL);
		conf_errors_done(&errors);
		return 0;
	}
	require(errors.n == 0);
	call_services(c, data, size);
	first = conf_format(c);
	require(first != NULL);
	require(conf_parse(first, strlen(first), 2, &again, &errors) == 0);
	second = conf_format(again);
	require(second != NULL && strcmp(first, second) == 0);
	free(first);
	free(second);
	(void)conf_unref(c);
	(void)conf_unref(again);
	return 0;
}
