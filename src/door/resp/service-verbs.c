/* SPDX-License-Identifier: ISC */
/* service-verbs: the verbs of services, CALL and those around it. */
#include "config.h"

#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "call/call.h"
#include "call/explain.h"
#include "call/refuse.h"
#include "conf/access.h"
#include "door/resp/describe.h"
#include "door/resp/session.h"
#include "door/resp/sessioncall.h"
#include "door/resp/verbs.h"
#include "door/resp/why.h"
#include "net/listener.h"
#include "net/tlsstream.h"
#include "proto/callopt.h"
#include "proto/outcome.h"
#include "proto/resp.h"

static bool
may_call(struct session *c, const struct service *s)
{
	struct caller who;

	session_caller(c, &who);
	return access_allowed(c->resp->conf, s, &who, session_roles(c));
}

/*
 * Returns the service of that name if this caller may call it. An unknown and a
 * forbidden service get the same answer, so that names cannot be guessed.
 */
static const struct service *
find_service(struct session *c, struct slice name)
{
	(void)session_roles(c);
	const struct service *s = conf_find_service(c->resp->conf, name.data, name.len);

	if (s != NULL && may_call(c, s))
		return s;
	/* An administrator may call all that there is, so nothing is given away. */
	session_refuse(c, s, name, OUTCOME_DENIED, c->conn.peer.is_admin ?
	    "a new one needs 'reqctl reload'" : "");
	return NULL;
}

/* ---------------------------------------------------------- explaining --- */

/*
 * Answers CALL --explain. An administrator hears of a service that it may not call, too, as
 * it may know of all.
 */
static void
explain_call(struct session *c, const struct callopt *opt)
{
	const struct service *s = conf_find_service(c->resp->conf, opt->service.data,
	    opt->service.len);
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct explanation e = { .refused = OUTCOME_N };
	const struct role *opening;

	(void)session_roles(c);
	if (s == NULL || !c->conn.peer.is_admin)
		s = find_service(c, opt->service);
	if (s == NULL || !session_may_say_much(c))
		return;
	opening = c->conn.peer.is_admin ? NULL : why_role(c->resp->conf, s, session_roles(c));
	if (!may_call(c, s)) {
		e.refused = OUTCOME_DENIED;
		(void)buf_printf(&b, "You may not call %s: it is at other listeners only, which "
		    "decides about root, too.\n", s->name);
	} else {
		why_explain_allowed(s, opening, &b);
		if (!c->conn.peer.is_admin)
			access_explain_limits(c->resp->conf, s, session_roles(c), &b);
		if (why_explain_outage(&c->conn, s, &b))
			e.refused = why_outage_of(s);
	}
	e.role = opening != NULL ? opening->name : NULL;
	/* The last line needs no end. */
	b.end -= b.end > b.start;
	e.why = buf_text(&b);
	session_explain(c, s, opt, &e);
}

/* --------------------------------------------------------------- verbs --- */

void
verb_call(struct session *c, const struct request *r)
{
	const struct service *s;
	struct callopt opt;
	char why[CALLOPT_WHY];

	if (callopt_parse(r->argv, r->argc, &opt, why) != 0) {
		session_error(c, "BADARG", "%s", why);
		return;
	}
	if (opt.explain) {
		explain_call(c, &opt);
		return;
	}
	s = find_service(c, opt.service);
	if (s != NULL)
		session_call(c, s, &opt, (struct slice){ 0 });
}

bool
verb_bound(struct session *c, const struct service *s, const struct request *r)
{
	struct callopt opt = {
		.service = slice_of(s->name),
		.args = r->argv + 1,
		.n_args = r->argc - 1,
	};

	if (!may_call(c, s)) {
		call_note_refusal(c->resp->desk, peer_identity(&c->conn.peer), s, slice_of(s->name),
		    OUTCOME_DENIED, "");
		return false;
	}
	/*
	 * A bound verb has no options. The input that a service requires is the
	 * last argument.
	 */
	if (s->input == INPUT_REQUIRED && opt.n_args > 0) {
		opt.input = true;
		opt.stdin_data = opt.args[--opt.n_args];
	}
	session_call(c, s, &opt, r->argv[0]);
	return true;
}

void
verb_input(struct session *c, const struct request *r)
{
	struct call *call = c->call;

	if (call == NULL || !call->open || !slice_is(r->argv[1], call->id_text)) {
		session_error(c, "BADARG", "no call of that id is open on this connection");
		return;
	}
	if (r->argc == 3)
		session_input(c, r->argv[2]);
	else
		session_input_end(c);
}

void
verb_cancel(struct session *c, const struct request *r)
{
	session_cancel(c, r->argv[1]);
}

