/* SPDX-License-Identifier: ISC */
/*
 * identity: learns from the kernel which account or address is at the other
 * end, and makes the texts and the digest of a caller once for all its calls.
 */
#include "config.h"

#include "net/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/listener.h"
#include "net/party.h"

/* A caller with more groups than this costs a second system call. */
#define GROUPS_FIRST 64

/* ------------------------------------------------------------- identity --- */

struct peer_identity *
identity_new(const struct caller *who, const char *peer)
{
	struct peer_identity *id;
	char name[CALLER_TEXT];
	struct slice text;

	caller_format(who, name, sizeof(name));
	text = slice_of(name);
	id = calloc(1, sizeof(*id) + text.len + 1);
	if (id == NULL)
		return NULL;
	id->refs = 1;
	memcpy(id->text, name, text.len + 1);
	(void)strlcpy(id->peer, peer, sizeof(id->peer));
	id->digest = digest_of(&text, 1);
	caller_party(who, &id->party_name);
	return id;
}

void
identity_free(struct peer_identity *id)
{
	(void)party_unref(id->party);
	free(id->via);
	free(id);
}

/* ----------------------------------------------------------------- peer --- */

int
peer_init_unix(struct peer *p, int fd)
{
	gid_t few[GROUPS_FIRST];
	CLEANUP_FREE gid_t *many = NULL;
	const gid_t *groups = few;
	struct caller *who;
	struct ucred cred;
	socklen_t len = sizeof(cred), groups_len = sizeof(few);
	bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0;
	int r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &groups_len);

	/*
	 * The kernel tells the size that it needs; the groups of a connected
	 * peer never change.
	 */
	if (r < 0 && errno == ERANGE && groups_len <= NGROUPS_MAX * sizeof(gid_t)) {
		groups = many = malloc(groups_len);
		if (many == NULL)
			return -ENOMEM;
		r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &groups_len);
	}
	if (r < 0 || !known)
		groups_len = 0;

	/* Caller and groups are one block, which is freed at once. */
	who = calloc(1, sizeof(*who) + groups_len);
	if (who == NULL)
		return -ENOMEM;
	p->caller = who;
	p->is_local = true;
	who->is_unix = true;
	who->has_uid = known;
	if (!known)
		return 0;
	who->uid = cred.uid;
	who->gid = cred.gid;
	who->groups = memcpy(who + 1, groups, groups_len);
	who->n_groups = groups_len / sizeof(gid_t);
	return 0;
}

void
peer_init_inet(struct peer *p, const union sockaddr_any *addr)
{
	memcpy(&p->addr, addr, sizeof(p->addr));
	p->is_local = addr_is_loopback(addr);
}

int
peer_pass_on(struct peer *p, const union sockaddr_any *client)
{
	char text[ADDR_TEXT];

	p->identity = identity_unref(p->identity);
	p->party = party_unref(p->party);
	peer_format(p, text, sizeof(text));
	free(p->via);
	p->via = strdup(text);
	if (p->via == NULL)
		return -ENOMEM;
	peer_init_inet(p, client);
	p->roles = 0;
	p->roles_generation = 0;
	p->is_admin = false;
	return 0;
}

int
peer_speak_for(struct peer *p, const union sockaddr_any *client)
{
	char text[ADDR_TEXT];

	if (p->via == NULL) {
		peer_format(p, text, sizeof(text));
		p->via = strdup(text);
		if (p->via == NULL)
			return -ENOMEM;
	}
	free(TAKE_PTR(p->caller));
	p->identity = identity_unref(p->identity);
	memset(&p->addr, 0, sizeof(p->addr));
	peer_init_inet(p, client);
	p->roles_generation = 0;
	p->has_changed = true;
	return 0;
}

void
peer_hide(struct peer *p)
{
	p->is_spoken_for = true;
	peer_log_out(p);
}

void
peer_done(struct peer *p)
{
	p->identity = identity_unref(p->identity);
	p->party = party_unref(p->party);
	free(TAKE_PTR(p->caller));
	free(TAKE_PTR(p->via));
	free(TAKE_PTR(p->login));
	p->shown = tlspeer_free(p->shown);
}

