/* SPDX-License-Identifier: ISC */
/* base64: writes bytes as text. */
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
