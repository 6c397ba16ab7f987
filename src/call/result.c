/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "call/result.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/fd.h"

#define RESULT_MAX_BYTES (256u << 20)

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
