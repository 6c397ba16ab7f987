/* SPDX-License-Identifier: ISC */
/*
 * client: the connection object. Moves bytes between the socket and two buffers
 * and keeps the deadlines. Other files decide what the bytes mean.
 */
#include "config.h"

#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/pin.h"
#include "client/clienttls.h"
#include "proto/credential.h"
#include "proto/resp.h"

#define REPLY_LIMIT (UINT32_C(64) << 20)
#define REPLY_LIMIT_MAX (UINT32_C(1) << 30)
#define CONNECT_TIMEOUT_MS 10000
#define DAY_MS UINT64_C(86400000)
#define MAX_WORDS (1u << 20)
#define TAKE_WHOLE (64u << 10)
#define SECRET_MAX 1024

const char *
reqd_version(void)
{
	return PACKAGE_VERSION;
}

struct reqd *
reqd_new(void)
{
	struct reqd *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = -1;
	c->connect_timeout_ms = CONNECT_TIMEOUT_MS;
	c->deadline_usec = USEC_NEVER;
	c->reply_limit = REPLY_LIMIT;
	c->in = BUF_INIT(REPLY_LIMIT + CLIENT_READ);
	c->out = BUF_INIT(0);
	return c;
}

void
client_reset(struct reqd *c)
{
	c->tls = clienttls_free(c->tls);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->resp3 = false;
	c->write_broken = false;
	c->n_pending = 0;
	c->cursor = (struct reply_cursor){ 0 };
	buf_done(&c->in);
	buf_done(&c->out);
	reqd_result_free(c->exchange.refused);
	reqd_result_free(c->exchange.result);
	c->exchange = (struct exchange){ 0 };
}

static void
forget_login(struct reqd *c)
{
	if (c->secret != NULL)
		explicit_bzero(c->secret, strlen(c->secret));
	free(TAKE_PTR(c->secret));
	free(TAKE_PTR(c->login));
}

struct reqd *
reqd_free(struct reqd *c)
{
	if (c == NULL)
		return NULL;
	client_reset(c);
	forget_login(c);
	free(c->chunk);
	free(c->ca_file);
	free(c->pin);
	free(c->identity);
	free(c);
	return NULL;
}

void
reqd_close(struct reqd *c)
{
	client_reset(c);
}

/* ----------------------------------------------------------- settings --- */

int
reqd_set_connect_timeout(struct reqd *c, unsigned ms)
{
	if (ms == 0 || ms > DAY_MS)
		return client_misuse(c, "the connect timeout must be 1 ms to one day");
	c->connect_timeout_ms = ms;
	return 0;
}

int
reqd_set_deadline(struct reqd *c, uint64_t ms)
{
	if (ms > DAY_MS * 365)
		return client_misuse(c, "the deadline is more than a year away");
	c->deadline_usec = ms == 0 ? USEC_NEVER : clock_usec() + ms * USEC_PER_MSEC;
	return 0;
}

int
reqd_set_reply_limit(struct reqd *c, size_t bytes)
{
	if (bytes < 1024 || bytes > REPLY_LIMIT_MAX)
		return client_misuse(c, "the reply limit must be 1024 bytes to 1 GiB");
	c->reply_limit = bytes;
	c->in.max = bytes + CLIENT_READ;
	return 0;
}

void
reqd_set_interrupt(struct reqd *c, reqd_interrupt_fn *fn, void *arg)
{
	c->interrupt = fn;
	c->interrupt_arg = arg;
}

/* Replaces a text by a copy of another one, or by none (NULL). 0 or an error. */
static int
replace(struct reqd *c, char **at, const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		return client_fail(c, REQD_E_NOMEM, "out of memory");
	free(*at);
	*at = copy;
	return 0;
}

int
reqd_set_tls(struct reqd *c, const char *ca_file)
{
	return replace(c, &c->ca_file, ca_file);
}

int
reqd_pin(struct reqd *c, const char *pin)
{
	if (pin != NULL && !pin_is_valid(pin))
		return client_misuse(c, "a pin is sha256: and 43 letters, digits, '-' and '_'");
	return replace(c, &c->pin, pin);
}

