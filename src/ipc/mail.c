/* SPDX-License-Identifier: ISC */
/* Sends frames at the end of a turn, receives them, and matches answers to questions. */
#include "config.h"

#include "ipc/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sparse.h"
#include "ipc/channel.h"

_Static_assert(MAIL_PIPE_BATCH * FRAME_SIZE == PIPE_BUF, "a pipe takes a batch at once");

/*
 * After ETOOMANYREFS (the account has too many descriptors in transit) no event
 * tells when sending works again.
 */
#define RETRY_USEC (5 * USEC_PER_MSEC)

static void on_flush(struct loop_task *t);
static void on_retry(struct loop_timer *t);
static void on_room(struct loop_io *io, uint32_t events);
static void on_readable(struct loop_io *io, uint32_t events);

int
mail_pair(struct mail_ends *ret_above, struct mail_ends *ret_below)
{
	int sockets[2], pipes[2], r = channel_pair(sockets);

	if (r < 0)
		return r;
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		channel_close_fds(sockets, 2);
		return r;
	}
	/* With this direction closed, nobody can send a message with descriptors to this end. */
	(void)shutdown(sockets[0], SHUT_RD);
	*ret_above = (struct mail_ends){ sockets[0], pipes[0] };
	*ret_below = (struct mail_ends){ sockets[1], pipes[1] };
	return 0;
}

void
mail_init(struct mail *m, enum mail_place place, struct loop *loop, const struct mail_ops *ops)
{
	*m = (struct mail){
		.in.fd = -1, .out.fd = -1, .loop = loop, .place = place, .ops = ops,
		.flush.fn = on_flush, .retry.fn = on_retry,
	};
	TAILQ_INIT(&m->asks);
}

int
mail_open(struct mail *m, struct mail_ends ends)
{
	bool is_above = m->place == MAIL_ABOVE;
	int r;

	if (m->letters == NULL)
		m->letters = sparse_alloc(m->ops->max_unsent, sizeof(*m->letters));
	m->first = m->n_unsent = 0;
	m->n_opened++;
	m->is_behind = false;
	m->in = (struct loop_io){ .fn = on_readable, .fd = is_above ? ends.pipe : ends.socket };
	m->out = (struct loop_io){ .fn = on_room, .fd = is_above ? ends.socket : ends.pipe };
	r = m->letters == NULL ? -ENOMEM : loop_add(m->loop, &m->in, EPOLLIN);
	if (r < 0)
		mail_close(m);
	return r;
}

/* Takes the first unsent frame, with its descriptors, out of the ring. */
static void
letter_drop(struct mail *m)
{
	struct mail_letter *l = &m->letters[m->first];

	channel_close_fds(l->fds, l->n_fds);
	l->n_fds = 0;
	/* An empty ring starts at its beginning again: memory costs only once it is touched. */
	m->first = --m->n_unsent == 0 ? 0 : (m->first + 1) % m->ops->max_unsent;
}

void
mail_close(struct mail *m)
{
	struct mail_ask *ask;

	loop_close_shared(m->loop, &m->in);
	loop_close_shared(m->loop, &m->out);
	loop_disarm(m->loop, &m->retry);
	while (m->n_unsent > 0)
		letter_drop(m);
	loop_undefer(m->loop, &m->flush);
	m->is_behind = false;
	while ((ask = TAILQ_FIRST(&m->asks)) != NULL) {
		mail_forget(m, ask);
		if (ask->fn != NULL)
			ask->fn(ask, NULL);
	}
}

/* --------------------------------------------------------------- sending --- */

bool
mail_post(struct mail *m, const struct frame *f, const int *fds, size_t n_fds)
{
	struct mail_letter *l;

	if (!mail_is_open(m) || m->n_unsent == m->ops->max_unsent || n_fds > MAIL_MAX_FDS)
		return false;
	l = &m->letters[(m->first + m->n_unsent) % m->ops->max_unsent];
	l->frame = *f;
	l->n_fds = (uint8_t)n_fds;
	for (size_t i = 0; i < n_fds; i++)
		l->fds[i] = fds[i];
	m->n_unsent++;
	if (!m->is_behind)
		loop_defer_last(m->loop, &m->flush);
	return true;
}

