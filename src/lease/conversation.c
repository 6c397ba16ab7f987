/* SPDX-License-Identifier: ISC */
/* conversation: writes requests to a handler process and reads its replies. */
#include "config.h"

#include "lease/conversation.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "lease/lease.h"
#include "lease/leases.h"
#include "proto/value.h"

/* The most requests that are written with one system call. */
#define FLUSH_MAX 32
/* The answer to PING. */
#define PONG_MAX (64u << 10)
/* Bytes of the reply buffer that stay allocated for the next reply. */
#define REPLY_KEEP (64u << 10)

static const char ping[] = "*1\r\n$4\r\nPING\r\n";

/* ------------------------------------------------------------- requests --- */

static void
flight_add(struct conversation *t, struct exchange *x)
{
	TAILQ_INSERT_TAIL(&t->flight, x, link);
	t->n_flight++;
	lease_stderr_allow(&t->err);
}

static bool
is_retry(int error)
{
	return error == EAGAIN || error == EINTR;
}

/*
 * Writes once. Returns the number of bytes taken; -errno when the process takes
 * no more.
 */
static ssize_t
pipe_write(const struct conversation *t, struct buf *text)
{
	ssize_t n = write(t->in.fd, buf_data(text), buf_len(text));

	if (n < 0)
		return is_retry(errno) ? 0 : -errno;
	buf_consume(text, (size_t)n);
	return n;
}

/* Waits until the pipe takes the rest. */
static void
pipe_await(struct lease *l)
{
	if (l->conversation.in.events == 0)
		(void)loop_add(l->leases->loop, &l->conversation.in, EPOLLOUT);
}

int
conversation_send(struct lease *l, struct exchange *x, struct buf *text)
{
	struct conversation *t = &l->conversation;
	ssize_t n = pipe_write(t, text);
	bool kept = text == &x->text ||
	    buf_append_slice(&x->text, buf_slice(text)) == 0;

	if (n < 0 && kept)
		return (int)n;
	x->bytes_in += n > 0 ? (uint64_t)n : 0;
	flight_add(t, x);
	if (buf_len(text) > 0 || x->pushing)
		t->unsent = x;
	if (buf_len(text) == 0) {
		if (text == &x->text)
			buf_done(text);
		return 0;
	}
	if (kept) {
		pipe_await(l);
	} else {
		/*
		 * Memory is out: the rest of the request is lost. Count the
		 * request as sent in part, so that no other process gets it and
		 * the call fails with this process.
		 */
		x->bytes_in++;
		x->request_len = SIZE_MAX;
	}
	return 0;
}

void
conversation_post(struct lease *l, struct exchange *x)
{
	struct conversation *t = &l->conversation;

	flight_add(t, x);
	if (t->unsent == NULL)
		t->unsent = x;
}

static struct iovec
iov_of(const struct buf *b)
{
	return (struct iovec){ (char *)(uintptr_t)buf_data(b), buf_len(b) };
}

/* Lists the bytes to send, in order. Returns the number of pieces. */
static int
pending_iov(const struct conversation *t, struct iovec iov[static FLUSH_MAX])
{
	int n = 0;

	if (buf_len(&t->rest) > 0)
		iov[n++] = iov_of(&t->rest);
	for (struct exchange *x = t->unsent; n < FLUSH_MAX && x != NULL;
	    x = TAILQ_NEXT(x, link)) {
		if (buf_len(&x->text) > 0)
			iov[n++] = iov_of(&x->text);
	}
	return n;
}

/* Removes up to *n bytes that were sent. True if the buffer is empty. */
static bool
text_taken(struct buf *b, size_t *n)
{
	size_t part = *n < buf_len(b) ? *n : buf_len(b);

	*n -= part;
	buf_consume(b, part);
	if (buf_len(b) > 0)
		return false;
	buf_done(b);
	return true;
}

/* Notes that n bytes have been sent. */
static void
unsent_consume(struct conversation *t, size_t n)
{
	struct exchange *x;

	if (!text_taken(&t->rest, &n))
		return;
	while ((x = t->unsent) != NULL) {
		size_t before = n;
		bool all = text_taken(&x->text, &n);

		x->bytes_in += before - n;
		if (!all || x->pushing)
			return;
		t->unsent = TAILQ_NEXT(x, link);
	}
}

const struct exchange *
conversation_half_sent(const struct conversation *t)
{
	return t->unsent != NULL && t->unsent->bytes_in > 0 ? t->unsent : NULL;
}

