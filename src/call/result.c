/* SPDX-License-Identifier: ISC */
/* Writes results into sealed files, and reads them back. */
#include "config.h"

#include "call/result.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/frame.h"

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
	while (text.len > 0 && (*text.data == '\n' || *text.data == ' ')) {
		text.data++;
		text.len--;
	}
	return slice_line(text);
}

/* Writes all bytes of a part at this place of the file. 0 or -errno. */
static int
part_write(int fd, struct slice part, off_t at)
{
	while (part.len > 0) {
		ssize_t n = pwrite(fd, part.data, part.len, at);

		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		part.data += n;
		part.len -= (size_t)n;
		at += n;
	}
	return 0;
}

int
result_write_part(int fd, struct slice out, uint64_t *written)
{
	off_t at = (off_t)(sizeof(struct sealed_header) + *written);
	struct slice rest = { out.data + *written, out.len - (size_t)*written };
	int r = part_write(fd, rest, at);

	if (r == 0)
		*written = out.len;
	return r;
}

int
result_write(int fd, const struct result *r, uint64_t written)
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
	const struct slice parts[] = {
		{ (const char *)&h, sizeof(h) }, r->out, r->err, r->detail,
	};
	off_t at = 0;
	int error;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		uint64_t skip = i == 1 && written <= r->out.len ? written : 0;
		struct slice part = { parts[i].data + skip, parts[i].len - (size_t)skip };

		error = part_write(fd, part, at + (off_t)skip);
		if (error < 0)
			return error;
		at += (off_t)parts[i].len;
	}
	error = fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
	return error < 0 ? -errno : 0;
}

int
result_map(int fd, struct result *ret, struct result_map *ret_map)
{
	struct sealed_header h;
	const char *data, *p;
	size_t len, rest;
	int r;

	r = fd_map_sealed(fd, FRAME_RESULT_BYTES, &data, &len);
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
	    h.detail_len > rest - h.out_len - h.err_len)
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
