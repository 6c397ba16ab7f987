/* SPDX-License-Identifier: ISC */
/* proxyheader: reads what a proxy says about the client that it passes on. */
#include "config.h"

#include "proto/proxyheader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static const char sign_v1[] = "PROXY ";
static const char sign_v2[] = "\r\n\r\n\0\r\nQUIT\n";

_Static_assert(sizeof(sign_v2) - 1 == PROXYHEADER_SIGN, "the longer sign");

/* Version 2: the sign, version and command, family, two bytes of length. */
#define V2_HEAD 16
#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_UNKNOWN 0x00
#define V2_TCP4 0x11
#define V2_TCP6 0x21
#define V2_UNIX_STREAM 0x31
#define V2_UNIX_DGRAM 0x32
/* Two addresses and two ports. */
#define V2_TCP4_LEN 12
#define V2_TCP6_LEN 36

static enum proxyheader_status
bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return PROXYHEADER_BAD;
}

static enum proxyheader_status
begins_with(struct slice bytes, const char *sign, size_t len)
{
	size_t n = bytes.len < len ? bytes.len : len;

	if (n > 0 && memcmp(bytes.data, sign, n) != 0)
		return PROXYHEADER_BAD;
	return n == len ? PROXYHEADER_OK : PROXYHEADER_MORE;
}

enum proxyheader_status
proxyheader_begins(struct slice bytes)
{
	enum proxyheader_status v1 = begins_with(bytes, sign_v1, sizeof(sign_v1) - 1);

	return v1 != PROXYHEADER_BAD ? v1 : begins_with(bytes, sign_v2, sizeof(sign_v2) - 1);
}

/* ------------------------------------------------------------ addresses --- */

/* The reason why a client cannot have this address; NULL: it can. */
static const char *
address_fault(const union sockaddr_any *sa)
{
	const uint8_t *v4 = NULL;

	if (addr_is_loopback(sa))
		return "a PROXY header with a loopback address";
	if (sa->sa.sa_family == AF_INET)
		v4 = (const uint8_t *)&sa->in.sin_addr;
	else if (IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr))
		v4 = sa->in6.sin6_addr.s6_addr + 12;
	if (v4 != NULL ? v4[0] == 0 : IN6_IS_ADDR_UNSPECIFIED(&sa->in6.sin6_addr))
		return "a PROXY header with an unspecified address";
	if (v4 != NULL ? v4[0] >= 224 && (v4[0] < 240 || memcmp(v4, "\xff\xff\xff\xff", 4) == 0) :
	    IN6_IS_ADDR_MULTICAST(&sa->in6.sin6_addr))
		return "a PROXY header with a multicast address";
	return NULL;
}

static enum proxyheader_status
finish(size_t len, const union sockaddr_any *source, struct proxyheader *ret,
    const char **ret_why)
{
	const char *why = source != NULL ? address_fault(source) : NULL;

	if (why != NULL)
		return bad(ret_why, why);
	*ret = (struct proxyheader){ .len = len, .is_own = source == NULL };
	if (source != NULL)
		ret->source = *source;
	return PROXYHEADER_OK;
}

/* ------------------------------------------------------------ version 1 --- */

/* Takes the word up to the next blank, which is taken too. Empty: there is none. */
static struct slice
take_word(struct slice *rest)
{
	const char *blank = rest->len > 0 ? memchr(rest->data, ' ', rest->len) : NULL;
	struct slice word = { rest->data, blank != NULL ? (size_t)(blank - rest->data) : rest->len };
	size_t taken = word.len + (blank != NULL);

	rest->data += taken;
	rest->len -= taken;
	return word;
}

/* 0 or -EINVAL. The longest text of an address is shorter than the line. */
static int
read_address(struct slice word, int family, union sockaddr_any *ret)
{
	char text[PROXYHEADER_V1_MAX];

	if (word.len == 0 || word.len >= sizeof(text) || memchr(word.data, '\0', word.len) != NULL)
		return -EINVAL;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	*ret = (union sockaddr_any){ .sa.sa_family = (sa_family_t)family };
	return inet_pton(family, text, family == AF_INET ? (void *)&ret->in.sin_addr :
	    (void *)&ret->in6.sin6_addr) == 1 ? 0 : -EINVAL;
}

/* A port without leading zeros. 0 or -EINVAL. */
static int
read_port(struct slice word, in_port_t *ret)
{
	uint32_t n = 0;

	if (word.len == 0 || word.len > 5 || (word.data[0] == '0' && word.len > 1))
		return -EINVAL;
	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] < '0' || word.data[i] > '9')
			return -EINVAL;
		n = n * 10 + (uint32_t)(word.data[i] - '0');
	}
	if (n > UINT16_MAX)
		return -EINVAL;
	*ret = htons((uint16_t)n);
	return 0;
}