void
conversation_flush(struct lease *l)
{
	struct conversation *t = &l->conversation;
	struct iovec iov[FLUSH_MAX];
	int n_iov;

	while ((n_iov = pending_iov(t, iov)) > 0) {
		ssize_t n = writev(t->in.fd, iov, n_iov);

		if (n < 0 && !is_retry(errno)) {
			l->conversation.ops->deaf(l);
			return;
		}
		if (n < 0) {
			pipe_await(l);
			return;
		}
		unsent_consume(t, (size_t)n);
	}
	loop_remove(l->leases->loop, &t->in);
	if (t->unsent != NULL)
		t->unsent->ops->taken(t->unsent);
	else
		l->conversation.ops->sent(l);
}

static void
on_writable(struct loop_io *io, uint32_t events)
{
	(void)events;
	conversation_flush(io->user);
}

void
conversation_forget(struct lease *l, struct exchange *x)
{
	struct conversation *t = &l->conversation;

	if (t->unsent == x)
		t->unsent = TAILQ_NEXT(x, link);
	TAILQ_REMOVE(&t->flight, x, link);
	t->n_flight--;
	x->lease = NULL;
}

bool
conversation_unsend(struct lease *l, struct exchange *x)
{
	if (x->bytes_in > 0)
		return false;
	conversation_forget(l, x);
	return true;
}

bool
conversation_is_sending(const struct conversation *t)
{
	return t->unsent != NULL || buf_len(&t->rest) > 0;
}

bool
conversation_owes(const struct conversation *t)
{
	return buf_len(&t->rest) > 0;
}

bool
conversation_has_room(const struct conversation *t)
{
	const struct exchange *last = TAILQ_LAST(&t->flight, exchanges);

	return t->in.events == 0 && !conversation_owes(t) && (last == NULL || !last->pushing);
}

bool
conversation_ping(struct lease *l)
{
	ssize_t n = write(l->conversation.in.fd, ping, strlen(ping));

	return n == (ssize_t)strlen(ping);
}

/* --------------------------------------------------------------- replies --- */

/* The request that the next reply belongs to gets an error. */
void
conversation_note(struct lease *l, int death, struct slice wrote)
{
	struct frame_broke *broke = &l->conversation.broke;

	if (broke->fault != 0)
		return;
	broke->fault = (uint8_t)-death;
	/* Later bytes may belong to a reply, which is for its client only. */
	if (wrote.len > 0 && !l->proven)
		escape_plain(wrote, broke->words.wrote, sizeof(broke->words.wrote));
}

static void
reply_is_bad(struct lease *l, const char *why)
{
	struct conversation *t = &l->conversation;

	t->ops->broken(l, TAILQ_FIRST(&t->flight), OUTCOME_HANDLER, 0, why);
}

/* Keeps the bytes behind the value that was just passed on. */
static int
rest_keep(struct conversation *t, struct slice data, size_t used)
{
	if (data.data == buf_data(&t->reply)) {
		buf_consume(&t->reply, used);
		if (buf_len(&t->reply) == 0 && t->reply.cap > REPLY_KEEP)
			buf_done(&t->reply);
		return 0;
	}
	return buf_append(&t->reply, data.data + used, data.len - used);
}

/* True if the process has the whole request, except for pushed input. */
static bool
is_asked(const struct conversation *t, const struct exchange *x)
{
	return t->unsent != x || x->bytes_in >= x->request_len;
}

/* ">3 output stdout|stderr BYTES" */
static bool
is_output(const struct value *v)
{
	if (v->n_items != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (v->items[i].kind != VALUE_BULK && v->items[i].kind != VALUE_SIMPLE)
			return false;
	}
	return slice_is(v->items[0].text, "output") &&
	    (slice_is(v->items[1].text, "stdout") || slice_is(v->items[1].text, "stderr"));
}

/* Reads no more until the owner of the request has room. */
static void
pause_if_full(struct lease *l, struct exchange *x)
{
	if (x->ops->has_room(x))
		return;
	l->conversation.paused = true;
	loop_remove(l->leases->loop, &l->conversation.out);
}

/*
 * Handles output before the value: passes it on to a client that wants it, else
 * drops it. False: the process is broken.
 */
static bool
take_push(struct lease *l, struct value *push, struct slice data, size_t used)
{
	struct exchange *x = TAILQ_FIRST(&l->conversation.flight);
	bool is_good = x != NULL && is_asked(&l->conversation, x) && is_output(push);

	if (is_good)
		x->ops->output(x, slice_is(push->items[1].text, "stdout") ? EXCHANGE_STDOUT :
		    EXCHANGE_STDERR, push->items[2].text);
	(void)value_free(push);
	if (!is_good || rest_keep(&l->conversation, data, used) < 0) {
		reply_is_bad(l, is_good ? "out of memory" : "the handler pushed something other than output");
		return false;
	}
	x->bytes_out += used;
	pause_if_full(l, x);
	return true;
}

