/* SPDX-License-Identifier: ISC */
/*
 * connpeer: who is at the other end of a connection, and what that allows.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "worker/conn.h"
#include "worker/identity.h"
#include "worker/port.h"
#include "worker/worker.h"

/* More groups than this are asked for twice. */
#define GROUPS_FIRST 64

struct caller *
conn_caller_new(int fd)
{
	gid_t few[GROUPS_FIRST];
	CLEANUP_FREE gid_t *many = NULL;
	const gid_t *groups = few;
	struct caller *who;
	struct ucred cred;
	socklen_t len = sizeof(cred), groups_len = sizeof(few);
	bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0;
	int r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &groups_len);

	/* The kernel says how much it wants, and what it has never changes. */
	if (r < 0 && errno == ERANGE && groups_len <= NGROUPS_MAX * sizeof(gid_t)) {
		groups = many = malloc(groups_len);
		if (many == NULL)
			return NULL;
		r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &groups_len);
	}
	if (r < 0 || !known)
		groups_len = 0;

	/* One block, so that who comes is freed at once. */
	who = calloc(1, sizeof(*who) + groups_len);
	if (who == NULL)
		return NULL;
	who->is_unix = true;
	who->has_uid = known;
	if (!known)
		return who;
	who->uid = cred.uid;
	who->gid = cred.gid;
	who->groups = memcpy(who + 1, groups, groups_len);
	who->n_groups = groups_len / sizeof(gid_t);
	return who;
}

void
conn_caller(const struct conn *c, struct caller *ret)
{
	if (c->caller != NULL) {
		*ret = *c->caller;
		return;
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(&ret->addr, &c->peer, sizeof(c->peer));
}

struct peer_identity *
conn_identity(struct conn *c)
{
	struct caller who;
	char peer[ADDR_TEXT];

	if (c->identity == NULL) {
		conn_caller(c, &who);
		conn_peer(c, peer, sizeof(peer));
		c->identity = identity_new(&who, peer);
	}
	return c->identity;
}

uint64_t
conn_roles(struct conn *c)
{
	const struct conf *conf = c->worker->conf;
	struct caller who;

	if (c->roles_generation != conf->generation) {
		conn_caller(c, &who);
		c->roles = access_roles(conf, &who);
		c->is_admin = access_is_admin(conf, &who);
		c->roles_generation = conf->generation;
	}
	return c->roles;
}

void
conn_peer(const struct conn *c, char *ret, size_t ret_len)
{
	union sockaddr_any any = { 0 };

	if (c->caller != NULL) {
		(void)strlcpy(ret, "unix", ret_len);
		return;
	}
	memcpy(&any, &c->peer, sizeof(c->peer));
	addr_format_sockaddr(&any, ret, ret_len);
}

struct request_limits
conn_limits(struct conn *c)
{
	struct request_limits l = c->port->limits;

	if (c->port->inline_loopback) {
		union sockaddr_any any = { 0 };

		memcpy(&any, &c->peer, sizeof(c->peer));
		l.inline_allowed = c->caller != NULL || addr_is_loopback(&any);
	}
	if (conn_roles(c) != 0 || c->is_admin)
		return l;
	if (l.max_arguments > STRANGER_MAX_ARGUMENTS)
		l.max_arguments = STRANGER_MAX_ARGUMENTS;
	if (l.argument_limit > STRANGER_ARGUMENT_LIMIT)
		l.argument_limit = STRANGER_ARGUMENT_LIMIT;
	if (l.request_limit > STRANGER_REQUEST_LIMIT)
		l.request_limit = STRANGER_REQUEST_LIMIT;
	return l;
}