int
reqd_set_identity(struct reqd *c, const char *file)
{
	return replace(c, &c->identity, file);
}

int
reqd_set_login(struct reqd *c, const char *login, const char *secret)
{
	if (secret != NULL && (*secret == '\0' || strlen(secret) > SECRET_MAX))
		return client_misuse(c, "a secret has 1 to %d bytes", SECRET_MAX);
	if (login != NULL && strlen(login) > CREDENTIAL_LOGIN_MAX)
		return client_misuse(c, "a login has at most %d bytes", CREDENTIAL_LOGIN_MAX);
	forget_login(c);
	if (secret == NULL)
		return 0;
	c->login = strdup(login != NULL && *login != '\0' ? login : "default");
	c->secret = strdup(secret);
	if (c->login != NULL && c->secret != NULL)
		return 0;
	forget_login(c);
	return client_fail(c, REQD_E_NOMEM, "out of memory");
}

const char *
reqd_url(const struct reqd *c)
{
	return c->url;
}

const char *
reqd_server(const struct reqd *c)
{
	return c->server;
}

int
reqd_fd(const struct reqd *c)
{
	return c->fd;
}

/* ------------------------------------------------------------- errors --- */

int
reqd_error(const struct reqd *c)
{
	return c->last;
}

const char *
reqd_error_text(const struct reqd *c)
{
	return c->text;
}

int
client_fail(struct reqd *c, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	client_reset(c);
	c->last = c->sticky = code;
	return code;
}

int
client_misuse(struct reqd *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	c->last = REQD_E_INVALID;
	return REQD_E_INVALID;
}

int
client_check(struct reqd *c)
{
	if (c->sticky != 0)
		return c->last = c->sticky;
	if (c->fd < 0)
		return client_fail(c, REQD_E_CLOSED, "not connected");
	return 0;
}

/* ---------------------------------------------------------- the pump --- */