/*
 * The reply has come before the end of the input. To stay in step, the process
 * gets the rest of the piece that it has begun to get, and the end of the
 * input; any more input of the client is dropped. 0, or -errno when the process
 * takes no more.
 */
static int
input_cut_short(struct lease *l, struct exchange *x)
{
	struct conversation *t = &l->conversation;

	t->rest = x->text;
	t->rest_due_usec = x->deadline_usec;
	x->text = BUF_INIT(0);
	if (x->pushing && exchange_append_input(&t->rest, SLICE("")) < 0)
		return -ENOMEM;
	x->pushing = false;
	if (t->in.events != 0)
		return 0;
	if (pipe_write(t, &t->rest) < 0)
		return -EPIPE;
	if (buf_len(&t->rest) > 0)
		pipe_await(l);
	else
		buf_done(&t->rest);
	return 0;
}

/* Passes a reply on. False: the lease has ended. */
static bool
take_reply(struct lease *l, struct value *reply, struct slice data, size_t used)
{
	struct conversation *t = &l->conversation;
	struct exchange *x = TAILQ_FIRST(&t->flight);
	bool is_early = t->unsent == x, stays;

	x->reply_kept = 0;
	conversation_forget(l, x);
	x->bytes_out += used;
	if (is_early && input_cut_short(l, x) < 0)
		l->conversation.ops->deaf(l);
	/*
	 * Give the process its next request first, then the client its reply.
	 */
	stays = l->conversation.ops->answered(l);
	x->ops->answered(x, reply, (struct slice){ data.data, used });
	(void)value_free(reply);
	if (!stays)
		return false;
	if (rest_keep(t, data, used) == 0)
		return true;
	reply_is_bad(l, "out of memory");
	return false;
}

/*
 * Returns the fault of a value that comes now, or NULL. more: there are bytes
 * behind it.
 */
static const char *
reply_complaint(const struct lease *l, bool more)
{
	const struct conversation *t = &l->conversation;

	const struct exchange *x = TAILQ_FIRST(&t->flight);

	if (!is_asked(t, x))
		return "the handler answered before it had the whole request";
	if (more && t->n_flight == 1)
		return "the handler answered twice";
	return NULL;
}

/* Handles a whole value or push. False: the lease has ended. */
static bool
take_value(struct lease *l, struct value *value, struct slice data, size_t used)
{
	struct exchange *x = TAILQ_FIRST(&l->conversation.flight);
	const char *why;

	if (l->is_probe && value->kind != VALUE_PUSH && used == data.len) {
		(void)value_free(value);
		l->conversation.ops->proved(l);
		return false;
	}
	if (l->is_probe) {
		(void)value_free(value);
		conversation_note(l, DEATH_BROKEN, data);
		l->conversation.ops->broken(l, NULL, OUTCOME_HANDLER, 0, NULL);
		return false;
	}
	if (x->bytes_out + used > x->reply_max) {
		(void)value_free(value);
		l->conversation.ops->broken(l, x, OUTCOME_TOOBIG, 0, NULL);
		return false;
	}
	if (value->kind == VALUE_PUSH)
		return take_push(l, value, data, used);
	why = reply_complaint(l, used < data.len);
	if (why == NULL)
		return take_reply(l, value, data, used);
	(void)value_free(value);
	conversation_note(l, DEATH_BROKEN, data);
	reply_is_bad(l, why);
	return false;
}

/* The reply is not whole: tells the owner of the request how much of it is kept. */
static void
reply_keep(struct conversation *t, struct lease *l)
{
	struct exchange *x = TAILQ_FIRST(&t->flight);

	if (x == NULL)
		return;
	x->reply_kept = buf_len(&t->reply);
	pause_if_full(l, x);
}

static struct reply_limits
limits_of(const struct lease *l)
{
	const struct exchange *x = TAILQ_FIRST(&l->conversation.flight);
	struct reply_limits limits = { .max_items = EXCHANGE_REPLY_ITEMS, .max_bytes = PONG_MAX };
	uint64_t max;

	if (x == NULL)
		return limits;
	max = x->reply_max;
	limits.max_bytes = max < EXCHANGE_REPLY_MAX ? (size_t)max : EXCHANGE_REPLY_MAX;
	return limits;
}