static union sockaddr_any
address_of(const struct peer *p)
{
	union sockaddr_any any = { 0 };

	memcpy(&any, &p->addr, sizeof(p->addr));
	return any;
}

/* Fills in the caller; the credential is that of the rules of roles_generation. */
static void
fill_caller(const struct peer *p, struct caller *ret)
{
	if (p->caller != NULL)
		*ret = *p->caller;
	else
		*ret = (struct caller){ .addr = address_of(p) };
	if (p->shown != NULL && p->shown->was_verified && !p->is_spoken_for) {
		ret->cert = p->shown->names[0];
		ret->certs = p->shown->names;
		ret->n_certs = p->shown->n_names;
	}
	if (p->login == NULL)
		return;
	ret->login = p->login->name;
	ret->credential = p->login->credential;
}

void
peer_caller(struct peer *p, const struct conf *conf, struct caller *ret)
{
	(void)peer_roles(p, conf);
	fill_caller(p, ret);
}

/* Puts a login in place of any other one. 0 or -ENOMEM, which changes nothing. */
static int
peer_set_login(struct peer *p, const struct credential *c)
{
	struct peer_login *login = calloc(1, sizeof(*login));

	if (login == NULL)
		return -ENOMEM;
	(void)strlcpy(login->name, c->login, sizeof(login->name));
	(void)strlcpy(login->id, c->id, sizeof(login->id));
	(void)strlcpy(login->mark, c->label != NULL ? c->label : c->id, sizeof(login->mark));
	peer_log_out(p);
	p->login = login;
	return 0;
}

int
peer_log_in(struct peer *p, const struct conf *conf, const struct credential *c)
{
	int r = peer_set_login(p, c);

	if (r == 0)
		peer_learn_roles(p, conf);
	return r;
}

int
peer_vouch(struct peer *p, const struct conf *conf, struct slice login)
{
	struct peer_login *vouched = calloc(1, sizeof(*vouched));

	if (vouched == NULL)
		return -ENOMEM;
	(void)snprintf(vouched->name, sizeof(vouched->name), "%.*s", (int)login.len, login.data);
	vouched->is_vouched = true;
	peer_log_out(p);
	p->login = vouched;
	peer_learn_roles(p, conf);
	return 0;
}

void
peer_log_out(struct peer *p)
{
	free(TAKE_PTR(p->login));
	p->identity = identity_unref(p->identity);
	p->roles_generation = 0;
	p->has_changed = true;
}

void
peer_show(struct peer *p, struct tlspeer *shown)
{
	(void)tlspeer_free(p->shown);
	p->shown = shown;
	p->identity = identity_unref(p->identity);
	p->roles_generation = 0;
	p->has_changed = true;
}

bool
peer_would_be_known(struct peer *p, const struct conf *conf, struct tlspeer *shown)
{
	struct caller who;

	fill_caller(p, &who);
	who.login = NULL;
	tlspeer_learn(shown, conf, &who);
	return tlspeer_is_known(shown);
}

struct peer_identity *
peer_make_identity(struct peer *p)
{
	struct caller who;
	char text[ADDR_TEXT];

	fill_caller(p, &who);
	peer_format(p, text, sizeof(text));
	p->identity = identity_new(&who, text);
	if (p->identity == NULL)
		return NULL;
	if (p->via != NULL && (p->identity->via = strdup(p->via)) == NULL)
		return p->identity = identity_unref(p->identity);
	p->identity->party = party_ref(p->party);
	if (p->login != NULL) {
		(void)strlcpy(p->identity->login, p->login->name, sizeof(p->identity->login));
		(void)strlcpy(p->identity->credential, p->login->mark,
		    sizeof(p->identity->credential));
		p->identity->credential_id = strtoull(p->login->id, NULL, 16);
	}
	return p->identity;
}

/* True if the peer has a login that its key does not change: the same one, or another kind. */
static bool
keeps_its_login(const struct peer *p)
{
	return p->login != NULL &&
	    (!p->login->is_key || strcmp(p->login->id, p->shown->key->id) == 0);
}

