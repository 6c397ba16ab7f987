/* SPDX-License-Identifier: ISC */
/*
 * addr: where a server listens or a client connects, written as a URL.
 *
 *	tcp://HOST[:PORT]	HOST: IPv4, [IPv6], a name, or * (any address)
 *	unix:///PATH		a path in the file system
 *	fd://NAME		a socket passed by systemd under that name
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDR_DEFAULT_PORT 7373

/* Long enough for any peer in text: "[IPv6%scope]:port", or "unix". */
#define ADDR_TEXT 80

enum addr_kind { ADDR_TCP, ADDR_UNIX, ADDR_FD };

struct addr {
	enum addr_kind kind;
	char host[256];		/* TCP: without brackets; "*" is any */
	uint16_t port;		/* TCP */
	char path[108];		/* UNIX: path; FD: name */
};

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage storage;
};

/*
 * Reads a URL. 0, or -EINVAL with *ret_why saying in a few words what is
 * wrong (a constant string). Never looks anything up.
 */
int addr_parse(const char *url, struct addr *ret, const char **ret_why);

/* The URL again, in its full form (port always given). */
void addr_format(const struct addr *a, char *ret, size_t ret_len);

/* "127.0.0.1:4242", "[::1]:4242" or "unix". */
void addr_format_sockaddr(const union sockaddr_any *sa, char *ret, size_t ret_len);

/* Is this an address of 127.0.0.0/8 or ::1 (also ::ffff:127.0.0.0/104)? */
bool addr_is_loopback(const union sockaddr_any *sa);

/* True for 0.0.0.0 and ::, which stand for every address of their family. */
bool addr_is_any(const union sockaddr_any *sa);

/* True if both are the same host, whatever the port. */
bool addr_same_host(const union sockaddr_any *a, const union sockaddr_any *b);

/*
 * What a socket is bound to, a path with a NUL behind it. Returns the family; AF_UNSPEC:
 * nothing.
 */
int addr_of_socket(int fd, union sockaddr_any *ret);

/* A network in CIDR notation. */
struct net {
	int family;		/* AF_INET or AF_INET6 */
	uint8_t bits[16];	/* network order; host bits are zero */
	uint8_t prefix;
};

/*
 * "10.0.0.0/8", "::1/128", or an address without a prefix (all bits). 0 or
 * -EINVAL, also when host bits are set (a likely typing error).
 */
int net_parse(const char *text, struct net *ret);
void net_format(const struct net *n, char *ret, size_t ret_len);

/* An IPv4 peer of an IPv6 socket (::ffff:a.b.c.d) counts as IPv4. */
bool net_contains(const struct net *n, const union sockaddr_any *sa);
