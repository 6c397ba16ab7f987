/* SPDX-License-Identifier: ISC */
/* origin: reads the origin of a page, and compares hosts. */
#include "config.h"

#include "proto/origin.h"

#include <arpa/inet.h>

bool
origin_parse(struct slice text, bool *ret_is_tls, struct httphost *ret)
{
	bool is_tls = slice_starts(text, "https://");
	size_t skip = is_tls ? sizeof("https://") - 1 : sizeof("http://") - 1;

	if (!is_tls && !slice_starts(text, "http://"))
		return false;
	if (!httphost_parse((struct slice){ text.data + skip, text.len - skip }, ret))
		return false;
	*ret_is_tls = is_tls;
	return true;
}

/* Reads the address that a host is. False: it is a name. */
static bool
address_of(const struct httphost *h, union sockaddr_any *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (h->name.len >= sizeof(text))
		return false;
	memcpy(text, h->name.data, h->name.len);
	text[h->name.len] = '\0';
	*ret = (union sockaddr_any){ 0 };
	ret->sa.sa_family = h->is_ipv6 ? AF_INET6 : AF_INET;
	return inet_pton(ret->sa.sa_family, text, h->is_ipv6 ? (void *)&ret->in6.sin6_addr :
	    (void *)&ret->in.sin_addr) == 1;
}

bool
httphost_is_same(const struct httphost *a, const struct httphost *b)
{
	union sockaddr_any x, y;

	if (a->is_ipv6 && b->is_ipv6)
		return address_of(a, &x) && address_of(b, &y) && addr_same_host(&x, &y);
	return a->is_ipv6 == b->is_ipv6 && a->name.len == b->name.len &&
	    strncasecmp(a->name.data, b->name.data, a->name.len) == 0;
}

bool
httphost_is_address(const struct httphost *a, const union sockaddr_any *addr)
{
	union sockaddr_any other;

	if (!address_of(a, &other))
		return false;
	/* A socket for both families has addresses of version 4 in those of version 6. */
	if (!a->is_ipv6 && addr->sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		return memcmp(&other.in.sin_addr, addr->in6.sin6_addr.s6_addr + 12, 4) == 0;
	return addr_same_host(&other, addr);
}
