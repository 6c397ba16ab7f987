/* SPDX-License-Identifier: ISC */
/* Reads the declaration of an argument, and checks values against it. */
#include "config.h"

#include "conf/argument.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/units.h"
#include "conf/pattern.h"

#define SHOWN 40	/* bytes of a value in a reason */
#define HOST_MAX 253
#define LABEL_MAX 63

static const char *const type_names[] = {
	[ARGUMENT_TEXT] = "text", [ARGUMENT_INTEGER] = "integer", [ARGUMENT_DECIMAL] = "decimal",
	[ARGUMENT_FLAG] = "flag", [ARGUMENT_CHOICE] = "choice", [ARGUMENT_PATH] = "path",
	[ARGUMENT_NAME] = "name", [ARGUMENT_HOST] = "host", [ARGUMENT_PATTERN] = "pattern",
	[ARGUMENT_SIZE] = "size", [ARGUMENT_DURATION] = "duration",
};

const char *
argument_type_name(enum argument_type t)
{
	return type_names[t];
}

/* "argument 'NAME': 'VALUE' RULE" in the memory of why, nowhere else. */
static int __attribute__((format(printf, 4, 5)))
bad(const struct argument *a, struct slice v, char why[static ARGUMENTS_WHY], const char *fmt, ...)
{
	struct buf b = { .data = why, .cap = ARGUMENTS_WHY, .max = ARGUMENTS_WHY - 1 };
	va_list ap;
	size_t len;

	(void)buf_printf(&b, "argument '%s': ", a->name);
	if (a->secret) {
		(void)buf_append_str(&b, "the value ");
	} else {
		(void)buf_append_char(&b, '\'');
		(void)escape_text(&b, v, SHOWN);
		(void)buf_append_str(&b, "' ");
	}
	len = buf_len(&b);
	why[len] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(why + len, ARGUMENTS_WHY - len, fmt, ap);
	va_end(ap);
	return ARGUMENTS_BAD;
}

/* --------------------------------------------------------------- types --- */

/* A short value as a C string; -EINVAL when it does not fit. */
static int
copy_short(struct slice v, char *ret, size_t ret_len)
{
	if (v.len >= ret_len)
		return -EINVAL;
	if (v.len > 0)
		memcpy(ret, v.data, v.len);
	ret[v.len] = '\0';
	return 0;
}

static bool
is_decimal(const char *s)
{
	size_t whole;

	if (*s == '-')
		s++;
	whole = strspn(s, "0123456789");
	if (whole == 0 || (whole > 1 && *s == '0'))
		return false;
	s += whole;
	if (*s == '\0')
		return true;
	if (*s != '.')
		return false;
	return s[1] != '\0' && strspn(s + 1, "0123456789") == strlen(s + 1);
}

/* A number, size or duration as a count. 0 or -errno. */
static int
count_parse(enum argument_type type, const char *text, int64_t *ret)
{
	uint64_t v;
	int r;

	if (type == ARGUMENT_INTEGER)
		return integer_parse(text, ret);
	r = type == ARGUMENT_SIZE ? size_parse(text, &v) : duration_parse(text, &v);
	if (r == 0)
		*ret = (int64_t)v;	/* both end far below INT64_MAX */
	return r;
}

static void
count_format(enum argument_type type, int64_t v, char *ret, size_t ret_len)
{
	if (type == ARGUMENT_SIZE)
		size_format((uint64_t)v, ret, ret_len);
	else if (type == ARGUMENT_DURATION)
		duration_format((uint64_t)v, ret, ret_len);
	else
		(void)snprintf(ret, ret_len, "%lld", (long long)v);
}

static const char *
count_wants(enum argument_type type)
{
	switch (type) {
	case ARGUMENT_SIZE: return "is not a size such as 64K or 1M";
	case ARGUMENT_DURATION: return "is not a duration such as 250ms or 5s";
	default: return "is not an integer";
	}
}