int
client_poll_ms(uint64_t due_usec)
{
	uint64_t now, ms;

	if (due_usec == USEC_NEVER)
		return -1;
	now = clock_usec();
	if (now >= due_usec)
		return 0;
	ms = (due_usec - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Bytes to and from the server, over TLS or plain. As send(2) and recv(2). */
static ssize_t
client_send(struct reqd *c, const void *data, size_t len)
{
	ssize_t n;

	if (c->tls == NULL)
		return send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	n = clienttls_send(c->tls, data, len);
	if (n >= 0)
		return n;
	errno = (int)-n;
	return -1;
}

static ssize_t
client_recv(struct reqd *c, void *data, size_t len)
{
	ssize_t n;

	if (c->tls == NULL)
		return recv(c->fd, data, len, MSG_DONTWAIT);
	n = clienttls_recv(c->tls, data, len);
	if (n >= 0)
		return n;
	errno = (int)-n;
	return -1;
}

int
client_push_out(struct reqd *c)
{
	while (buf_len(&c->out) > 0 && !c->write_broken) {
		ssize_t n = client_send(c, buf_data(&c->out), buf_len(&c->out));

		if (n >= 0) {
			c->n_sent += (uint64_t)n;
			buf_consume(&c->out, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		/*
		 * The server may have said why it closed: read on, and let the
		 * end of the input be the error.
		 */
		if (errno == EPIPE || errno == ECONNRESET) {
			c->write_broken = true;
			return 0;
		}
		return client_fail(c, REQD_E_CLOSED, "cannot send to %s: %s", c->url,
		    strerror(errno));
	}
	return 0;
}

static int
client_pull_in(struct reqd *c)
{
	char *to = buf_reserve(&c->in, CLIENT_READ);
	ssize_t n;

	if (to == NULL && buf_len(&c->in) >= c->reply_limit)
		return client_fail(c, REQD_E_LIMIT,
		    "%s sent more than the reply limit of %zu bytes", c->url,
		    c->reply_limit);
	if (to == NULL)
		return client_fail(c, REQD_E_NOMEM, "out of memory");
	n = client_recv(c, to, CLIENT_READ);
	if (n > 0) {
		c->has_heard = true;
		buf_commit(&c->in, (size_t)n);
		return 0;
	}
	if (n == 0)
		return client_fail(c, REQD_E_CLOSED, "%s closed the connection%s", c->url,
		    buf_len(&c->in) > 0 ? " in the middle of a reply" : "");
	if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	if (errno == EKEYREJECTED)
		return client_fail(c, REQD_E_REFUSED, "%s %s", c->url, c->identity == NULL ?
		    "lets in only clients that show a certificate" :
		    "does not know the key and the certificate that it was shown");
	return client_fail(c, REQD_E_CLOSED, "connection to %s lost: %s", c->url,
	    strerror(errno));
}

int
client_turn(struct reqd *c, enum client_wait wait, int input_fd, bool *ret_input)
{
	struct pollfd p[2] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = input_fd, .events = POLLIN },
	};
	/* Bytes that TLS has read already cause no event. */
	bool is_pending = c->tls != NULL && clienttls_is_pending(c->tls);
	int n, r;

	if (buf_len(&c->out) > 0 && !c->write_broken)
		p[0].events |= POLLOUT;
	n = poll(p, 2, wait == CLIENT_POLL || is_pending ? 0 : client_poll_ms(c->deadline_usec));
	if (is_pending) {
		p[0].revents = (short)(n > 0 ? p[0].revents | POLLIN : POLLIN);
		p[1].revents = n > 0 ? p[1].revents : 0;
		n = 1;
	}
	if (n < 0 && errno == EINTR && c->interrupt != NULL && c->interrupt(c->interrupt_arg) != 0)
		return client_fail(c, REQD_E_STOPPED, "stopped by a signal");
	if (n < 0 && errno != EINTR)
		return client_fail(c, REQD_E_CLOSED, "poll: %s", strerror(errno));
	if (n <= 0) {
		if (clock_usec() < c->deadline_usec)
			return 0;
		return client_fail(c, REQD_E_TIMEOUT, "no answer from %s in time", c->url);
	}
	if ((p[0].revents & POLLOUT) != 0) {
		r = client_push_out(c);
		if (r < 0)
			return r;
	}
	if ((p[0].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0) {
		r = client_pull_in(c);
		if (r < 0)
			return r;
	}
	if (p[1].revents != 0)
		*ret_input = true;
	/*
	 * A server that never pauses must not keep the client past its
	 * deadline.
	 */
	if (c->deadline_usec != USEC_NEVER && clock_usec() >= c->deadline_usec)
		return client_fail(c, REQD_E_TIMEOUT, "no answer from %s in time", c->url);
	return 0;
}

static int
bad_reply(struct reqd *c, const char *why)
{
	if (strcmp(why, "value too big") == 0 || strcmp(why, "too many items") == 0)
		return client_fail(c, REQD_E_LIMIT,
		    "%s sent a reply above the limit of %zu bytes", c->url, c->reply_limit);
	return client_fail(c, REQD_E_PROTOCOL, "%s does not speak reqd's protocol, RESP: %s",
	    c->url, why);
}

int
client_decode(struct reqd *c, struct value **ret, size_t *ret_used)
{
	struct reply_limits limits = {
		.max_bytes = c->reply_limit,
		/* The memory of the tree, too, stays below the limit. */
		.max_items = (uint32_t)(c->reply_limit / 256 < 1024 ? 1024 : c->reply_limit / 256),
		.max_depth = REPLY_RESULT_DEPTH,
	};
	const char *why = "";
	int r;

	if (buf_len(&c->in) == 0)
		return 1;
	r = reply_decode(buf_slice(&c->in), &limits, &c->cursor, ret, ret_used, &why);
	switch (r) {
	case REPLY_OK:
		return 0;
	case REPLY_AGAIN:
		return 1;
	case -ENOMEM:
		return client_fail(c, REQD_E_NOMEM, "out of memory");
	default:
		return bad_reply(c, why);
	}
}

void
client_consume(struct reqd *c, size_t used)
{
	buf_consume(&c->in, used);
	c->cursor = (struct reply_cursor){ 0 };
}

/* Points the texts of a tree at a copy of its bytes. */
static void
value_rebase(struct value *v, const char *from, const char *to)
{
	if (v->text.data != NULL)
		v->text.data = to + (v->text.data - from);
	for (size_t i = 0; i < v->n_items; i++)
		value_rebase(&v->items[i], from, to);
}

int
client_take(struct reqd *c, struct value *v, size_t used, char **ret)
{
	const char *from = buf_data(&c->in);
	char *bytes;

	/*
	 * A large reply that fills the whole buffer: hand over the buffer with
	 * it.
	 */
	if (used >= TAKE_WHOLE && used == buf_len(&c->in) && c->in.start == 0) {
		*ret = buf_take(&c->in, &used);
		c->cursor = (struct reply_cursor){ 0 };
		return 0;
	}
	bytes = malloc(used);
	if (bytes == NULL)
		return REQD_E_NOMEM;
	memcpy(bytes, from, used);
	value_rebase(v, from, bytes);
	client_consume(c, used);
	*ret = bytes;
	return 0;
}

/* ------------------------------------------------ requests and replies --- */

int
reqd_send(struct reqd *c, size_t argc, const char *const *argv, const size_t *lens)
{
	CLEANUP_FREE struct slice *words = NULL;
	int r;

	if (argc == 0 || argc > MAX_WORDS)
		return client_misuse(c, "a request has 1 to %u words", MAX_WORDS);
	r = client_check(c);
	if (r < 0)
		return r;
	if (c->exchange.state != EXCHANGE_NONE)
		return client_misuse(c, "a call is in progress");
	words = calloc(argc, sizeof(*words));
	if (words == NULL)
		return client_fail(c, REQD_E_NOMEM, "out of memory");
	for (size_t i = 0; i < argc; i++)
		words[i] = (struct slice){ argv[i], lens != NULL ? lens[i] : strlen(argv[i]) };
	resp_request(&c->out, words, argc);
	if (buf_failed(&c->out))
		return client_fail(c, REQD_E_NOMEM, "out of memory");
	c->n_pending++;
	r = client_push_out(c);
	while (r == 0 && buf_len(&c->out) > 0 && !c->write_broken)
		r = client_turn(c, CLIENT_BLOCK, -1, NULL);
	return r;
}

/*
 * The object that reqd_receive returns: the root first, so that a pointer to
 * the root is one to the object.
 */
struct received {
	struct value root;
	struct value *tree;
	char *bytes;
};

int
reqd_receive(struct reqd *c, struct reqd_value **ret)
{
	CLEANUP(value_freep) struct value *v = NULL;
	CLEANUP_FREE struct received *box = NULL;
	size_t used;
	int r = client_check(c);

	if (r < 0)
		return r;
	if (c->exchange.state != EXCHANGE_NONE)
		return client_misuse(c, "a call is in progress");
	for (;;) {
		r = client_decode(c, &v, &used);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		r = client_turn(c, CLIENT_BLOCK, -1, NULL);
		if (r < 0)
			return r;
	}
	box = calloc(1, sizeof(*box));
	if (box == NULL || client_take(c, v, used, &box->bytes) < 0)
		return client_fail(c, REQD_E_NOMEM, "out of memory");
	if (v->kind != VALUE_PUSH && c->n_pending > 0)
		c->n_pending--;
	box->root = *v;
	box->tree = TAKE_PTR(v);
	*ret = (struct reqd_value *)(void *)&TAKE_PTR(box)->root;
	return 0;
}

int
reqd_request(struct reqd *c, struct reqd_value **ret, size_t argc, const char *const *argv)
{
	struct reqd_value *v = NULL;
	int r = reqd_send(c, argc, argv, NULL);

	while (r == 0) {
		r = reqd_receive(c, &v);
		if (r < 0 || reqd_value_kind(v) != REQD_PUSH)
			break;
		v = reqd_value_free(v);
	}
	if (r == 0)
		*ret = v;
	return r;
}

struct reqd_value *
reqd_value_free(struct reqd_value *v)
{
	struct received *box = (struct received *)(void *)v;

	if (box == NULL)
		return NULL;
	value_free(box->tree);
	free(box->bytes);
	free(box);
	return NULL;
}
