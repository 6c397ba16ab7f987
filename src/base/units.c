/* SPDX-License-Identifier: ISC */
/* units: parses and formats durations, sizes, integers and reals. */
#include "config.h"

#include "base/units.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define DURATION_MAX (UINT64_C(100) * 365 * 86400 * USEC_PER_SEC)
#define SIZE_MAX_BYTES (UINT64_C(1) << 60)

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: the formatter takes the first unit that divides the value. */
static const struct unit durations[] = {
	{ "d", 86400 * USEC_PER_SEC }, { "h", 3600 * USEC_PER_SEC },
	{ "m", 60 * USEC_PER_SEC },    { "s", USEC_PER_SEC },
	{ "ms", USEC_PER_MSEC },       { "us", 1 },
};

static const struct unit sizes[] = {
	{ "T", UINT64_C(1) << 40 },
	{ "G", UINT64_C(1) << 30 },
	{ "M", UINT64_C(1) << 20 },
	{ "K", UINT64_C(1) << 10 },
};

/* Reads the leading digits of text; *ret_end points behind them. */
static int
digits_parse(const char *text, uint64_t *ret, const char **ret_end)
{
	uint64_t v = 0;
	const char *p = text;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	if (*p == '0' && p[1] >= '0' && p[1] <= '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		v = v * 10 + digit;
	}
	*ret = v;
	*ret_end = p;
	return 0;
}

static int
scale(uint64_t v, uint64_t factor, uint64_t max, uint64_t *ret)
{
	if (v > max / factor)
		return -ERANGE;
	*ret = v * factor;
	return 0;
}

int
duration_parse(const char *text, uint64_t *ret_usec)
{
	const char *end;
	uint64_t v;
	int r;

	r = digits_parse(text, &v, &end);
	if (r < 0)
		return r;
	if (*end == '\0' && v == 0) {
		*ret_usec = 0;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		if (strcmp(end, durations[i].name) == 0)
			return scale(v, durations[i].factor, DURATION_MAX, ret_usec);
	}
	return -EINVAL;
}

static void
unit_format(uint64_t v, const struct unit *units, size_t n, const char *plain,
    char *ret, size_t ret_len)
{
	if (v != 0) {
		for (size_t i = 0; i < n; i++) {
			if (v % units[i].factor != 0)
				continue;
			(void)snprintf(ret, ret_len, "%" PRIu64 "%s",
			    v / units[i].factor, units[i].name);
			return;
		}
	}
	(void)snprintf(ret, ret_len, "%" PRIu64 "%s", v, plain);
}

void
duration_format(uint64_t usec, char *ret, size_t ret_len)
{
	unit_format(usec, durations, ARRAY_LEN(durations), "s", ret, ret_len);
}

static const struct {
	const char *name;
	uint32_t sec;
} spans[] = { { "/s", 1 }, { "/m", 60 }, { "/h", 3600 }, { "/d", 86400 } };

int
rate_parse(const char *text, struct rate *ret)
{
	const char *end;
	uint64_t v;

	if (digits_parse(text, &v, &end) < 0 || v == 0 || v > RATE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		if (strcmp(end, spans[i].name) != 0)
			continue;
		*ret = (struct rate){ (uint32_t)v, spans[i].sec };
		return 0;
	}
	return -EINVAL;
}

void
rate_format(struct rate rate, char *ret, size_t ret_len)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(spans) && spans[i].sec != rate.span_sec)
		i++;
	(void)snprintf(ret, ret_len, "%" PRIu32 "%s", rate.n, spans[i].name);
}

int
size_parse(const char *text, uint64_t *ret_bytes)
{
	const char *end;
	uint64_t v;
	int r;

	r = digits_parse(text, &v, &end);
	if (r < 0)
		return r;
	if (*end == '\0' || strcmp(end, "B") == 0)
		return scale(v, 1, SIZE_MAX_BYTES, ret_bytes);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		if (*end != sizes[i].name[0])
			continue;
		if (end[1] != '\0' && strcmp(end + 1, "B") != 0 &&
		    strcmp(end + 1, "iB") != 0)
			return -EINVAL;
		return scale(v, sizes[i].factor, SIZE_MAX_BYTES, ret_bytes);
	}
	return -EINVAL;
}

void
size_format(uint64_t bytes, char *ret, size_t ret_len)
{
	unit_format(bytes, sizes, ARRAY_LEN(sizes), "", ret, ret_len);
}

int
integer_parse(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	const char *end;
	uint64_t v;
	int r;

	r = digits_parse(negative ? text + 1 : text, &v, &end);
	if (r < 0)
		return r;
	if (*end != '\0' || (negative && v == 0))
		return -EINVAL;
	if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int
real_digits(double x)
{
	char text[UNITS_TEXT];
	int digits;

	/* Below the range of normal numbers even 15 digits may be too many. */
	for (digits = x == 0 || isnormal(x) ? DBL_DIG : 1; digits < DBL_DECIMAL_DIG; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	return digits;
}

void
real_format(double x, char ret[static REAL_TEXT])
{
	int digits = real_digits(x) - 1, below;
	char text[UNITS_TEXT], *end;

	(void)snprintf(text, sizeof(text), "%.*e", digits, x);
	below = digits - (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	(void)snprintf(ret, REAL_TEXT, "%.*f", below > 0 ? below : 0, x);
	if (strchr(ret, '.') == NULL)
		return;
	for (end = ret + strlen(ret); end[-1] == '0'; end--)
		;
	*(end[-1] == '.' ? end - 1 : end) = '\0';
}
