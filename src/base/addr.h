/* SPDX-License-Identifier: ISC */
/*
 * addr: the address that a server listens at or a client connects to, as a URL.
 *
 *	tcp://HOST[:PORT]	HOST: IPv4, [IPv6], a name, or * (any address)
 *	tls://HOST[:PORT]	the same, with TLS
 *	http://HOST[:PORT]	the same as tcp://, for HTTP
 *	https://HOST[:PORT]	the same as tls://, for HTTP
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
#define ADDR_TLS_PORT 7374
#define ADDR_HTTP_PORT 80
#define ADDR_HTTPS_PORT 443

/* Long enough for any peer in text: "[IPv6%scope]:port", or "unix". */
#define ADDR_TEXT 80

enum addr_kind { ADDR_TCP, ADDR_UNIX, ADDR_FD };

struct addr {
	enum addr_kind kind;
	bool is_tls;		/* TCP: with TLS */
	bool is_http;		/* TCP: the URL says that HTTP is spoken */
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
 * Reads a URL. 0, or -EINVAL with a constant string in *ret_why that says in a
 * few words what is wrong. Asks no name server.
 */
int addr_parse(const char *url, struct addr *ret, const char **ret_why);

/* Writes the URL in its full form, always with a port. */
void addr_format(const struct addr *a, char *ret, size_t ret_len);

/* Writes "127.0.0.1:4242", "[::1]:4242" or "unix". */
void addr_format_sockaddr(const union sockaddr_any *sa, char *ret, size_t ret_len);

/* True if the address is in 127.0.0.0/8, ::1 or ::ffff:127.0.0.0/104. */
bool addr_is_loopback(const union sockaddr_any *sa);

/* True for 0.0.0.0 and ::, which stand for every address of their family. */
bool addr_is_any(const union sockaddr_any *sa);

/* True if both are the same host, with any ports. */
bool addr_same_host(const union sockaddr_any *a, const union sockaddr_any *b);

/*
 * Reads the address that a socket is bound to; a path has a NUL behind it.
 * Returns the family, or AF_UNSPEC for a socket without an address.
 */
int addr_of_socket(int fd, union sockaddr_any *ret);

struct addrinfo;

/*
 * Looks a host up as getaddrinfo(3) does, whose result it returns. The name localhost has the
 * addresses of loopback where no look-up of names knows it, as without /etc/hosts. May block.
 */
int addr_find(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret);

/* A network in CIDR notation. */
struct net {
	int family;		/* AF_INET or AF_INET6 */
	uint8_t bits[16];	/* network order; host bits are zero */
	uint8_t prefix;
};

/*
 * Reads "10.0.0.0/8", "::1/128", or an address without a prefix (all bits). 0
 * or -EINVAL, also when host bits are set, which is a likely typing error.
 */
int net_parse(const char *text, struct net *ret);
void net_format(const struct net *n, char *ret, size_t ret_len);

/*
 * True if the peer is in the network. An IPv4 peer of an IPv6 socket
 * (::ffff:a.b.c.d) counts as IPv4.
 */
bool net_contains(const struct net *n, const union sockaddr_any *sa);