static void
take_bad(struct lease *l, const char *why)
{
	struct exchange *x = TAILQ_FIRST(&l->conversation.flight);

	if (x != NULL && strcmp(why, "value too big") == 0)
		l->conversation.ops->broken(l, x, OUTCOME_TOOBIG, 0, NULL);
	else
		reply_is_bad(l, why);
}

/* Passes whole values on and keeps the beginning of one. */
static void
take(struct lease *l, struct slice data)
{
	struct conversation *t = &l->conversation;

	while (data.len > 0 && !t->paused) {
		struct reply_limits limits = limits_of(l);
		const char *why = "out of memory";
		struct value *value;
		size_t used;
		int r;

		if (t->n_flight == 0 && !l->is_probe) {
			conversation_note(l, DEATH_BROKEN, data);
			l->conversation.ops->broken(l, NULL, OUTCOME_HANDLER, 0, NULL);
			return;
		}
		r = reply_decode(data, &limits, &t->cursor, &value, &used, &why);
		if (r == REPLY_AGAIN) {
			if (data.data != buf_data(&t->reply) &&
			    buf_append_slice(&t->reply, data) < 0)
				reply_is_bad(l, why);
			else
				reply_keep(t, l);
			return;
		}
		if (r != REPLY_OK) {
			conversation_note(l, DEATH_BROKEN, data);
			take_bad(l, why);
			return;
		}
		if (!take_value(l, value, data, used))
			return;
		data = buf_slice(&t->reply);
	}
}

/* The process has closed its output, which it may do between two requests. */
static void
on_end(struct lease *l)
{
	struct conversation *t = &l->conversation;
	struct exchange *x = TAILQ_FIRST(&t->flight);

	if (x != NULL && x->bytes_in == 0)
		x = NULL;
	conversation_note(l, DEATH_ENDED, SLICE(""));
	l->conversation.ops->broken(l, x, OUTCOME_HANDLER, 0, buf_len(&t->reply) > 0 ?
	    "the handler ended in the middle of its reply" : "the handler ended without a reply");
}

/* One read takes all that a pipe can hold. */
static void
replies_read(struct lease *l)
{
	struct conversation *t = &l->conversation;
	struct leases *ls = l->leases;
	ssize_t n = read(t->out.fd, ls->read, LEASES_READ);

	if (n < 0) {
		if (!is_retry(errno))
			reply_is_bad(l, "the replies of the handler cannot be read");
		return;
	}
	if (n == 0) {
		on_end(l);
		return;
	}
	if (buf_len(&t->reply) == 0) {
		take(l, (struct slice){ ls->read, (size_t)n });
		return;
	}
	if (buf_append(&t->reply, ls->read, (size_t)n) < 0) {
		reply_is_bad(l, "out of memory");
		return;
	}
	take(l, buf_slice(&t->reply));
}

static void
on_reply(struct loop_io *io, uint32_t events)
{
	(void)events;
	replies_read(io->user);
}

void
conversation_read(struct lease *l)
{
	if (!l->conversation.paused)
		replies_read(l);
}

bool
conversation_is_stale(const struct lease *l)
{
	int n = 0;

	return ioctl(l->conversation.out.fd, FIONREAD, &n) == 0 && n > 0;
}

bool
conversation_has_news(const struct lease *l)
{
	return loop_is_pending(l->leases->loop, &l->conversation.out);
}

void
conversation_unpause(struct lease *l)
{
	struct conversation *t = &l->conversation;

	if (!t->paused)
		return;
	t->paused = false;
	(void)loop_add(l->leases->loop, &t->out, EPOLLIN);
	loop_defer(l->leases->loop, &l->task);
}

void
conversation_take_kept(struct lease *l)
{
	take(l, buf_slice(&l->conversation.reply));
}

/* ------------------------------------------------------------------ life --- */

int
conversation_open(struct lease *l, int fds[static 3])
{
	struct conversation *t = &l->conversation;
	struct loop *loop = l->leases->loop;
	int r;

	TAILQ_INIT(&t->flight);
	t->in = (struct loop_io){ .fn = on_writable, .fd = TAKE_FD(fds[0]), .user = l };
	t->out = (struct loop_io){ .fn = on_reply, .fd = TAKE_FD(fds[1]), .user = l };
	r = lease_stderr_open(l, TAKE_FD(fds[2]));
	return r < 0 ? r : loop_add(loop, &t->out, EPOLLIN);
}

void
conversation_close(struct lease *l)
{
	struct loop *loop = l->leases->loop;
	struct conversation *t = &l->conversation;

	lease_stderr_close(l);
	/*
	 * Another process holds the same pipes, so the kernel does not
	 * unregister them.
	 */
	loop_close_shared(loop, &t->in);
	loop_close_shared(loop, &t->out);
}
