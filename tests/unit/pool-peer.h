/* SPDX-License-Identifier: ISC */
/*
 * pool-peer: services with handlers in the broker of broker-peer, and leases of
 * their processes. Nobody here reads the replies of a handler, so cat(1) can be
 * the handler: it returns all bytes.
 */
#pragma once

#define LISTEN "listen \"unix:///tmp/reqd-test-pool.sock\" {}\n"

/* Services in the order of their numbers. */
enum { S_BAD, S_FEW, S_ONE, S_SHORT, S_TIDY };

static const char conf_text[] =
    LISTEN
    "kill-grace = 20ms\n"
    "service \"bad\" { handler = {\"/bin/false\"} processes { min = 0 } }\n"
    "service \"few\" { handler = {\"/bin/cat\"} processes { min = 0 max = 3 idle = 1h } }\n"
    "service \"one\" { handler = {\"/bin/cat\"} processes { max = 1 } }\n"
    "service \"short\" { handler = {\"/bin/cat\"} processes { max = 1 requests = 10 } }\n"
    "service \"tidy\" { handler = {\"/bin/cat\"} processes { min = 1 max = 3 idle = 1ms } }\n";

#include "broker-peer.h"

/* ----------------------------------------------------------------- lease --- */

/* A handler process as a worker has it. */
struct leased {
	uint16_t worker;
	uint64_t id;
	struct frame_lease lease;
	int in, out, err;
};

static inline void
want(uint16_t worker, const char *service)
{
	struct frame f = { .type = FRAME_WANT, .generation = 1 };

	(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
	say(worker, &f);
}

/* Returns a lease in *ret; false: UNABLE came instead. */
static inline bool
get_lease_or_unable(uint16_t worker, const char *service, struct leased *ret)
{
	int fds[FRAME_MAX_FDS];
	size_t n_fds;
	struct frame f = get_with_fds(broker.worker[worker], fds, &n_fds);

	if (f.type == FRAME_UNABLE) {
		ck_assert_str_eq(f.unable.service, service);
		return false;
	}
	ck_assert_msg(f.type == FRAME_LEASE, "got %s", frame_type_name(f.type));
	ck_assert_str_eq(f.lease.service, service);
	ck_assert_uint_eq(n_fds, 3);
	for (size_t i = 0; i < n_fds; i++)
		ck_assert_int_ne(fcntl(fds[i], F_GETFL) & O_NONBLOCK, 0);
	*ret = (struct leased){ worker, f.id, f.lease, fds[0], fds[1], fds[2] };
	return true;
}

static inline struct leased
get_lease(uint16_t worker, const char *service)
{
	struct leased l;

	ck_assert_msg(get_lease_or_unable(worker, service, &l), "unable");
	return l;
}

/* Returns the lease that any of the workers gets. */
static inline struct leased
get_lease_any(const char *service)
{
	return get_lease(await_worker(), service);
}

static inline struct leased
lease(uint16_t worker, const char *service)
{
	want(worker, service);
	return get_lease(worker, service);
}

static inline void
close_lease(struct leased *l)
{
	(void)close(l->in);
	(void)close(l->out);
	(void)close(l->err);
}

static inline void
send_return(struct leased *l, uint32_t requests, bool is_broken)
{
	struct frame f = {
		.type = FRAME_RETURN, .id = l->id,
		.lease = { .requests = requests, .is_broken = is_broken },
	};

	close_lease(l);
	say(l->worker, &f);
}

static inline void
give_back(struct leased *l, uint32_t requests)
{
	send_return(l, requests, false);
}

static inline void
give_back_broken(struct leased *l, uint32_t requests)
{
	send_return(l, requests, true);
}

static inline void
expect_recall(const struct leased *l)
{
	ck_assert_uint_eq(get(broker.worker[l->worker], FRAME_RECALL).id, l->id);
}

/* --------------------------------------------------------------- process --- */

/* The handler works, and nothing but the answer comes out of it. */
static inline void
ck_echo(const struct leased *l, const char *line)
{
	char text[64] = "";
	size_t len = strlen(line), have = 0;

	ck_assert_int_eq(write(l->in, line, len), (ssize_t)len);
	while (have < len) {
		ssize_t n;

		await_readable(l->out);
		n = read(l->out, text + have, sizeof(text) - 1 - have);
		ck_assert_int_gt(n, 0);
		have += (size_t)n;
	}
	ck_assert_str_eq(text, line);
}

/* The handler works once, and is given back. */
static inline void
serves(struct leased *l)
{
	ck_echo(l, "x\n");
	give_back(l, 1);
}

/* The end of the handler closes the pipe, and no other process holds it. */
static inline void
ck_ends(int out)
{
	char byte;

	await_readable(out);
	ck_assert_int_eq(read(out, &byte, 1), 0);
}

/* The process is ended when it is given back. */
static inline void
ends_when_back(struct leased *l, uint32_t requests)
{
	int out = dup(l->out);

	give_back(l, requests);
	ck_ends(out);
	(void)close(out);
}

static inline void
ends_when_broken(struct leased *l, uint32_t requests)
{
	int out = dup(l->out);

	give_back_broken(l, requests);
	ck_ends(out);
	(void)close(out);
}

static inline void
dies(const struct leased *l)
{
	ck_assert_int_eq(kill((pid_t)l->lease.pid, SIGKILL), 0);
	ck_ends(l->out);
}

static inline const struct pool_stats *
stats_of(unsigned number)
{
	return &broker.stats->pool[number];
}
