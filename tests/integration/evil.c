/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "evil.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/roles.h"

/* Slots of the protocol from here on serve honestly. */
#define EVIL_SLOTS 16
#define LOOK_MS 20

static char directory[PATH_MAX + 8];

int __real_worker_main(unsigned slot);
int __wrap_worker_main(unsigned slot);

/* ------------------------------------------------------------- what it says --- */

void
evil_say(const struct evil *e, const char *format, ...)
{
	static int fd = -1;	/* stays open: a confined process opens nothing */
	char path[PATH_MAX + 32], text[512];
	va_list args;
	int n;

	n = snprintf(text, sizeof(text), "%llu %u %d ",
	    (unsigned long long)(clock_usec() / USEC_PER_MSEC), e->slot,
	    (int)(e->said_by != 0 ? e->said_by : getpid()));
	va_start(args, format);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n++] = '\n';
	(void)snprintf(path, sizeof(path), "%s/events", directory);
	if (fd < 0)
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)n) < 0)
		abort();
}

void
evil_confess(const struct evil *e)
{
	evil_say(e, "bad");
}

bool
evil_tell_master(const struct frame *f)
{
	for (int i = 0; i < 1000; i++) {
		int r = channel_send(ROLE_CHANNEL_FD, f, NULL, 0);

		if (r != -EAGAIN)
			return r == 0;
		(void)poll(&(struct pollfd){ .fd = ROLE_CHANNEL_FD, .events = POLLOUT }, 1, 10);
	}
	return false;
}

bool
evil_write(struct evil *e, const void *data, size_t len)
{
	for (int i = 0; i < 100 && !e->is_found_out && !e->is_over; i++) {
		ssize_t n = write(e->pipe, data, len);

		if (n >= 0)
			return true;
		if (errno != EAGAIN)
			break;
		/* A process that does not read may be waiting for this one. */
		evil_behave(e, 0);
		(void)poll(&(struct pollfd){ .fd = e->pipe, .events = POLLOUT }, 1, 10);
	}
	return false;
}

bool
evil_send(struct evil *e, const struct frame *f)
{
	return evil_write(e, f, sizeof(*f));
}

/* ------------------------------------------------------------ what it hears --- */

static void
on_prepare(struct evil *e, const struct frame *f, int *fds, size_t n_fds)
{
	struct frame answer = { .type = FRAME_PREPARED, .generation = f->generation };
	char why[128];

	if (e->manners.refuses_prepare) {
		answer.type = FRAME_REFUSED;
		(void)strlcpy(answer.text, "I do not like it", sizeof(answer.text));
		evil_confess(e);
		(void)evil_tell_master(&answer);
		return;
	}
	if (e->manners.ignores_prepare)
		return;
	e->prepared = conf_unref(e->prepared);
	(void)conf_read_sealed(fds[0], f->generation, &e->prepared, why, sizeof(why));
	channel_close_fds(e->listeners, e->n_listeners);
	for (e->n_listeners = 0; e->n_listeners + 1 < n_fds; e->n_listeners++)
		e->listeners[e->n_listeners] = TAKE_FD(fds[e->n_listeners + 1]);
	(void)evil_tell_master(&answer);
}

static void
on_commit(struct evil *e, const struct frame *f)
{
	if (e->manners.ignores_commit)
		return;
	if (e->prepared != NULL) {
		e->conf = conf_unref(e->conf);
		e->conf = TAKE_PTR(e->prepared);
	}
	e->generation = f->generation;
	(void)evil_tell_master(&(struct frame){
	    .type = FRAME_COMMITTED, .generation = f->generation });
}

static void
mail_close_ends(struct evil *e)
{
	if (e->socket >= 0)
		(void)close(TAKE_FD(e->socket));
	if (e->pipe >= 0)
		(void)close(TAKE_FD(e->pipe));
	while (e->n_kits > 0)
		channel_close_fds(e->kits[--e->n_kits].fds, 3);
	while (e->n_leases > 0)
		channel_close_fds(e->leases[--e->n_leases].fds, 3);
}

static void
tell_control(const struct evil *e, enum frame_type type, const struct frame *question)
{
	struct frame f = { .type = (uint16_t)type, .answers = question->serial };

	(void)!write(e->control_pipe, &f, sizeof(f));
}

/* Give "reqctl ps" something to read. */
static void
on_list(struct evil *e, const struct frame *f, int fd)
{
	static const char rubbish[1 << 16] = "{\"id\":\xff\n";

	for (int i = 0; e->manners.floods_list && i < 1024; i++) {
		if (write(fd, rubbish, sizeof(rubbish)) < 0)
			break;
	}
	if (!e->manners.ignores_list)
		tell_control(e, FRAME_LISTED, f);
}

