/* SPDX-License-Identifier: ISC */
/* Decides and explains which caller may call which service. */
#include "config.h"

#include "conf/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* ------------------------------------------------------------- deciding --- */

static bool
has_place(const struct role *role)
{
	return role->unix_peers || role->n_nets > 0;
}

static bool
has_people(const struct role *role)
{
	return role->users != NULL || role->groups != NULL || role->n_uids > 0 ||
	    role->n_gids > 0 || role->n_members > 0;
}

static bool
place_matches(const struct role *role, const struct caller *who)
{
	if (who->is_unix)
		return role->unix_peers;
	for (size_t i = 0; i < role->n_nets; i++) {
		if (net_contains(&role->nets[i], &who->addr))
			return true;
	}
	return false;
}

static bool
has_gid(const struct caller *who, gid_t gid)
{
	if (who->gid == gid)
		return true;
	for (size_t i = 0; i < who->n_groups; i++) {
		if (who->groups[i] == gid)
			return true;
	}
	return false;
}

static bool
people_match(const struct role *role, const struct caller *who)
{
	if (!who->is_unix || !who->has_uid)
		return false;
	for (size_t i = 0; i < role->n_uids; i++) {
		if (role->uids[i] == who->uid)
			return true;
	}
	for (size_t i = 0; i < role->n_members; i++) {
		if (role->members[i] == who->uid)
			return true;
	}
	for (size_t i = 0; i < role->n_gids; i++) {
		if (has_gid(who, role->gids[i]))
			return true;
	}
	return false;
}

/*
 * True if the caller fulfils everything that the role asks for; a role always
 * asks for something.
 */
static bool
role_matches(const struct role *role, const struct caller *who)
{
	if (!has_place(role) && !has_people(role))
		return false;
	if (has_place(role) && !place_matches(role, who))
		return false;
	return !has_people(role) || people_match(role, who);
}

uint64_t
access_roles(const struct conf *c, const struct caller *who)
{
	uint64_t roles = 0;

	for (size_t i = 0; i < c->n_roles; i++) {
		if (role_matches(&c->roles[i], who))
			roles |= UINT64_C(1) << i;
	}
	return roles;
}

bool
access_is_admin(const struct conf *c, const struct caller *who)
{
	return who->is_unix && who->has_uid && (who->uid == 0 || who->uid == c->run_as.uid);
}

/* True if the service is at the listener of the caller. */
static bool
is_at_listener(const struct service *s, const struct caller *who)
{
	return *s->listen_names == NULL || (s->listeners & who->listeners) != 0;
}

bool
access_allowed(const struct conf *c, const struct service *s, const struct caller *who,
    uint64_t roles)
{
	if (!is_at_listener(s, who))
		return false;
	if (access_is_admin(c, who))
		return true;
	return (s->deny & roles) == 0 && (s->allow & roles) != 0;
}

uint32_t
access_listeners(const struct conf *c, const struct caller *who)
{
	uint32_t set = 0;

	for (size_t i = 0; i < c->n_listeners; i++) {
		enum addr_kind kind = c->listeners[i].addr.kind;

		if (kind == ADDR_FD || (kind == ADDR_UNIX) == who->is_unix)
			set |= UINT32_C(1) << i;
	}
	return set;
}

/* ----------------------------------------------------------- explaining --- */

int
caller_parse(const char *text, struct caller *ret)
{
	struct caller who = { 0 };
	int64_t uid;

	if (strncmp(text, "uid:", 4) == 0) {
		if (integer_parse(text + 4, &uid) < 0 || uid < 0 || uid >= UINT32_MAX)
			return -EINVAL;
		who.is_unix = who.has_uid = true;
		who.uid = (uid_t)uid;
		who.gid = (gid_t)-1;
	} else if (strncmp(text, "addr:", 5) != 0) {
		return -EINVAL;
	} else if (inet_pton(AF_INET, text + 5, &who.addr.in.sin_addr) == 1) {
		who.addr.in.sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text + 5, &who.addr.in6.sin6_addr) == 1) {
		who.addr.in6.sin6_family = AF_INET6;
	} else {
		return -EINVAL;
	}
	*ret = who;
	return 0;
}

