/* SPDX-License-Identifier: ISC */
/* callopt: parses the options of CALL. */
#include "config.h"

#include "proto/callopt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/suggest.h"

#define SHOWN_MAX 24	/* bytes of a client's word shown in why */

/* The longest timeout is 100 years, as in the configuration. */
#define TIMEOUT_MS_MAX (UINT64_C(100) * 365 * 86400 * 1000)

enum option {
	OPTION_FULL,
	OPTION_STREAM,
	OPTION_STDIN,
	OPTION_TIMEOUT,
	OPTION_ID,
	OPTION_META,
	OPTION_NAMED,
	OPTION_OPEN,
	OPTION_NOTIFY,
	OPTION_EXPLAIN,
	OPTION_N,
};

static const struct {
	const char *name;
	bool has_value;
} options[OPTION_N] = {
	[OPTION_FULL] = { "--full", false },
	[OPTION_STREAM] = { "--stream", false },
	[OPTION_STDIN] = { "--stdin", false },
	[OPTION_TIMEOUT] = { "--timeout", true },
	[OPTION_ID] = { "--id", true },
	[OPTION_META] = { "--meta", true },
	[OPTION_NAMED] = { "--named", false },
	[OPTION_OPEN] = { "--open", false },
	[OPTION_NOTIFY] = { "--notify", false },
	[OPTION_EXPLAIN] = { "--explain", false },
};

static int __attribute__((format(printf, 2, 3)))
refuse(char why[static CALLOPT_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, CALLOPT_WHY, fmt, ap);
	va_end(ap);
	return 1;
}

/* ------------------------------------------------------------- values --- */

static int
timeout_read(struct slice s, uint64_t *ret, char why[static CALLOPT_WHY])
{
	uint64_t v = 0;

	if (s.len == 0 || s.data[0] == '0')
		return refuse(why, "--timeout needs milliseconds, 1 or more");
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return refuse(why, "--timeout needs milliseconds, 1 or more");
		v = v * 10 + (uint64_t)(s.data[i] - '0');
		if (v > TIMEOUT_MS_MAX)
			return refuse(why, "--timeout is more than 100 years");
	}
	*ret = v;
	return 0;
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static bool
consists_of(struct slice s, const char *others)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.data[i]) &&
		    memchr(others, s.data[i], strlen(others)) == NULL)
			return false;
	}
	return true;
}

bool
callopt_is_token(struct slice s)
{
	return s.len > 0 && s.len <= CALL_TOKEN_MAX && consists_of(s, "._:-");
}

static int
token_read(struct slice s, struct slice *ret, char why[static CALLOPT_WHY])
{
	if (!callopt_is_token(s))
		return refuse(why, "--id needs 1 to %d characters of A-Z a-z 0-9 . _ : -",
		    CALL_TOKEN_MAX);
	*ret = s;
	return 0;
}

