/* SPDX-License-Identifier: ISC */
/* certname: checks names of certificates, and compares them with rules. */
#include "config.h"

#include "proto/certname.h"

#include <string.h>

#include "base/cleanup.h"

static const char *const prefixes[CERTNAME_KINDS] = {
	[CERTNAME_URI] = "URI:", [CERTNAME_DNS] = "DNS:", [CERTNAME_EMAIL] = "EMAIL:",
};

const char *
certname_prefix(enum certname_kind kind)
{
	return prefixes[kind];
}

/*
 * Names get into logs, environments and JSON. No URI, domain or mailbox of practice has one
 * of the bytes that would need an escape there.
 */
static bool
is_plain(char c)
{
	return c > ' ' && c <= '~' && c != '"' && c != '\\';
}

bool
certname_is_valid(struct slice text)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(prefixes) && len == 0; i++) {
		if (slice_starts(text, prefixes[i]))
			len = strlen(prefixes[i]);
	}
	if (len == 0 || text.len == len || text.len > CERTNAME_MAX)
		return false;
	for (size_t i = len; i < text.len; i++) {
		if (!is_plain(text.data[i]))
			return false;
	}
	return true;
}

/* True if the rule is a URI that has its host, and behind that "/" and a star at its end. */
static bool
is_open(const char *rule)
{
	const char *host = strncmp(rule, prefixes[CERTNAME_URI], 4) == 0 ? strstr(rule, "://") : NULL;
	const char *path = host != NULL && host[3] != '/' ? strchr(host + 3, '/') : NULL;
	const char *star = strchr(rule, '*');

	return path != NULL && star != NULL && star > path && star[-1] == '/' && star[1] == '\0';
}

const char *
certname_rule_error(const char *rule)
{
	if (!certname_is_valid(slice_of(rule)))
		return "a name begins with URI:, DNS: or EMAIL:, and goes on with printable ASCII "
		    "without blanks, \" and \\";
	if (strchr(rule, '*') == NULL || is_open(rule))
		return NULL;
	return "a star stands only at the end of a URI, behind the / of a path, such as "
	    "URI:spiffe://prod/web/*";
}

/* True if no segment of the path would lead upwards, or stay where it is. */
static bool
is_straight(const char *path)
{
	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		if ((len == 1 || len == 2) && strncmp(path, "..", len) == 0)
			return false;
		path += len;
		path += *path == '/';
	}
	return true;
}

bool
certname_matches(const char *rule, const char *name)
{
	size_t len = strlen(rule);

	if (!is_open(rule))
		return strcmp(rule, name) == 0;
	return strncmp(rule, name, len - 1) == 0 && name[len - 1] != '\0' &&
	    is_straight(name + len - 1);
}