void
caller_format(const struct caller *who, char *ret, size_t ret_len)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (who->is_unix && who->has_uid) {
		(void)snprintf(ret, ret_len, "uid:%u", (unsigned)who->uid);
	} else if (who->is_unix) {
		(void)snprintf(ret, ret_len, "unix");
	} else {
		const union sockaddr_any *sa = &who->addr;

		if (sa->sa.sa_family == AF_INET)
			(void)inet_ntop(AF_INET, &sa->in.sin_addr, host, sizeof(host));
		else if (sa->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr))
			(void)inet_ntop(AF_INET, sa->in6.sin6_addr.s6_addr + 12, host, sizeof(host));
		else if (sa->sa.sa_family == AF_INET6)
			(void)inet_ntop(AF_INET6, &sa->in6.sin6_addr, host, sizeof(host));
		(void)snprintf(ret, ret_len, "addr:%s", host);
	}
}

static void
append_names(struct buf *out, char *const *names, const char *kind, bool *first)
{
	for (; names != NULL && *names != NULL; names++) {
		(void)buf_printf(out, "%s%s %s", *first ? "" : " or ", kind, *names);
		*first = false;
	}
}

/* "from unix or 10.0.0.0/8, as user alice or group adm" */
static void
append_rule(struct buf *out, const struct role *role)
{
	char text[ADDR_TEXT];
	bool first = true;

	if (role->unix_peers) {
		(void)buf_append_str(out, "from unix");
		first = false;
	}
	for (size_t i = 0; i < role->n_nets; i++) {
		net_format(&role->nets[i], text, sizeof(text));
		(void)buf_printf(out, "%s%s", first ? "from " : " or ", text);
		first = false;
	}
	if (!has_people(role))
		return;
	(void)buf_append_str(out, has_place(role) ? ", as " : "as ");
	first = true;
	append_names(out, role->users, "user", &first);
	append_names(out, role->groups, "group", &first);
}

static void
explain_role(const struct role *role, const struct caller *who, struct buf *out)
{
	(void)buf_printf(out, "Role '%s' (", role->name);
	append_rule(out, role);
	(void)buf_append_str(out, ") ");
	if (role_matches(role, who))
		(void)buf_append_str(out, "includes the caller.\n");
	else if (has_place(role) && !place_matches(role, who))
		(void)buf_append_str(out,
		    "does not include the caller, who comes from elsewhere.\n");
	else if (!who->is_unix || !who->has_uid)
		(void)buf_append_str(out,
		    "does not include the caller: users and groups are known over a unix socket only.\n");
	else
		(void)buf_append_str(out,
		    "does not include the caller, who is none of these users and in none of these groups.\n");
}

/* The listeners of the service, and whether the caller is at one of them. */
static void
explain_listeners(const struct conf *c, const struct service *s, const struct caller *who,
    struct buf *out)
{
	const char *before = "The service is at ";

	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];

		if ((s->listeners >> i & 1) == 0)
			continue;
		(void)buf_printf(out, "%slistener '%s' (%s)", before, l->name, l->url);
		before = ", ";
	}
	(void)buf_append_str(out, is_at_listener(s, who) ? " only.\n" :
	    " only, where the caller is not: that decides, also about root.\n");
}

/* A denied role that the caller has decides alone, except about administrators. */
static void
explain_denied(const struct role *role, const struct caller *who, struct buf *out)
{
	(void)buf_printf(out, "The service denies role '%s' (", role->name);
	append_rule(out, role);
	(void)buf_append_str(out, role_matches(role, who) ?
	    "), which includes the caller: that decides before 'allow' does.\n" :
	    "), which does not include the caller.\n");
}

int
access_explain(const struct conf *c, const struct service *s, const struct caller *who,
    struct buf *out)
{
	uint64_t roles = access_roles(c, who);
	char text[ADDR_TEXT];

	caller_format(who, text, sizeof(text));
	(void)buf_printf(out, "The caller %s %s call service '%s'.\n", text,
	    access_allowed(c, s, who, roles) ? "may" : "may not", s->name);
	if (*s->listen_names != NULL)
		explain_listeners(c, s, who, out);
	if (access_is_admin(c, who))
		(void)buf_append_str(out,
		    "Root and the account of reqd may call every service over a unix socket.\n");
	for (size_t i = 0; i < c->n_roles; i++) {
		if ((s->deny >> i & 1) != 0)
			explain_denied(&c->roles[i], who, out);
	}
	if (s->allow == 0)
		(void)buf_append_str(out, "The service has no 'allow', so no role may call it.\n");
	for (size_t i = 0; i < c->n_roles; i++) {
		if ((s->allow >> i & 1) != 0)
			explain_role(&c->roles[i], who, out);
	}
	for (size_t i = 0; i < c->n_roles; i++) {
		if ((s->allow >> i & 1) == 0 && (roles >> i & 1) != 0)
			(void)buf_printf(out,
			    "The caller has role '%s', which the service does not allow.\n",
			    c->roles[i].name);
	}
	return buf_failed(out) ? -ENOMEM : 0;
}
