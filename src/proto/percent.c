/* SPDX-License-Identifier: ISC */
/* percent: decodes %XX. */
#include "config.h"

#include "proto/percent.h"

#include "base/hexdigit.h"

bool
percent_decode(struct slice text, enum percent_rule rule, char *room, size_t *ret_len)
{
	const char *p = text.data, *end = text.data + text.len;
	char *out = room;

	while (p < end) {
		char c = *p++;

		if (c == '%') {
			int high, low;

			if (end - p < 2)
				return false;
			high = hexdigit_value(p[0]);
			low = hexdigit_value(p[1]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			p += 2;
		} else if (c == '+' && rule == PERCENT_FORM) {
			c = ' ';
		}
		*out++ = c;
	}
	*ret_len = (size_t)(out - room);
	return true;
}
