/* SPDX-License-Identifier: ISC */
/* Writes a call as the request that its handler reads. */
#include "config.h"

#include "call/callrequest.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "call/call.h"
#include "net/identity.h"
#include "proto/resp.h"

static void
context_line(struct buf *b, const char *key, struct slice value)
{
	(void)buf_append_str(b, key);
	(void)buf_append_char(b, '=');
	(void)buf_append_slice(b, value);
	(void)buf_append_char(b, '\n');
}

static int
context_append(const struct call *call, const struct callopt *opt, struct buf *out)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	context_line(&b, "id", slice_of(call->id_text));
	(void)buf_append_str(&b, "deadline-ms=");
	(void)buf_append_u64(&b, (call->run.deadline_usec - call->accepted_usec) / USEC_PER_MSEC);
	(void)buf_append_char(&b, '\n');
	context_line(&b, "caller", slice_of(call->who->text));
	context_line(&b, "peer", slice_of(call->who->peer));
	if (call->who->login[0] != '\0')
		context_line(&b, "login", slice_of(call->who->login));
	for (size_t i = 0; i < opt->n_meta; i++) {
		(void)buf_append_str(&b, "meta.");
		(void)buf_append_slice(&b, opt->meta[i].key);
		(void)buf_append_char(&b, '=');
		(void)buf_append_slice(&b, opt->meta[i].value);
		(void)buf_append_char(&b, '\n');
	}
	if (buf_failed(&b))
		return -ENOMEM;
	resp_bulk(out, buf_slice(&b));
	return 0;
}

int
callrequest_append_gathered(struct buf *out, struct slice bytes)
{
	resp_bulk(out, bytes);
	return buf_failed(out) ? -ENOMEM : 0;
}

int
callrequest_append(struct call *call, const struct callopt *opt, const struct values *values,
    const char *name, struct buf *out)
{
	const struct service *s = call->service;
	bool has_input = opt->input || opt->open, pushed = s->input == INPUT_PUSHED;
	size_t n = 1 + s->pool.context + (has_input && !pushed);

	for (size_t i = 0; i < s->n_args; i++)
		n += values->n[i];
	resp_array(out, n);
	if (s->pool.context) {
		int r = context_append(call, opt, out);

		if (r < 0)
			return r;
	}
	resp_bulk_str(out, name);
	for (size_t i = 0; i < s->n_args; i++) {
		for (size_t j = 0; j < values->n[i]; j++)
			resp_bulk(out, values->all[values->first[i] + j]);
	}
	if (opt->input && !pushed)
		resp_bulk(out, opt->stdin_data);
	call->exchange.request_len = buf_len(out);
	if (opt->input && pushed && opt->stdin_data.len > 0)
		(void)exchange_append_input(out, opt->stdin_data);
	if (pushed && !opt->open)
		(void)exchange_append_input(out, SLICE(""));
	return buf_failed(out) ? -ENOMEM : 0;
}
