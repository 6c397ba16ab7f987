/* SPDX-License-Identifier: ISC */
/*
 * client-verbs: the verb CLIENT. A caller sees and closes its own connections
 * to this worker; root and reqd's own uid see and close those of all callers.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "call/call.h"
#include "door/resp/session.h"
#include "door/resp/verbs.h"
#include "net/listener.h"
#include "proto/resp.h"

/* True if the other connection speaks RESP, too, and this client may know of it. */
static bool
may_see(struct session *c, struct conn *other)
{
	if (other->door != c->conn.door)
		return false;
	(void)session_roles(c);
	return other == &c->conn || c->conn.peer.is_admin ||
	    (!peer_is_revoked(&c->conn.peer, c->resp->conf) &&
	    peer_is_same(&c->conn.peer, &other->peer));
}

static void
describe(struct buf *b, struct session *c)
{
	uint64_t now = c->conn.net->loop->now_usec;
	char peer[ADDR_TEXT];

	peer_format(&c->conn.peer, peer, sizeof(peer));
	(void)buf_printf(b, "id=%" PRIu64 " addr=%s laddr=%s fd=%d name=%s age=%" PRIu64
	    " idle=%" PRIu64 " flags=N db=0 cmd=%s user=%s resp=%u lib-name=%s lib-ver=%s\n",
	    c->conn.id, peer, c->conn.listener->url, c->conn.stream.io.fd,
	    c->name != NULL ? c->name : "",
	    (now - c->conn.opened_usec) / USEC_PER_SEC, (now - c->conn.active_usec) / USEC_PER_SEC,
	    c->call != NULL ? c->call->service->name : "none",
	    c->conn.peer.login != NULL ? c->conn.peer.login->name : "default", (unsigned)c->version,
	    c->lib_name != NULL ? c->lib_name : "", c->lib_version != NULL ? c->lib_version : "");
}

static void
client_id(struct session *c, const struct request *r)
{
	(void)r;
	resp_integer(session_out(c), (int64_t)c->conn.id);
}

static void
client_info(struct session *c, const struct request *r)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)r;
	describe(&b, c);
	resp_bulk(session_out(c), buf_slice(&b));
}

static void
client_list(struct session *c, const struct request *r)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(1u << 20);
	struct conn *other;

	(void)r;
	TAILQ_FOREACH(other, &c->conn.net->conns, link) {
		if (may_see(c, other))
			describe(&b, session_of(other));
	}
	resp_bulk(session_out(c), buf_slice(&b));
}

static void
client_getname(struct session *c, const struct request *r)
{
	(void)r;
	if (c->name != NULL)
		resp_bulk_str(session_out(c), c->name);
	else
		resp_null(session_out(c), c->version);
}

bool
client_name_is_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '!' || s.data[i] > '~')
			return false;
	}
	return s.len <= CLIENT_NAME_MAX;
}

static void
set_text(struct session *c, char **field, struct slice value)
{
	char *text;

	if (!client_name_is_valid(value)) {
		session_error(c, "ERR", CLIENT_NAME_COMPLAINT);
		return;
	}
	text = strndup(value.data, value.len);
	free(*field);
	*field = text;
	resp_simple(session_out(c), "OK");
}

static void
client_setname(struct session *c, const struct request *r)
{
	set_text(c, &c->name, r->argv[2]);
}

static void
client_setinfo(struct session *c, const struct request *r)
{
	if (slice_is_nocase(r->argv[2], "LIB-NAME"))
		set_text(c, &c->lib_name, r->argv[3]);
	else if (slice_is_nocase(r->argv[2], "LIB-VER"))
		set_text(c, &c->lib_version, r->argv[3]);
	else
		session_error(c, "ERR", "Unrecognized option for CLIENT SETINFO");
}

static void
client_kill(struct session *c, const struct request *r)
{
	struct conn *other;
	char id[24];

	if (!slice_is_nocase(r->argv[2], "ID")) {
		session_error(c, "ERR", "only CLIENT KILL ID n is supported");
		return;
	}
	TAILQ_FOREACH(other, &c->conn.net->conns, link) {
		(void)snprintf(id, sizeof(id), "%" PRIu64, other->id);
		if (!slice_is(r->argv[3], id) || !may_see(c, other))
			continue;
		resp_integer(session_out(c), 1);
		if (other == &c->conn)
			conn_quit(&c->conn);
		else
			conn_close(other);
		return;
	}
	resp_integer(session_out(c), 0);
}

static void
client_help(struct session *c, const struct request *r)
{
	static const char *const lines[] = {
		"CLIENT <subcommand> [<arg> ...]. Subcommands are:",
		"GETNAME", "    The name of this connection.",
		"ID", "    The number of this connection.",
		"INFO", "    What is known about this connection.",
		"KILL ID <id>", "    Close a connection of yours.",
		"LIST", "    Your connections to this worker.",
		"SETINFO LIB-NAME|LIB-VER <value>", "    Name the client library.",
		"SETNAME <name>", "    Name this connection.",
		"TRACKING|CACHING|NO-EVICT|NO-TOUCH|REPLY <value>",
		"    Accepted: there are no keys.",
	};

	(void)r;
	resp_array(session_out(c), ARRAY_LEN(lines));
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		resp_bulk_str(session_out(c), lines[i]);
}

static const struct {
	const char *name;
	verb_fn *fn;
	size_t argc;
} subcommands[] = {
	{ "ID", client_id, 2 },
	{ "INFO", client_info, 2 },
	{ "LIST", client_list, 2 },
	{ "SETNAME", client_setname, 3 },
	{ "GETNAME", client_getname, 2 },
	{ "SETINFO", client_setinfo, 4 },
	{ "KILL", client_kill, 4 },
	{ "HELP", client_help, 2 },
};

void
verb_client(struct session *c, const struct request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
		if (!slice_is_nocase(r->argv[1], subcommands[i].name))
			continue;
		if (r->argc != subcommands[i].argc)
			session_error(c, "ERR", "wrong number of arguments for 'client|%s' command",
			    subcommands[i].name);
		else
			subcommands[i].fn(c, r);
		return;
	}
	verb_probe(c, r);
}
