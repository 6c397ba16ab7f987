/* SPDX-License-Identifier: ISC */
/*
 * clientexchange: one call from its request to its result. Input and output
 * move at the same time. At most CLIENT_WINDOW pieces of input are on their
 * way, and output is handed on before more is read, so memory does not grow.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/clientcall.h"
#include "client/client.h"
#include "client/clientresult.h"
#include "proto/resp.h"

static int
out_of_memory(struct reqd *c)
{
	return client_fail(c, REQD_E_NOMEM, "out of memory");
}

/* ------------------------------------------------------------- replies --- */

static int
out_of_order(struct reqd *c, const char *what)
{
	return client_fail(c, REQD_E_PROTOCOL, "%s sent %s", c->url, what);
}

/* ">4 output <id> stdout|stderr <bytes>" */
static int
on_output(struct reqd *c, const struct value *v)
{
	const struct exchange *ex = &c->exchange;
	const struct value *item = v->items;
	int stream;

	if (v->n_items != 4 || item[1].kind != VALUE_BULK || item[3].kind != VALUE_BULK)
		return out_of_order(c, "a malformed piece of output");
	if (slice_is(item[2].text, "stdout"))
		stream = 1;
	else if (slice_is(item[2].text, "stderr"))
		stream = 2;
	else
		return out_of_order(c, "output of an unknown stream");
	if (!ex->streaming)
		return out_of_order(c, "output that was not asked for");
	if (ex->started && !slice_is(item[1].text, ex->id))
		return out_of_order(c, "output of another request");
	if (item[3].text.len > 0 &&
	    ex->output(ex->output_arg, stream, item[3].text.data, item[3].text.len) != 0)
		return client_fail(c, REQD_E_STOPPED, "stopped by the receiver of the output");
	return 0;
}

/* ">2 ended <id>": the server drops any more input. */
static int
on_ended(struct reqd *c, const struct value *v)
{
	struct exchange *ex = &c->exchange;

	if (v->n_items != 2 || !ex->started || !slice_is(v->items[1].text, ex->id))
		return out_of_order(c, "the end of another request");
	ex->no_more = true;
	return 0;
}

/* Other pushes do not belong to this call. */
static int
on_push(struct reqd *c, const struct value *v)
{
	if (v->n_items > 0 && slice_is(v->items[0].text, "output"))
		return on_output(c, v);
	if (v->n_items > 0 && slice_is(v->items[0].text, "ended"))
		return on_ended(c, v);
	return 0;
}

/*
 * Makes a result of the final reply, and takes the reply from the connection.
 */
static int
take_result(struct reqd *c, struct value *v, size_t used, struct reqd_result **ret)
{
	const char *wrong = "";
	char *bytes;
	int r;

	if (v->kind == VALUE_ERROR) {
		r = clientresult_of_error(v->text, ret);
		client_consume(c, used);
	} else if (v->kind == VALUE_MAP) {
		r = client_take(c, v, used, &bytes);
		if (r == 0)
			r = clientresult_of_map(v, bytes, ret, &wrong);
	} else {
		return client_fail(c, REQD_E_PROTOCOL, "%s gave no valid answer to CALL",
		    c->url);
	}
	if (r == REQD_E_PROTOCOL)
		return client_fail(c, r, "%s sent a result without a valid \"%s\"", c->url, wrong);
	return r < 0 ? out_of_memory(c) : 0;
}

/* Handles the result, which may come in place of "+id". */
static int
on_final(struct reqd *c, struct value *v, size_t used)
{
	struct exchange *ex = &c->exchange;
	int r = take_result(c, v, used, &ex->result);

	if (r < 0)
		return r;
	/* An error came after the start: the first error tells the most. */
	if (ex->refused != NULL && ex->result->error[0] != '\0') {
		reqd_result_free(ex->result);
		ex->result = TAKE_PTR(ex->refused);
	}
	if (ex->started)
		ex->result->may_have_run = true;
	c->had_effect = ex->result->may_have_run;
	ex->state = EXCHANGE_DONE;
	return 0;
}

static int
on_started(struct reqd *c, struct value *v, size_t used)
{
	struct exchange *ex = &c->exchange;

	/* The call was refused, or a call with the same token ran before. */
	if (v->kind == VALUE_ERROR || v->kind == VALUE_MAP)
		return on_final(c, v, used);
	if (v->kind != VALUE_SIMPLE || v->text.len == 0 || v->text.len > CLIENT_ID_MAX ||
	    slice_has_nul(v->text))
		return out_of_order(c, "no id for a call with input");
	memcpy(ex->id, v->text.data, v->text.len);
	ex->started = true;
	ex->state = EXCHANGE_INPUT;
	client_consume(c, used);
	return 0;
}

