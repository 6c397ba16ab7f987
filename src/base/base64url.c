/* SPDX-License-Identifier: ISC */
/* base64url: writes and reads bytes as letters of six bits. */
#include "config.h"

#include "base/base64url.h"

#include <errno.h>

#include "base/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64url_encode(const uint8_t *data, size_t len, char *ret)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			*ret++ = letters[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		*ret++ = letters[bits << (6 - n_bits) & 63];
	*ret = '\0';
}

int
base64url_decode(struct slice text, uint8_t *ret, size_t len)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	if (text.len != BASE64URL_TEXT(len) - 1)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		int v = base64_value(text.data[i], '-', '_');

		if (v < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)v;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		*ret++ = (uint8_t)(bits >> n_bits);
	}
	return (bits & ((1u << n_bits) - 1)) == 0 ? 0 : -EINVAL;
}
