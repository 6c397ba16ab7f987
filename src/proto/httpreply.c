/* SPDX-License-Identifier: ISC */
/* httpreply: writes heads, chunks and problems. */
#include "config.h"

#include "proto/httpreply.h"

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/jsonbuf.h"

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
};

const char *
httpreply_reason(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}

void
httpreply_begin(struct buf *b, unsigned status, const char *date)
{
	(void)buf_append_str(b, "HTTP/1.1 ");
	(void)buf_append_u64(b, status);
	(void)buf_append_char(b, ' ');
	(void)buf_append_str(b, httpreply_reason(status));
	(void)buf_append_str(b, "\r\n");
	if (date != NULL)
		httpreply_fixed(b, "Date", date);
}

void
httpreply_continue(struct buf *b)
{
	(void)buf_append_str(b, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void
field_begin(struct buf *b, const char *name)
{
	(void)buf_append_str(b, name);
	(void)buf_append_str(b, ": ");
}

void
httpreply_field(struct buf *b, const char *name, struct slice value)
{
	char *to;

	field_begin(b, name);
	to = buf_reserve(b, value.len);
	if (to != NULL) {
		for (size_t i = 0; i < value.len; i++)
			to[i] = value.data[i] >= ' ' && value.data[i] <= '~' ? value.data[i] : '?';
		buf_commit(b, value.len);
	}
	httpreply_end(b);
}

void
httpreply_fixed(struct buf *b, const char *name, const char *value)
{
	httpreply_field(b, name, slice_of(value));
}

void
httpreply_number(struct buf *b, const char *name, uint64_t n)
{
	field_begin(b, name);
	(void)buf_append_u64(b, n);
	httpreply_end(b);
}

void
httpreply_end(struct buf *b)
{
	(void)buf_append(b, "\r\n", 2);
}

void
httpreply_chunk_begin(struct buf *b, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char text[16];
	size_t at = sizeof(text);

	for (; n > 0; n >>= 4)
		text[--at] = digits[n & 15];
	(void)buf_append(b, text + at, sizeof(text) - at);
	httpreply_end(b);
}

void
httpreply_chunk_end(struct buf *b)
{
	httpreply_end(b);
}

void
httpreply_chunk(struct buf *b, struct slice bytes)
{
	if (bytes.len == 0)
		return;
	httpreply_chunk_begin(b, bytes.len);
	(void)buf_append_slice(b, bytes);
	httpreply_chunk_end(b);
}

void
httpreply_chunk_last(struct buf *b)
{
	(void)buf_append(b, "0\r\n", 3);
}

void
httpproblem_open(struct buf *b, const struct httpproblem *p)
{
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "title", httpreply_reason(p->status));
	jsonbuf_number(b, "status", p->status);
	if (p->code != NULL)
		jsonbuf_text(b, "code", p->code);
	if (p->detail.len > 0) {
		jsonbuf_key(b, "detail");
		(void)escape_json(b, p->detail);
	}
	if (p->ran != NULL)
		jsonbuf_text(b, "ran", p->ran);
}
