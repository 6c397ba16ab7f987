/* SPDX-License-Identifier: ISC */
/* Reads a program's output and writes its input. */
#include "config.h"

#include "call/callio.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Limit of the stderr kept for the reply. */
#define STDERR_KEEP (64u << 10)
/* Limit of what is read after the program's end; a pipe holds at most this. */
#define PIPE_MAX (1u << 20)

void
callio_close_input(struct call *call)
{
	if (call->in.fd < 0)
		return;
	loop_close(call->desk->loop, &call->in);
	buf_done(&call->in_data);
}

void
callio_cut_input(struct call *call)
{
	loop_remove(call->desk->loop, &call->in);
	buf_done(&call->in_data);
}

void
callio_close(struct call *call)
{
	loop_close(call->desk->loop, &call->out.io);
	loop_close(call->desk->loop, &call->err.io);
	callio_close_input(call);
}

/* -------------------------------------------------------------- output --- */

/* Keeps at most max bytes of an output. False if bytes above this limit were dropped. */
static bool
output_keep(struct call_output *o, struct slice bytes, uint64_t max)
{
	size_t have = buf_len(&o->data);
	size_t room = have < max ? (size_t)(max - have) : 0;
	bool whole = bytes.len <= room;

	if (!whole)
		bytes.len = room;
	return buf_append_slice(&o->data, bytes) == 0 && whole;
}

/* Writes a long output to the file for twins as it comes, and not all at its end. */
static void
output_paper(struct call *call)
{
	struct slice out = buf_slice(&call->out.data);

	if (call->paper < 0 || out.len < CALL_READ)
		return;
	if (result_write_part(call->paper, out, &call->papered) < 0)
		call->papered = 0;	/* the end of the call tries again */
}

static void
output_take(struct call *call, struct call_output *o, struct slice bytes)
{
	bool is_out = o == &call->out, streamed = call->streamed;
	uint64_t max = call_output_max(call);
	uint64_t room = o->total < max ? max - o->total : 0;

	o->total += bytes.len;
	call->bytes_out += bytes.len;
	if (bytes.len > room) {
		bytes.len = (size_t)room;
		o->cut = true;
	}
	if (!is_out) {
		/* Streamed stderr is kept as well, for the log and the error line. */
		o->cut |= !output_keep(o, bytes, STDERR_KEEP) && !streamed;
		call_log_stderr(call, false);
	} else if (!streamed) {
		if (o->data.end == 0)
			buf_leave_front(&o->data, CALL_FRONT);
		o->cut |= !output_keep(o, bytes, max);
		output_paper(call);
	}
	kept_count(call);
	call_output(call, is_out ? CALL_STDOUT : CALL_STDERR, bytes);
	if (is_out && o->cut && !call->cancelling)
		call_cancel(call, CANCEL_BY_OUTPUT);
}

/* Reads once. False: the output has ended, or nothing is there. */
static bool
output_read(struct call *call, struct call_output *o)
{
	struct call_desk *desk = call->desk;
	ssize_t n;

	if (o->io.fd < 0)
		return false;
	n = read(o->io.fd, desk->read, CALL_READ);
	if (n > 0) {
		output_take(call, o, (struct slice){ desk->read, (size_t)n });
		return o->io.fd >= 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !call->ended)
		return false;
	/* End of file; or the program is dead and has left no more than this. */
	loop_close(call->desk->loop, &o->io);
	return false;
}

static void
on_output(struct loop_io *io, uint32_t events)
{
	/* The output that holds this descriptor: stdout or stderr. */
	struct call_output *o = CONTAINER_OF(io, struct call_output, io);
	struct call *call = io->user;

	(void)events;
	if (o->total >= CALL_READ) {
		if (call->desk->n_bulk >= CALL_BULK)
			return;
		call->desk->n_bulk += CALL_READ;
	}
	(void)output_read(call, o);
	if (call_is_congested(call)) {
		/* The sink is slower than the program: the pipe fills, and the program waits. */
		loop_remove(call->desk->loop, &call->out.io);
		loop_remove(call->desk->loop, &call->err.io);
		return;
	}
	if (call->ended && !call->finished && callio_is_done(call))
		call_finish(call);
}

static void
output_watch(struct call *call, struct call_output *o)
{
	if (o->io.fd >= 0 && o->io.events == 0)
		(void)loop_add(call->desk->loop, &o->io, EPOLLIN);
}

/*
 * Reads what a dead program has left. No more than a pipe can hold, because a
 * grandchild may go on writing for ever.
 */
static void
output_drain(struct call *call, struct call_output *o)
{
	uint64_t start = o->total;

	while (output_read(call, o)) {
		if (call_is_congested(call))
			return;
		if (o->total - start >= PIPE_MAX) {
			loop_close(call->desk->loop, &o->io);
			return;
		}
	}
}

bool
callio_drain(struct call *call)
{
	if (call_is_congested(call))
		return false;
	output_drain(call, &call->out);
	output_drain(call, &call->err);
	return callio_is_done(call);
}

void
callio_watch(struct call *call)
{
	if (call_is_congested(call))
		return;
	output_watch(call, &call->out);
	output_watch(call, &call->err);
}

/* --------------------------------------------------------------- input --- */

/* Writes as much as the pipe takes; true when nothing is left to write. */
static bool
input_write(struct call *call)
{
	while (buf_len(&call->in_data) > 0) {
		ssize_t n = write(call->in.fd, buf_data(&call->in_data), buf_len(&call->in_data));

		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return false;
			/* EPIPE: the program has closed its stdin, which is no error. */
			call->chunk = 0;
			callio_close_input(call);
			return true;
		}
		call->bytes_in += (uint64_t)n;
		buf_consume(&call->in_data, (size_t)n);
	}
	return true;
}

bool
callio_feed(struct call *call)
{
	if (call->awaits_kit)
		return false;
	if (!input_write(call)) {
		if (call->in.events == 0)
			(void)loop_add(call->desk->loop, &call->in, EPOLLOUT);
		return false;
	}
	if (call->in.fd >= 0) {
		loop_remove(call->desk->loop, &call->in);
		buf_done(&call->in_data);
	}
	if (call->in_end)
		callio_close_input(call);
	if (!call->finished)
		kept_count(call);
	return true;
}

static void
on_input(struct loop_io *io, uint32_t events)
{
	struct call *call = io->user;

	(void)events;
	if (callio_feed(call))
		call_input_taken(call);
}

/* --------------------------------------------------------------- pipes --- */

static int
output_open(struct call *call, struct call_output *o, int *fd)
{
	o->io = (struct loop_io){ .fn = on_output, .fd = TAKE_FD(*fd), .user = call };
	return loop_add(call->desk->loop, &o->io, EPOLLIN);
}

int
callio_open(struct call *call, int fds[static CALL_FDS])
{
	int r = output_open(call, &call->out, &fds[0]);

	if (r >= 0)
		r = output_open(call, &call->err, &fds[1]);
	if (r >= 0 && fds[2] >= 0)
		call->in = (struct loop_io){ .fn = on_input, .fd = TAKE_FD(fds[2]), .user = call };
	return r;
}