static void
on_master_frame(struct evil *e, const struct frame *f, int *fds, size_t n_fds)
{
	e->seen[f->type]++;
	e->last[f->type] = *f;
	switch (f->type) {
	case FRAME_PREPARE:
		on_prepare(e, f, fds, n_fds);
		return;
	case FRAME_COMMIT:
		on_commit(e, f);
		return;
	case FRAME_LINK:
		if (n_fds != 2)
			return;
		if (f->slot == ROLE_PROCESS(ROLE_CONTROL, 0)) {
			channel_close_fds((int[]){ e->control_socket, e->control_pipe }, 2);
			e->control_socket = TAKE_FD(fds[0]);
			e->control_pipe = TAKE_FD(fds[1]);
			return;
		}
		if (f->slot == ROLE_PROCESS(ROLE_AUTH, 0)) {
			channel_close_fds((int[]){ e->auth_socket, e->auth_pipe }, 2);
			e->auth_socket = TAKE_FD(fds[0]);
			e->auth_pipe = TAKE_FD(fds[1]);
			return;
		}
		if (f->slot == ROLE_PROCESS(ROLE_KEYS, 0)) {
			channel_close_fds((int[]){ e->keys_socket, e->keys_pipe }, 2);
			e->keys_socket = TAKE_FD(fds[0]);
			e->keys_pipe = TAKE_FD(fds[1]);
			return;
		}
		mail_close_ends(e);
		e->socket = TAKE_FD(fds[0]);
		e->pipe = TAKE_FD(fds[1]);
		return;
	case FRAME_PING:
		(void)evil_tell_master(&(struct frame){ .type = FRAME_PONG, .id = f->id });
		return;
	case FRAME_STOP:
		e->is_over = true;
		return;
	default:
		return;
	}
}

static void
on_control_frame(struct evil *e, const struct frame *f, int *fds)
{
	e->seen[f->type]++;
	if (f->type == FRAME_LIST)
		on_list(e, f, fds[0]);
	else
		tell_control(e, FRAME_KILLED, f);
}

static void
give_back(struct evil *e, const struct evil_lease *l)
{
	(void)evil_send(e, &(struct frame){ .type = FRAME_RETURN, .id = l->id });
}

static void
on_lease(struct evil *e, const struct frame *f, int *fds)
{
	struct evil_lease l = { .id = f->id };

	if (e->n_leases == EVIL_MAX_LEASES)
		return;
	for (size_t i = 0; i < 3; i++)
		l.fds[i] = TAKE_FD(fds[i]);
	if (f->lease.is_probe) {
		give_back(e, &l);
		channel_close_fds(l.fds, 3);
		return;
	}
	e->leases[e->n_leases++] = l;
}

static void
on_recall(struct evil *e, uint64_t id)
{
	for (size_t i = 0; i < e->n_leases && !e->manners.ignores_recall; i++) {
		if (e->leases[i].id != id)
			continue;
		give_back(e, &e->leases[i]);
		channel_close_fds(e->leases[i].fds, 3);
		e->leases[i] = e->leases[--e->n_leases];
		return;
	}
}

static void
on_kit(struct evil *e, const struct frame *f, int *fds)
{
	struct evil_kit *k = &e->kits[e->n_kits];

	if (e->n_kits == EVIL_MAX_KITS)
		return;
	*k = (struct evil_kit){ .number = f->kit.number, .has_input = f->kit.has_input != 0 };
	for (size_t i = 0; i < 3; i++)
		k->fds[i] = i < (k->has_input ? 3 : 2) ? TAKE_FD(fds[i]) : -1;
	e->n_kits++;
}

static void
on_broker_frame(struct evil *e, const struct frame *f, int *fds)
{
	struct frame answer = { .answers = f->serial, .id = f->id, .slot = f->slot };

	e->seen[f->type]++;
	e->last[f->type] = *f;
	switch (f->type) {
	case FRAME_KIT:
		on_kit(e, f, fds);
		return;
	case FRAME_JOBS:
		(void)jobs_open(&e->jobs, TAKE_FD(fds[0]));
		return;
	case FRAME_UNKIT:
		while (e->n_kits > 0)
			channel_close_fds(e->kits[--e->n_kits].fds, 3);
		answer.type = FRAME_UNKIT;
		(void)evil_send(e, &answer);
		return;
	case FRAME_PAPER:
		if (e->paper >= 0)
			(void)close(e->paper);
		e->paper = TAKE_FD(fds[0]);
		return;
	case FRAME_LEASE:
		on_lease(e, f, fds);
		return;
	case FRAME_RECALL:
		on_recall(e, f->id);
		return;
	case FRAME_CANCEL_OWNED:
		if (e->manners.ignores_cancel)
			return;
		answer.type = FRAME_CANCELLED;
		(void)evil_send(e, &answer);
		return;
	default:
		return;
	}
}

/* Reads one frame of the master or of the broker. */
static void
hear_control(struct evil *e)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n_fds;
	int r = channel_receive(e->control_socket, &f, fds, &n_fds);

	if (r == CHANNEL_OK) {
		on_control_frame(e, &f, fds);
		channel_close_fds(fds, n_fds);
	} else if (r != -EAGAIN) {
		(void)close(TAKE_FD(e->control_socket));
	}
}

