/* SPDX-License-Identifier: ISC */
/* fd: makes, moves and reads descriptors. */
#include "config.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int
fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	/* A confined process may not change these flags, and need not when they are right. */
	if (((flags & O_NONBLOCK) != 0) == on)
		return 0;
	return fcntl(fd, F_SETFL, flags ^ O_NONBLOCK) < 0 ? -errno : 0;
}

int
fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int
fd_pipe(int ret[static 2], int own)
{
	int r;

	if (pipe2(ret, O_CLOEXEC) < 0)
		return -errno;
	/* A new pipe has no other flags that would have to be kept. */
	if (fcntl(ret[own], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	r = -errno;
	(void)close(ret[0]);
	(void)close(ret[1]);
	return r;
}

int
fd_lift(int fd, int min)
{
	int high;

	if (fd < 0)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, min);
	if (high < 0)
		high = -errno;
	(void)close(fd);
	return high;
}

int
fd_option(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) < 0 ? -errno : value;
}

int
fd_domain(int fd)
{
	int domain = fd_option(fd, SOL_SOCKET, SO_DOMAIN);

	return domain < 0 ? AF_UNSPEC : domain;
}

int
fd_fill(int n)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0 || (fd <= STDERR_FILENO && fd_set_cloexec(fd, false) < 0))
			return -errno;
	} while (fd < n);
	(void)close(fd);
	return 0;
}

ssize_t
fd_read_text(int dir_fd, const char *path, char *text, size_t size)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		n = -errno;
	text[n > 0 ? n : 0] = '\0';
	return n;
}

int
fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fd_sealed(const char *name, const void *data, size_t len)
{
	CLEANUP_CLOSE int fd = -1;
	int r;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return TAKE_FD(fd);
}

CHILD_CODE ssize_t
fd_size(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);

	return size < 0 ? -errno : (ssize_t)size;
}

CHILD_CODE int
fd_map_sealed(int fd, size_t max, const char **ret, size_t *ret_len)
{
	ssize_t size;
	void *p;
	int seals;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0)
		return -errno;
	if ((seals & SEALS) != SEALS)
		return -EPERM;
	size = fd_size(fd);
	if (size < 0)
		return (int)size;
	if ((size_t)size > max)
		return -EFBIG;
	if (size == 0) {
		*ret = NULL;
		*ret_len = 0;
		return 0;
	}
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	*ret_len = (size_t)size;
	return 0;
}
