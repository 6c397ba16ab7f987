/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "master/notify.h"

#define PREFIX "kept-"
#define BARRIER_USEC (5 * USEC_PER_SEC)

/* Will systemd keep them? */
static bool
is_wanted(void)
{
	const char *max = getenv("FDSTORE");

	return getenv("NOTIFY_SOCKET") != NULL && max != NULL && strtol(max, NULL, 10) > 0;
}

/* Of sixteen digits, without a colon, which a name cannot have. */
static uint64_t
url_number(const char *url)
{
	struct slice part = slice_of(url);
	struct digest d = digest_of(&part, 1);
	uint64_t number;

	memcpy(&number, d.bytes, sizeof(number));
	return number;
}

static void
name_format(char *ret, size_t len, const char *url, const struct socket_file *f)
{
	(void)snprintf(ret, len, PREFIX "%016" PRIx64 "-%jx-%jx", url_number(url),
	    (uintmax_t)f->dev, (uintmax_t)f->ino);
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
keep_store(struct listen_set *set, const struct conf *c)
{
	if (!is_wanted())
		return;
	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = &set->list[i];

		if (s->passed >= 0 || s->kept_as[0] != '\0')
			continue;
		name_format(s->kept_as, sizeof(s->kept_as), c->listeners[i].url, &s->file);
		if (notify_store(s->fd, s->kept_as) < 0)
			s->kept_as[0] = '\0';
	}
}

void
keep_forget(struct listen_socket *s)
{
	if (s->kept_as[0] != '\0')
		notify_unstore(s->kept_as);
	s->kept_as[0] = '\0';
}

static bool
is_used(const struct passed_socket *p, const struct conf *c)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (passed_fits(p, &c->listeners[i]))
			return true;
	}
	return false;
}

static void
passed_drop(struct passed_socket *p)
{
	struct sockaddr_un sa = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(sa) - 1;

	if (p->file.ino != 0 && getsockname(p->fd, (struct sockaddr *)&sa, &len) == 0 &&
	    sa.sun_family == AF_UNIX)
		socket_file_remove(&p->file, sa.sun_path);
	notify_unstore(p->name);
	(void)close(p->fd);
	p->fd = -1;
}

void
keep_drop_unused(struct passed_set *p, const struct conf *c)
{
	bool dropped = false;

	for (size_t i = 0; i < p->n; i++) {
		if (!p->list[i].is_kept || is_used(&p->list[i], c))
			continue;
		passed_drop(&p->list[i]);
		dropped = true;
	}
	if (dropped)
		(void)sd_notify_barrier(0, BARRIER_USEC);
}

void
keep_done(struct passed_set *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!p->list[i].is_kept || p->list[i].fd < 0)
			continue;
		(void)close(p->list[i].fd);
		p->list[i].fd = -1;
	}
}