/* True if the text is UTF-8 without control characters. */
static bool
is_printable(struct slice s)
{
	while (s.len > 0) {
		const unsigned char *p = (const unsigned char *)s.data;
		size_t n = utf8_sequence(s);

		if (n == 0 || (n == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
		    (n == 2 && p[0] == 0xc2 && p[1] < 0xa0))
			return false;
		s.data += n;
		s.len -= n;
	}
	return true;
}

static bool
has_meta(const struct callopt *o, struct slice key)
{
	for (size_t i = 0; i < o->n_meta; i++) {
		struct slice known = o->meta[i].key;

		if (known.len == key.len &&
		    strncasecmp(known.data, key.data, key.len) == 0)
			return true;
	}
	return false;
}

static int
meta_read(struct slice s, struct callopt *o, char why[static CALLOPT_WHY])
{
	const char *colon = s.len > 0 ? memchr(s.data, ':', s.len) : NULL;
	struct slice key, value;

	if (colon == NULL)
		return refuse(why, "--meta needs KEY:VALUE");
	key = (struct slice){ s.data, (size_t)(colon - s.data) };
	value = (struct slice){ colon + 1, s.len - key.len - 1 };

	if (key.len == 0 || key.len > CALL_META_KEY_MAX || !consists_of(key, "_"))
		return refuse(why, "--meta needs a key of 1 to %d characters of A-Z a-z 0-9 _",
		    CALL_META_KEY_MAX);
	if (value.len > CALL_META_VALUE_MAX)
		return refuse(why, "value of --meta %.*s is longer than %d bytes",
		    (int)key.len, key.data, CALL_META_VALUE_MAX);
	if (!is_printable(value))
		return refuse(why, "value of --meta %.*s is not printable UTF-8",
		    (int)key.len, key.data);
	if (has_meta(o, key))
		return refuse(why, "--meta %.*s is given twice", (int)key.len,
		    key.data);
	if (o->n_meta == CALL_MAX_META)
		return refuse(why, "--meta is given more than %d times", CALL_MAX_META);
	o->meta[o->n_meta].key = key;
	o->meta[o->n_meta].value = value;
	o->n_meta++;
	return 0;
}

/* ------------------------------------------------------------ options --- */

static enum option
option_find(struct slice name)
{
	enum option o;

	for (o = 0; o < OPTION_N; o++) {
		if (slice_is_nocase(name, options[o].name))
			break;
	}
	return o;
}

static int
refuse_unknown(struct slice name, char why[static CALLOPT_WHY])
{
	CLEANUP(buf_done) struct buf shown = BUF_INIT(0);
	const char *names[OPTION_N], *text, *meant = NULL;

	for (size_t i = 0; i < OPTION_N; i++)
		names[i] = options[i].name;
	(void)escape_text(&shown, name, SHOWN_MAX);
	text = buf_text(&shown);
	if (text == NULL)
		return refuse(why, "unknown option");
	if (name.len <= SHOWN_MAX)
		meant = suggest_word(text, names, OPTION_N);
	if (meant != NULL)
		return refuse(why, "unknown option '%s'; did you mean '%s'?", text,
		    meant);
	return refuse(why, "unknown option '%s'", text);
}

static int
option_read(struct slice word, struct callopt *o, unsigned *seen,
    char why[static CALLOPT_WHY])
{
	const char *equals = memchr(word.data, '=', word.len);
	struct slice name = word, value = { NULL, 0 };
	enum option k;

	if (equals != NULL) {
		name.len = (size_t)(equals - word.data);
		value = (struct slice){ equals + 1, word.len - name.len - 1 };
	}
	k = option_find(name);
	if (k == OPTION_N)
		return refuse_unknown(name, why);
	if (options[k].has_value && equals == NULL)
		return refuse(why, "%s needs a value: %s=...", options[k].name,
		    options[k].name);
	if (!options[k].has_value && equals != NULL)
		return refuse(why, "%s takes no value", options[k].name);
	if (k != OPTION_META && (*seen & 1u << k) != 0)
		return refuse(why, "%s is given twice", options[k].name);
	*seen |= 1u << k;

	switch (k) {
	case OPTION_FULL:
		o->full = true;
		break;
	case OPTION_STREAM:
		o->stream = true;
		break;
	case OPTION_STDIN:
		o->input = true;
		break;
	case OPTION_TIMEOUT:
		o->has_timeout = true;
		return timeout_read(value, &o->timeout_ms, why);
	case OPTION_ID:
		return token_read(value, &o->token, why);
	case OPTION_META:
		return meta_read(value, o, why);
	case OPTION_NAMED:
		o->named = true;
		break;
	case OPTION_OPEN:
		o->open = true;
		break;
	case OPTION_NOTIFY:
		o->notify = true;
		break;
	case OPTION_EXPLAIN:
		o->explain = true;
		break;
	case OPTION_N:
		break;
	}
	return 0;
}

int
callopt_parse(const struct slice *argv, size_t argc, struct callopt *ret,
    char why[static CALLOPT_WHY])
{
	struct callopt o = { 0 };
	unsigned seen = 0;
	size_t i;

	for (i = 1; i < argc && slice_starts(argv[i], "--"); i++) {
		int r = option_read(argv[i], &o, &seen, why);

		if (r != 0)
			return r;
	}
	if (i >= argc)
		return refuse(why, "no service given");
	if (o.input && o.open)
		return refuse(why, "--stdin and --open cannot be used together");
	if (o.notify && !o.open)
		return refuse(why, "--notify needs --open");

	o.service = argv[i];
	o.args = argv + i + 1;
	o.n_args = argc - i - 1;
	if (o.input) {
		if (o.n_args == 0)
			return refuse(why, "--stdin needs the input as last argument");
		o.stdin_data = o.args[--o.n_args];
	}
	*ret = o;
	return 0;
}
