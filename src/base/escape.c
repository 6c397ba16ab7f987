/* SPDX-License-Identifier: ISC */
/* escape: finds the bytes of a text that need an escape and writes it. */
#include "config.h"

#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

size_t
utf8_sequence(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	unsigned char low = 0x80, high = 0xbf;
	size_t need;

	if (s.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		need = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		need = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		need = 4;
	else
		return 0;

	/*
	 * The second byte rules out overlong forms, surrogates and code points
	 * above U+10FFFF.
	 */
	switch (p[0]) {
	case 0xe0: low = 0xa0; break;
	case 0xed: high = 0x9f; break;
	case 0xf0: low = 0x90; break;
	case 0xf4: high = 0x8f; break;
	default: break;
	}
	if (s.len < need || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return need;
}

/*
 * Returns the length of the character at the start of s if it is printable as
 * it stands: no control character of ASCII or of Latin-1. Else 0.
 */
static size_t
printable(struct slice s)
{
	size_t n = utf8_sequence(s);
	unsigned char c = n > 0 ? (unsigned char)s.data[0] : 0;

	if (n == 1 && (c < 0x20 || c == 0x7f))
		return 0;
	if (n == 2 && c == 0xc2 && (unsigned char)s.data[1] < 0xa0)
		return 0;
	return n;
}

static int
escape_byte(struct buf *b, unsigned char c)
{
	switch (c) {
	case '\n': return buf_append_str(b, "\\n");
	case '\r': return buf_append_str(b, "\\r");
	case '\t': return buf_append_str(b, "\\t");
	case '\\': return buf_append_str(b, "\\\\");
	case '"': return buf_append_str(b, "\\\"");
	default: return buf_printf(b, "\\x%02x", c);
	}
}

static int
escape_bytes(struct buf *b, struct slice s, size_t max, bool quotes)
{
	struct slice rest = s;
	bool cut = false;
	int r;

	if (rest.len > max) {
		rest.len = max;
		cut = true;
	}
	while (rest.len > 0) {
		size_t n = printable(rest);
		char c = rest.data[0];

		if (n == 0 || (quotes && (c == '\\' || c == '"'))) {
			n = 1;
			r = escape_byte(b, (unsigned char)c);
		} else {
			r = buf_append(b, rest.data, n);
		}
		if (r < 0)
			return r;
		rest.data += n;
		rest.len -= n;
	}
	return cut ? buf_append_str(b, "...") : 0;
}

int
escape_text(struct buf *b, struct slice s, size_t max)
{
	return escape_bytes(b, s, max, true);
}

const char *
escape_printable(struct slice s, char *ret, size_t ret_len)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const char *text = NULL;

	/*
	 * A byte becomes four bytes at most, so no UTF-8 sequence is cut in
	 * two.
	 */
	if (escape_text(&b, s, ret_len / 4) >= 0)
		text = buf_text(&b);
	(void)snprintf(ret, ret_len, "%s", text != NULL ? text : "?");
	return ret;
}

int
escape_controls(struct buf *b, struct slice s, size_t max)
{
	return escape_bytes(b, s, max, false);
}

static bool
is_plain_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '\'')
			return false;
	}
	return s.len > 0;
}

int
escape_word(struct buf *b, struct slice s, size_t max)
{
	int r;

	if (is_plain_word(s))
		return escape_text(b, s, max);
	r = buf_append_char(b, '"');
	if (r >= 0)
		r = escape_text(b, s, max);
	if (r >= 0)
		r = buf_append_char(b, '"');
	return r;
}

int
escape_json(struct buf *b, struct slice s)
{
	int r = buf_append_char(b, '"');

	while (s.len > 0 && r >= 0) {
		size_t n = utf8_sequence(s);
		unsigned char c = (unsigned char)s.data[0];

		if (n == 0) {
			r = buf_append_str(b, "\xef\xbf\xbd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			r = buf_printf(b, "\\%c", c);
		} else if (c < 0x20 || c == 0x7f) {
			r = buf_printf(b, "\\u%04x", c);
		} else {
			r = buf_append(b, s.data, n);
		}
		s.data += n;
		s.len -= n;
	}
	return r < 0 ? r : buf_append_char(b, '"');
}

void
escape_plain(struct slice s, char *ret, size_t ret_len)
{
	size_t n = 0;

	while (s.len > 0) {
		bool is_control = (unsigned char)*s.data < ' ' || *s.data == 0x7f;
		size_t len = is_control ? 0 : utf8_sequence(s);
		size_t used = len == 0 ? 1 : len;

		/* Room for this one, and for the dots if it is not the last. */
		if (n + used + (s.len > used ? 3 : 0) >= ret_len) {
			(void)strlcpy(ret + n, "...", ret_len - n);
			return;
		}
		if (len == 0)
			ret[n] = *s.data == '\t' ? ' ' : '?';
		else
			memcpy(ret + n, s.data, len);
		n += used;
		s.data += used;
		s.len -= used;
	}
	ret[n] = '\0';
}