static int
check_count(const struct argument *a, struct slice v, char why[static ARGUMENTS_WHY])
{
	char text[UNITS_TEXT], bound[UNITS_TEXT];
	int64_t n;
	int r;

	r = copy_short(v, text, sizeof(text));
	if (r == 0)
		r = count_parse(a->type, text, &n);
	if (r == -ERANGE)
		return bad(a, v, why, "is too large");
	if (r < 0)
		return bad(a, v, why, "%s", count_wants(a->type));
	if (a->has_min && n < a->min_int) {
		count_format(a->type, a->min_int, bound, sizeof(bound));
		return bad(a, v, why, "is below the minimum %s", bound);
	}
	if (a->has_max && n > a->max_int) {
		count_format(a->type, a->max_int, bound, sizeof(bound));
		return bad(a, v, why, "is above the maximum %s", bound);
	}
	return ARGUMENTS_OK;
}

static int
check_decimal(const struct argument *a, struct slice v, char why[static ARGUMENTS_WHY])
{
	char text[64], bound[REAL_TEXT];
	double d;

	if (copy_short(v, text, sizeof(text)) < 0 || !is_decimal(text))
		return bad(a, v, why, "is not a decimal number such as 2.5");
	d = strtod(text, NULL);
	if (a->has_min && d < a->min_dec) {
		real_format(a->min_dec, bound);
		return bad(a, v, why, "is below the minimum %s", bound);
	}
	if (a->has_max && d > a->max_dec) {
		real_format(a->max_dec, bound);
		return bad(a, v, why, "is above the maximum %s", bound);
	}
	return ARGUMENTS_OK;
}

int
argument_flag(struct slice value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (slice_is(value, words[i]))
			return (int)(i % 2);
	}
	return -1;
}

static int
check_choice(const struct argument *a, struct slice v, char why[static ARGUMENTS_WHY])
{
	char list[120];
	size_t len = 0;

	for (char **p = a->values; *p != NULL; p++) {
		if (slice_is(v, *p))
			return ARGUMENTS_OK;
	}
	list[0] = '\0';
	for (char **p = a->values; *p != NULL; p++) {
		int n = snprintf(list + len, sizeof(list) - len, "%s%s", len > 0 ? ", " : "", *p);

		if (n < 0 || len + (size_t)n >= sizeof(list)) {
			list[len] = '\0';
			return bad(a, v, why, "is not one of %s, ...", list);
		}
		len += (size_t)n;
	}
	return bad(a, v, why, "is not one of %s", list);
}

/* True if the path has a component "..". */
static bool
climbs(struct slice v)
{
	size_t start = 0;

	for (size_t i = 0; i <= v.len; i++) {
		if (i < v.len && v.data[i] != '/')
			continue;
		if (i - start == 2 && v.data[start] == '.' && v.data[start + 1] == '.')
			return true;
		start = i + 1;
	}
	return false;
}

/*
 * True if the path is below dir, judged by its text: links are left to the
 * rights of the account that the program runs as. A relative path counts as
 * below.
 */
static bool
lies_below(struct slice v, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (v.len > 0 && v.data[0] != '/')
		return true;
	if (n == 1)
		return true;
	return v.len >= n && memcmp(v.data, dir, n) == 0 && (v.len == n || v.data[n] == '/');
}

static int
check_path(const struct argument *a, struct slice v, char why[static ARGUMENTS_WHY])
{
	if (v.len == 0)
		return bad(a, v, why, "is not a path");
	if (a->below == NULL)
		return ARGUMENTS_OK;
	if (climbs(v))
		return bad(a, v, why, "has a '..' in it");
	if (!lies_below(v, a->below))
		return bad(a, v, why, "is not below %.120s", a->below);
	return ARGUMENTS_OK;
}

static bool
is_name(struct slice v)
{
	if (v.len == 0 || v.data[0] == '.' || v.data[0] == '-')
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (!isascii((unsigned char)v.data[i]) ||
		    (!isalnum((unsigned char)v.data[i]) && strchr("._-", v.data[i]) == NULL) ||
		    v.data[i] == '\0')
			return false;
	}
	return true;
}

static bool
is_address(struct slice v)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (copy_short(v, text, sizeof(text)) < 0)
		return false;
	return inet_pton(AF_INET, text, &addr) == 1 || inet_pton(AF_INET6, text, &addr) == 1;
}

static bool
is_label(struct slice v)
{
	if (v.len == 0 || v.len > LABEL_MAX || v.data[0] == '-' || v.data[v.len - 1] == '-')
		return false;
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.data[i];

		if (!isascii(c) || (!isalnum(c) && c != '-'))
			return false;
	}
	return true;
}

