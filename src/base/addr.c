/* SPDX-License-Identifier: ISC */
/* addr: parses and formats addresses and networks, and compares them. */
#include "config.h"

#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"

static int
port_parse(const char *text, uint16_t *ret)
{
	int64_t port;

	if (integer_parse(text, &port) < 0 || port < 0 || port > 65535)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/*
 * True if s is "*", a name of letters, digits, '.', '-' and '_', or an address.
 */
static bool
is_host(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	if (strcmp(s, "*") == 0)
		return true;
	return *s != '\0' && strspn(s, ok) == strlen(s);
}

static int
tcp_parse(const char *rest, struct addr *a, const char **ret_why)
{
	const char *colon;
	size_t len;

	a->kind = ADDR_TCP;
	if (a->is_http)
		a->port = a->is_tls ? ADDR_HTTPS_PORT : ADDR_HTTP_PORT;
	else
		a->port = a->is_tls ? ADDR_TLS_PORT : ADDR_DEFAULT_PORT;
	if (*rest == '[') {
		const char *close = strchr(rest, ']');
		struct in6_addr in6;

		*ret_why = "an IPv6 address is written [ADDRESS]:PORT";
		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return -EINVAL;
		len = (size_t)(close - rest) - 1;
		if (len >= sizeof(a->host))
			return -EINVAL;
		memcpy(a->host, rest + 1, len);
		a->host[len] = '\0';
		if (inet_pton(AF_INET6, a->host, &in6) != 1)
			return -EINVAL;
		colon = close[1] == ':' ? close + 1 : NULL;
	} else {
		colon = strrchr(rest, ':');
		*ret_why = "an IPv6 address is written [ADDRESS]:PORT";
		if (colon != strchr(rest, ':'))
			return -EINVAL;
		len = colon != NULL ? (size_t)(colon - rest) : strlen(rest);
		*ret_why = "the host is too long";
		if (len >= sizeof(a->host))
			return -EINVAL;
		memcpy(a->host, rest, len);
		a->host[len] = '\0';
		*ret_why = "the host is not a name or an address";
		if (!is_host(a->host))
			return -EINVAL;
	}
	if (colon != NULL) {
		*ret_why = "the port is not a number from 0 to 65535";
		return port_parse(colon + 1, &a->port);
	}
	return 0;
}

/* The schemes of TCP addresses. */
static const struct scheme {
	const char *name;
	bool is_tls, is_http;
} schemes[] = {
	{ "tcp", false, false },
	{ "tls", true, false },
	{ "http", false, true },
	{ "https", true, true },
};

/* Returns the text behind SCHEME://, or NULL. */
static const char *
scheme_parse(const char *url, struct addr *a)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i].name);

		if (strncmp(url, schemes[i].name, len) != 0 || strncmp(url + len, "://", 3) != 0)
			continue;
		a->is_tls = schemes[i].is_tls;
		a->is_http = schemes[i].is_http;
		return url + len + 3;
	}
	return NULL;
}

static const char *
scheme_of(const struct addr *a)
{
	size_t i = 0;

	while (schemes[i].is_tls != a->is_tls || schemes[i].is_http != a->is_http)
		i++;
	return schemes[i].name;
}

