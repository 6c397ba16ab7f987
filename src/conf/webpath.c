/* SPDX-License-Identifier: ISC */
/* webpath: checks the templates of paths, and finds the one that a path fits. */
#include "config.h"

#include "conf/webpath.h"

#include <string.h>

#include "base/cleanup.h"

static const char literal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

bool
webpath_next(const char **p, struct slice *ret, bool *ret_is_name)
{
	const char *start = *p;
	size_t len;

	if (*start != '/')
		return false;
	start++;
	len = strcspn(start, "/");
	*p = start + len;
	*ret_is_name = len >= 2 && start[0] == '{' && start[len - 1] == '}';
	*ret = *ret_is_name ? (struct slice){ start + 1, len - 2 } : (struct slice){ start, len };
	return true;
}

bool
webpath_is_reserved(struct slice first)
{
	static const char *const names[] = { "", "call", "calls", "services", "whoami", "why", "status",
		"openapi.json", "metrics", "healthz", "readyz", "mcp", "hook" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (slice_is(first, names[i]))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- checks --- */

/* Checks a segment that stands for an argument. seen: set of those before it. */
static void
check_name(struct reader *r, const struct service *s, const struct block *b, struct slice name,
    uint64_t *seen)
{
	const struct argument *a = service_find_argument(s, name.data, name.len);
	int len = name.len > 64 ? 64 : (int)name.len;
	uint64_t bit;

	if (a == NULL) {
		key_error(r, b, "path", ": there is no argument '%.*s'%s", len, name.data,
		    service_suggest_argument(s, name));
		return;
	}
	bit = UINT64_C(1) << (a - s->args);
	if ((*seen & bit) != 0)
		key_error(r, b, "path", ": '{%s}' is there twice", a->name);
	else if (a->secret)
		key_error(r, b, "path", ": '{%s}' is a secret, and paths are logged by proxies and kept "
		    "by browsers", a->name);
	else if (a->repeat)
		key_error(r, b, "path", ": '{%s}' may be several values, and a segment is one", a->name);
	*seen |= bit;
}

/* True if the segment is good as a literal; else it is reported. */
static bool
check_literal(struct reader *r, const struct block *b, struct slice part)
{
	int len = part.len > 64 ? 64 : (int)part.len;

	if (part.len == 0)
		key_error(r, b, "path", " has an empty segment: no path ends with '/' or has '//'");
	else if (memchr(part.data, '{', part.len) != NULL || memchr(part.data, '}', part.len) != NULL)
		key_error(r, b, "path", ": '%.*s': an argument is a segment of its own, as in "
		    "/deploy/{app}", len, part.data);
	else if (strspn(part.data, literal) < part.len || slice_is(part, ".") || slice_is(part, ".."))
		key_error(r, b, "path", ": '%.*s' is no segment of a path (letters, digits, '-', '.', "
		    "'_' and '~')", len, part.data);
	else
		return true;
	return false;
}

void
webpath_check(struct reader *r, const struct service *s, const struct block *b)
{
	const char *p = s->web.path;
	struct slice part;
	uint64_t seen = 0;
	bool is_name;

	if (p == NULL)
		return;
	for (size_t n = 0; webpath_next(&p, &part, &is_name); n++) {
		if (n == WEBPATH_SEGMENTS) {
			key_error(r, b, "path", " has more than %d segments", WEBPATH_SEGMENTS);
			return;
		}
		if (n == 0 && is_name)
			key_error(r, b, "path", " begins with an argument: every path would fit");
		else if (is_name)
			check_name(r, s, b, part, &seen);
		else if (!check_literal(r, b, part))
			return;
		else if (n == 0 && webpath_is_reserved(part))
			key_error(r, b, "path", ": paths that begin with '/%.*s' are those of reqd itself",
			    (int)part.len, part.data);
	}
}

/* True if some path fits both templates. */
static bool
conflicts(const char *p, const char *q)
{
	struct slice a, b;
	bool a_is_name, b_is_name;

	for (;;) {
		bool has_a = webpath_next(&p, &a, &a_is_name), has_b = webpath_next(&q, &b, &b_is_name);

		if (!has_a || !has_b)
			return has_a == has_b;
		if (!a_is_name && !b_is_name && !slice_eq(a, b))
			return false;
	}
}

void
webpaths_check(struct reader *r)
{
	const struct conf *c = r->conf;
	size_t n = 0, *with = arena_alloc(&r->scratch, CONF_MAX_PATHS * sizeof(*with));

	for (size_t i = 0; with != NULL && i < c->n_services; i++) {
		const char *path = c->services[i].web.path;
		const struct block *b = path == NULL ? NULL : block_inner(r->services.at[i], "http");

		if (b == NULL)
			continue;
		if (n == CONF_MAX_PATHS) {
			key_error(r, b, "path", ": more than %d services have a path", CONF_MAX_PATHS);
			return;
		}
		for (size_t j = 0; j < n; j++) {
			const struct block *first = r->services.at[with[j]];

			if (!conflicts(path, c->services[with[j]].web.path))
				continue;
			key_error(r, b, "path", ": a path could be meant for service \"%.64s\" as well, whose "
			    "'path' is \"%.64s\", at %s:%u", c->services[with[j]].name,
			    c->services[with[j]].web.path, first->file,
			    block_line(block_inner(first, "http"), "path"));
			break;
		}
		with[n++] = i;
	}
}

/* --------------------------------------------------------------- finding --- */

static bool
fits(const char *p, const struct slice *segments, size_t n)
{
	struct slice part;
	bool is_name;

	for (size_t i = 0; i < n; i++) {
		if (!webpath_next(&p, &part, &is_name))
			return false;
		if (is_name ? segments[i].len == 0 : !slice_eq(part, segments[i]))
			return false;
	}
	return *p == '\0';
}

const struct service *
webpath_find(const struct conf *c, const struct slice *segments, size_t n)
{
	for (size_t i = 0; i < c->n_paths; i++) {
		const struct service *s = &c->services[c->paths[i]];

		if (fits(s->web.path, segments, n))
			return s;
	}
	return NULL;
}
