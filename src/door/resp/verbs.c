/* SPDX-License-Identifier: ISC */
/* verbs: the table of verbs, and the verbs that concern only the connection. */
#include "config.h"

#include "door/resp/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "call/call.h"
#include "call/refuse.h"
#include "door/resp/session.h"
#include "ipc/logrec.h"
#include "proto/resp.h"

static void
verb_ping(struct session *c, const struct request *r)
{
	/* So a balancer sends nobody here any more. */
	if (c->resp->conf->is_drained)
		session_error(c, "LOADING", "draining");
	else if (r->argc == 1)
		(void)buf_append(session_out(c), "+PONG\r\n", 7);
	else
		resp_bulk(session_out(c), r->argv[1]);
}

static void
verb_echo(struct session *c, const struct request *r)
{
	resp_bulk(session_out(c), r->argv[1]);
}

static void
verb_quit(struct session *c, const struct request *r)
{
	(void)r;
	resp_simple(session_out(c), "OK");
	conn_quit(&c->conn);
}

static void
verb_select(struct session *c, const struct request *r)
{
	if (slice_is(r->argv[1], "0"))
		resp_simple(session_out(c), "OK");
	else
		session_error(c, "ERR", "DB index is out of range");
}

static void
verb_reset(struct session *c, const struct request *r)
{
	(void)r;
	c->version = RESP2;
	free(TAKE_PTR(c->name));
	peer_log_out(&c->conn.peer);
	c->is_other = true;
	if (c->call != NULL)
		call_orphan(TAKE_PTR(c->call));
	resp_simple(session_out(c), "RESET");
}

static void
verb_config(struct session *c, const struct request *r)
{
	/*
	 * The two parameters that redis-benchmark asks for; reqd stores
	 * nothing.
	 */
	static const struct {
		const char *name, *value;
	} known[] = { { "save", "" }, { "appendonly", "no" } };
	bool match[ARRAY_LEN(known)] = { false };
	struct buf *b;
	size_t n = 0;

	if (!slice_is_nocase(r->argv[1], "GET")) {
		session_unknown_subcommand(c, r);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		for (size_t a = 2; a < r->argc && !match[i]; a++)
			match[i] = slice_is_nocase(r->argv[a], known[i].name) ||
			    slice_is(r->argv[a], "*");
		n += match[i];
	}
	b = session_out(c);
	resp_map(b, c->version, n);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!match[i])
			continue;
		resp_bulk_str(b, known[i].name);
		resp_bulk_str(b, known[i].value);
	}
}

struct hello {
	struct slice name;		/* data NULL: not given */
	struct slice login, secret;	/* likewise */
};

/* Reads the options behind the version. False: an error reply is written. */
static bool
hello_options(struct session *c, const struct request *r, struct hello *ret)
{
	for (size_t i = 2; i < r->argc; i++) {
		if (slice_is_nocase(r->argv[i], "AUTH") && i + 2 < r->argc) {
			ret->login = r->argv[i + 1];
			ret->secret = r->argv[i + 2];
			i += 2;
			continue;
		}
		if (slice_is_nocase(r->argv[i], "SETNAME") && i + 1 < r->argc) {
			ret->name = r->argv[++i];
			if (client_name_is_valid(ret->name))
				continue;
			session_error(c, "ERR", CLIENT_NAME_COMPLAINT);
			return false;
		}
		session_error(c, "ERR", "syntax error in HELLO");
		return false;
	}
	return true;
}

static void
hello_reply(struct session *c, const struct login_reply *reply)
{
	struct buf *b;

	c->version = reply->version;
	if (reply->has_name) {
		free(c->name);
		c->name = strdup(reply->name);
	}
	b = session_out(c);
	resp_map(b, c->version, 7);
	resp_bulk_str(b, "server");
	resp_bulk_str(b, "reqd");
	resp_bulk_str(b, "version");
	resp_bulk_str(b, PACKAGE_VERSION);
	resp_bulk_str(b, "proto");
	resp_integer(b, c->version);
	resp_bulk_str(b, "id");
	resp_integer(b, (int64_t)c->conn.id);
	resp_bulk_str(b, "mode");
	resp_bulk_str(b, "standalone");
	resp_bulk_str(b, "role");
	resp_bulk_str(b, "master");
	resp_bulk_str(b, "modules");
	resp_array(b, 0);
}

