/* SPDX-License-Identifier: ISC */
/* tlslink: asks for a signature and waits for it. */
#include "config.h"

#include "net/tlslink.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/logrec.h"

static void
tlslink_close(struct tlslink *l)
{
	if (l->socket.fd < 0)
		return;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->socket.fd, NULL);
	loop_close_shared(l->loop, &l->socket);
	(void)close(TAKE_FD(l->pipe));
	l->is_silent = false;
}

/* The process with the keys has ended. */
static void
on_hang_up(struct loop_io *io, uint32_t events)
{
	(void)events;
	tlslink_close(CONTAINER_OF(io, struct tlslink, socket));
}

void
tlslink_init(struct tlslink *l, struct loop *loop)
{
	*l = (struct tlslink){ .loop = loop, .socket.fd = -1, .pipe = -1, .epoll_fd = -1 };
}

int
tlslink_load(struct tlslink *l)
{
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll_fd < 0 ? -errno : 0;
}

void
tlslink_done(struct tlslink *l)
{
	tlslink_close(l);
	if (l->epoll_fd >= 0)
		(void)close(TAKE_FD(l->epoll_fd));
}

void
tlslink_attach(struct tlslink *l, struct mail_ends ends)
{
	struct epoll_event e = { .events = EPOLLIN };

	tlslink_close(l);
	l->socket = (struct loop_io){ .fn = on_hang_up, .fd = ends.socket };
	l->pipe = ends.pipe;
	/* The loop hears of the end only: answers are awaited where they are needed. */
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, ends.socket, &e) < 0 ||
	    loop_add(l->loop, &l->socket, EPOLLRDHUP) < 0)
		tlslink_close(l);
}

/* Takes the answer to the last question, if it is there. 0, -EAGAIN, or -EPIPE. */
static int
take(struct tlslink *l, struct signing_answer *ret)
{
	for (;;) {
		ssize_t n = recv(l->socket.fd, ret, sizeof(*ret), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(*ret)) {
			tlslink_close(l);
			return -EPIPE;
		}
		if (ret->id != l->last_id)
			continue;
		if (l->is_silent)
			log_notice("the process keys answers again");
		l->is_silent = false;
		return 0;
	}
}

/* The worker serves nobody meanwhile, hence the short patience. */
static int
await(struct tlslink *l, struct signing_answer *ret)
{
	uint64_t now = clock_usec(), due = now + TLSLINK_PATIENCE_MS * USEC_PER_MSEC;
	struct epoll_event e;
	int r = -EAGAIN;

	while (r == -EAGAIN && now < due) {
		int ms = (int)((due - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC);

		if (epoll_wait(l->epoll_fd, &e, 1, ms) < 0 && errno != EINTR)
			return -errno;
		r = take(l, ret);
		now = clock_usec();
	}
	if (r != -EAGAIN)
		return r;
	l->is_silent = true;
	log_warn("the process 'keys' does not answer; TLS handshakes fail until it answers");
	return -ETIMEDOUT;
}

int
tlslink_sign(struct tlslink *l, const uint8_t key[static SIGNING_KEY], uint16_t scheme,
    const uint8_t *bytes, size_t len, uint8_t ret[static SIGNING_SIGNATURE])
{
	struct signing_ask ask = { .scheme = scheme, .len = (uint16_t)len };
	struct signing_answer answer;
	ssize_t n;
	int r;

	if (!tlslink_is_open(l))
		return -EPIPE;
	if (len > sizeof(ask.bytes))
		return -EMSGSIZE;
	if (l->is_silent && take(l, &answer) < 0)
		return -ETIMEDOUT;
	ask.id = ++l->last_id;
	memcpy(ask.key, key, sizeof(ask.key));
	memcpy(ask.bytes, bytes, len);
	/* A pipe takes a question whole or not at all. */
	n = write(l->pipe, &ask, sizeof(ask));
	if (n < 0 && errno == EPIPE)
		tlslink_close(l);
	if (n != (ssize_t)sizeof(ask))
		return -EPIPE;
	r = await(l, &answer);
	if (r < 0)
		return r;
	if (answer.len == 0 || answer.len > sizeof(answer.signature))
		return -EACCES;
	memcpy(ret, answer.signature, answer.len);
	return answer.len;
}