int
addr_parse(const char *url, struct addr *ret, const char **ret_why)
{
	struct addr a = { 0 };
	const char *rest = scheme_parse(url, &a);
	int r;

	if (rest != NULL) {
		r = tcp_parse(rest, &a, ret_why);
		if (r < 0)
			return r;
	} else if (strncmp(url, "unix://", 7) == 0) {
		a.kind = ADDR_UNIX;
		*ret_why = "a unix address is unix:///ABSOLUTE/PATH";
		if (url[7] != '/')
			return -EINVAL;
		*ret_why = "a unix address ends with the name of the socket, not with /";
		if (url[strlen(url) - 1] == '/')
			return -EINVAL;
		*ret_why = "the path is longer than 107 bytes";
		if (strlen(url + 7) >= sizeof(a.path))
			return -EINVAL;
		(void)snprintf(a.path, sizeof(a.path), "%s", url + 7);
	} else if (strncmp(url, "fd://", 5) == 0) {
		a.kind = ADDR_FD;
		*ret_why = "fd:// needs the name of a descriptor of a socket unit";
		if (url[5] == '\0' || strlen(url + 5) >= sizeof(a.path))
			return -EINVAL;
		(void)snprintf(a.path, sizeof(a.path), "%s", url + 5);
	} else {
		*ret_why = "an address starts with tls://, tcp://, https://, http:// or unix://";
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

void
addr_format(const struct addr *a, char *ret, size_t ret_len)
{
	switch (a->kind) {
	case ADDR_TCP:
		(void)snprintf(ret, ret_len,
		    strchr(a->host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
		    scheme_of(a), a->host, (unsigned)a->port);
		return;
	case ADDR_UNIX:
		(void)snprintf(ret, ret_len, "unix://%s", a->path);
		return;
	case ADDR_FD:
		(void)snprintf(ret, ret_len, "fd://%s", a->path);
		return;
	}
}

void
addr_format_sockaddr(const union sockaddr_any *sa, char *ret, size_t ret_len)
{
	char host[INET6_ADDRSTRLEN] = "?";

	switch (sa->sa.sa_family) {
	case AF_INET:
		(void)inet_ntop(AF_INET, &sa->in.sin_addr, host, sizeof(host));
		(void)snprintf(ret, ret_len, "%s:%u", host, (unsigned)ntohs(sa->in.sin_port));
		return;
	case AF_INET6:
		(void)inet_ntop(AF_INET6, &sa->in6.sin6_addr, host, sizeof(host));
		(void)snprintf(ret, ret_len, "[%s]:%u", host, (unsigned)ntohs(sa->in6.sin6_port));
		return;
	default:
		(void)snprintf(ret, ret_len, "unix");
		return;
	}
}

/*
 * Returns the bytes of an address and its family. An IPv4-mapped address counts
 * as IPv4.
 */
static const uint8_t *
sockaddr_bytes(const union sockaddr_any *sa, int *ret_family)
{
	if (sa->sa.sa_family == AF_INET) {
		*ret_family = AF_INET;
		return (const uint8_t *)&sa->in.sin_addr;
	}
	if (sa->sa.sa_family != AF_INET6)
		return NULL;
	if (IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr)) {
		*ret_family = AF_INET;
		return sa->in6.sin6_addr.s6_addr + 12;
	}
	*ret_family = AF_INET6;
	return sa->in6.sin6_addr.s6_addr;
}

bool
addr_is_loopback(const union sockaddr_any *sa)
{
	int family = AF_UNSPEC;
	const uint8_t *bytes = sockaddr_bytes(sa, &family);

	if (bytes == NULL)
		return false;
	if (family == AF_INET)
		return bytes[0] == 127;
	return memcmp(bytes, &in6addr_loopback, 16) == 0;
}

static bool
prefix_eq(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

int
net_parse(const char *text, struct net *ret)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct net n = { 0 };
	int64_t prefix;
	uint8_t max;

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	n.family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
	max = n.family == AF_INET6 ? 128 : 32;
	if (inet_pton(n.family, host, n.bits) != 1)
		return -EINVAL;
	prefix = max;
	if (slash != NULL && (integer_parse(slash + 1, &prefix) < 0 || prefix < 0 || prefix > max))
		return -EINVAL;
	n.prefix = (uint8_t)prefix;

	for (unsigned bit = n.prefix; bit < max; bit++) {
		if ((n.bits[bit / 8] & (0x80 >> (bit % 8))) != 0)
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

void
net_format(const struct net *n, char *ret, size_t ret_len)
{
	char host[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(n->family, n->bits, host, sizeof(host));
	(void)snprintf(ret, ret_len, "%s/%u", host, (unsigned)n->prefix);
}

bool
net_contains(const struct net *n, const union sockaddr_any *sa)
{
	int family = AF_UNSPEC;
	const uint8_t *bytes = sockaddr_bytes(sa, &family);

	return bytes != NULL && family == n->family && prefix_eq(bytes, n->bits, n->prefix);
}

bool
addr_is_any(const union sockaddr_any *sa)
{
	return sa->sa.sa_family == AF_INET ? sa->in.sin_addr.s_addr == htonl(INADDR_ANY) :
	    sa->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&sa->in6.sin6_addr);
}

bool
addr_same_host(const union sockaddr_any *a, const union sockaddr_any *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	return a->sa.sa_family == AF_INET ? a->in.sin_addr.s_addr == b->in.sin_addr.s_addr :
	    a->sa.sa_family == AF_INET6 &&
	    IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

int
addr_of_socket(int fd, union sockaddr_any *ret)
{
	socklen_t len = sizeof(*ret) - 1;

	*ret = (union sockaddr_any){ 0 };
	return getsockname(fd, &ret->sa, &len) < 0 ? AF_UNSPEC : ret->sa.sa_family;
}

int
addr_find(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret)
{
	int r = getaddrinfo(host, port, hints, ret);

	/* Without a host, the addresses are those of loopback. */
	if (r != 0 && strcasecmp(host, "localhost") == 0)
		r = getaddrinfo(NULL, port, hints, ret);
	return r;
}