/*
 * Looks again at the certificate that the peer has shown. The key of a login logs in, unless
 * the client has logged in otherwise. The names of a certificate never change, so a peer gets
 * another identity here only when it had none of its own.
 */
static void
learn_certificate(struct peer *p, const struct conf *conf)
{
	bool was_verified = p->shown->was_verified;

	(void)peer_would_be_known(p, conf, p->shown);
	if (p->shown->key != NULL && !p->is_spoken_for && !keeps_its_login(p) &&
	    peer_set_login(p, p->shown->key) == 0)
		p->login->is_key = true;
	if (p->shown->was_verified != was_verified)
		p->identity = identity_unref(p->identity);
}

/* Looks the credential of the login up again. */
static void
learn_login(struct peer *p, const struct conf *conf)
{
	struct peer_login *login = p->login;
	const struct credential *c;
	struct caller who;

	if (login->is_vouched)
		return;
	c = conf_find_credential(conf, login->id);
	fill_caller(p, &who);
	if (c != NULL && access_use(c, &who, (int64_t)time(NULL)) != ACCESS_USABLE)
		c = NULL;
	if (login->is_key && p->shown->key == NULL)
		c = NULL;
	login->credential = c;
	login->expires_sec = c != NULL ? c->expires_sec : 0;
}

/*
 * True if the peer was known by something that is good no longer. It is nobody then; above
 * all it is not the account again. A listener that wants a certificate has let the peer in
 * for that alone, so no login makes up for it.
 */
static bool
is_out(const struct peer *p)
{
	const struct net_listener *at = p->shown != NULL ? listener_now(p->shown->listener) : NULL;

	if (at != NULL && at->clients == TLS_CLIENTS_REQUIRED && !tlspeer_is_known(p->shown))
		return true;
	if (p->login != NULL)
		return p->login->credential == NULL && !p->login->is_vouched;
	return p->shown != NULL && p->shown->was_verified && !p->shown->is_verified;
}

void
peer_learn_roles(struct peer *p, const struct conf *conf)
{
	struct caller who;

	if (p->shown != NULL)
		learn_certificate(p, conf);
	if (p->login != NULL)
		learn_login(p, conf);
	fill_caller(p, &who);
	p->is_revoked = is_out(p);
	p->roles = p->is_revoked ? 0 : access_roles(conf, &who);
	p->is_admin = !p->is_revoked && access_is_admin(conf, &who);
	p->roles_generation = conf->generation;
}

void
peer_format(const struct peer *p, char *ret, size_t ret_len)
{
	union sockaddr_any any = address_of(p);

	if (p->caller != NULL)
		(void)strlcpy(ret, "unix", ret_len);
	else
		addr_format_sockaddr(&any, ret, ret_len);
}

bool
peer_is_same(const struct peer *a, const struct peer *b)
{
	char x[CALLER_TEXT], y[CALLER_TEXT];
	struct caller who;

	if (a->login != NULL || b->login != NULL)
		return a->login != NULL && b->login != NULL &&
		    strcmp(a->login->name, b->login->name) == 0;
	if (peer_is_known(a) != peer_is_known(b))
		return false;
	if (peer_is_known(a))
		return strcmp(a->shown->names[0], b->shown->names[0]) == 0;
	if ((a->caller == NULL) != (b->caller == NULL))
		return false;
	if (a->caller != NULL)
		return a->caller->has_uid && b->caller->has_uid && a->caller->uid == b->caller->uid;
	if (a->addr.sa.sa_family == AF_INET && b->addr.sa.sa_family == AF_INET)
		return a->addr.in4.sin_addr.s_addr == b->addr.in4.sin_addr.s_addr;
	/*
	 * Every connection is asked this, so texts are compared only when they
	 * have to be.
	 */
	fill_caller(a, &who);
	caller_format(&who, x, sizeof(x));
	fill_caller(b, &who);
	caller_format(&who, y, sizeof(y));
	return strcmp(x, y) == 0;
}

