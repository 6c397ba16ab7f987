/* SPDX-License-Identifier: ISC */
/* dial: tries a list of URLs until a server has answered the greeting. */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/fd.h"
#include "base/pin.h"
#include "client/client.h"
#include "client/clienttls.h"
#include "proto/loginurl.h"

#define DEFAULT_SOCKET "unix://" RUNSTATEDIR "/reqd/reqd.sock"
#define DEFAULT_TCP "tcp://127.0.0.1:7373"

/* One server to try. The login points into the URL or the connection. */
struct target {
	struct addr addr;
	struct slice login, secret;	/* data NULL: none */
	char pin[PIN_TEXT];	/* of a server over TLS; "": none */
};

/*
 * Returns the earlier of the deadline of the connection and that of this
 * attempt.
 */
static uint64_t
attempt_due(const struct reqd *c)
{
	uint64_t due = clock_usec() + c->connect_timeout_ms * USEC_PER_MSEC;

	return due < c->deadline_usec ? due : c->deadline_usec;
}

/*
 * Waits until a socket is connected. 0, or -errno; -ETIMEDOUT when it took too
 * long.
 */
static int
wait_connected(int fd, uint64_t due)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int n, error = 0;

	do {
		n = poll(&p, 1, client_poll_ms(due));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

static int
connect_tcp(const struct addrinfo *ai, uint64_t due, int *ret)
{
	CLEANUP_CLOSE int fd = -1;
	int r, on = 1;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		if (errno != EINPROGRESS && errno != EINTR)
			return -errno;
		r = wait_connected(fd, due);
		if (r < 0)
			return r;
	}
	/*
	 * A request leaves in one piece; the kernel must not wait for more
	 * bytes.
	 */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*ret = TAKE_FD(fd);
	return 0;
}

/*
 * Connects to a unix socket. A non-blocking connect gives up at once when the
 * backlog is full, and poll(2) cannot wait for room. A blocking connect waits,
 * as long as the send timeout.
 */
static int
connect_unix(const struct addr *a, uint64_t due, int *ret)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = -1;
	int r, ms = client_poll_ms(due);
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms <= 0)
		return -ETIMEDOUT;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", a->path);
	do {
		r = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	r = fd_set_nonblock(fd, true);
	if (r < 0)
		return r;
	*ret = TAKE_FD(fd);
	return 0;
}

static void
addrinfo_freep(struct addrinfo **ai)
{
	if (*ai != NULL)
		freeaddrinfo(*ai);
}

static int
connect_failed(struct reqd *c, const char *why)
{
	return client_fail(c, REQD_E_CONNECT, "cannot connect to %s: %s", c->url, why);
}

static int
dial_tcp(struct reqd *c, const struct addr *a, uint64_t due, int *ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	CLEANUP(addrinfo_freep) struct addrinfo *list = NULL;
	char port[8], why[512];
	int r;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)a->port);
	r = addr_find(a->host, port, &hints, &list);
	if (r != 0) {
		(void)snprintf(why, sizeof(why), "%s: this machine knows no address of '%s'; give an "
		    "address or another name", r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r),
		    a->host);
		return connect_failed(c, why);
	}
	r = -EADDRNOTAVAIL;
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		r = connect_tcp(ai, due, ret);
		if (r == 0)
			return 0;
	}
	return connect_failed(c, strerror(-r));
}

/* ----------------------------------------------------------------- TLS --- */

/*
 * Makes TLS over the connected socket of c, and checks the server before anything is
 * sent to it. 0 or an error.
 */
static int
shake_hands(struct reqd *c, const struct target *t, uint64_t due)
{
	const struct clienttls_trust trust = {
		.host = t->addr.host,
		.pin = *t->pin != '\0' ? t->pin : c->pin,
		.ca_file = c->ca_file,
		.identity = c->identity,
	};
	char why[512];
	int r;

	c->tls = clienttls_new(c->fd, &trust, why, sizeof(why));
	if (c->tls == NULL)
		return connect_failed(c, why);
	for (;;) {
		struct pollfd p = { .fd = c->fd };

		r = clienttls_shake(c->tls, why, sizeof(why));
		if (r != -EAGAIN)
			break;
		p.events = clienttls_events(c->tls);
		if (poll(&p, 1, client_poll_ms(due)) < 0 && errno != EINTR)
			return connect_failed(c, strerror(errno));
		if (clock_usec() >= due)
			return connect_failed(c, "no TLS handshake in time");
	}
	return r == 0 ? 0 : r == -EKEYREJECTED ?
	    client_fail(c, REQD_E_TRUST, "%s: %s", c->url, why) : connect_failed(c, why);
}