static void
verb_hello(struct session *c, const struct request *r)
{
	struct login_reply reply = { .fn = hello_reply, .version = c->version };
	struct hello hello = { 0 };

	if (r->argc > 1) {
		bool v2 = slice_is(r->argv[1], "2"), v3 = slice_is(r->argv[1], "3");

		if (!v2 && !v3) {
			session_error(c, "NOPROTO", "unsupported protocol version");
			return;
		}
		if (v2 && c->call != NULL && c->notify) {
			session_error(c, "NOPROTO", "the open call may push, which needs RESP3");
			return;
		}
		if (!hello_options(c, r, &hello))
			return;
		reply.version = v3 ? RESP3 : RESP2;
	}
	reply.has_name = hello.name.data != NULL;
	if (reply.has_name)
		(void)snprintf(reply.name, sizeof(reply.name), "%.*s", (int)hello.name.len,
		    hello.name.data);
	if (hello.secret.data != NULL)
		verb_log_in(c, hello.login, hello.secret, &reply);
	else
		hello_reply(c, &reply);
}

/* Frequent verbs first: the table is searched from its start. */
const struct verb verbs[] = {
	{ "PING", verb_ping, 1, 2, VERB_CONNECTION,
	    "Returns PONG, or the message.", "[message]" },
	{ "CALL", verb_call, 2, -1, VERB_SERVICES | VERB_NEEDS_CALLER,
	    "Runs a service and returns its output, or how it failed.",
	    "[--option[=value] ...] service [arg ...]" },
	{ "ECHO", verb_echo, 2, 2, VERB_CONNECTION, "Returns the message.", "message" },
	{ "INPUT", verb_input, 2, 3, VERB_SERVICES | VERB_NEEDS_CALLER,
	    "Sends input to a call made with --open; no chunk ends the input.", "id [chunk]" },
	{ "CANCEL", verb_cancel, 2, 2, VERB_SERVICES | VERB_NEEDS_CALLER,
	    "Ends one of your running calls.", "id" },
	{ "SERVICES", verb_services, 1, 2, VERB_SERVICES | VERB_NEEDS_CALLER,
	    "Lists the services you may call.", "[pattern]" },
	{ "DESCRIBE", verb_describe, 2, 2, VERB_SERVICES | VERB_INTRODUCES | VERB_NEEDS_CALLER,
	    "Describes a service as JSON.", "service" },
	{ "WHOAMI", verb_whoami, 1, 1, VERB_SERVICES, "Returns your login, account or address, and your roles.", "" },
	{ "WHY", verb_why, 2, 2, VERB_SERVICES,
	    "Explains why you may or may not call a service.", "service" },
	{ "HELLO", verb_hello, 1, -1, VERB_CONNECTION | VERB_INTRODUCES | VERB_HAS_SECRET,
	    "Chooses the protocol version.", "[2|3 [AUTH username password] [SETNAME name]]" },
	{ "AUTH", verb_auth, 2, 3, VERB_CONNECTION | VERB_INTRODUCES | VERB_HAS_SECRET,
	    "Logs in with a password or a token.", "[username] password" },
	{ "ACL", verb_acl, 2, 2, VERB_CONNECTION | VERB_INTRODUCES,
	    "Returns the name of your login, or default.", "WHOAMI" },
	{ "CLIENT", verb_client, 2, -1, VERB_CONNECTION | VERB_INTRODUCES,
	    "Names, lists and closes connections.", "subcommand [arg ...]" },
	{ "SELECT", verb_select, 2, 2, VERB_CONNECTION | VERB_INTRODUCES,
	    "Accepts 0.", "index" },
	{ "RESET", verb_reset, 1, 1, VERB_CONNECTION,
	    "Resets the connection to its first state.", "" },
	{ "QUIT", verb_quit, 1, 1, VERB_CONNECTION, "Ends the connection.", "" },
	{ "INFO", verb_info, 1, -1, VERB_SERVER, "Returns statistics of the server.", "[section ...]" },
	{ "COMMAND", verb_command, 1, -1, VERB_SERVER,
	    "Describes verbs and services to clients.", "[COUNT|DOCS|INFO|LIST [name ...]]" },
	{ "SLOWLOG", verb_probe, 2, -1, VERB_SERVER | VERB_INTRODUCES,
	    "Returns an empty list: the log of reqd has the requests.", "GET|LEN|RESET" },
	{ "LATENCY", verb_probe, 2, -1, VERB_SERVER | VERB_INTRODUCES,
	    "Returns an empty list: INFO has the times.", "LATEST|HISTORY|HISTOGRAM|RESET" },
	{ "MODULE", verb_probe, 2, -1, VERB_SERVER | VERB_INTRODUCES, "Returns an empty list.", "LIST" },
	{ "ROLE", verb_probe, 1, 1, VERB_SERVER | VERB_INTRODUCES, "Answers master.", "" },
	{ "CLUSTER", verb_probe, 2, -1, VERB_SERVER | VERB_INTRODUCES,
	    "Says that there is none.", "subcommand [arg ...]" },
	{ "READONLY", verb_probe, 1, 1, VERB_SERVER | VERB_INTRODUCES,
	    "Says that there is no cluster.", "" },
	{ "CONFIG", verb_config, 3, -1, VERB_SERVER, "Returns two settings that clients ask for.", "GET pattern" },
};

