/* SPDX-License-Identifier: ISC */
/* Asks the kernel about unix sockets by netlink (sock_diag). */
#include "config.h"

#include "base/sockdiag.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Room for the one answer, with every attribute that there is. */
#define ANSWER_MAX 4096

/* ------------------------------------------------------------- sockets --- */

struct request {
	struct nlmsghdr head;
	struct unix_diag_req diag;
};

/* Asks for the one socket by the number of its inode. The answer is there at once. */
static ssize_t
ask(uint32_t ino, void *answer, size_t size)
{
	struct request q = {
		.head = {
			.nlmsg_len = sizeof(q),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.diag = {
			.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_ino = ino,
			.udiag_show = UDIAG_SHOW_VFS,
			.udiag_cookie = { UINT32_MAX, UINT32_MAX },	/* none */
		},
	};
	CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0 || send(fd, &q, sizeof(q), 0) < 0)
		return -1;
	return recv(fd, answer, size, MSG_DONTWAIT);
}

int
sockdiag_file(int fd, struct sockdiag_file *ret)
{
	union {
		struct nlmsghdr head;
		char bytes[ANSWER_MAX];
	} answer;
	struct stat st;
	ssize_t n;
	int left;

	if (fstat(fd, &st) < 0)
		return -errno;
	n = ask((uint32_t)st.st_ino, &answer, sizeof(answer));
	if (n < 0 || !NLMSG_OK(&answer.head, (unsigned)n) ||
	    answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    answer.head.nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
		return -EOPNOTSUPP;
	left = (int)(answer.head.nlmsg_len - NLMSG_LENGTH(sizeof(struct unix_diag_msg)));
	for (struct rtattr *a = (struct rtattr *)(void *)(answer.bytes +
	    NLMSG_SPACE(sizeof(struct unix_diag_msg))); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		struct unix_diag_vfs vfs;

		if (a->rta_type != UNIX_DIAG_VFS || RTA_PAYLOAD(a) < sizeof(vfs))
			continue;
		memcpy(&vfs, RTA_DATA(a), sizeof(vfs));
		*ret = (struct sockdiag_file){ vfs.udiag_vfs_dev, vfs.udiag_vfs_ino };
		return 0;
	}
	return -EOPNOTSUPP;
}

/* --------------------------------------------------------------- files --- */

/* The number of a device as the kernel itself has it. */
static uint32_t
device_number(unsigned major_part, unsigned minor_part)
{
	return (uint32_t)major_part << 20 | minor_part;
}

/* The device of a mount, which on btrfs and overlayfs is not what stat() says. */
static void
mount_device(int mount, uint32_t *ret)
{
	CLEANUP_FILE FILE *f = fopen("/proc/self/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;
	unsigned major_part, minor_part;
	int id;

	while (f != NULL && getline(&line, &size, f) > 0) {
		if (sscanf(line, "%d %*d %u:%u", &id, &major_part, &minor_part) == 3 && id == mount) {
			*ret = device_number(major_part, minor_part);
			return;
		}
	}
}

int
sockdiag_number(int fd, struct sockdiag_file *ret)
{
	char path[64], text[1024];
	const char *mount, *ino;
	struct stat st;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	n = fd_read_text(AT_FDCWD, path, text, sizeof(text));
	if (n < 0 || fstat(fd, &st) < 0)
		return n < 0 ? (int)n : -errno;
	mount = strstr(text, "mnt_id:");
	/* Since Linux 5.14. */
	ino = strstr(text, "\nino:");
	ret->dev = device_number(major(st.st_dev), minor(st.st_dev));
	ret->ino = (uint32_t)(ino != NULL ? strtoull(ino + 5, NULL, 10) : st.st_ino);
	if (mount != NULL)
		mount_device((int)strtol(mount + 7, NULL, 10), &ret->dev);
	return 0;
}
