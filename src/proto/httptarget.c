/* SPDX-License-Identifier: ISC */
/* httptarget: checks the target of a request and takes it apart. */
#include "config.h"

#include "proto/httptarget.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/hexdigit.h"
#include "proto/httphost.h"
#include "proto/percent.h"

enum {
	IN_PATH = 1,
	IN_QUERY = 2,
};

/* '%', '/' and '?' are handled by the code, as they mean something. */
#define B (IN_PATH | IN_QUERY)
#define Q IN_QUERY
static const uint8_t byte_class[256] = {
	['!'] = B, ['$'] = B, ['&'] = B, ['\''] = B, ['('] = B, [')'] = B, ['*'] = B,
	['+'] = B, [','] = B, ['-'] = B, ['.'] = B, ['0' ... '9'] = B, [':'] = B, [';'] = B,
	['='] = B, ['@'] = B, ['A' ... 'Z'] = B, ['_'] = B, ['a' ... 'z'] = B, ['~'] = B,
	['/'] = Q, ['?'] = Q, ['['] = Q, ['\\'] = Q, [']'] = Q, ['^'] = Q, ['`'] = Q,
	['{'] = Q, ['|'] = Q, ['}'] = Q,
};
#undef B
#undef Q

static const char bad_percent[] = "the target has a '%' without two hexadecimal digits behind it";
static const char bad_nul[] = "the target has %00, which nothing here takes";
static const char bad_dots[] = "the path has a segment '.' or '..'; send the path that is meant";
static const char bad_fragment[] = "the target has a '#'; a fragment stays with the client, "
    "and the byte itself is %23";
static const char bad_byte[] = "the target has a byte that must be written as %XX";
static const char bad_form[] = "the target is neither a path nor an absolute URL of http";
static const char bad_authority[] = "the host in the target is malformed";
static const char bad_asterisk[] = "the target '*' is for OPTIONS only";

/*
 * Checks the %XX at p. Returns NULL and the byte that it means, or what is wrong.
 */
static const char *
percent_check(const char *p, const char *end, char *ret)
{
	int high, low;

	if (end - p < 3)
		return bad_percent;
	high = hexdigit_value(p[1]);
	low = hexdigit_value(p[2]);
	if (high < 0 || low < 0)
		return bad_percent;
	*ret = (char)(high << 4 | low);
	return *ret == '\0' ? bad_nul : NULL;
}

static const char *
query_check(struct slice query)
{
	const char *p = query.data, *end = query.data + query.len, *why;
	char c;

	while (p < end) {
		if (byte_class[(unsigned char)*p] & IN_QUERY) {
			p++;
			continue;
		}
		if (*p != '%')
			return *p == '#' ? bad_fragment : bad_byte;
		why = percent_check(p, end, &c);
		if (why != NULL)
			return why;
		p += 3;
	}
	return NULL;
}

/*
 * Checks a path. dots counts the dots of a segment that has nothing else; a byte of
 * another kind makes it too large to matter.
 */
static const char *
path_check(struct slice path)
{
	const char *p = path.data, *end = path.data + path.len, *why;
	size_t dots = 0;

	for (p++; p < end; p++) {
		char c = *p;

		if (c == '/') {
			if (dots == 1 || dots == 2)
				return bad_dots;
			dots = 0;
			continue;
		}
		if (c == '%') {
			why = percent_check(p, end, &c);
			if (why != NULL)
				return why;
			p += 2;
		} else if (!(byte_class[(unsigned char)c] & IN_PATH)) {
			return c == '#' ? bad_fragment : bad_byte;
		}
		dots += c == '.' ? 1 : 3;
	}
	return dots == 1 || dots == 2 ? bad_dots : NULL;
}

/* Reads "/path?query", or "?query" behind an authority. */
static const char *
origin_parse(struct slice text, struct httptarget *ret)
{
	const char *mark = memchr(text.data, '?', text.len), *why;

	ret->path = text;
	if (mark != NULL) {
		ret->path.len = (size_t)(mark - text.data);
		ret->query = (struct slice){ mark + 1, text.len - ret->path.len - 1 };
		ret->has_query = true;
	}
	if (ret->path.len == 0)
		ret->path = SLICE("/");
	why = path_check(ret->path);
	return why != NULL || mark == NULL ? why : query_check(ret->query);
}

static const char *
absolute_parse(struct slice text, struct httptarget *ret)
{
	size_t scheme = strncasecmp(text.data, "https", text.len < 5 ? text.len : 5) == 0 ? 5 : 4;
	struct httphost host;
	size_t i;

	if (text.len < scheme + 3 || strncasecmp(text.data, "https", scheme) != 0 ||
	    memcmp(text.data + scheme, "://", 3) != 0)
		return bad_form;
	text.data += scheme + 3;
	text.len -= scheme + 3;
	for (i = 0; i < text.len && memchr("/?#", text.data[i], 3) == NULL; i++)
		;
	ret->form = HTTPTARGET_ABSOLUTE;
	ret->authority = (struct slice){ text.data, i };
	if (!httphost_parse(ret->authority, &host))
		return bad_authority;
	if (i < text.len && text.data[i] == '#')
		return bad_fragment;
	return origin_parse((struct slice){ text.data + i, text.len - i }, ret);
}

const char *
httptarget_parse(struct slice text, enum httptarget_rule rule, struct httptarget *ret)
{
	struct httphost host;

	*ret = (struct httptarget){ .form = HTTPTARGET_ORIGIN };
	if (rule == HTTPTARGET_CONNECT) {
		ret->form = HTTPTARGET_AUTHORITY;
		ret->authority = text;
		if (!httphost_parse(text, &host) || host.port == 0)
			return "the target of CONNECT is no host with a port";
		return NULL;
	}
	if (text.len == 0)
		return bad_form;
	if (text.data[0] == '/')
		return origin_parse(text, ret);
	if (slice_is(text, "*")) {
		ret->form = HTTPTARGET_ASTERISK;
		return rule == HTTPTARGET_OPTIONS ? NULL : bad_asterisk;
	}
	return absolute_parse(text, ret);
}

bool
httptarget_split(struct slice path, char *room, struct slice *ret, size_t max, size_t *ret_n)
{
	const char *p = path.data, *end = path.data + path.len;
	size_t n = 0;

	if (path.len == 0 || *p != '/')
		return false;
	while (p < end) {
		const char *slash = memchr(p + 1, '/', (size_t)(end - p - 1));
		struct slice segment = { p + 1, (size_t)((slash != NULL ? slash : end) - p - 1) };

		if (n == max || !percent_decode(segment, PERCENT_PATH, room, &ret[n].len))
			return false;
		ret[n].data = room;
		room += ret[n++].len;
		p = segment.data + segment.len;
	}
	*ret_n = n;
	return true;
}