/* Sends n frames by the socket. Returns how many were sent, or -errno. */
static int
send_letters(struct mail *m, size_t n)
{
	struct mail_scratch *t = &m->out_scratch;
	int sent;

	memset(t->msgs, 0, n * sizeof(*t->msgs));
	for (size_t i = 0; i < n; i++) {
		struct mail_letter *l = &m->letters[(m->first + i) % m->ops->max_unsent];
		struct msghdr *msg = &t->msgs[i].msg_hdr;
		struct cmsghdr *c;

		t->iov[i] = (struct iovec){ &l->frame, sizeof(l->frame) };
		msg->msg_iov = &t->iov[i];
		msg->msg_iovlen = 1;
		if (l->n_fds == 0)
			continue;
		memset(&t->control[i], 0, sizeof(t->control[i]));
		msg->msg_control = t->control[i].bytes;
		msg->msg_controllen = CMSG_SPACE(sizeof(int) * l->n_fds);
		c = CMSG_FIRSTHDR(msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * l->n_fds);
		memcpy(CMSG_DATA(c), l->fds, sizeof(int) * l->n_fds);
	}
	sent = sendmmsg(m->out.fd, t->msgs, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

/* Writes n frames to the pipe. Returns as send_letters(). */
static int
write_letters(struct mail *m, size_t n)
{
	struct iovec *iov = m->out_scratch.iov;
	ssize_t written;

	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){ &m->letters[(m->first + i) % m->ops->max_unsent].frame, FRAME_SIZE };
	written = writev(m->out.fd, iov, (int)n);
	return written < 0 ? -errno : (int)(written / FRAME_SIZE);
}

/* Sends as much as the other end takes. 0: nothing is left; or -errno. */
static int
mail_send(struct mail *m)
{
	bool is_above = m->place == MAIL_ABOVE;
	size_t most = is_above ? MAIL_BATCH : MAIL_PIPE_BATCH;

	while (m->n_unsent > 0) {
		size_t n = m->n_unsent < most ? m->n_unsent : most;
		int r = is_above ? send_letters(m, n) : write_letters(m, n);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r;
		while (r-- > 0)
			letter_drop(m);
	}
	return 0;
}

/*
 * Stops or resumes reading. The process above does not read from one that is
 * behind, so what it owes that process stays bounded. The process below always
 * reads: otherwise each could wait for the other.
 */
static void
mail_rest(struct mail *m, bool rests)
{
	m->is_behind = rests;
	if (m->place == MAIL_ABOVE)
		(void)loop_modify(m->loop, &m->in, rests ? EPOLLRDHUP : EPOLLIN);
}

void
mail_flush(struct mail *m)
{
	bool was_behind = m->is_behind;
	int r;

	if (!mail_is_open(m))
		return;
	loop_undefer(m->loop, &m->flush);
	r = mail_send(m);

	switch (-r) {
	case 0:
		loop_remove(m->loop, &m->out);
		if (was_behind)
			mail_rest(m, false);
		if (m->ops->room != NULL)
			m->ops->room(m);
		break;
	case EAGAIN:
		mail_rest(m, true);
		if (m->out.events == 0)
			(void)loop_add(m->loop, &m->out, EPOLLOUT);
		break;
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:
		/*
		 * The lack is on this side, so room at the other end does not help: a timer
		 * does.
		 */
		mail_rest(m, true);
		loop_arm(m->loop, &m->retry, clock_usec() + RETRY_USEC);
		break;
	default:
		/*
		 * The process below learns of the loss from the socket, once it has read
		 * what is left there.
		 */
		if (m->place == MAIL_ABOVE)
			m->ops->lost(m, MAIL_GONE);
		break;
	}
}

static void
on_room(struct loop_io *io, uint32_t events)
{
	(void)events;
	mail_flush(CONTAINER_OF(io, struct mail, out));
}

static void
on_retry(struct loop_timer *t)
{
	mail_flush(CONTAINER_OF(t, struct mail, retry));
}

static void
on_flush(struct loop_task *t)
{
	mail_flush(CONTAINER_OF(t, struct mail, flush));
}

/* --------------------------------------------------------------- reading --- */

static void
mail_deliver(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	struct mail_ask *ask;

	if (f->answers == 0) {
		m->ops->frame(m, f, fds, n_fds);
		return;
	}
	/* An answer without an open question is late, which is no fault. */
	TAILQ_FOREACH(ask, &m->asks, link) {
		if (ask->serial != f->answers)
			continue;
		mail_forget(m, ask);
		if (ask->fn != NULL)
			ask->fn(ask, f);
		return;
	}
}

/* Takes the descriptors that came with a message; the caller closes them. */
static size_t
take_fds(struct msghdr *msg, int fds[static MAIL_MAX_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		n = n > MAIL_MAX_FDS ? MAIL_MAX_FDS : n;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		break;
	}
	return n;
}

/* Receives frames and descriptors from above. */
static void
receive_socket(struct mail *m)
{
	struct mail_scratch *t = &m->in_scratch;
	unsigned opened = m->n_opened;
	int n;

	memset(t->msgs, 0, sizeof(t->msgs));
	for (size_t i = 0; i < MAIL_BATCH; i++) {
		struct msghdr *msg = &t->msgs[i].msg_hdr;

		t->iov[i] = (struct iovec){ &t->frames[i], FRAME_SIZE };
		msg->msg_iov = &t->iov[i];
		msg->msg_iovlen = 1;
		msg->msg_control = t->control[i].bytes;
		msg->msg_controllen = sizeof(t->control[i].bytes);
	}
	n = recvmmsg(m->in.fd, t->msgs, MAIL_BATCH, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		m->ops->lost(m, MAIL_GONE);
		return;
	}
	/* After a loss the other messages are still taken apart, to close their descriptors. */
	for (int i = 0; i < n; i++) {
		int fds[MAIL_MAX_FDS] = { -1, -1, -1, -1 };
		size_t n_fds = take_fds(&t->msgs[i].msg_hdr, fds);
		size_t len = t->msgs[i].msg_len;
		int flags = t->msgs[i].msg_hdr.msg_flags;
		bool is_bare = (flags & MSG_CTRUNC) != 0;

		/* Some descriptors did not fit, and the others are useless without them. */
		if (is_bare) {
			channel_close_fds(fds, n_fds);
			n_fds = 0;
		}
		if (!mail_is_open(m) || m->n_opened != opened)
			;
		else if (len == 0)
			m->ops->lost(m, MAIL_GONE);
		else if ((flags & MSG_TRUNC) != 0 || !(is_bare ?
		    frame_check_bare(&t->frames[i], len) :
		    frame_check(&t->frames[i], len, n_fds)))
			m->ops->lost(m, MAIL_BAD);
		else
			mail_deliver(m, &t->frames[i], fds, n_fds);
		channel_close_fds(fds, n_fds);
	}
}

/*
 * Receives frames from below: nothing but bytes. A process that writes less
 * than a whole frame has broken the rules.
 */
static void
receive_pipe(struct mail *m)
{
	struct frame *frames = m->in_scratch.frames;
	ssize_t n = read(m->in.fd, frames, MAIL_PIPE_BATCH * FRAME_SIZE);
	unsigned opened = m->n_opened;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		m->ops->lost(m, MAIL_GONE);
		return;
	}
	for (size_t i = 0; i < (size_t)n && mail_is_open(m) && m->n_opened == opened;
	    i += FRAME_SIZE) {
		const struct frame *f = &frames[i / FRAME_SIZE];

		if ((size_t)n - i < FRAME_SIZE || !frame_check(f, FRAME_SIZE, 0))
			m->ops->lost(m, MAIL_BAD);
		else
			mail_deliver(m, f, NULL, 0);
	}
}

