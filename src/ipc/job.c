/* SPDX-License-Identifier: ISC */
/* Writes jobs into a file of places, and reads them in the child. */
#include "config.h"

#include "ipc/job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Of execve(2): three quarters of the usual stack, and what every stack is good for. */
#define EXEC_MOST (6u << 20)
#define EXEC_LEAST (128u << 10)
#define EXEC_ADDED (2 * PATH_MAX + 512)

#define JOB_MAGIC 0x6a6f6231u	/* "1boj" */

/* The serial of a file and a place make the number of a job, so serials are bounded. */
#define JOB_MAX_SERIAL (UINT32_MAX / JOB_PLACES)

#define SIZED_SEALS (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

int
job_file(void)
{
	CLEANUP_CLOSE int fd = memfd_create("reqd-jobs", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)JOB_FILE_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SIZED_SEALS) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/*
 * Bytes of strings, and of pointers to them, that execve(2) takes. The limit of the stack
 * decides, which programs have from this process. The kernel adds the path, twice, and the
 * first line of a script.
 */
static size_t
exec_room(void)
{
	struct rlimit stack = { .rlim_cur = RLIM_INFINITY };
	size_t room = EXEC_MOST;

	(void)getrlimit(RLIMIT_STACK, &stack);
	if (stack.rlim_cur / 4 < room)
		room = (size_t)stack.rlim_cur / 4;
	if (room < EXEC_LEAST)
		room = EXEC_LEAST;
	return room - EXEC_ADDED;
}

/* True if a job has room for it. */
static bool
fits(struct slice strings, size_t n_argv, size_t n_env)
{
	return strings.len <= JOB_MAX_BYTES && n_argv <= JOB_MAX_STRINGS &&
	    n_env <= JOB_MAX_STRINGS;
}

int
job_check(struct slice strings, size_t n_argv, size_t n_env)
{
	size_t all = strings.len + (n_argv + n_env) * sizeof(char *);

	return fits(strings, n_argv, n_env) && all <= exec_room() ? 0 : -E2BIG;
}

/* ---------------------------------------------------------------- places --- */

int
jobs_open(struct jobs *all, int fd)
{
	void *p = mmap(NULL, JOB_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	int error = p == MAP_FAILED ? -errno : 0;

	jobs_close(all);
	(void)close(fd);
	*all = (struct jobs){ .places = error == 0 ? p : NULL, .serial = all->serial % JOB_MAX_SERIAL + 1 };
	return error;
}

void
jobs_close(struct jobs *all)
{
	if (all->places != NULL)
		(void)munmap(all->places, JOB_FILE_BYTES);
	all->places = NULL;
}

static bool
is_used(const struct jobs *all, size_t place)
{
	return (all->used[place / 64] & UINT64_C(1) << place % 64) != 0;
}

/* The first n free places in a row; JOB_PLACES: there are none. */
static size_t
find_places(const struct jobs *all, size_t n)
{
	size_t in_row = 0;

	for (size_t place = 0; place < JOB_PLACES; place++) {
		in_row = is_used(all, place) ? 0 : in_row + 1;
		if (in_row == n)
			return place + 1 - n;
	}
	return JOB_PLACES;
}

static void
mark_places(struct jobs *all, size_t first, bool used)
{
	if (used)
		all->n_used += all->n_places[first];
	else
		all->n_used -= all->n_places[first];
	for (size_t place = first; place < first + all->n_places[first]; place++) {
		if (used)
			all->used[place / 64] |= UINT64_C(1) << place % 64;
		else
			all->used[place / 64] &= ~(UINT64_C(1) << place % 64);
	}
}

int
jobs_write(struct jobs *all, struct slice strings, size_t n_argv, size_t n_env,
    uint32_t *ret_job)
{
	struct job_header header = {
		.magic = JOB_MAGIC,
		.n_argv = (uint32_t)n_argv,
		.n_env = (uint32_t)n_env,
		.len = (uint32_t)strings.len,
	};
	size_t n = jobs_places(strings.len), first;

	if (!fits(strings, n_argv, n_env))
		return -E2BIG;
	if (all->places == NULL)
		return -ENOMEM;
	first = find_places(all, n);
	if (first == JOB_PLACES)
		return -EBUSY;
	all->n_places[first] = (uint16_t)n;
	mark_places(all, first, true);
	memcpy(all->places + first * JOB_PLACE, &header, sizeof(header));
	memcpy(all->places + first * JOB_PLACE + sizeof(header), strings.data, strings.len);
	*ret_job = all->serial * JOB_PLACES + (uint32_t)first;
	return 0;
}

void
jobs_free(struct jobs *all, uint32_t job)
{
	size_t first = job_place(job);

	if (all->places == NULL || job / JOB_PLACES != all->serial)
		return;
	mark_places(all, first, false);
	/* A large job is rare, so its memory is given back. */
	if (all->n_places[first] > 4)
		(void)madvise(all->places + first * JOB_PLACE,
		    (size_t)all->n_places[first] * JOB_PLACE, MADV_REMOVE);
	all->n_places[first] = 0;
}

/* ------------------------------------------------------------- the child --- */

/*
 * Points n list entries at the strings in p; NULL when they run over end.
 * Written out by hand, because the first use of a C library page costs more
 * than these few bytes.
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

/* Only children touch this memory. */
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
job_read(int fd, uint32_t place, struct job *ret)
{
	off_t at = (off_t)place * JOB_PLACE;
	struct job_header h;
	ssize_t n = pread(fd, &h, sizeof(h), at);

	if (n < 0)
		return -errno;
	if (n != sizeof(h) || h.magic != JOB_MAGIC || h.len > sizeof(bytes))
		return -EBADMSG;
	if (h.n_argv == 0 || h.n_argv > JOB_MAX_STRINGS || h.n_env > JOB_MAX_STRINGS)
		return -EBADMSG;
	n = pread(fd, bytes, h.len, at + (off_t)sizeof(h));
	if (n < 0)
		return -errno;
	return (size_t)n == h.len ? job_parse(&h, ret) : -EBADMSG;
}
