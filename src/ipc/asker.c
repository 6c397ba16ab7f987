/* SPDX-License-Identifier: ISC */
/* The link to a worker that asks: what auth and keys do alike. */
#include "config.h"

#include "ipc/asker.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

void
asker_init(struct asker *a, struct member *m, loop_io_fn *on_question, loop_io_fn *on_room)
{
	*a = (struct asker){
		.member = m,
		.in = { .fn = on_question, .fd = -1 },
		.out = { .fn = on_room, .fd = -1 },
	};
}

bool
asker_is_linked(const struct asker *a)
{
	return a->in.fd >= 0;
}

void
asker_close(struct asker *a)
{
	loop_close_shared(a->member->loop, &a->in);
	loop_close_shared(a->member->loop, &a->out);
}

void
asker_link(struct asker *a, const struct frame *f, int fds[static 2])
{
	asker_close(a);
	a->slot = f->slot;
	a->serial = f->link.serial;
	a->out.fd = TAKE_FD(fds[0]);
	a->in.fd = TAKE_FD(fds[1]);
	if (loop_add(a->member->loop, &a->in, EPOLLIN) < 0)
		asker_close(a);
}

void
asker_unlink(struct asker *a, const struct frame *f)
{
	if (a->serial == f->link.serial)
		asker_close(a);
}

void
asker_accuse(struct asker *a, const char *what)
{
	member_accuse(a->member, a->slot, a->serial, what);
	asker_close(a);
}

bool
asker_read(struct asker *a, void *question, size_t size, const char *what)
{
	ssize_t n = read(a->in.fd, question, size);

	if (n == (ssize_t)size)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0)
		asker_accuse(a, what);
	else
		asker_close(a);
	return false;
}

bool
asker_send(struct asker *a, const void *answer, size_t size)
{
	ssize_t n = send(a->out.fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		asker_close(a);
	return true;
}
