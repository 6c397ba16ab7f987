/* SPDX-License-Identifier: ISC */
/* Looks up the names of hosts that listeners have. */
#include "config.h"

#include "conf/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/check.h"

/* The listeners as they come to be, with the sections that they are from. */
struct hosts {
	struct reader *r;
	struct listener *list;	/* for CONF_MAX_LISTENERS */
	const struct block **at;
	size_t n;
};

static bool
is_host_name(const struct listener *l)
{
	struct in6_addr any;

	return l->addr.kind == ADDR_TCP && *l->addr.host != '\0' &&
	    strcmp(l->addr.host, "*") != 0 && inet_pton(AF_INET, l->addr.host, &any) != 1 &&
	    inet_pton(AF_INET6, l->addr.host, &any) != 1;
}

/* True if a socket can have this address: it is one of this machine, or need not be. */
static bool
is_here(const struct listener *l, const struct addrinfo *ai)
{
	CLEANUP_CLOSE int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	return l->freebind || bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
	    (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT);
}

static void
hosts_add(struct hosts *h, const struct listener *l, const struct block *b)
{
	if (h->n == CONF_MAX_LISTENERS) {
		block_error(h->r, b, NULL, "listen \"%.120s\": with all addresses of its name there "
		    "are more than %d listeners", b->title, CONF_MAX_LISTENERS);
		return;
	}
	h->list[h->n] = *l;
	h->at[h->n++] = b;
}

/* Adds the listener of one address, unless its name has that twice. 0 or -ENOMEM. */
static int
hosts_add_address(struct hosts *h, const struct listener *l, const struct block *b,
    const struct addrinfo *ai)
{
	const union sockaddr_any *sa = (const void *)ai->ai_addr;
	struct listener own = *l;
	char url[512];

	/* A URL has no place for the scope of an address of one link. */
	if (!is_here(l, ai) || (ai->ai_family == AF_INET6 && sa->in6.sin6_scope_id != 0))
		return 0;
	(void)inet_ntop(ai->ai_family, ai->ai_family == AF_INET ?
	    (const void *)&sa->in.sin_addr : &sa->in6.sin6_addr, own.addr.host,
	    sizeof(own.addr.host));
	addr_format(&own.addr, url, sizeof(url));
	for (size_t i = 0; i < h->n; i++) {
		if (strcmp(h->list[i].url, url) != 0)
			continue;
		if (h->at[i] != b)
			block_error(h->r, b, NULL, "listen \"%.120s\": its name has the address of "
			    "listen \"%.120s\"", b->title, url);
		return 0;
	}
	own.url = arena_strdup(h->r->arena, url);
	if (own.url == NULL)
		return -ENOMEM;
	hosts_add(h, &own, b);
	return 0;
}

/* Adds a listener for each address of the name. 0 or -ENOMEM. */
static int
hosts_add_name(struct hosts *h, const struct listener *l, const struct block *b)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	size_t before = h->n, errors = h->r->n_errors;
	int q = 0;

	if (addr_find(l->addr.host, "0", &hints, &list) == 0) {
		for (struct addrinfo *ai = list; ai != NULL && q == 0; ai = ai->ai_next) {
			if (ai->ai_family == AF_INET || ai->ai_family == AF_INET6)
				q = hosts_add_address(h, l, b, ai);
		}
		freeaddrinfo(list);
	}
	if (q == 0 && h->n == before && h->r->n_errors == errors)
		hosts_add(h, l, b);
	return q;
}

int
hosts_resolve(struct reader *r)
{
	struct conf *c = r->conf;
	struct hosts h = {
		.r = r,
		.list = arena_alloc(&r->scratch, CONF_MAX_LISTENERS * sizeof(*h.list)),
		.at = arena_alloc(&r->scratch, CONF_MAX_LISTENERS * sizeof(*h.at)),
	};
	int q = 0;

	if (h.list == NULL || h.at == NULL)
		return -ENOMEM;
	/* Addresses first: a name that has one of them is the mistake. */
	for (size_t i = 0; i < c->n_listeners && q == 0; i++) {
		if (!is_host_name(&c->listeners[i]))
			hosts_add(&h, &c->listeners[i], r->listeners.at[i]);
	}
	if (h.n == c->n_listeners)
		return 0;
	for (size_t i = 0; i < c->n_listeners && q == 0; i++) {
		if (is_host_name(&c->listeners[i]))
			q = hosts_add_name(&h, &c->listeners[i], r->listeners.at[i]);
	}
	if (q < 0 || r->failed)
		return q;
	c->listeners = h.list;
	c->n_listeners = h.n;
	r->listeners.at = h.at;
	check_listen_names(r);
	return 0;
}