/* --------------------------------------------------------------- HELLO --- */

static void
server_name(struct reqd *c, const struct reqd_value *hello)
{
	size_t n, m;
	const char *name = reqd_value_data(reqd_value_get(hello, "server"), &n);
	const char *version = reqd_value_data(reqd_value_get(hello, "version"), &m);

	if (n == 0 || n > 30 || m > 30)
		return;
	(void)snprintf(c->server, sizeof(c->server), "%.*s %.*s", (int)n, name, (int)m, version);
	for (char *p = c->server; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
}

/* True if nobody on the way can read what is sent: there is no network. */
static bool
is_private(const struct reqd *c)
{
	union sockaddr_any sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getpeername(c->fd, &sa.sa, &len) < 0)
		return false;
	return c->tls != NULL || sa.sa.sa_family == AF_UNIX || addr_is_loopback(&sa);
}

/* Says HELLO, with the login if there is one: both are one packet. */
static int
greet(struct reqd *c, struct slice login, struct slice secret)
{
	const char *const hello[] = { "HELLO", "3", "AUTH", login.data, secret.data };
	const size_t lens[] = { 5, 1, 4, login.len, secret.len };
	struct reqd_value *v = NULL;
	char text[256];
	struct slice s;
	int r;

	if (secret.data != NULL && !is_private(c))
		return client_fail(c, REQD_E_REFUSED, "%s: a secret must not travel in the clear; "
		    "nothing was sent", c->url);
	r = reqd_send(c, secret.data != NULL ? 5 : 2, hello, lens);
	/* The bytes are sent, and must not stay in memory. */
	if (c->out.data != NULL && buf_len(&c->out) == 0)
		explicit_bzero(c->out.data, c->out.cap);
	if (r == 0)
		r = reqd_receive(c, &v);
	if (r < 0)
		return r;
	s.data = reqd_value_data(v, &s.len);
	if (reqd_value_kind(v) == REQD_ERROR && slice_starts(s, "WRONGPASS ")) {
		r = client_fail(c, REQD_E_REFUSED, "%s does not take this login (WRONGPASS): it is wrong, revoked, "
		    "off, expired or not for this network, and the log there says which; its "
		    "administrator makes a new one with 'reqctl grant'", c->url);
	} else if (reqd_value_kind(v) == REQD_ERROR) {
		r = client_fail(c, REQD_E_REFUSED, "%s refused the connection: %s", c->url,
		    escape_printable(s, text, sizeof(text)));
	} else if (reqd_value_kind(v) != REQD_MAP ||
	    reqd_value_integer(reqd_value_get(v, "proto")) != 3) {
		r = client_fail(c, REQD_E_PROTOCOL, "%s does not speak RESP3, as reqd does",
		    c->url);
	} else {
		server_name(c, v);
		c->resp3 = true;
	}
	reqd_value_free(v);
	return r;
}

/* Takes fd, which is connected to a target; kind ADDR_FD: to an address that is not known. */
static int
adopt(struct reqd *c, int fd, const struct target *t, unsigned flags, uint64_t due)
{
	c->fd = fd;
	c->has_heard = false;
	c->sticky = c->last = 0;
	c->text[0] = '\0';
	if (t->addr.is_tls) {
		int r = shake_hands(c, t, due);

		if (r < 0)
			return r;
	}
	return (flags & REQD_NO_HELLO) != 0 ? 0 : greet(c, t->login, t->secret);
}

static int
dial_once(struct reqd *c, const struct target *t, unsigned flags, uint64_t due)
{
	const struct addr *a = &t->addr;
	int fd = -1, r;

	client_reset(c);
	if (a->kind == ADDR_TCP) {
		r = dial_tcp(c, a, due, &fd);
		if (r < 0)
			return r;
	} else {
		r = connect_unix(a, due, &fd);
		if (r < 0)
			return connect_failed(c, strerror(-r));
	}
	return adopt(c, fd, t, flags, due);
}

/*
 * Connects to one URL, which has been checked. The greeting counts for its
 * timeout, too. A server that ends while it accepts, as in a restart, has not
 * been asked anything yet; so ask its successor.
 */
static int
dial_one(struct reqd *c, const struct target *t, unsigned flags)
{
	uint64_t due = attempt_due(c), deadline = c->deadline_usec;
	int r;

	c->server[0] = '\0';
	addr_format(&t->addr, c->url, sizeof(c->url));
	c->deadline_usec = due;
	r = dial_once(c, t, flags, due);
	if (r == REQD_E_CLOSED && !c->has_heard)
		r = dial_once(c, t, flags, due);
	c->deadline_usec = deadline;
	return r;
}