/* The summary of a service, behind the state that is not the usual one. */
static void
reply_summary(struct buf *out, const struct service *s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	if (s->state == SERVICE_OPEN) {
		resp_bulk_str(out, s->summary);
		return;
	}
	(void)buf_printf(&b, "(%s%s%s) %s", s->state == SERVICE_DRAINED ? "drained" : "paused",
	    s->state_text != NULL ? ": " : "", s->state_text != NULL ? s->state_text : "",
	    s->summary);
	resp_bulk(out, buf_slice(&b));
}

void
verb_services(struct session *c, const struct request *r)
{
	const struct conf *conf = c->resp->conf;
	bool listed[CONF_MAX_SERVICES];
	char pattern[SERVICE_NAME_MAX * 2] = "*";
	struct buf *b;
	size_t n = 0;

	if (!session_may_say_much(c))
		return;
	if (r->argc > 1) {
		if (r->argv[1].len >= sizeof(pattern) || slice_has_nul(r->argv[1])) {
			session_error(c, "BADARG", "the pattern is too long");
			return;
		}
		memcpy(pattern, r->argv[1].data, r->argv[1].len);
		pattern[r->argv[1].len] = '\0';
	}
	for (size_t i = 0; i < conf->n_services; i++) {
		const struct service *s = &conf->services[i];

		listed[i] = fnmatch(pattern, s->name, FNM_CASEFOLD) == 0 && may_call(c, s);
		n += listed[i];
	}
	b = session_out(c);
	resp_map(b, c->version, n);
	for (size_t i = 0; i < conf->n_services; i++) {
		if (!listed[i])
			continue;
		resp_bulk_str(b, conf->services[i].name);
		reply_summary(b, &conf->services[i]);
	}
}

void
verb_describe(struct session *c, const struct request *r)
{
	const struct service *s = find_service(c, r->argv[1]);

	if (s != NULL && session_may_say_much(c))
		session_ask(c, s, &builtin_describe);
}

static void
reply_id(struct buf *b, enum resp_version v, const char *key, bool known, uint32_t id)
{
	resp_bulk_str(b, key);
	if (known)
		resp_integer(b, id);
	else
		resp_null(b, v);
}

static void
reply_text(struct buf *b, enum resp_version v, const char *key, const char *text)
{
	resp_bulk_str(b, key);
	if (text != NULL)
		resp_bulk_str(b, text);
	else
		resp_null(b, v);
}

/* The pin of the key and the names that an authority vouches for; and what is wrong with it. */
static void
reply_certificate(struct buf *b, enum resp_version v, const struct tlspeer *shown)
{
	size_t n = shown != NULL && shown->is_verified ? shown->n_names : 0;

	resp_bulk_str(b, "certificate");
	if (shown == NULL) {
		resp_null(b, v);
	} else {
		resp_array(b, 1 + n);
		resp_bulk_str(b, shown->pin);
	}
	for (size_t i = 0; i < n; i++)
		resp_bulk_str(b, shown->names[i]);
	reply_text(b, v, "certificate_problem", shown != NULL ? shown->problem : NULL);
}

void
verb_whoami(struct session *c, const struct request *r)
{
	const struct conf *conf = c->resp->conf;
	uint64_t roles = session_roles(c);
	struct caller who;
	char text[CALLER_TEXT];
	struct buf *b = session_out(c);

	(void)r;
	session_caller(c, &who);
	resp_map(b, c->version, 13);
	resp_bulk_str(b, "caller");
	caller_format(&who, text, sizeof(text));
	resp_bulk_str(b, text);
	resp_bulk_str(b, "peer");
	peer_format(&c->conn.peer, text, sizeof(text));
	resp_bulk_str(b, text);
	resp_bulk_str(b, "listener");
	resp_bulk_str(b, c->conn.listener->url);
	reply_id(b, c->version, "uid", who.has_uid, who.uid);
	reply_id(b, c->version, "gid", who.has_uid, who.gid);
	resp_bulk_str(b, "roles");
	resp_array(b, (size_t)__builtin_popcountll(roles));
	for (size_t i = 0; i < conf->n_roles; i++) {
		if ((roles >> conf->roles[i].number & 1) != 0)
			resp_bulk_str(b, conf->roles[i].name);
	}
	resp_bulk_str(b, "admin");
	resp_bool(b, c->version, c->conn.peer.is_admin);
	reply_text(b, c->version, "login", who.login);
	reply_text(b, c->version, "credential",
	    who.credential != NULL ? c->conn.peer.login->mark : NULL);
	reply_text(b, c->version, "via", c->conn.peer.via);
	reply_certificate(b, c->version, c->conn.peer.shown);
	reply_text(b, c->version, "tls", tlsstream_format(&c->conn.stream, text, sizeof(text)) ?
	    text : NULL);
}

/*
 * Tells a caller no more than it may know. An administrator learns the rest
 * from the control socket.
 */
void
verb_why(struct session *c, const struct request *r)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	enum outcome_kind refused = why_explain(&c->conn, r->argv[1], &b);

	outcome_why(session_out(c), c->version, refused, buf_slice(&b));
}
