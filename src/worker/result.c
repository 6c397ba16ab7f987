/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/result.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "ipc/roles.h"
#include "proto/value.h"

#define RESULT_MAX_BYTES ROLE_MAX_FILE

struct sealed_header {
	uint64_t magic;
	struct outcome outcome;
	uint64_t usec;
	uint64_t id;
	uint64_t out_len, err_len, detail_len;
	uint8_t truncated;
};

#define RESULT_MAGIC UINT64_C(0x3174757365720031)

struct slice
result_first_line(struct slice text)
{
	const char *end;

	while (text.len > 0 && (*text.data == '\n' || *text.data == ' ')) {
		text.data++;
		text.len--;
	}
	end = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
	if (end != NULL)
		text.len = (size_t)(end - text.data);
	return text;
}

void
result_push(struct buf *b, const char *id_text, const char *stream, struct slice bytes)
{
	resp_push(b, 4);
	resp_bulk(b, SLICE("output"));
	resp_bulk_str(b, id_text);
	resp_bulk_str(b, stream);
	resp_bulk(b, bytes);
}

void
result_push_ended(struct buf *b, const char *id_text)
{
	resp_push(b, 2);
	resp_bulk(b, SLICE("ended"));
	resp_bulk_str(b, id_text);
}

/* What a handler has said, as a client may hear it. */
static void
reply_value(struct buf *b, enum resp_version v, const struct value *value)
{
	if (value == NULL)
		resp_null(b, v);
	else if (value->kind == VALUE_ERROR)
		(void)value_append_handler_error(b, value->text);
	else
		(void)value_append(b, v, value);
}

static void
reply_map(struct buf *b, enum resp_version v, bool with_output, const struct result *r)
{
	const struct outcome *o = &r->outcome;
	char id[24];

	resp_map(b, v, (with_output ? 8 : 6) + (r->is_value && !with_output));
	resp_bulk(b, SLICE("status"));
	resp_integer(b, o->kind == OUTCOME_EXIT ? o->status : -1);
	resp_bulk(b, SLICE("signal"));
	if (o->kind == OUTCOME_SIGNAL)
		resp_integer(b, o->status);
	else
		resp_null(b, v);
	if (r->is_value) {
		resp_bulk(b, SLICE("value"));
		reply_value(b, v, r->value);
	} else if (with_output) {
		resp_bulk(b, SLICE("stdout"));
		resp_bulk(b, r->out);
	}
	if (with_output) {
		resp_bulk(b, SLICE("stderr"));
		resp_bulk(b, r->err);
	}
	resp_bulk(b, SLICE("truncated"));
	resp_bool(b, v, r->truncated);
	resp_bulk(b, SLICE("usec"));
	resp_integer(b, (int64_t)r->usec);
	resp_bulk(b, SLICE("id"));
	(void)snprintf(id, sizeof(id), "%016" PRIx64, r->id);
	resp_bulk_str(b, id);
	resp_bulk(b, SLICE("outcome"));
	resp_bulk_str(b, outcome_word(o->kind));
}

void
result_reply(struct buf *b, enum resp_version v, enum result_form form,
    const struct result *r, struct slice service)
{
	const struct outcome *o = &r->outcome;
	/* What a handler did wrong is in words only, and they are in the error. */
	bool is_map = outcome_may_have_run(o->kind) && o->kind != OUTCOME_HANDLER;

	if (form == RESULT_PLAIN && r->value != NULL)
		reply_value(b, v, r->value);
	else if (form == RESULT_PLAIN && outcome_is_success(o))
		resp_bulk(b, r->out);
	else if (form == RESULT_PLAIN || !is_map)
		outcome_error(b, o, service, r->detail);
	else
		reply_map(b, v, form == RESULT_FULL, r);
}

int
result_seal(const struct result *r)
{
	struct sealed_header h = {
		.magic = RESULT_MAGIC,
		.outcome = r->outcome,
		.usec = r->usec,
		.id = r->id,
		.out_len = r->out.len,
		.err_len = r->err.len,
		.detail_len = r->detail.len,
		.truncated = r->truncated,
	};
	struct buf b = BUF_INIT(RESULT_MAX_BYTES);
	int fd;

	(void)buf_append(&b, &h, sizeof(h));
	(void)buf_append_slice(&b, r->out);
	(void)buf_append_slice(&b, r->err);
	(void)buf_append_slice(&b, r->detail);
	fd = buf_failed(&b) ? -ENOMEM : fd_sealed("reqd-result", buf_data(&b), buf_len(&b));
	buf_done(&b);
	return fd;
}

int
result_map(int fd, struct result *ret, struct result_map *ret_map)
{
	struct sealed_header h;
	const char *data, *p;
	size_t len, rest;
	int r;

	r = fd_map_sealed(fd, RESULT_MAX_BYTES, &data, &len);
	if (r < 0)
		return r;
	*ret_map = (struct result_map){ data, len };
	if (len < sizeof(h))
		goto bad;
	memcpy(&h, data, sizeof(h));
	rest = len - sizeof(h);
	if (h.magic != RESULT_MAGIC || h.outcome.kind >= OUTCOME_N)
		goto bad;
	if (h.out_len > rest || h.err_len > rest - h.out_len ||
	    h.detail_len != rest - h.out_len - h.err_len)
		goto bad;
	p = data + sizeof(h);
	*ret = (struct result){
		.outcome = h.outcome,
		.out = { p, h.out_len },
		.err = { p + h.out_len, h.err_len },
		.detail = { p + h.out_len + h.err_len, h.detail_len },
		.truncated = h.truncated != 0,
		.usec = h.usec,
		.id = h.id,
	};
	return 0;
bad:
	result_unmap(ret_map);
	return -EBADMSG;
}

void
result_unmap(struct result_map *m)
{
	if (m->data != NULL)
		(void)munmap((void *)(uintptr_t)m->data, m->len);
	m->data = NULL;
}
