/* SPDX-License-Identifier: ISC */
/*
 * access: decides which roles a caller has, and which services these may call.
 *
 * Pure, and closed by default: zero is "no".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "proto/certname.h"

/* The caller, as the kernel tells of it, and as it has logged in. */
struct caller {
	bool is_unix;
	bool has_uid;		/* only over a unix socket */
	uid_t uid;
	gid_t gid;
	const gid_t *groups;	/* borrowed */
	size_t n_groups;
	union sockaddr_any addr;	/* TCP */
	uint32_t listeners;	/* in use, or usable, by the caller: a bit for each */
	/* Borrowed, as long as the rules are in force. */
	const char *login;		/* NULL: not logged in */
	const char *cert;		/* name by which its certificate calls it; NULL: none */
	char *const *certs;		/* all names of the certificate, where they are known */
	size_t n_certs;
	const struct credential *credential;	/* ... with this one; NULL: not known */
	const char *hook;		/* "SERVICE/NAME", whose signature it has shown; NULL: none */
};

/* Bytes of a text of caller_format(). */
#define CALLER_TEXT (CERTNAME_MAX + 8)

/* True if a list of places says anything. */
static inline bool
places_are_given(const struct places *p)
{
	return p->unix_peers || p->n_nets > 0;
}

/* True if the address is in one of the networks. */
bool places_contain(const struct places *p, const union sockaddr_any *addr);

/* The answer of a credential to a caller who has shown its secret: in, or why not. */
enum access_use { ACCESS_USABLE = 0, ACCESS_OFF, ACCESS_EXPIRED, ACCESS_ELSEWHERE };

/* now_sec: seconds of the calendar, as time(2) has them. */
enum access_use access_use(const struct credential *c, const struct caller *who,
    int64_t now_sec);

/*
 * True if a credential of this id (as a number, 0: none is needed) still lets somebody in,
 * wherever that is.
 */
bool access_is_in_force(const struct conf *c, uint64_t credential, int64_t now_sec);

/* The set of roles (bit = role number) of this caller. */
uint64_t access_roles(const struct conf *c, const struct caller *who);

/*
 * True if a caller with these roles may call this service. Root and reqd's own
 * uid may call everything over a unix socket, at the listeners where it is, unless
 * they have logged in. The credential may be for some services only.
 */
bool access_allowed(const struct conf *c, const struct service *s,
    const struct caller *who, uint64_t roles);

/* The listeners that somebody who is at this place could use: unix sockets, or TCP. */
uint32_t access_listeners(const struct conf *c, const struct caller *who);

/* True if the caller is root or reqd's own account, over a unix socket, without a login. */
bool access_is_admin(const struct conf *c, const struct caller *who);

/*
 * "hook:deploy/github", "login:alice", "cert:URI:spiffe://prod/web/7", "uid:1000",
 * "addr:10.1.2.3"; stable text for
 * log, owner and environment. ret has CALLER_TEXT bytes: two callers must not look the same.
 */
void caller_format(const struct caller *who, char *ret, size_t ret_len);

/*
 * The role whose limit holds for a caller with these roles; NULL: there is no limit. Of
 * several the least strict counts. For calls: give the roles that allow the service; one
 * without a limit opens the service without one. For connections such a role says nothing.
 */
const struct role *access_limit(const struct conf *c, uint64_t roles, enum access_limit what);

/* Writes a line with the limits of a caller with these roles at this service, if any. */
void access_explain_limits(const struct conf *c, const struct service *s, uint64_t roles,
    struct buf *out);

/*
 * Adds what a text of caller_format() says to a caller who is zero at first: a login, a name
 * of a certificate, and an account or an address. The listeners and the groups of an account
 * are not known; the names are borrowed. 0 or -EINVAL.
 */
int caller_add(const char *text, struct caller *who);

/*
 * Explains in full sentences, one a line, why access_allowed() answers as it
 * does, naming the roles and rules. For admins and reqd -t only, because the
 * text shows what exists. 0 or -ENOMEM.
 */
int access_explain(const struct conf *c, const struct service *s,
    const struct caller *who, int64_t now_sec, struct buf *out);
