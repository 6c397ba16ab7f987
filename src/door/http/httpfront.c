/* SPDX-License-Identifier: ISC */
/* httpfront: reads the fields of a trusted proxy. */
#include "config.h"

#include "door/http/httpfront.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "door/http/httpanswer.h"
#include "net/listener.h"

/*
 * True if the peer may still say whose requests it passes on. Its own address is kept from
 * the first request, as that of the peer is the last client's later.
 */
static bool
is_trusted(struct http_session *s)
{
	if (s->front == NULL) {
		s->front = calloc(1, sizeof(*s->front));
		if (s->front == NULL)
			return false;
		memcpy(s->front, &s->conn.peer.addr, sizeof(s->conn.peer.addr));
	}
	return listener_has_front_at(s->conn.listener, s->front);
}

/* The fields of that name. */
static size_t
count(const struct httphead *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_fields; i++)
		n += slice_is_nocase(h->fields[i].name, name);
	return n;
}

/* The last element of a list, which the proxy itself has added. */
static struct slice
last_element(struct slice list)
{
	const char *comma = memrchr(list.data, ',', list.len);
	size_t skip = comma != NULL ? (size_t)(comma - list.data) + 1 : 0;
	struct slice e = { list.data + skip, list.len - skip };

	while (e.len > 0 && (e.data[0] == ' ' || e.data[0] == '\t')) {
		e.data++;
		e.len--;
	}
	return e;
}

/* Reads IPv4 or IPv6, also with a port: 10.1.2.3:4242, [::1], [::1]:4242. */
static bool
read_address(struct slice text, union sockaddr_any *ret)
{
	char room[INET6_ADDRSTRLEN + 8], *host = room, *colon;

	if (text.len == 0 || text.len >= sizeof(room) || slice_has_nul(text))
		return false;
	(void)snprintf(room, sizeof(room), "%.*s", (int)text.len, text.data);
	colon = strchr(room, ':');
	if (*room == '[') {
		host++;
		colon = strchr(room, ']');
		if (colon == NULL || (colon[1] != '\0' && colon[1] != ':'))
			return false;
		*colon = '\0';
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		*colon = '\0';
	}
	*ret = (union sockaddr_any){ 0 };
	ret->in.sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &ret->in.sin_addr) == 1)
		return true;
	*ret = (union sockaddr_any){ 0 };
	ret->in6.sin6_family = AF_INET6;
	return inet_pton(AF_INET6, host, &ret->in6.sin6_addr) == 1;
}

/* True if the peer already is the one at this address. */
static bool
is_there(const struct peer *p, const union sockaddr_any *addr)
{
	union sockaddr_any old = { 0 };

	memcpy(&old, &p->addr, sizeof(p->addr));
	return p->caller == NULL && p->via != NULL && addr_same_host(&old, addr);
}

static bool
apply_address(struct http_session *s, const struct httphead *h, const char *name, bool is_probe)
{
	const struct slice *field = httphead_find(h, slice_of(name));
	union sockaddr_any addr = { .in.sin_family = AF_INET };
	struct peer *p = &s->conn.peer;

	/* A probe is the proxy's own, and of no client: not of the last one, above all. */
	if (field == NULL ? !is_probe : !read_address(last_element(*field), &addr)) {
		http_refuse(s, 400, "BADARG", "the proxy in front has to say where the client is: see "
		    "'address' in the section 'proxy' of the listener");
		return false;
	}
	if (is_there(p, &addr) || peer_speak_for(p, &addr) >= 0)
		return true;
	http_refuse(s, 503, "BUSY", "the server: out of memory");
	return false;
}

static bool
read_user(struct http_session *s, const struct httphead *h, const char *name, bool is_probe,
    struct slice *ret)
{
	const struct slice *field = httphead_find(h, slice_of(name));
	size_t n = count(h, name);

	if (n == 0 && is_probe)
		return true;
	if (n != 1 || (field->len > 0 && !credential_is_login(*field))) {
		http_refuse(s, 400, "BADARG", "the proxy in front has to say once who the client is, with "
		    "the name of a login or with nothing: see 'user' in the section 'proxy' of the "
		    "listener");
		return false;
	}
	if (field->len > 0)
		*ret = *field;
	return true;
}

bool
http_front_apply(struct http_session *s, const struct httphead *h, bool is_probe,
    struct slice *ret_user)
{
	const struct listener *l = listener_settings(s->conn.listener);

	*ret_user = (struct slice){ 0 };
	if (!s->conn.is_front)
		return true;
	/* Nobody knows who the peer is now. A new connection is judged anew. */
	if (!is_trusted(s)) {
		http_refuse_last(s, 503, "BUSY", "the listener has changed: connect again");
		return false;
	}
	if (!s->conn.peer.is_spoken_for)
		peer_hide(&s->conn.peer);
	return (l->front_address == NULL || apply_address(s, h, l->front_address, is_probe)) &&
	    (l->front_user == NULL || read_user(s, h, l->front_user, is_probe, ret_user));
}