static enum proxyheader_status
parse_v1(struct slice bytes, struct proxyheader *ret, const char **ret_why)
{
	size_t most = bytes.len < PROXYHEADER_V1_MAX ? bytes.len : PROXYHEADER_V1_MAX;
	const char *end = memchr(bytes.data, '\r', most);
	struct slice rest, family, from, to;
	union sockaddr_any source, target;
	in_port_t port, target_port;
	size_t len;
	int af;

	/* The line feed has to be within the most, too. */
	if (end == NULL || end + 1 == bytes.data + PROXYHEADER_V1_MAX)
		return bytes.len < PROXYHEADER_V1_MAX ? PROXYHEADER_MORE :
		    bad(ret_why, "a PROXY header that is too long");
	len = (size_t)(end - bytes.data) + 2;
	if (bytes.len < len)
		return PROXYHEADER_MORE;
	if (end[1] != '\n')
		return bad(ret_why, "a PROXY header whose line does not end");
	rest = (struct slice){ bytes.data + sizeof(sign_v1) - 1, len - 2 - (sizeof(sign_v1) - 1) };
	family = take_word(&rest);
	if (slice_is(family, "UNKNOWN"))
		return finish(len, NULL, ret, ret_why);
	if (!slice_is(family, "TCP4") && !slice_is(family, "TCP6"))
		return bad(ret_why, "a PROXY header of an unknown family");
	af = slice_is(family, "TCP4") ? AF_INET : AF_INET6;
	from = take_word(&rest);
	to = take_word(&rest);
	if (read_address(from, af, &source) < 0 || read_address(to, af, &target) < 0 ||
	    read_port(take_word(&rest), &port) < 0)
		return bad(ret_why, "a PROXY header with a malformed address");
	/* The last word has no blank behind it. */
	if (read_port(rest, &target_port) < 0)
		return bad(ret_why, "a PROXY header with a malformed address");
	if (af == AF_INET)
		source.in.sin_port = port;
	else
		source.in6.sin6_port = port;
	return finish(len, &source, ret, ret_why);
}

/* ------------------------------------------------------------ version 2 --- */

/* True if these bytes are whole pieces of type, length and value. */
static bool
is_pieces(const uint8_t *at, size_t n)
{
	while (n >= 3) {
		size_t len = (size_t)at[1] << 8 | at[2];

		if (len > n - 3)
			return false;
		at += 3 + len;
		n -= 3 + len;
	}
	return n == 0;
}

static enum proxyheader_status
parse_v2(struct slice bytes, struct proxyheader *ret, const char **ret_why)
{
	const uint8_t *b = (const uint8_t *)bytes.data;
	union sockaddr_any source = { .sa.sa_family = AF_UNSPEC };
	size_t body, need;

	if (bytes.len > 12 && b[12] != V2_LOCAL && b[12] != V2_PROXY)
		return bad(ret_why, "a PROXY header of an unknown version or command");
	if (bytes.len < V2_HEAD)
		return PROXYHEADER_MORE;
	body = (size_t)b[14] << 8 | b[15];
	if (body > PROXYHEADER_V2_MAX - V2_HEAD)
		return bad(ret_why, "a PROXY header that is too long");
	/* A proxy that speaks for itself may send anything as addresses. */
	if (b[12] == V2_LOCAL)
		return bytes.len - V2_HEAD < body ? PROXYHEADER_MORE :
		    finish(V2_HEAD + body, NULL, ret, ret_why);
	switch (b[13]) {
	case V2_UNKNOWN: need = 0; break;
	case V2_TCP4: need = V2_TCP4_LEN; break;
	case V2_TCP6: need = V2_TCP6_LEN; break;
	case V2_UNIX_STREAM:
	case V2_UNIX_DGRAM: return bad(ret_why, "a PROXY header with a unix address");
	default: return bad(ret_why, "a PROXY header of an unknown family");
	}
	if (body < need)
		return bad(ret_why, "a PROXY header that is too short for its addresses");
	if (bytes.len - V2_HEAD < body)
		return PROXYHEADER_MORE;
	if (need == 0)
		return finish(V2_HEAD + body, NULL, ret, ret_why);
	if (!is_pieces(b + V2_HEAD + need, body - need))
		return bad(ret_why, "a PROXY header with malformed additions");
	if (need == V2_TCP4_LEN) {
		source.in.sin_family = AF_INET;
		memcpy(&source.in.sin_addr, b + V2_HEAD, 4);
		memcpy(&source.in.sin_port, b + V2_HEAD + 8, 2);
	} else {
		source.in6.sin6_family = AF_INET6;
		memcpy(&source.in6.sin6_addr, b + V2_HEAD, 16);
		memcpy(&source.in6.sin6_port, b + V2_HEAD + 32, 2);
	}
	return finish(V2_HEAD + body, &source, ret, ret_why);
}

enum proxyheader_status
proxyheader_parse(struct slice bytes, struct proxyheader *ret, const char **ret_why)
{
	enum proxyheader_status s = begins_with(bytes, sign_v1, sizeof(sign_v1) - 1);

	if (s == PROXYHEADER_OK)
		return parse_v1(bytes, ret, ret_why);
	if (s == PROXYHEADER_BAD) {
		s = begins_with(bytes, sign_v2, sizeof(sign_v2) - 1);
		if (s == PROXYHEADER_OK)
			return parse_v2(bytes, ret, ret_why);
		if (s == PROXYHEADER_BAD)
			return bad(ret_why, "no PROXY header, which is expected from there");
	}
	return PROXYHEADER_MORE;
}