/*
 * Handles the reply to a piece of input: ":0" says that the program wants no
 * more.
 */
static int
on_taken(struct reqd *c, struct value *v, size_t used)
{
	struct exchange *ex = &c->exchange;

	ex->outstanding--;
	if (v->kind == VALUE_ERROR) {
		ex->no_more = true;
		if (ex->refused == NULL)
			return take_result(c, v, used, &ex->refused);
	} else if (v->kind != VALUE_INTEGER || v->integer < 0 || v->integer > CLIENT_CHUNK) {
		return out_of_order(c, "no count for a piece of input");
	} else if (v->integer == 0) {
		ex->no_more = true;
	}
	client_consume(c, used);
	return 0;
}

static int
on_value(struct reqd *c, struct value *v, size_t used)
{
	struct exchange *ex = &c->exchange;
	int r;

	if (v->kind == VALUE_PUSH) {
		r = on_push(c, v);
		if (r == 0)
			client_consume(c, used);
		return r;
	}
	if (ex->state == EXCHANGE_STARTING)
		return on_started(c, v, used);
	if (ex->outstanding > 0)
		return on_taken(c, v, used);
	if (ex->state == EXCHANGE_ENDING)
		return on_final(c, v, used);
	return out_of_order(c, "one reply too many");
}

/*
 * Handles all replies that are there. Must come before every wait: a reply that
 * is in the buffer already does not end the wait.
 */
