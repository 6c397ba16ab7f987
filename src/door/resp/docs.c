/* SPDX-License-Identifier: ISC */
/*
 * docs: the verb COMMAND. It tells clients about verbs and services, so that
 * redis-cli can complete words and show hints and help.
 */
#include "config.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "conf/access.h"
#include "door/resp/session.h"
#include "door/resp/verbs.h"
#include "proto/resp.h"

static const char *
group_name(enum verb_group g)
{
	static const char *const names[] = {
		[VERB_CONNECTION] = "connection",
		[VERB_SERVER] = "server",
		[VERB_SERVICES] = "services",
	};

	return names[g];
}

static void
put_pair(struct buf *b, const char *key, const char *value)
{
	resp_bulk_str(b, key);
	resp_bulk_str(b, value);
}

/* Writes {name, type, flags?}. */
static void
put_argument(struct buf *b, enum resp_version v, const char *name, bool optional, bool multiple)
{
	bool flags = optional || multiple;

	resp_map(b, v, flags ? 3 : 2);
	put_pair(b, "name", name);
	put_pair(b, "type", "string");
	if (!flags)
		return;
	resp_bulk_str(b, "flags");
	resp_array(b, (size_t)optional + multiple);
	if (optional)
		resp_simple(b, "optional");
	if (multiple)
		resp_simple(b, "multiple");
}

static void
put_service(struct buf *b, enum resp_version v, const struct service *s)
{
	bool input = s->input != INPUT_NONE;
	size_t n = s->n_args + input;

	resp_map(b, v, n > 0 ? 4 : 3);
	put_pair(b, "summary", s->summary[0] != '\0' ? s->summary : "A service.");
	put_pair(b, "since", PACKAGE_VERSION);
	put_pair(b, "group", "services");
	if (n == 0)
		return;
	resp_bulk_str(b, "arguments");
	resp_array(b, n);
	for (size_t i = 0; i < s->n_args; i++) {
		const struct argument *a = &s->args[i];

		put_argument(b, v, a->name, a->optional || a->def != NULL, a->repeat);
	}
	if (input)
		put_argument(b, v, "input", s->input != INPUT_REQUIRED, false);
}

static size_t
callable(struct session *c, bool ret[CONF_MAX_SERVICES])
{
	const struct conf *conf = c->resp->conf;
	struct caller who;
	size_t n = 0;

	session_caller(c, &who);
	for (size_t i = 0; i < conf->n_services; i++) {
		ret[i] = access_allowed(conf, &conf->services[i], &who, session_roles(c));
		n += ret[i];
	}
	return n;
}

static void
put_subcommands(struct session *c, struct buf *b)
{
	const struct conf *conf = c->resp->conf;
	bool listed[CONF_MAX_SERVICES];
	size_t n = callable(c, listed);
	char name[SERVICE_NAME_MAX + 8];

	resp_bulk_str(b, "subcommands");
	resp_map(b, c->version, n);
	for (size_t i = 0; i < conf->n_services; i++) {
		if (!listed[i])
			continue;
		(void)snprintf(name, sizeof(name), "call|%s", conf->services[i].name);
		resp_bulk_str(b, name);
		put_service(b, c->version, &conf->services[i]);
	}
}

static void
put_doc(struct session *c, struct buf *b, const struct verb *v)
{
	bool is_call = v->fn == verb_call, args = v->usage[0] != '\0' && !is_call;

	resp_map(b, c->version, 3u + is_call + args);
	put_pair(b, "summary", v->summary);
	put_pair(b, "since", PACKAGE_VERSION);
	put_pair(b, "group", group_name((enum verb_group)(v->group & ~VERB_FLAGS)));
	if (args) {
		/*
		 * The usage text is one argument that does not exist: redis-cli
		 * shows it as it is.
		 */
		resp_bulk_str(b, "arguments");
		resp_array(b, 1);
		put_argument(b, c->version, v->usage, false, false);
	}
	if (is_call)
		put_subcommands(c, b);
}

static void
lower(const char *name, char *ret, size_t len)
{
	(void)snprintf(ret, len, "%s", name);
	for (char *p = ret; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 0x20);
	}
}

/* True if the request asks for this verb: by its name, or for all. */
static bool
is_asked(const struct request *r, const char *name)
{
	for (size_t i = 2; i < r->argc; i++) {
		if (slice_is_nocase(r->argv[i], name))
			return true;
	}
	return r->argc <= 2;
}

static void
command_docs(struct session *c, const struct request *r)
{
	struct buf *b = session_out(c);
	char name[32];
	size_t n = 0;

	for (size_t i = 0; i < c->resp->n_verbs; i++)
		n += is_asked(r, c->resp->verbs[i].name);
	resp_map(b, c->version, n);
	for (size_t i = 0; i < c->resp->n_verbs; i++) {
		if (!is_asked(r, c->resp->verbs[i].name))
			continue;
		lower(c->resp->verbs[i].name, name, sizeof(name));
		resp_bulk_str(b, name);
		put_doc(c, b, &c->resp->verbs[i]);
	}
}

/* Writes name, arity, flags, first key, last key, step. */
static void
put_info(struct buf *b, const struct verb *v)
{
	char name[32];

	lower(v->name, name, sizeof(name));
	resp_array(b, 6);
	resp_bulk_str(b, name);
	resp_integer(b, v->max_args == v->min_args ? v->min_args : -v->min_args);
	resp_array(b, 0);
	resp_integer(b, 0);
	resp_integer(b, 0);
	resp_integer(b, 0);
}

static void
command_info(struct session *c, const struct request *r)
{
	struct buf *b = session_out(c);

	if (r->argc <= 2) {
		resp_array(b, c->resp->n_verbs);
		for (size_t i = 0; i < c->resp->n_verbs; i++)
			put_info(b, &c->resp->verbs[i]);
		return;
	}
	resp_array(b, r->argc - 2);
	for (size_t a = 2; a < r->argc; a++) {
		const struct verb *found = NULL;

		for (size_t i = 0; i < c->resp->n_verbs; i++) {
			if (slice_is_nocase(r->argv[a], c->resp->verbs[i].name))
				found = &c->resp->verbs[i];
		}
		if (found != NULL)
			put_info(b, found);
		else if (c->version == RESP3)
			resp_null(b, c->version);
		else
			(void)buf_append_str(b, "*-1\r\n");
	}
}

static void
command_list(struct session *c)
{
	struct buf *b = session_out(c);
	char name[32];

	resp_array(b, c->resp->n_verbs);
	for (size_t i = 0; i < c->resp->n_verbs; i++) {
		lower(c->resp->verbs[i].name, name, sizeof(name));
		resp_bulk_str(b, name);
	}
}

void
verb_command(struct session *c, const struct request *r)
{
	if (!session_may_say_much(c))
		return;
	if (r->argc == 1 || slice_is_nocase(r->argv[1], "INFO"))
		command_info(c, r);
	else if (slice_is_nocase(r->argv[1], "DOCS"))
		command_docs(c, r);
	else if (slice_is_nocase(r->argv[1], "COUNT"))
		resp_integer(session_out(c), (int64_t)c->resp->n_verbs);
	else if (slice_is_nocase(r->argv[1], "LIST"))
		command_list(c);
	else
		session_unknown_subcommand(c, r);
}
