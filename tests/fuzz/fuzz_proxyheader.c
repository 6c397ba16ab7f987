/* SPDX-License-Identifier: ISC */
/*
 * fuzz_proxyheader: any bytes as a header of the PROXY protocol. A header ends inside its
 * bytes and the bound, says the same without the bytes behind it, names no address of
 * this machine, and no part of it is a header or a bad one.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/proxyheader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = { (const char *)data, size };
	struct proxyheader h, again;
	const char *why = NULL;
	enum proxyheader_status s = proxyheader_parse(bytes, &h, &why);

	require((s == PROXYHEADER_BAD) == (why != NULL));
	require(s != PROXYHEADER_MORE || size < PROXYHEADER_V2_MAX);
	if (s == PROXYHEADER_OK)
		require(proxyheader_begins(bytes) == PROXYHEADER_OK);
	if (s != PROXYHEADER_OK)
		return 0;
	require(h.len > 0 && h.len <= size && h.len <= PROXYHEADER_V2_MAX);
	require(h.is_own || h.source.sa.sa_family == AF_INET || h.source.sa.sa_family == AF_INET6);
	require(h.is_own || (!addr_is_loopback(&h.source) && !addr_is_any(&h.source)));
	bytes.len = h.len;
	require(proxyheader_parse(bytes, &again, &why) == PROXYHEADER_OK);
	require(again.len == h.len && memcmp(&again.source, &h.source, sizeof(h.source)) == 0);
	while (bytes.len-- > 0)
		require(proxyheader_parse(bytes, &again, &why) == PROXYHEADER_MORE);
	return 0;
}