/* RFC 1123; a last label of digits only would be a broken IPv4 address. */
static bool
is_host_name(struct slice v)
{
	struct slice label = { v.data, 0 };
	bool digits = true;

	if (v.len == 0 || v.len > HOST_MAX)
		return false;
	for (size_t i = 0; i <= v.len; i++) {
		if (i < v.len && v.data[i] != '.')
			continue;
		label.len = (size_t)(v.data + i - label.data);
		if (!is_label(label))
			return false;
		digits = true;
		for (size_t j = 0; j < label.len; j++)
			digits = digits && isdigit((unsigned char)label.data[j]);
		label.data = v.data + i + 1;
	}
	return !digits;
}

static int
check_type(const struct argument *a, struct slice v, char why[static ARGUMENTS_WHY])
{
	switch (a->type) {
	case ARGUMENT_TEXT:
		return ARGUMENTS_OK;
	case ARGUMENT_INTEGER:
	case ARGUMENT_SIZE:
	case ARGUMENT_DURATION:
		return check_count(a, v, why);
	case ARGUMENT_DECIMAL:
		return check_decimal(a, v, why);
	case ARGUMENT_FLAG:
		if (argument_flag(v) >= 0)
			return ARGUMENTS_OK;
		return bad(a, v, why, "is neither yes nor no");
	case ARGUMENT_CHOICE:
		return check_choice(a, v, why);
	case ARGUMENT_PATH:
		return check_path(a, v, why);
	case ARGUMENT_NAME:
		if (is_name(v))
			return ARGUMENTS_OK;
		return bad(a, v, why, "is not a name of letters, digits, '_', '.' and '-'");
	case ARGUMENT_HOST:
		if (is_address(v) || is_host_name(v))
			return ARGUMENTS_OK;
		return bad(a, v, why, "is not a host name or an address");
	case ARGUMENT_PATTERN:
		if (a->matcher != NULL && pattern_matches(a->matcher, v))
			return ARGUMENTS_OK;
		return bad(a, v, why, "does not match %.120s", a->pattern);
	}
	return bad(a, v, why, "is of no known type");
}

/* True if negative numbers are declared, which are no options. The type judges the rest. */
static bool
takes_negative(const struct argument *a)
{
	if (a->type == ARGUMENT_INTEGER)
		return (a->has_min && a->min_int < 0) || (a->has_max && a->max_int < 0);
	return a->type == ARGUMENT_DECIMAL &&
	    ((a->has_min && a->min_dec < 0) || (a->has_max && a->max_dec < 0));
}

bool
argument_takes_dash(const struct argument *a)
{
	return a->dash || a->guarded || takes_negative(a);
}

int
argument_check(const struct argument *a, struct slice value, char why[static ARGUMENTS_WHY])
{
	if (!a->binary && slice_has_nul(value))
		return bad(a, value, why, "holds a NUL byte");
	if (value.len > a->max_length)
		return bad(a, value, why, "is longer than %u bytes", (unsigned)a->max_length);
	if (value.len > 0 && value.data[0] == '-' && a->type != ARGUMENT_FLAG &&
	    !argument_takes_dash(a))
		return bad(a, value, why, "starts with '-', which it may not");
	return check_type(a, value, why);
}

/* --------------------------------------------------------- declaration --- */

/* Reads "min" or "max". 0, or 1 when it is no such value. */
static int
bound_read(struct argument *a, const char *text, int64_t *ret, double *ret_dec)
{
	if (a->type == ARGUMENT_DECIMAL) {
		if (!is_decimal(text))
			return 1;
		*ret_dec = strtod(text, NULL);
		return isfinite(*ret_dec) ? 0 : 1;
	}
	return count_parse(a->type, text, ret) < 0 ? 1 : 0;
}

static void
build_bound(struct reader *r, const struct block *b, struct argument *a, const char *key)
{
	const struct setting *s = block_find(b, key);
	bool is_min = strcmp(key, "min") == 0;
	int q;

	if (s == NULL)
		return;
	q = bound_read(a, s->values[0], is_min ? &a->min_int : &a->max_int,
	    is_min ? &a->min_dec : &a->max_dec);
	if (q != 0)
		reader_error(r, s->line, "'%s'%s: '%.64s' is not of type %s", key, block_where(b),
		    s->values[0], argument_type_name(a->type));
	else if (is_min)
		a->has_min = true;
	else
		a->has_max = true;
}