/* The login set for the connection; empty where there is none. */
static struct slice
set_text(const char *text)
{
	return text != NULL ? slice_of(text) : (struct slice){ 0 };
}

/* Copies the pin behind the "#" of a URL. False: what stands there is no pin. */
static bool
copy_pin(struct slice pin, char ret[static PIN_TEXT])
{
	if (pin.data == NULL)
		return true;
	(void)snprintf(ret, PIN_TEXT, "%.*s", (int)(pin.len < PIN_TEXT ? pin.len : 0),
	    pin.data);
	return pin_is_valid(ret);
}

static int
parse_url(struct reqd *c, const char *text, struct target *ret)
{
	bool is_tls = strncmp(text, "tls://", 6) == 0;
	char shown[160], rest[400], url[512];
	struct slice plain = slice_of(text);
	const char *why = "";
	struct loginurl u;

	loginurl_split(plain, &u);
	/* From here on the text is without its secret, so it may be shown. */
	if (u.login.data != NULL)
		plain = u.rest;
	else
		u.scheme.len = 0;
	if (u.login.data == NULL && is_tls && u.pin.data != NULL)
		plain.len = (size_t)(u.pin.data - 1 - text);
	(void)snprintf(rest, sizeof(rest), "%.*s%.*s", (int)u.scheme.len, u.scheme.data,
	    (int)(plain.len < sizeof(rest) ? plain.len : sizeof(rest)), plain.data);
	(void)snprintf(url, sizeof(url), "%s%s", *rest == '/' ? "unix://" :
	    strstr(rest, "://") != NULL ? "" : "tcp://", rest);
	if (is_tls && !copy_pin(u.pin, ret->pin))
		return client_misuse(c, "\"%s\": behind the # stands no pin", escape_printable(
		    slice_of(rest), shown, sizeof(shown)));
	if (addr_parse(url, &ret->addr, &why) < 0)
		return client_misuse(c, "\"%s\": %s", escape_printable(slice_of(rest), shown,
		    sizeof(shown)), why);
	if (ret->addr.is_http)
		return client_misuse(c, "%s: this client does not speak HTTP; use the tls://, tcp:// "
		    "or unix:// address of the server, or an HTTP client", rest);
	if (ret->addr.kind == ADDR_FD)
		return client_misuse(c, "%s: a client cannot connect to fd://", rest);
	if (ret->addr.kind == ADDR_TCP && (strcmp(ret->addr.host, "*") == 0 || ret->addr.port == 0))
		return client_misuse(c, "%s: not an address to connect to", rest);
	ret->login = u.login.data != NULL ? u.login : set_text(c->login);
	ret->secret = u.secret.data != NULL ? u.secret : set_text(c->secret);
	if (ret->login.data != NULL && ret->secret.data == NULL)
		return client_misuse(c, "%s: a login needs a secret; set it with reqd_set_login()",
		    escape_printable(slice_of(rest), shown, sizeof(shown)));
	return 0;
}

static int
parse_urls(struct reqd *c, const char *const *urls, size_t n, struct target *ret)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = parse_url(c, urls[i], &ret[i]);
	return r;
}

int
reqd_connect(struct reqd *c, const char *const *urls, size_t n, unsigned flags)
{
	const char *defaults[] = { DEFAULT_SOCKET, DEFAULT_TCP };
	CLEANUP_FREE struct target *targets = NULL;
	char all[CLIENT_TEXT] = "";
	int r;

	if (n == 0) {
		const char *env = getenv("REQD_SERVER");

		urls = defaults;
		n = 2;
		if (env != NULL && *env != '\0') {
			defaults[0] = env;
			n = 1;
		}
	}
	targets = calloc(n, sizeof(*targets));
	if (targets == NULL)
		return client_fail(c, REQD_E_NOMEM, "out of memory");
	r = parse_urls(c, urls, n, targets);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = dial_one(c, &targets[i], flags);
		if (r == 0)
			return 0;
		if (i > 0)
			(void)strlcat(all, "; ", sizeof(all));
		(void)strlcat(all, c->text, sizeof(all));
	}
	return client_fail(c, r, "%s", all);
}

int
reqd_attach(struct reqd *c, int fd, const char *name, unsigned flags)
{
	const struct target t = {
		.addr.kind = ADDR_FD,
		.login = set_text(c->login),
		.secret = set_text(c->secret),
	};
	int r;

	client_reset(c);
	c->server[0] = '\0';
	(void)snprintf(c->url, sizeof(c->url), "%s", name);
	r = fd_set_nonblock(fd, true);
	if (r < 0) {
		(void)close(fd);
		return connect_failed(c, strerror(-r));
	}
	return adopt(c, fd, &t, flags, 0);
}
