/* SPDX-License-Identifier: ISC */
/* httppolicy: Origin, Sec-Fetch-Site and Host. */
#include "config.h"

#include "door/http/httppolicy.h"

#include <arpa/inet.h>

#include "proto/origin.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443

static uint16_t
usual_port(bool is_tls)
{
	return is_tls ? HTTPS_PORT : HTTP_PORT;
}

/* True if the host is the address at our end of the connection, or localhost there. */
static bool
is_local(const struct httppolicy_place *p, const struct httphost *h, uint16_t port)
{
	if (p->is_unix || port != ntohs(p->local.sa.sa_family == AF_INET6 ?
	    p->local.in6.sin6_port : p->local.in.sin_port))
		return false;
	if (!h->is_ipv6 && slice_is_nocase(h->name, "localhost"))
		return addr_is_loopback(&p->local);
	return httphost_is_address(h, &p->local);
}

/*
 * True if the host is in "hosts". A port that is not written stands for the usual one, of
 * HTTP or of HTTPS, because a proxy may end the TLS.
 */
static bool
is_listed(const struct httppolicy_place *p, const struct httphost *h)
{
	uint16_t port = p->is_unix ? 0 : ntohs(p->local.sa.sa_family == AF_INET6 ?
	    p->local.in6.sin6_port : p->local.in.sin_port);

	for (char *const *text = p->hosts; text != NULL && *text != NULL; text++) {
		struct httphost known;

		if (!httphost_parse(slice_of(*text), &known) || !httphost_is_same(&known, h))
			continue;
		if (known.port == h->port || (known.port == 0 && h->port == port) ||
		    (h->port == 0 && (known.port == HTTP_PORT || known.port == HTTPS_PORT)))
			return true;
	}
	return false;
}

/* True if the name is one of this server, for a request of whoever is connected. */
static bool
is_ours(const struct httppolicy_place *p, struct slice text)
{
	struct httphost h;

	if (p->is_unix)
		return true;
	if (text.data == NULL || !httphost_parse(text, &h))
		return false;
	return is_local(p, &h, h.port != 0 ? h.port : usual_port(p->is_tls)) || is_listed(p, &h);
}

/* True if the origin is one of "origins". */
static bool
is_listed_origin(const struct httppolicy_place *p, bool is_tls, const struct httphost *h)
{
	for (char *const *text = p->origins; text != NULL && *text != NULL; text++) {
		struct httphost known;
		bool known_is_tls;

		if (!origin_parse(slice_of(*text), &known_is_tls, &known) || known_is_tls != is_tls)
			continue;
		if (httphost_is_same(&known, h) &&
		    (known.port != 0 ? known.port : usual_port(is_tls)) ==
		    (h->port != 0 ? h->port : usual_port(is_tls)))
			return true;
	}
	return false;
}

static bool
is_from_elsewhere(const struct httppolicy_fields *f)
{
	return slice_is(f->fetch_site, "cross-site") || slice_is(f->fetch_site, "same-site");
}

/* True if somebody follows a link to a page of ours, which then fills the window. */
static bool
is_link(const struct httppolicy_fields *f)
{
	return f->is_page && slice_is(f->fetch_mode, "navigate") &&
	    slice_is(f->fetch_dest, "document");
}

/*
 * Judges the page. A page may call if it comes from this server itself. That its host is the
 * one in the field Host proves nothing: both are the attacker's name when that leads here.
 */
static enum httppolicy_verdict
judge_origin(const struct httppolicy_place *p, const struct httppolicy_fields *f)
{
	struct httphost h;
	bool is_tls;

	if (f->origin.data == NULL)
		return !is_from_elsewhere(f) || is_link(f) ? HTTPPOLICY_OWN : HTTPPOLICY_FOREIGN;
	if (!origin_parse(f->origin, &is_tls, &h))
		return HTTPPOLICY_FOREIGN;
	if (is_listed_origin(p, is_tls, &h))
		return HTTPPOLICY_LISTED;
	/* Anybody on the way can write a page that comes without TLS. */
	if (p->is_tls && !is_tls)
		return HTTPPOLICY_FOREIGN;
	return is_local(p, &h, h.port != 0 ? h.port : usual_port(is_tls)) || is_listed(p, &h) ?
	    HTTPPOLICY_OWN : HTTPPOLICY_FOREIGN;
}

enum httppolicy_verdict
httppolicy_judge(const struct httppolicy_place *p, const struct httppolicy_fields *f)
{
	enum httppolicy_verdict v = judge_origin(p, f);

	if (v != HTTPPOLICY_FOREIGN && !f->is_probe && !is_ours(p, f->host))
		return HTTPPOLICY_MISDIRECTED;
	return v;
}
