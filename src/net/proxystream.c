/* SPDX-License-Identifier: ISC */
/* proxystream: takes the header of a proxy off a socket, and nothing behind it. */
#include "config.h"

#include "net/proxystream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct proxy {
	int (*fn)(struct stream *s, const struct proxyheader *h);
	struct buf begun;	/* a header of which more has to come */
};

/* The first bytes behind a header, while they may begin another. */
struct guard {
	char bytes[PROXYHEADER_SIGN];
	size_t n;
};

static ssize_t
broken(struct stream *s, const char *why)
{
	s->why = why;
	return -EPROTO;
}

/* Looks at bytes that stay in the socket. Returns as stream_ops.recv. */
static ssize_t
look(const struct stream *s, char *bytes, size_t n)
{
	ssize_t r = recv(s->io.fd, bytes, n, MSG_PEEK);

	return r >= 0 ? r : errno == EINTR ? -EAGAIN : -errno;
}

/* Takes bytes that were seen. 0 or -errno. */
static int
take(struct stream *s, char *bytes, size_t n)
{
	ssize_t r = n > 0 ? stream_plain.recv(s, bytes, n) : 0;

	return r == (ssize_t)n ? 0 : r < 0 ? (int)r : -EPROTO;
}

/* A door says nothing before its peer does. */
static ssize_t
proxy_send(struct stream *s, const void *bytes, size_t n)
{
	(void)s;
	(void)bytes;
	(void)n;
	return -EPIPE;
}

static void
plain_shutdown(struct stream *s)
{
	stream_plain.shutdown(s);
}

static void
proxy_close(struct stream *s)
{
	struct proxy *p = s->user;

	buf_done(&p->begun);
	free(p);
	s->user = NULL;
}

static bool
proxy_is_opening(const struct stream *s)
{
	(void)s;
	return true;
}

static ssize_t
proxy_recv(struct stream *s, void *bytes, size_t n)
{
	struct proxy *p = s->user;
	int (*fn)(struct stream *, const struct proxyheader *) = p->fn;
	size_t have = buf_len(&p->begun);
	char head[PROXYHEADER_V2_MAX];
	enum proxyheader_status status;
	struct proxyheader h;
	const char *why;
	ssize_t r;
	int q;

	if (have > 0)
		memcpy(head, buf_data(&p->begun), have);
	r = look(s, head + have, sizeof(head) - have);
	if (r == 0 && have > 0)
		return broken(s, "a PROXY header that is cut off");
	if (r <= 0)
		return r;
	status = proxyheader_parse((struct slice){ head, have + (size_t)r }, &h, &why);
	if (status == PROXYHEADER_BAD)
		return broken(s, why);
	q = take(s, head + have, status == PROXYHEADER_OK ? h.len - have : (size_t)r);
	if (q < 0)
		return q;
	if (status == PROXYHEADER_MORE)
		return buf_append(&p->begun, head + have, (size_t)r) < 0 ? -ENOMEM : -EAGAIN;
	proxy_close(s);
	s->ops = &stream_plain;
	q = fn(s, &h);
	return q < 0 ? q : s->ops->recv(s, bytes, n);
}

static const struct stream_ops stream_proxy = {
	.recv = proxy_recv,
	.send = proxy_send,
	.opening = proxy_is_opening,
	.opening_usec = PROXYSTREAM_USEC,
	.late = "no PROXY header in time",
	.shutdown = plain_shutdown,
	.close = proxy_close,
};

int
proxystream_put(struct stream *s, int (*fn)(struct stream *s, const struct proxyheader *h))
{
	struct proxy *p = malloc(sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	*p = (struct proxy){ .fn = fn, .begun = BUF_INIT(0) };
	s->user = p;
	s->ops = &stream_proxy;
	return 0;
}

/* ---------------------------------------------------------------- guard --- */

static void
guard_close(struct stream *s)
{
	free(TAKE_PTR(s->user));
}

static ssize_t
guard_send(struct stream *s, const void *bytes, size_t n)
{
	return stream_plain.send(s, bytes, n);
}

static ssize_t
guard_recv(struct stream *s, void *bytes, size_t n)
{
	struct guard *g = s->user;
	ssize_t r = look(s, g->bytes + g->n, sizeof(g->bytes) - g->n);
	size_t kept = g->n;
	enum proxyheader_status status;
	int q;

	if (r < 0)
		return r;
	status = proxyheader_begins((struct slice){ g->bytes, g->n + (size_t)r });
	if (r > 0 && status == PROXYHEADER_OK)
		return broken(s, "a second PROXY header");
	if (r > 0 && status == PROXYHEADER_MORE) {
		q = take(s, g->bytes + g->n, (size_t)r);
		g->n += (size_t)r;
		return q < 0 ? q : -EAGAIN;
	}
	/* No header begins here: from now on the stream is plain. */
	if (n <= kept)
		return -ENOBUFS;
	memcpy(bytes, g->bytes, kept);
	guard_close(s);
	s->ops = &stream_plain;
	r = stream_plain.recv(s, (char *)bytes + kept, n - kept);
	return kept == 0 ? r : (ssize_t)kept + (r > 0 ? r : 0);
}

static const struct stream_ops stream_guard = {
	.recv = guard_recv,
	.send = guard_send,
	.shutdown = plain_shutdown,
	.close = guard_close,
};

int
proxystream_guard(struct stream *s)
{
	struct guard *g = malloc(sizeof(*g));

	if (g == NULL)
		return -ENOMEM;
	g->n = 0;
	s->user = g;
	s->ops = &stream_guard;
	return 0;
}
