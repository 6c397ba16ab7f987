/* SPDX-License-Identifier: ISC */
/* why: explains access to the caller itself. */
#include "config.h"

#include "door/resp/why.h"

#include <time.h>

#include "base/escape.h"
#include "conf/access.h"
#include "ipc/stats.h"
#include "net/listener.h"
#include "net/login.h"

const struct role *
why_role(const struct conf *conf, const struct service *s, uint64_t roles)
{
	for (size_t i = 0; i < conf->n_roles; i++) {
		if ((roles & s->allow) >> conf->roles[i].number & 1)
			return &conf->roles[i];
	}
	return NULL;
}

void
why_explain_allowed(const struct service *s, const struct role *opening, struct buf *b)
{
	if (opening != NULL)
		(void)buf_printf(b, "You may call %s: you have the role %s, which its allow list names.\n",
		    s->name, opening->name);
	else
		(void)buf_printf(b, "You may call %s: you are root or reqd's own account on a unix "
		    "socket.\n", s->name);
}

enum outcome_kind
why_outage_of(const struct service *s)
{
	return s->state == SERVICE_DRAINED ? OUTCOME_DRAINING : OUTCOME_UNAVAIL;
}

bool
why_explain_outage(const struct conn *c, const struct service *s, struct buf *b)
{
	const struct stats *of = c->net->pages->others[ROLE_PROCESS(ROLE_BROKER, 0)];
	bool has_pool = s->handler != NULL && of != NULL &&
	    of->generation == c->net->conf->generation;

	return service_explain_outage(s, has_pool ? &of->pool[s->number] : NULL,
	    c->net->loop->now_usec, b);
}

static void
explain_unknown(struct slice name, const struct caller *who, struct buf *b)
{
	(void)buf_append_str(b, "You may not call ");
	(void)escape_word(b, name, SERVICE_NAME_MAX);
	(void)buf_append_str(b, ": there is no service of that name, or your roles do not open it");
	if (who->credential != NULL && who->credential->services != NULL)
		(void)buf_append_str(b, ", or your credential is for other services only");
	(void)buf_append_str(b, ".\n");
}

/* Says what the caller has to show, or why what it has shown is good for nothing. */
static void
explain_login(struct conn *c, uint64_t roles, struct buf *b)
{
	struct peer *p = &c->peer;

	if (login_may_help(c) && (peer_is_revoked(p, c->net->conf) || (roles == 0 && !p->is_admin)))
		(void)buf_append_str(b, !peer_is_known(p) ? "You have not logged in.\n" :
		    p->login == NULL ? "Your certificate is no longer good for anything here.\n" :
		    "Your credential is gone, off or expired: log in again.\n");
	if (p->login == NULL && p->shown != NULL && p->shown->problem != NULL)
		(void)buf_printf(b, "You have shown a certificate: %s (key %s).\n", p->shown->problem,
		    p->shown->pin);
}

enum outcome_kind
why_explain(struct conn *c, struct slice name, struct buf *b)
{
	const struct conf *conf = c->net->conf;
	const struct service *s = conf_find_service(conf, name.data, name.len);
	uint64_t roles = peer_roles(&c->peer, conf);
	enum outcome_kind refused;
	struct caller who;
	char text[CALLER_TEXT];
	bool allowed;

	peer_caller(&c->peer, conf, &who);
	who.listeners = listener_as_set(c->listener, conf);
	caller_format(&who, text, sizeof(text));
	allowed = s != NULL && access_allowed(conf, s, &who, roles);
	refused = allowed ? OUTCOME_N : OUTCOME_DENIED;
	if (s != NULL && c->peer.is_admin) {
		(void)access_explain(conf, s, &who, (int64_t)time(NULL), b);
	} else if (allowed) {
		why_explain_allowed(s, why_role(conf, s, roles), b);
		access_explain_limits(conf, s, roles, b);
	} else {
		explain_unknown(name, &who, b);
	}
	explain_login(c, roles, b);
	if (allowed && why_explain_outage(c, s, b))
		refused = why_outage_of(s);
	(void)buf_printf(b, "You are %s on %s; your roles:", text, c->listener->url);
	for (size_t i = 0; i < conf->n_roles; i++) {
		if ((roles >> conf->roles[i].number & 1) != 0)
			(void)buf_printf(b, " %s", conf->roles[i].name);
	}
	(void)buf_append_str(b, roles == 0 ? " none.\n" : ".\n");
	return refused;
}
