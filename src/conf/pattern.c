/* SPDX-License-Identifier: ISC */
/* Checks and matches regular expressions, with bounded memory. */
#include "config.h"

#include "conf/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LENGTH 1024
#define MAX_NESTING 32
/* The C library copies repeated parts: ((a{255}){255}){255} is 16 M nodes. */
#define MAX_NODES 20000

static int
refuse(char why[static PATTERN_WHY], const char *text)
{
	(void)snprintf(why, PATTERN_WHY, "%s", text);
	return 1;
}

/* The end of the bracket expression that starts at p, or of the text. */
static const char *
skip_bracket(const char *p)
{
	p++;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']') {
		if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
			const char end[] = { p[1], ']', '\0' };
			const char *close = strstr(p + 2, end);

			p = close != NULL ? close + 1 : p;
		}
		p++;
	}
	return *p == ']' ? p + 1 : p;
}

/* The largest number of a "{m,n}" that starts at p, at least 1. */
static unsigned long
repeat_max(const char *p)
{
	unsigned long max = 1, v;
	char *end;

	for (p++; *p != '\0' && *p != '}'; p++) {
		if (*p < '0' || *p > '9')
			continue;
		v = strtoul(p, &end, 10);
		max = v > max ? v : max;
		p = end - 1;
	}
	return max;
}

/* True if the compiled form could get too large; nested repeats multiply. */
static bool
is_too_large(const char *p)
{
	unsigned long size[MAX_NESTING + 1] = { 0 }, last = 0;
	unsigned depth = 0;

	while (*p != '\0') {
		switch (*p) {
		case '(':
			if (++depth > MAX_NESTING)
				return true;
			size[depth] = 0;
			last = 0;
			p++;
			continue;
		case ')':
			last = size[depth] + 1;
			if (depth > 0)
				depth--;
			break;
		case '*':
		case '?':
			p++;	/* the repeat behind it copies all of it */
			continue;
		case '+':
		case '{': {
			/* An unlimited repeat, or an optional one, takes one more copy. */
			unsigned long n = *p == '+' ? 2 : repeat_max(p) + 1;

			if (n > MAX_NODES || last * n > MAX_NODES)
				return true;
			size[depth] += last * (n - 1);
			last *= n;
			p++;
			if (p[-1] == '{' && p[strspn(p, "0123456789,")] == '}')
				p += strspn(p, "0123456789,") + 1;
			if (size[depth] > MAX_NODES)
				return true;
			continue;
		}
		case '[':
			last = 1;
			size[depth]++;
			p = skip_bracket(p);
			continue;
		case '\\':
			last = 1;
			p += p[1] != '\0' ? 1 : 0;
			break;
		default:
			last = 1;
			break;
		}
		size[depth] += last;
		if (size[depth] > MAX_NODES)
			return true;
		p++;
	}
	return false;
}

/* The parts of a pattern, as far as it has been read, that may be empty. */
struct emptiness {
	bool branch[MAX_NESTING + 1];	/* the current alternative, without the last part */
	bool other[MAX_NESTING + 1];	/* one of the alternatives before it */
	bool last;			/* the last part */
	unsigned depth;
};

/* Another part or the end of an alternative follows. */
static void
emptiness_next(struct emptiness *e)
{
	e->branch[e->depth] = e->branch[e->depth] && e->last;
	e->last = true;
}

/*
 * True if a part that may be empty is copied, as in (a*)+ or a*{2,}: the C library takes
 * a second for eleven of these signs, and four times as long for each one more.
 */
static bool
repeats_nothing(const char *p)
{
	struct emptiness e = { .branch = { true }, .last = true };
	bool is_first = true;

	for (; *p != '\0'; is_first = false) {
		switch (*p) {
		case '(':
			emptiness_next(&e);
			e.branch[++e.depth] = true;
			e.other[e.depth] = false;
			break;
		case ')':
			emptiness_next(&e);
			e.last = e.branch[e.depth] || e.other[e.depth];
			e.depth -= e.depth > 0;
			break;
		case '|':
			emptiness_next(&e);
			e.other[e.depth] |= e.branch[e.depth];
			e.branch[e.depth] = true;
			break;
		case '*':
		case '?':
			e.last = true;
			break;
		case '+':
		case '{':
			if (e.last && !is_first)
				return true;
			if (*p == '+')
				break;
			e.last = strspn(p + 1, "0") == strcspn(p + 1, ",}");
			p += strspn(p + 1, "0123456789,");
			p += p[1] == '}';
			break;
		case '[':
			emptiness_next(&e);
			e.last = false;
			p = skip_bracket(p);
			continue;
		default:
			emptiness_next(&e);
			e.last = false;
			p += *p == '\\' && p[1] != '\0';
			break;
		}
		p++;
	}
	return false;
}

