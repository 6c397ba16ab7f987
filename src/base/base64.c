/* SPDX-License-Identifier: ISC */
/* base64: writes and reads bytes as text. */
#include "config.h"

#include "base/base64.h"

#include <errno.h>

size_t
base64_encode(struct slice s, char *ret)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)s.data;
	char *start = ret;

	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		unsigned v = (unsigned)p[i] << 16;

		if (n > 1)
			v |= (unsigned)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		*ret++ = digits[v >> 18];
		*ret++ = digits[v >> 12 & 63];
		*ret++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*ret++ = n > 2 ? digits[v & 63] : '=';
	}
	return (size_t)(ret - start);
}

int
base64_append(struct buf *b, struct slice s)
{
	char *to = buf_reserve(b, BASE64_LEN(s.len));

	if (to == NULL)
		return b->is_full ? -EMSGSIZE : -ENOMEM;
	buf_commit(b, base64_encode(s, to));
	return 0;
}

int
base64_decode(struct slice text, uint8_t *ret, size_t max, size_t *ret_len)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	if (text.len % 4 != 0)
		return -EINVAL;
	for (unsigned i = 0; i < 2 && text.len > 0 && text.data[text.len - 1] == '='; i++)
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		int v = base64_value(text.data[i], '+', '/');

		if (v < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)v;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		if (n == max)
			return -EINVAL;
		ret[n++] = (uint8_t)(bits >> n_bits);
	}
	if (n_bits >= 6 || (bits & ((1u << n_bits) - 1)) != 0)
		return -EINVAL;
	*ret_len = n;
	return 0;
}
