/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/job.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

#define JOB_MAGIC 0x6a6f6231u	/* "1boj" */

#define SIZED_SEALS (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

int
job_file(void)
{
	CLEANUP_CLOSE int fd = memfd_create("reqd-job", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, sizeof(struct job_header) + JOB_MAX_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SIZED_SEALS) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int
job_check(struct slice strings, size_t n_argv, size_t n_env)
{
	bool fits = strings.len <= JOB_MAX_BYTES && n_argv <= JOB_MAX_STRINGS &&
	    n_env <= JOB_MAX_STRINGS;

	return fits ? 0 : -E2BIG;
}

int
job_write(int fd, struct slice strings, size_t n_argv, size_t n_env)
{
	struct job_header header = {
		.magic = JOB_MAGIC,
		.n_argv = (uint32_t)n_argv,
		.n_env = (uint32_t)n_env,
		.len = (uint32_t)strings.len,
	};
	struct iovec iov[] = {
		{ &header, sizeof(header) },
		{ (void *)(uintptr_t)strings.data, strings.len },
	};
	ssize_t n;
	int r = job_check(strings, n_argv, n_env);

	if (r < 0)
		return r;
	n = pwritev(fd, iov, 2, 0);
	if (n < 0)
		return -errno;
	/* A memory file takes all there is room for, unless memory runs out. */
	return (size_t)n == sizeof(header) + strings.len ? 0 : -ENOMEM;
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

/* Touched in children only. */
static char bytes[JOB_MAX_BYTES];

static CHILD_CODE int
job_parse(const struct job_header *h, struct job *ret)
{
	char *p, *end = bytes + h->len;

	ret->argv = ret->strings;
	ret->envp = ret->strings + h->n_argv + 1;
	p = strings_list(bytes, end, h->n_argv, ret->argv);
	if (p == NULL)
		return -EBADMSG;
	p = strings_list(p, end, h->n_env, ret->envp);
	return p == end ? 0 : -EBADMSG;
}

CHILD_CODE int
job_read(int fd, struct job *ret)
{
	struct job_header h;
	ssize_t n = pread(fd, &h, sizeof(h), 0);

	if (n < 0)
		return -errno;
	if (n != sizeof(h) || h.magic != JOB_MAGIC || h.len > sizeof(bytes))
		return -EBADMSG;
	if (h.n_argv == 0 || h.n_argv > JOB_MAX_STRINGS || h.n_env > JOB_MAX_STRINGS)
		return -EBADMSG;
	n = pread(fd, bytes, h.len, sizeof(h));
	if (n < 0)
		return -errno;
	return (size_t)n == h.len ? job_parse(&h, ret) : -EBADMSG;
}