/* Refuses a letter behind a backslash that has a meaning elsewhere. */
static bool
refuse_letter(char letter, char why[static PATTERN_WHY])
{
	static const struct {
		char letter;
		const char *instead;
	} classes[] = {
		{ 'd', "write [0-9]" }, { 'D', "write [^0-9]" },
		{ 'w', "write [A-Za-z0-9_]" }, { 'W', "write [^A-Za-z0-9_]" },
		{ 's', "write [[:space:]]" }, { 'S', "write [^[:space:]]" },
	};
	const char *instead = "a pattern matches whole values";

	if (strchr("bB<>AZz`'", letter) == NULL)
		instead = "write the character itself";
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (classes[i].letter == letter)
			instead = classes[i].instead;
	}
	(void)snprintf(why, PATTERN_WHY, "'\\%c' is not known here; %s", letter, instead);
	return true;
}

/*
 * Finds what other dialects of regular expressions know, and what the C library takes
 * for something else without a word: "\d" would be the letter d, "a+?" may be empty.
 * True: why says so.
 */
static bool
is_foreign(const char *p, char why[static PATTERN_WHY])
{
	for (; *p != '\0'; p++) {
		if (*p == '[') {
			const char *end = skip_bracket(p);

			/* A backslash is a character like others there, unless a class is meant. */
			for (; p < end - 1; p++) {
				if (*p == '\\' && strchr("dDwWsS", p[1]) != NULL)
					return refuse_letter(p[1], why);
			}
		} else if (*p == '\\' && p[1] != '\0') {
			p++;
			if (isalnum((unsigned char)*p) || strchr("<>`'", *p) != NULL)
				return refuse_letter(*p, why);
		} else if (*p == '(' && p[1] == '?') {
			(void)snprintf(why, PATTERN_WHY, "'(?' is not known here; a group is (...)");
			return true;
		} else if (strchr("*+?}", *p) != NULL && (p[1] == '?' || p[1] == '+')) {
			(void)snprintf(why, PATTERN_WHY, "'%.2s' is not known here; a repeat has one sign, "
			    "and a pattern matches whole values", p);
			return true;
		}
	}
	return false;
}

static bool
has_back_reference(const char *p)
{
	while (*p != '\0') {
		if (*p == '[') {
			p = skip_bracket(p);
			continue;
		}
		if (*p == '\\') {
			if (p[1] >= '1' && p[1] <= '9')
				return true;
			p += p[1] != '\0' ? 1 : 0;
		}
		p++;
	}
	return false;
}

int
pattern_check(const char *text, char why[static PATTERN_WHY])
{
	regex_t alone;
	int r;

	if (*text == '\0')
		return refuse(why, "it is empty");
	if (strlen(text) > MAX_LENGTH)
		return refuse(why, "it is longer than 1024 bytes");
	if (has_back_reference(text))
		return refuse(why, "back references are not supported");
	if (is_too_large(text))
		return refuse(why, "its repeat counts are too large");
	if (repeats_nothing(text))
		return refuse(why, "it repeats a part that may be empty, as in (a*)+; repeat it once");
	if (is_foreign(text, why))
		return 1;

	/* Compiled without the anchors first: between them "a)(b" would be accepted. */
	r = regcomp(&alone, text, REG_EXTENDED | REG_NOSUB);
	if (r == 0)
		regfree(&alone);
	else if (r != REG_ESPACE)
		(void)regerror(r, NULL, why, PATTERN_WHY);
	return r == 0 ? 0 : r == REG_ESPACE ? -ENOMEM : 1;
}

static bool
compile(struct pattern *p)
{
	char anchored[MAX_LENGTH + sizeof("^()$")];

	(void)snprintf(anchored, sizeof(anchored), "^(%s)$", p->text);
	p->is_compiled = regcomp(&p->regex, anchored, REG_EXTENDED | REG_NOSUB) == 0;
	return p->is_compiled;
}

bool
pattern_matches(struct pattern *p, struct slice value)
{
	char copy[PATTERN_MAX_VALUE + 1];

	if (value.len >= sizeof(copy) || (!p->is_compiled && !compile(p)))
		return false;
	if (value.len > 0)
		memcpy(copy, value.data, value.len);
	copy[value.len] = '\0';
	return regexec(&p->regex, copy, 0, NULL, 0) == 0;
}

void
pattern_done(struct pattern *p)
{
	if (p != NULL && p->is_compiled)
		regfree(&p->regex);
}