const size_t n_verbs = ARRAY_LEN(verbs);

static const struct verb *
verb_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		/* In nearly every row the first letter decides. */
		if (((unsigned char)name.data[0] & 0xdf) == (unsigned char)verbs[i].name[0] &&
		    slice_is_nocase(name, verbs[i].name))
			return &verbs[i];
	}
	return NULL;
}

/* Tells the client to log in, in the words of Redis, which clients look for. */
static void
refuse_stranger(struct session *c, const struct request *r)
{
	call_note_refusal(c->resp->desk, peer_identity(&c->conn.peer), NULL, r->argv[0],
	    OUTCOME_DENIED, "not logged in");
	session_error(c, "NOAUTH", "Authentication required.");
}

/* Uses the words of Redis, which clients look for. */
static void
unknown_command(struct session *c, const struct request *r)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);

	(void)buf_append_str(&text, "unknown command '");
	(void)escape_text(&text, r->argv[0], 128);
	(void)buf_append_str(&text, "', with args beginning with: ");
	for (size_t i = 1; i < r->argc && buf_len(&text) < 256; i++) {
		(void)buf_append_char(&text, '\'');
		(void)escape_text(&text, r->argv[i], 128);
		(void)buf_append_str(&text, "' ");
	}
	c->resp->pages->own->errors_total++;
	resp_error(session_out(c), "ERR", buf_slice(&text));
}

void
verb_execute(struct session *c, const struct request *r)
{
	const struct verb *v = r->argv[0].len > 0 ? verb_find(r->argv[0]) : NULL;
	const struct service *s;

	if ((v == NULL || (v->group & VERB_INTRODUCES) == 0) && c->n_asked < 2)
		c->n_asked++;
	if (v == NULL) {
		s = conf_find_verb(c->resp->conf, r->argv[0].data, r->argv[0].len);
		if (s != NULL && session_must_log_in(c))
			refuse_stranger(c, r);
		else if (s == NULL || !verb_bound(c, s, r))
			unknown_command(c, r);
		return;
	}
	if ((v->group & VERB_HAS_SECRET) != 0)
		c->has_secret = r->argc > 1;
	if (r->argc < (size_t)v->min_args ||
	    (v->max_args >= 0 && r->argc > (size_t)v->max_args)) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%s", v->name);
		for (char *p = name; *p != '\0'; p++)
			*p |= 0x20;
		session_error(c, "ERR", "wrong number of arguments for '%s' command", name);
		return;
	}
	if ((v->group & VERB_NEEDS_CALLER) != 0 && session_must_log_in(c)) {
		refuse_stranger(c, r);
		return;
	}
	v->fn(c, r);
}
