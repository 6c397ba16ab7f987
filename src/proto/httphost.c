/* SPDX-License-Identifier: ISC */
/* httphost: reads "host:port". */
#include "config.h"

#include "proto/httphost.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define NAME_MAX_BYTES 255
#define PORT_DIGITS 5

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_';
}

static bool
port_parse(struct slice text, uint16_t *ret)
{
	uint32_t port = 0;

	if (text.len == 0 || text.len > PORT_DIGITS || text.data[0] == '0')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(text.data[i] - '0');
	}
	if (port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* Reads "[IPv6]" at the start of text. Returns the bytes that it takes, or 0. */
static size_t
ipv6_parse(struct slice text, struct slice *ret)
{
	const char *end = memchr(text.data, ']', text.len);
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t len;

	if (end == NULL)
		return 0;
	len = (size_t)(end - text.data) - 1;
	if (len >= sizeof(copy) || memchr(text.data + 1, '\0', len) != NULL)
		return 0;
	memcpy(copy, text.data + 1, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET6, copy, &address) != 1)
		return 0;
	*ret = (struct slice){ text.data + 1, len };
	return len + 2;
}

bool
httphost_parse(struct slice text, struct httphost *ret)
{
	struct httphost host = { 0 };
	size_t used;

	if (text.len == 0)
		return false;
	if (text.data[0] == '[') {
		used = ipv6_parse(text, &host.name);
		host.is_ipv6 = true;
	} else {
		for (used = 0; used < text.len && is_name_byte(text.data[used]); used++)
			;
		host.name = (struct slice){ text.data, used };
	}
	if (used == 0 || host.name.len > NAME_MAX_BYTES)
		return false;
	if (used < text.len &&
	    (text.data[used] != ':' || !port_parse((struct slice){ text.data + used + 1,
	    text.len - used - 1 }, &host.port)))
		return false;
	*ret = host;
	return true;
}