static void
hear(struct evil *e, bool is_master)
{
	int fds[FRAME_MAX_FDS];
	struct frame f;
	size_t n_fds;
	int r = channel_receive(is_master ? ROLE_CHANNEL_FD : e->socket, &f, fds, &n_fds);

	if (r == -EAGAIN)
		return;
	if (r != CHANNEL_OK && is_master) {
		e->is_over = true;
	} else if (r != CHANNEL_OK) {
		e->is_found_out = true;
		mail_close_ends(e);
	} else if (is_master) {
		on_master_frame(e, &f, fds, n_fds);
	} else {
		on_broker_frame(e, &f, fds);
	}
	if (r == CHANNEL_OK)
		channel_close_fds(fds, n_fds);
}

bool
evil_await(struct evil *e, unsigned type, uint64_t ms)
{
	uint64_t due = clock_usec() + ms * USEC_PER_MSEC, before = e->seen[type];

	for (;;) {
		uint64_t now = clock_usec();
		struct pollfd p[] = {
			{ .fd = ROLE_CHANNEL_FD, .events = POLLIN },
			{ .fd = e->manners.is_deaf ? -1 : e->socket, .events = POLLIN },
			{ .fd = e->control_socket, .events = POLLIN },
		};
		int timeout = now < due ? (int)((due - now) / USEC_PER_MSEC) + 1 : 0;

		if (type != 0 && e->seen[type] != before)
			return true;
		if (e->is_over || poll(p, 3, timeout) <= 0)
			return false;
		if (p[0].revents != 0)
			hear(e, true);
		else if (p[1].revents != 0)
			hear(e, false);
		else
			hear_control(e);
	}
}

void
evil_behave(struct evil *e, uint64_t ms)
{
	(void)evil_await(e, 0, ms);
}

/* ------------------------------------------------------------------ helpers --- */

uint16_t
evil_service(const struct evil *e, const char *name)
{
	const struct service *s = e->conf == NULL ? NULL :
	    conf_find_service(e->conf, name, strlen(name));

	if (s == NULL)
		abort();
	return (uint16_t)s->number;
}

uint64_t
evil_new_id(struct evil *e)
{
	return (uint64_t)((uint32_t)getpid() << 8 | e->slot) << 32 | ++e->id_low;
}

bool
evil_take_kit(struct evil *e, bool has_input, struct evil_kit *ret)
{
	for (int attempt = 0; attempt < 100 && !e->is_found_out && !e->is_over; attempt++) {
		for (size_t i = 0; i < e->n_kits; i++) {
			if (e->kits[i].has_input != has_input)
				continue;
			*ret = e->kits[i];
			e->kits[i] = e->kits[--e->n_kits];
			return true;
		}
		(void)evil_await(e, FRAME_KIT, 20);
	}
	return false;
}

/* --------------------------------------------------------------------- life --- */

static void
find_directory(void)
{
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		abort();
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	*slash = '\0';
	(void)snprintf(directory, sizeof(directory), "%s/evil", exe);
}

/* Takes the order, which counts once. The caller frees it; NULL: none. */
static char *
take_order(const struct evil *e)
{
	char path[PATH_MAX + 32], name[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/attack.%u", directory, e->slot);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	n = read(fd, name, sizeof(name) - 1);
	(void)close(fd);
	(void)unlink(path);
	if (n <= 0)
		return NULL;
	name[n] = '\0';
	return strdup(name);
}

static int
evil_main(unsigned slot)
{
	struct evil *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return ROLE_EXIT_SETUP;
	e->slot = slot;
	e->socket = e->pipe = e->paper = e->control_socket = e->control_pipe = -1;
	e->auth_socket = e->auth_pipe = e->keys_socket = e->keys_pipe = -1;
	(void)evil_tell_master(&(struct frame){ .type = FRAME_READY, .slot = (uint16_t)slot });
	while (!e->is_over && e->generation == 0)
		evil_behave(e, LOOK_MS);
	if (!e->is_over)
		evil_say(e, "ready");
	while (!e->is_over) {
		char *order = e->attack == NULL ? take_order(e) : NULL;

		evil_behave(e, LOOK_MS);
		if (order == NULL)
			continue;
		e->attack = order;
		evil_say(e, "begun %s", order);
		if (!evil_attack(e, order))
			evil_say(e, "note there is no such attack");
		evil_say(e, "done");
		e->attack = NULL;
		free(order);
	}
	mail_close_ends(e);
	(void)conf_unref(e->conf);
	(void)conf_unref(e->prepared);
	free(e);
	return ROLE_EXIT_OK;
}

int
__wrap_worker_main(unsigned slot)
{
	char web[PATH_MAX + 32];
	enum listener_protocol evil;

	find_directory();
	(void)snprintf(web, sizeof(web), "%s/web", directory);
	evil = access(web, F_OK) == 0 ? PROTOCOL_HTTP : PROTOCOL_RESP;
	if (role_slot_protocol(slot) != evil || role_slot_index(slot) >= EVIL_SLOTS)
		return __real_worker_main(slot);
	return evil_main(slot);
}
