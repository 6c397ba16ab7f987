/* SPDX-License-Identifier: ISC */
/*
 * identity: learns from the kernel which account or address is at the other
 * end, and makes the texts and the digest of a caller once for all its calls.
 */
#include "config.h"

#include "net/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/party.h"

/* A caller with more groups than this costs a second system call. */
#define GROUPS_FIRST 64

/* ------------------------------------------------------------- identity --- */

struct peer_identity *
identity_new(const struct caller *who, const char *peer)
{
	struct peer_identity *id = calloc(1, sizeof(*id));
	struct slice text;

	if (id == NULL)
		return NULL;
	id->refs = 1;
	caller_format(who, id->text, sizeof(id->text));
	(void)strlcpy(id->peer, peer, sizeof(id->peer));
	text = slice_of(id->text);
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

void
peer_done(struct peer *p)
{
	p->identity = identity_unref(p->identity);
	p->party = party_unref(p->party);
	free(TAKE_PTR(p->caller));
	free(TAKE_PTR(p->via));
}

static union sockaddr_any
address_of(const struct peer *p)
{
	union sockaddr_any any = { 0 };

	memcpy(&any, &p->addr, sizeof(p->addr));
	return any;
}

void
peer_caller(const struct peer *p, struct caller *ret)
{
	if (p->caller != NULL)
		*ret = *p->caller;
	else
		*ret = (struct caller){ .addr = address_of(p) };
}

struct peer_identity *
peer_make_identity(struct peer *p)
{
	struct caller who;
	char text[ADDR_TEXT];

	peer_caller(p, &who);
	peer_format(p, text, sizeof(text));
	p->identity = identity_new(&who, text);
	if (p->identity == NULL)
		return NULL;
	if (p->via != NULL && (p->identity->via = strdup(p->via)) == NULL)
		return p->identity = identity_unref(p->identity);
	p->identity->party = party_ref(p->party);
	return p->identity;
}

void
peer_learn_roles(struct peer *p, const struct conf *conf)
{
	struct caller who;

	peer_caller(p, &who);
	p->roles = access_roles(conf, &who);
	p->is_admin = access_is_admin(conf, &who);
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
	char x[ADDR_TEXT], y[ADDR_TEXT];
	struct caller who;

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
	peer_caller(a, &who);
	caller_format(&who, x, sizeof(x));
	peer_caller(b, &who);
	caller_format(&who, y, sizeof(y));
	return strcmp(x, y) == 0;
}