static void
on_readable(struct loop_io *io, uint32_t events)
{
	struct mail *m = CONTAINER_OF(io, struct mail, in);

	if (m->place == MAIL_ABOVE && m->is_behind) {
		/* This turn may have read from the pipe before; now only its end counts. */
		if ((events & EPOLLHUP) != 0)
			m->ops->lost(m, MAIL_GONE);
		return;
	}
	if (m->place == MAIL_ABOVE)
		receive_pipe(m);
	else
		receive_socket(m);
}

/* -------------------------------------------------------------- questions --- */

bool
mail_ask(struct mail *m, const struct frame *f, struct mail_ask *ask)
{
	return mail_ask_with(m, f, NULL, 0, ask);
}

bool
mail_ask_with(struct mail *m, const struct frame *f, const int *fds, size_t n_fds,
    struct mail_ask *ask)
{
	struct frame question = *f;

	/* Serial 0 means that a frame is no question. */
	question.serial = ++m->last_serial != 0 ? m->last_serial : ++m->last_serial;
	if (!mail_post(m, &question, fds, n_fds))
		return false;
	ask->serial = question.serial;
	TAILQ_INSERT_TAIL(&m->asks, ask, link);
	return true;
}

void
mail_forget(struct mail *m, struct mail_ask *ask)
{
	if (ask->serial == 0)
		return;
	ask->serial = 0;
	TAILQ_REMOVE(&m->asks, ask, link);
}
