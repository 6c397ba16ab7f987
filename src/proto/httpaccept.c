/* SPDX-License-Identifier: ISC */
/* httpaccept: chooses the form of a reply. */
#include "config.h"

#include "proto/httpaccept.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#define Q_ONE 1000

static const char *const types[HTTPACCEPT_COUNT] = {
	[HTTPACCEPT_BYTES] = "application/octet-stream",
	[HTTPACCEPT_JSON] = "application/json",
	[HTTPACCEPT_NDJSON] = "application/x-ndjson",
	[HTTPACCEPT_EVENTS] = "text/event-stream",
};

/* The kinds of fit between an element and a form; the best fit decides which q counts. */
enum fit {
	FIT_NONE,
	FIT_ANY,	/* by two "*" */
	FIT_MAJOR,	/* by "text/" and "*" */
	FIT_NAMED,
};

/* The best element for a form so far. */
struct best {
	enum fit fit;
	unsigned q;	/* thousandths */
	size_t place;	/* of the element in the field */
};

const char *
httpaccept_type(enum httpaccept form)
{
	return types[form];
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice
trimmed(struct slice s)
{
	for (; s.len > 0 && is_blank(*s.data); s.len--)
		s.data++;
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

/*
 * Cuts the part before the next mark off, which is in no quotes, and trims it.
 */
static struct slice
part_take(struct slice *text, char mark)
{
	struct slice part = *text;
	bool is_quoted = false;
	size_t i;

	for (i = 0; i < text->len && (is_quoted || text->data[i] != mark); i++) {
		if (text->data[i] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && text->data[i] == '\\' && i + 1 < text->len)
			i++;
	}
	part.len = i;
	if (i < text->len)
		i++;
	text->data += i;
	text->len -= i;
	return trimmed(part);
}

/* Reads "0.5". False: it is no q. */
static bool
q_parse(struct slice text, unsigned *ret)
{
	unsigned q, unit = 100;

	if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
	    (text.len > 1 && text.data[1] != '.'))
		return false;
	q = text.data[0] == '1' ? Q_ONE : 0;
	for (size_t i = 2; i < text.len; i++, unit /= 10) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		q += unit * (unsigned)(text.data[i] - '0');
	}
	if (q > Q_ONE)
		return false;
	*ret = q;
	return true;
}

/* Reads one element. False: it is malformed. */
static bool
element_parse(struct slice text, struct slice *ret_range, unsigned *ret_q)
{
	*ret_range = part_take(&text, ';');
	*ret_q = Q_ONE;
	while (text.len > 0) {
		struct slice parameter = part_take(&text, ';');

		if (parameter.len < 2 || (parameter.data[0] != 'q' && parameter.data[0] != 'Q') ||
		    parameter.data[1] != '=')
			continue;
		return q_parse((struct slice){ parameter.data + 2, parameter.len - 2 }, ret_q);
	}
	return true;
}

/* Returns the fit of a range, as "text/" and "*", with a type. */
static enum fit
range_fit(struct slice range, struct slice type)
{
	size_t major;

	if (slice_is(range, "*/*"))
		return FIT_ANY;
	if (range.len == type.len && range.len > 0 &&
	    strncasecmp(range.data, type.data, range.len) == 0)
		return FIT_NAMED;
	if (range.len < 3 || range.data[range.len - 1] != '*' || range.data[range.len - 2] != '/')
		return FIT_NONE;
	major = range.len - 1;
	return type.len > major && strncasecmp(range.data, type.data, major) == 0 ? FIT_MAJOR :
	    FIT_NONE;
}

static enum fit
form_fit(struct slice range, enum httpaccept form, struct slice own_type)
{
	enum fit fit = range_fit(range, slice_of(types[form])), own;

	if (form != HTTPACCEPT_BYTES)
		return fit;
	/* "application/" and "*" asks for a form with a name of its own, not for bytes. */
	if (fit == FIT_MAJOR)
		fit = FIT_NONE;
	if (slice_is_nocase(range, "text/*"))
		return FIT_MAJOR;
	own = range_fit(range, own_type);
	return own > fit ? own : fit;
}

/* True if a form with this best element is asked for more than another one. */
static bool
is_better(struct best a, struct best b)
{
	if (a.q != b.q || a.q == 0)
		return a.q > b.q;
	if ((a.fit == FIT_NAMED) != (b.fit == FIT_NAMED))
		return a.fit == FIT_NAMED;
	return a.fit == FIT_NAMED && a.place < b.place;
}

enum httpaccept
httpaccept_choose(const struct slice *accept, struct slice own_type)
{
	struct best best[HTTPACCEPT_COUNT] = { 0 };
	enum httpaccept chosen = HTTPACCEPT_BYTES;
	struct slice rest;

	if (accept == NULL)
		return HTTPACCEPT_BYTES;
	rest = *accept;
	own_type = part_take(&own_type, ';');
	for (size_t place = 0; rest.len > 0 && place < HTTPACCEPT_ELEMENTS; place++) {
		struct slice range;
		unsigned q;

		if (!element_parse(part_take(&rest, ','), &range, &q))
			continue;
		for (int f = 0; f < HTTPACCEPT_COUNT; f++) {
			enum fit fit = form_fit(range, (enum httpaccept)f, own_type);

			if (fit > best[f].fit || (fit != FIT_NONE && fit == best[f].fit && q > best[f].q))
				best[f] = (struct best){ fit, q, place };
		}
	}
	for (int f = 1; f < HTTPACCEPT_COUNT; f++) {
		if (is_better(best[f], best[chosen]))
			chosen = (enum httpaccept)f;
	}
	return chosen;
}
