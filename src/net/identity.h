/* SPDX-License-Identifier: ISC */
/*
 * identity: the peer at the other end of a connection, and its identity as a
 * caller.
 *
 * A peer is all that a connection knows of its other end; it costs little until
 * a service is called. The identity is made when it is asked for first: the
 * words and the digest by which calls, ps, the log and the runner know the
 * caller. The connection and its calls share the identity, and a call may
 * outlive the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/addr.h"
#include "base/digest.h"
#include "conf/access.h"
#include "net/tlspeer.h"

struct party;

struct peer_identity {
	unsigned refs;
	struct party *party;	/* NULL: nothing is counted */
	struct digest party_name;
	struct digest digest;	/* digest of text: the owner of a call */
	char peer[ADDR_TEXT];	/* "10.1.2.3:4242", "unix" */
	char *via;		/* the proxy that speaks for it, as text; NULL: none */
	uint64_t roles;		/* by the rules in force when it was last asked for */
	bool is_admin;
	char login[CREDENTIAL_LOGIN_MAX + 1];	/* "": not logged in */
	char credential[CREDENTIAL_LABEL_MAX + 1];	/* ... by the one of this label or id */
	uint64_t credential_id;	/* the id of the credential; 0: not logged in */
	char text[];		/* caller_format(): "login:alice", "uid:1000", "addr:10.1.2.3" */
};

/* The login of a peer, and the credential by which it has logged in. */
struct peer_login {
	char name[CREDENTIAL_LOGIN_MAX + 1];
	char id[CREDENTIAL_ID_TEXT];
	char mark[CREDENTIAL_LABEL_MAX + 1];	/* label, or else the id */
	bool is_key;		/* by the key of the certificate that the peer has shown */
	bool is_vouched;	/* a proxy says so; there is no credential */
	/* Under the rules of roles_generation: */
	const struct credential *credential;	/* NULL: it lets nobody in any more */
	int64_t expires_sec;			/* 0: never, or not usable anyhow */
};

struct peer {
	struct caller *caller;		/* unix peers */
	bool is_local;			/* the peer is on this machine */
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} addr;				/* TCP peers */
	char *via;			/* the proxy that speaks for it, as text; NULL: none */
	struct party *party;		/* NULL: nothing is counted */
	struct peer_identity *identity;	/* NULL: not made yet */
	struct peer_login *login;	/* NULL: not logged in */
	struct tlspeer *shown;		/* the certificate that it has shown; NULL: none */
	uint64_t roles;			/* roles under the rules of roles_generation */
	uint32_t roles_generation;
	bool is_admin;			/* ... true for an administrator */
	bool has_changed;		/* another login since this was last looked at */
	bool is_spoken_for;		/* a proxy says who makes the requests: the certificate is
					 * its own, and names none of its clients */
	bool is_revoked;		/* ... true if what it was known by is good no longer */
};

/* Makes an identity with one reference; NULL when memory is out. */
struct peer_identity *identity_new(const struct caller *who, const char *peer);

static inline struct peer_identity *
identity_ref(struct peer_identity *id)
{
	id->refs++;
	return id;
}

void identity_free(struct peer_identity *id);

/* Accepts NULL. Returns NULL. */
static inline struct peer_identity *
identity_unref(struct peer_identity *id)
{
	if (id != NULL && --id->refs == 0)
		identity_free(id);
	return NULL;
}

/*
 * Learns from the kernel which account has connected over a unix socket. 0 or
 * -ENOMEM.
 */
int peer_init_unix(struct peer *p, int fd);

/* Notes the address that has connected over TCP. */
void peer_init_inet(struct peer *p, const union sockaddr_any *addr);

/*
 * A proxy at the address of the peer has said whom it speaks for: the peer has that
 * address from now on, and no party. 0 or -ENOMEM, without a party too.
 */
int peer_pass_on(struct peer *p, const union sockaddr_any *client);

/*
 * A proxy says that the next request comes from that address: the peer has that address from
 * now on, and keeps its party. 0 or -ENOMEM.
 */
int peer_speak_for(struct peer *p, const union sockaddr_any *client);

/* From now on a proxy says who makes the requests: nobody is known by its certificate or key. */
void peer_hide(struct peer *p);

/* A proxy says that the next request is one of this login. 0 or -ENOMEM, which changes nothing. */
int peer_vouch(struct peer *p, const struct conf *conf, struct slice login);

void peer_done(struct peer *p);

/*
 * Fills in the whole caller under the rules in force. Groups, login and credential are
 * borrowed until the rules or the login change.
 */
void peer_caller(struct peer *p, const struct conf *conf, struct caller *ret);

/*
 * Makes the peer known by this credential, whose secret it has shown, in place of any
 * other login. The identity is made anew; calls that run keep the former one. 0 or
 * -ENOMEM, which changes nothing.
 */
int peer_log_in(struct peer *p, const struct conf *conf, const struct credential *c);

/* Makes the peer known by its certificate, account or address again. */
void peer_log_out(struct peer *p);

/*
 * The peer has shown a certificate and proved that it has the key; takes the certificate.
 * The key may be that of a login.
 */
void peer_show(struct peer *p, struct tlspeer *shown);

/* True if the certificate would make the peer known, under the rules in force. */
bool peer_would_be_known(struct peer *p, const struct conf *conf, struct tlspeer *shown);

/* Makes the identity of a peer that has none yet; NULL when memory is out. */
struct peer_identity *peer_make_identity(struct peer *p);

/* Returns the identity, borrowed; NULL when memory is out. */
static inline struct peer_identity *
peer_identity(struct peer *p)
{
	struct peer_identity *id = p->identity != NULL ? p->identity : peer_make_identity(p);

	if (id != NULL) {
		id->roles = p->roles;
		id->is_admin = p->is_admin;
	}
	return id;
}

/*
 * Finds the roles of the peer under these rules. The credential of a login is looked
 * up again: if it lets nobody in any more, the peer has no role and is no administrator.
 */
void peer_learn_roles(struct peer *p, const struct conf *conf);

/* True if the credential or the certificate has expired since the roles were found. */
static inline bool
peer_has_expired(const struct peer *p)
{
	int64_t now = (int64_t)time(NULL);

	/* The listener may want the certificate beside the login. */
	if (p->shown != NULL && p->shown->is_verified && now >= p->shown->until_sec)
		return true;
	return p->login != NULL && p->login->expires_sec != 0 && now >= p->login->expires_sec;
}

/*
 * Returns the roles of the peer under the rules in force. is_admin is then of
 * these rules, too.
 */
static inline uint64_t
peer_roles(struct peer *p, const struct conf *conf)
{
	if (p->roles_generation != conf->generation || peer_has_expired(p))
		peer_learn_roles(p, conf);
	return p->roles;
}

/* True if the credential or the certificate that the peer was known by lets in nobody any more. */
static inline bool
peer_is_revoked(struct peer *p, const struct conf *conf)
{
	if (p->login == NULL && p->shown == NULL)
		return false;
	(void)peer_roles(p, conf);
	return p->is_revoked;
}

/* True if the peer has more than an account or an address to be known by. */
static inline bool
peer_is_known(const struct peer *p)
{
	return p->login != NULL ||
	    (p->shown != NULL && p->shown->was_verified && !p->is_spoken_for);
}

/* Writes "127.0.0.1:4242" or "unix" to ADDR_TEXT bytes. */
void peer_format(const struct peer *p, char *ret, size_t ret_len);

/* True if both are the same caller. */
bool peer_is_same(const struct peer *a, const struct peer *b);
