/* SPDX-License-Identifier: ISC */
/*
 * jsonbuf: writes JSON. The byte that was written last decides whether the next
 * value needs a comma.
 */
#include "config.h"

#include "base/jsonbuf.h"

#include <string.h>

#include "base/escape.h"
#include "base/units.h"

#define NUMBER_MAX ((UINT64_C(1) << 53) - 1)

void
jsonbuf_key(struct buf *b, const char *key)
{
	if (buf_len(b) > 0 && strchr("{[:", buf_data(b)[buf_len(b) - 1]) == NULL)
		(void)buf_append_char(b, ',');
	if (key == NULL)
		return;
	(void)escape_json(b, slice_of(key));
	(void)buf_append_char(b, ':');
}

void
jsonbuf_open(struct buf *b, const char *key, char bracket)
{
	jsonbuf_key(b, key);
	(void)buf_append_char(b, bracket);
}

void
jsonbuf_close(struct buf *b, char bracket)
{
	(void)buf_append_char(b, bracket);
}

void
jsonbuf_text(struct buf *b, const char *key, const char *text)
{
	if (text == NULL) {
		jsonbuf_null(b, key);
		return;
	}
	jsonbuf_key(b, key);
	(void)escape_json(b, slice_of(text));
}

void
jsonbuf_number(struct buf *b, const char *key, uint64_t n)
{
	jsonbuf_key(b, key);
	(void)buf_append_u64(b, n < NUMBER_MAX ? n : NUMBER_MAX);
}

void
jsonbuf_number_or_null(struct buf *b, const char *key, bool is_known, uint64_t n)
{
	if (is_known)
		jsonbuf_number(b, key, n);
	else
		jsonbuf_null(b, key);
}

void
jsonbuf_real(struct buf *b, const char *key, double v)
{
	char text[REAL_TEXT];

	real_format(v, text);
	jsonbuf_key(b, key);
	(void)buf_append_str(b, text);
}

void
jsonbuf_bool(struct buf *b, const char *key, bool value)
{
	jsonbuf_key(b, key);
	(void)buf_append_str(b, value ? "true" : "false");
}

void
jsonbuf_null(struct buf *b, const char *key)
{
	jsonbuf_key(b, key);
	(void)buf_append_str(b, "null");
}