static int
exchange_drain(struct reqd *c)
{
	while (c->exchange.state != EXCHANGE_DONE) {
		CLEANUP(value_freep) struct value *v = NULL;
		size_t used;
		int r = client_decode(c, &v, &used);

		if (r != 0)
			return r < 0 ? r : 0;
		r = on_value(c, v, used);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Waits for bytes and handles them. */
static int
exchange_turn(struct reqd *c)
{
	int r = client_turn(c, CLIENT_BLOCK, -1, NULL);

	return r < 0 ? r : exchange_drain(c);
}

/* --------------------------------------------------------------- begin --- */

static int
exchange_check(struct reqd *c, const struct reqd_call *call)
{
	int r;

	c->had_effect = false;
	c->n_sent = 0;
	r = client_check(c);
	if (r < 0)
		return r;
	if (!c->resp3)
		return client_misuse(c, "calls need a connection with HELLO");
	if (c->exchange.state != EXCHANGE_NONE || c->n_pending > 0)
		return client_misuse(c, "other replies are still to come");
	if (call->error == REQD_E_INVALID)
		return client_misuse(c, "the call has a wrong service, argument or option");
	return 0;
}

static int
exchange_begin(struct reqd *c, const struct reqd_call *call, bool open)
{
	struct exchange *ex = &c->exchange;
	int r = exchange_check(c, call);

	if (r < 0)
		return r;
	if (clientcall_encode(call, open, &c->out) < 0)
		return out_of_memory(c);
	*ex = (struct exchange){
		.state = open ? EXCHANGE_STARTING : EXCHANGE_ENDING,
		.streaming = call->output != NULL,
		.output = call->output,
		.output_arg = call->output_arg,
	};
	r = client_push_out(c);
	return r < 0 ? r : exchange_drain(c);
}

/* --------------------------------------------------------------- input --- */

/* Sends a piece of input, or its end when data is NULL. */
static int
exchange_input(struct reqd *c, const void *data, size_t len)
{
	struct exchange *ex = &c->exchange;
	struct slice words[] = { SLICE("INPUT"), slice_of(ex->id), { data, len } };
	int r;

	resp_request(&c->out, words, data == NULL ? 2 : 3);
	if (buf_failed(&c->out))
		return out_of_memory(c);
	if (data == NULL)
		ex->state = EXCHANGE_ENDING;
	else
		ex->outstanding++;
	r = client_push_out(c);
	return r < 0 ? r : exchange_drain(c);
}

static bool
exchange_wants_input(const struct reqd *c)
{
	const struct exchange *ex = &c->exchange;

	return ex->state == EXCHANGE_INPUT && !ex->no_more && buf_len(&c->out) == 0 &&
	    ex->outstanding < CLIENT_WINDOW;
}

static int
exchange_feed(struct reqd *c, const struct reqd_call *call)
{
	ssize_t n;

	if (c->chunk == NULL)
		c->chunk = malloc(CLIENT_CHUNK);
	if (c->chunk == NULL)
		return out_of_memory(c);
	if (call->input != NULL) {
		n = call->input(call->input_arg, c->chunk, CLIENT_CHUNK);
		if (n < 0 || n > (ssize_t)CLIENT_CHUNK)
			return client_fail(c, REQD_E_STOPPED, "stopped by the source of the input");
	} else {
		n = read(call->input_fd, c->chunk, CLIENT_CHUNK);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return 0;
		if (n < 0)
			return client_fail(c, REQD_E_INPUT, "cannot read the input: %s",
			    strerror(errno));
	}
	return exchange_input(c, n > 0 ? c->chunk : NULL, (size_t)n);
}

/* One round of a call with input. */
static int
exchange_round(struct reqd *c, const struct reqd_call *call)
{
	struct exchange *ex = &c->exchange;
	bool want, ready = call->input != NULL;
	int r;

	if (ex->state == EXCHANGE_INPUT && ex->no_more)
		return exchange_input(c, NULL, 0);
	want = exchange_wants_input(c);
	r = client_turn(c, want && ready ? CLIENT_POLL : CLIENT_BLOCK,
	    want ? call->input_fd : -1, &ready);
	if (r < 0)
		return r;
	/*
	 * Notice here that a program has ended early, before more input is read
	 * for it.
	 */
	r = exchange_drain(c);
	if (r == 0 && want && ready && exchange_wants_input(c))
		r = exchange_feed(c, call);
	return r;
}

/* ----------------------------------------------------------------- end --- */

static int
exchange_finish(struct reqd *c, int r, struct reqd_result **ret)
{
	/* A caller that wants to call again must take "unknown" as "yes". */
	if (r < 0) {
		c->had_effect = c->n_sent > 0;
		return r;
	}
	*ret = TAKE_PTR(c->exchange.result);
	reqd_result_free(c->exchange.refused);
	c->exchange = (struct exchange){ 0 };
	return 0;
}

int
reqd_call(struct reqd *c, const struct reqd_call *call, struct reqd_result **ret)
{
	int r = exchange_begin(c, call, clientcall_has_input(call));

	if (r == REQD_E_INVALID)
		return r;
	while (r == 0 && c->exchange.state != EXCHANGE_DONE)
		r = clientcall_has_input(call) ? exchange_round(c, call) : exchange_turn(c);
	return exchange_finish(c, r, ret);
}

bool
reqd_was_sent(const struct reqd *c)
{
	return c->had_effect;
}

int
reqd_open(struct reqd *c, const struct reqd_call *call, struct reqd_result **ret)
{
	int r = exchange_begin(c, call, true);

	if (r == REQD_E_INVALID)
		return r;
	c->exchange.steps = true;
	while (r == 0 && c->exchange.state == EXCHANGE_STARTING)
		r = exchange_turn(c);
	if (r == 0 && c->exchange.state != EXCHANGE_DONE) {
		c->had_effect = true;
		return 0;
	}
	r = exchange_finish(c, r, ret);
	return r < 0 ? r : 1;
}

static int
steps_check(struct reqd *c)
{
	int r = client_check(c);

	if (r == 0 && (!c->exchange.steps || c->exchange.state != EXCHANGE_INPUT))
		r = client_misuse(c, "no call with input is open");
	return r;
}

int
reqd_write(struct reqd *c, const void *data, size_t len)
{
	const struct exchange *ex = &c->exchange;
	const char *p = data;
	int r = steps_check(c);

	while (r == 0 && len > 0) {
		size_t n = len < CLIENT_CHUNK ? len : CLIENT_CHUNK;

		while (r == 0 && !ex->no_more && !exchange_wants_input(c))
			r = exchange_turn(c);
		if (r == 0 && ex->no_more)
			return 1;
		if (r == 0)
			r = exchange_input(c, p, n);
		p += n;
		len -= n;
	}
	return r;
}

int
reqd_finish(struct reqd *c, struct reqd_result **ret)
{
	int r = steps_check(c);

	if (r < 0)
		return r;
	r = exchange_input(c, NULL, 0);
	while (r == 0 && c->exchange.state != EXCHANGE_DONE)
		r = exchange_turn(c);
	return exchange_finish(c, r, ret);
}
