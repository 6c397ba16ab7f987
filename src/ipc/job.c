/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/job.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define JOB_MAGIC 0x6a6f6231u	/* "1boj" */

int
job_seal(const struct buf *strings, size_t n_argv, size_t n_env)
{
	struct job_header header = {
		.magic = JOB_MAGIC,
		.n_argv = (uint32_t)n_argv,
		.n_env = (uint32_t)n_env,
		.len = (uint32_t)buf_len(strings),
	};
	CLEANUP(buf_done) struct buf all = BUF_INIT(0);

	if (buf_len(strings) > JOB_MAX_BYTES || n_argv > JOB_MAX_STRINGS || n_env > JOB_MAX_STRINGS)
		return -E2BIG;
	if (buf_append(&all, &header, sizeof(header)) < 0 ||
	    buf_append_slice(&all, buf_slice(strings)) < 0)
		return -ENOMEM;
	return fd_sealed("reqd-job", buf_data(&all), buf_len(&all));
}

/*
 * Points n list entries at the strings in p; NULL when they run over end.
 * By hand, because a page of the C library costs more than these few bytes.
 */
static CHILD_CODE char *
strings_list(char *p, const char *end, size_t n, char **list)
{
	for (size_t i = 0; i < n; i++) {
		list[i] = p;
		while (p < end && *p != '\0')
			p++;
		if (p >= end)
			return NULL;
		p++;
	}
	list[n] = NULL;
	return p;
}

static CHILD_CODE int
job_parse(const char *data, size_t len, struct job *ret)
{
	struct job_header header;
	char *p, *end;

	if (len < sizeof(header))
		return -EBADMSG;
	memcpy(&header, data, sizeof(header));
	if (header.magic != JOB_MAGIC || header.len != len - sizeof(header))
		return -EBADMSG;
	if (header.n_argv == 0 || header.n_argv > JOB_MAX_STRINGS || header.n_env > JOB_MAX_STRINGS)
		return -EBADMSG;

	/* execve() wants char **; the mapping is private and never written. */
	p = (char *)(uintptr_t)data + sizeof(header);
	end = p + header.len;
	ret->argv = ret->strings;
	ret->envp = ret->strings + header.n_argv + 1;
	p = strings_list(p, end, header.n_argv, ret->argv);
	if (p == NULL)
		return -EBADMSG;
	p = strings_list(p, end, header.n_env, ret->envp);
	return p == end ? 0 : -EBADMSG;
}

CHILD_CODE int
job_read(int fd, struct job *ret)
{
	const char *data;
	size_t len;
	int r;

	r = fd_map_sealed(fd, sizeof(struct job_header) + JOB_MAX_BYTES, &data, &len);
	if (r < 0)
		return r;
	r = job_parse(data, len, ret);
	if (r < 0 && data != NULL)
		(void)munmap((void *)(uintptr_t)data, len);
	return r;
}