static void
check_bounds(struct reader *r, const struct block *b, const struct argument *a)
{
	bool crossed = a->type == ARGUMENT_DECIMAL ? a->min_dec > a->max_dec :
						     a->min_int > a->max_int;

	if (a->has_min && a->has_max && crossed)
		key_error(r, b, "max", " is below 'min'");
}

/* Argument types with a key of their own, and the key. */
static const struct {
	const char *key;
	unsigned types;
} applies[] = {
	{ "min", 1 << ARGUMENT_INTEGER | 1 << ARGUMENT_DECIMAL | 1 << ARGUMENT_SIZE |
		1 << ARGUMENT_DURATION },
	{ "max", 1 << ARGUMENT_INTEGER | 1 << ARGUMENT_DECIMAL | 1 << ARGUMENT_SIZE |
		1 << ARGUMENT_DURATION },
	{ "values", 1 << ARGUMENT_CHOICE },
	{ "value", 1 << ARGUMENT_FLAG },
	{ "below", 1 << ARGUMENT_PATH },
	{ "pattern", 1 << ARGUMENT_PATTERN },
};

static void
check_applies(struct reader *r, const struct block *b, const struct argument *a)
{
	for (size_t i = 0; i < ARRAY_LEN(applies); i++) {
		const struct setting *s = block_find(b, applies[i].key);

		if (s != NULL && (applies[i].types & (1u << a->type)) == 0)
			reader_error(r, s->line, "'%s'%s does not go with type %s", s->key,
			    block_where(b), argument_type_name(a->type));
	}
}

static int
build_pattern(struct reader *r, const struct block *b, struct argument *a)
{
	char why[PATTERN_WHY];
	int q;

	if (a->pattern == NULL) {
		block_error(r, b, NULL, "argument '%s' of type pattern has no 'pattern'", a->name);
		return 0;
	}
	if (a->max_length > PATTERN_MAX_VALUE)
		key_error(r, b, "max-length", ": a pattern is matched against %d bytes at most",
		    PATTERN_MAX_VALUE);
	q = pattern_check(a->pattern, why);
	if (q == 0) {
		a->matcher = arena_alloc(r->arena, sizeof(*a->matcher));
		if (a->matcher == NULL)
			return -ENOMEM;
		a->matcher->text = a->pattern;
	}
	if (q == 1)
		key_error(r, b, "pattern", ": %s", why);
	return q < 0 ? q : 0;
}

/* Choices are shown to callers, so they are plain text. */
static void
build_choice(struct reader *r, const struct block *b, const struct argument *a)
{
	if (a->values == NULL)
		block_error(r, b, NULL, "argument '%s' of type choice has no 'values'", a->name);
	for (char **v = a->values; v != NULL && *v != NULL; v++) {
		for (const char *p = *v; *p != '\0'; p++) {
			if (!iscntrl((unsigned char)*p))
				continue;
			key_error(r, b, "values", ": '%.64s' has a control character", *v);
			break;
		}
	}
}

static int
build_flag(struct reader *r, const struct block *b, struct argument *a)
{
	if (a->repeat)
		key_error(r, b, "repeat", " does not go with type flag");
	if (a->value == NULL)
		a->value = arena_printf(r->arena, "--%s", a->name);
	return a->value != NULL ? 0 : -ENOMEM;
}

int
argument_build(struct reader *r, const struct block *b, struct argument *a)
{
	if (a->max_length == 0)
		a->max_length = a->type == ARGUMENT_PATH ? 4096 : 1024;
	check_applies(r, b, a);
	switch (a->type) {
	case ARGUMENT_INTEGER:
	case ARGUMENT_DECIMAL:
	case ARGUMENT_SIZE:
	case ARGUMENT_DURATION:
		build_bound(r, b, a, "min");
		build_bound(r, b, a, "max");
		check_bounds(r, b, a);
		return 0;
	case ARGUMENT_CHOICE:
		build_choice(r, b, a);
		return 0;
	case ARGUMENT_PATTERN:
		return build_pattern(r, b, a);
	case ARGUMENT_FLAG:
		return build_flag(r, b, a);
	default:
		return 0;
	}
}
