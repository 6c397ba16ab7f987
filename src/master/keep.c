/* SPDX-License-Identifier: ISC */
/* Stores listening sockets with systemd, and reads their names back. */
#include "config.h"

#include "master/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/digest.h"

#define PREFIX "kept-"

/* True if systemd is willing to keep sockets. */
static bool
is_wanted(void)
{
	const char *max = getenv("FDSTORE");

	return getenv("NOTIFY_SOCKET") != NULL && max != NULL && strtol(max, NULL, 10) > 0;
}

/* A number of sixteen digits for a URL; names of sockets may not contain colons. */
static uint64_t
url_number(const char *url)
{
	struct slice part = slice_of(url);
	struct digest d = digest_of(&part, 1);
	uint64_t number;

	memcpy(&number, d.bytes, sizeof(number));
	return number;
}

static bool
name_read(const char *name, uint64_t *ret_url, struct socket_file *ret_file)
{
	uintmax_t dev, ino;
	int end = 0;

	if (sscanf(name, PREFIX "%16" SCNx64 "-%jx-%jx%n", ret_url, &dev, &ino, &end) != 3 ||
	    name[end] != '\0')
		return false;
	*ret_file = (struct socket_file){ .dev = (dev_t)dev, .ino = (ino_t)ino };
	return true;
}

bool
keep_parse(const char *name, struct socket_file *ret_file)
{
	uint64_t url;

	return name_read(name, &url, ret_file);
}

bool
keep_is_of(const char *name, const char *url)
{
	struct socket_file file;
	uint64_t number;

	return name_read(name, &number, &file) && number == url_number(url);
}

void
keep_store(int fd, const char *url, const struct socket_file *f, char ret_name[KEEP_NAME])
{
	char state[160];

	if (!is_wanted())
		return;
	(void)snprintf(ret_name, KEEP_NAME, PREFIX "%016" PRIx64 "-%jx-%jx", url_number(url),
	    (uintmax_t)f->dev, (uintmax_t)f->ino);
	/* Without FDPOLL=0 systemd would drop a socket that is in an error state. */
	(void)snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", ret_name);
	if (sd_pid_notify_with_fds(0, 0, state, &fd, 1) < 0)
		*ret_name = '\0';
}

void
keep_forget(const char *name)
{
	(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}
