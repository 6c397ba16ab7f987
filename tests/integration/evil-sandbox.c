/* SPDX-License-Identifier: ISC */
/*
 * evil-sandbox: attacks beyond frames. They begin with the confinement that every worker
 * has.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "evil.h"
#include "ipc/confinement.h"
#include "ipc/roles.h"

/* The processes next to this one, which were started before it and after it. */
static pid_t master, sibling;

static void
confine_like_a_worker(struct evil *e)
{
	master = getppid();
	sibling = getpid() - 1;
	if (confinement_begin(ROLE_WORKER, e->slot) < 0) {
		evil_say(e, "note FAULT: not confined");
		_exit(ROLE_EXIT_SETUP);
	}
}

/* Tells how a call ended that must fail with one of two errors. */
static void
expect(struct evil *e, const char *what, long result, int wanted)
{
	int error = result < 0 ? errno : 0;

	evil_say(e, "note %s%s: %s", error == wanted ? "" : "FAULT: ", what,
	    error == 0 ? "done" : strerror(error));
}

/* ------------------------------------------------------------- deadly --- */

static void
runs_a_program(struct evil *e)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"echo taken over >&2", NULL };

	confine_like_a_worker(e);
	(void)execve("/bin/sh", argv, NULL);
	evil_say(e, "note FAULT: execve: %s", strerror(errno));
}

static void
makes_a_child(struct evil *e)
{
	confine_like_a_worker(e);
	if (fork() == 0)
		_exit(0);
	evil_say(e, "note FAULT: fork");
}

static void
opens_a_socket(struct evil *e)
{
	confine_like_a_worker(e);
	(void)socket(AF_INET, SOCK_STREAM, 0);
	evil_say(e, "note FAULT: socket");
}

static void
connects(struct evil *e)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons(9);
	confine_like_a_worker(e);
	(void)connect(fd, (struct sockaddr *)&a, sizeof(a));
	evil_say(e, "note FAULT: connect");
}

static void
binds(struct evil *e)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	confine_like_a_worker(e);
	(void)bind(fd, (struct sockaddr *)&a, sizeof(a));
	evil_say(e, "note FAULT: bind");
}

/* A longer or shorter queue for all workers. */
static void
listens_anew(struct evil *e)
{
	confine_like_a_worker(e);
	(void)listen(e->listeners[0], 0);
	evil_say(e, "note FAULT: listen");
}

static void
traces_a_sibling(struct evil *e)
{
	confine_like_a_worker(e);
	(void)ptrace(PTRACE_ATTACH, sibling, NULL, NULL);
	evil_say(e, "note FAULT: ptrace");
}

static void
reads_memory_of_a_sibling(struct evil *e)
{
	char byte;
	struct iovec own = { &byte, 1 }, theirs = { (void *)(uintptr_t)runs_a_program, 1 };

	confine_like_a_worker(e);
	(void)process_vm_readv(sibling, &own, 1, &theirs, 1, 0);
	evil_say(e, "note FAULT: process_vm_readv");
}

static void
kills_a_sibling(struct evil *e)
{
	confine_like_a_worker(e);
	/* No signal: the call alone is deadly, and nobody is hurt where it is not. */
	(void)kill(sibling, 0);
	evil_say(e, "note FAULT: kill");
}

static void
signals_a_thread(struct evil *e)
{
	confine_like_a_worker(e);
	(void)syscall(SYS_tgkill, master, master, 0);
	evil_say(e, "note FAULT: tgkill");
}

static void
takes_a_descriptor(struct evil *e)
{
	confine_like_a_worker(e);
	(void)syscall(SYS_pidfd_open, sibling, 0);
	evil_say(e, "note FAULT: pidfd_open");
}

static void
uses_a_ring(struct evil *e)
{
	char params[256] = { 0 };

	confine_like_a_worker(e);
	(void)syscall(SYS_io_uring_setup, 4, params);
	evil_say(e, "note FAULT: io_uring_setup");
}

/* ------------------------------------------------------------- refused --- */

static void
opens_files(struct evil *e)
{
	char path[64];
	int fd;

	confine_like_a_worker(e);
	expect(e, "read", open("/etc/passwd", O_RDONLY), EACCES);
	expect(e, "write", open("/tmp/reqd-evil-file", O_WRONLY | O_CREAT, 0600), EACCES);
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)sibling);
	expect(e, "memory of a sibling", open(path, O_RDWR), EACCES);
	expect(e, "own memory", open("/proc/self/mem", O_RDWR), EACCES);
	fd = open("/proc/self/fd/3", O_RDWR);
	expect(e, "own descriptor", fd, EACCES);
	expect(e, "directory", mkdir("/tmp/reqd-evil-directory", 0700), ENOSYS);
	expect(e, "file's end", truncate("/tmp", 0), ENOSYS);
}

static void
makes_code(struct evil *e)
{
	void *p;

	confine_like_a_worker(e);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(e, "map", p == MAP_FAILED ? -1 : 0, ENOSYS);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(e, "protect", mprotect(p, 4096, PROT_READ | PROT_EXEC), ENOSYS);
}

static void
limits_others(struct evil *e)
{
	struct rlimit none = { 0 };

	confine_like_a_worker(e);
	expect(e, "master", prlimit(master, RLIMIT_NOFILE, &none, NULL), ENOSYS);
	expect(e, "sibling", prlimit(sibling, RLIMIT_NOFILE, &none, NULL), ENOSYS);
	expect(e, "itself", prlimit(0, RLIMIT_NOFILE, &none, NULL), ENOSYS);
}

static void
outlives_the_master(struct evil *e)
{
	confine_like_a_worker(e);
	expect(e, "signal at its death", prctl(PR_SET_PDEATHSIG, 0), ENOSYS);
	expect(e, "dumps", prctl(PR_SET_DUMPABLE, 1), ENOSYS);
	expect(e, "session", fcntl(ROLE_CHANNEL_FD, F_SETOWN, master), ENOSYS);
}

static void
shuts_listeners(struct evil *e)
{
	confine_like_a_worker(e);
	for (size_t i = 0; i < e->n_listeners; i++) {
		int fd = e->listeners[i];

		expect(e, "to read", shutdown(fd, SHUT_RD), ENOSYS);
		expect(e, "both", shutdown(fd, SHUT_RDWR), ENOSYS);
		/* The third way is allowed, and does nothing to a socket that listens. */
		(void)shutdown(fd, SHUT_WR);
		expect(e, "waiting", fcntl(fd, F_SETFL, 0), ENOSYS);
		expect(e, "filter", setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){ 1 }, 4), ENOSYS);
	}
	evil_behave(e, 500);
}

/*
 * An address with a message leads nowhere: a socket of a worker is connected or listens.
 * With MSG_FASTOPEN a message would connect a fresh TCP socket.
 */
static void
sends_elsewhere(struct evil *e)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
	const int flags[] = { MSG_NOSIGNAL, MSG_NOSIGNAL | MSG_FASTOPEN };
	uint64_t due = clock_usec() + 10 * USEC_PER_SEC;
	int fds[3] = { e->listeners[0], e->listeners[1], -1 };

	a.sin_port = htons(9);
	confine_like_a_worker(e);
	/* An honest client of the TCP socket: its connection, and what is left after its end. */
	while (fds[2] < 0 && clock_usec() < due) {
		fds[2] = accept4(e->listeners[0], NULL, NULL, SOCK_CLOEXEC);
		evil_behave(e, 1);
	}
	for (size_t i = 0; i < 12; i++) {
		int fd = fds[i / 2 % 3];
		bool is_unix = i / 2 % 3 == 1;
		ssize_t n;

		if (i == 6)
			(void)shutdown(fds[2], SHUT_WR);
		n = sendto(fd, "x", 1, flags[i % 2], is_unix ? (struct sockaddr *)&un :
		    (struct sockaddr *)&a, is_unix ? sizeof(un) : sizeof(a));
		/* A connected TCP socket ignores the address: the byte is for its client. */
		if (n >= 0 && fd != fds[2])
			evil_say(e, "note FAULT: %zu is sent", i);
	}
	/* No address changed anything: it is the same peer, or there is none any more. */
	if (getpeername(fds[2], (struct sockaddr *)&a, &(socklen_t){ sizeof(a) }) == 0 &&
	    a.sin_port == htons(9))
		evil_say(e, "note FAULT: connected elsewhere");
}

/* The answer of the kernel when the listener goes, with a byte, to somebody outside. */
static int
give_away(int to, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (char *)"x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct mmsghdr many = { .msg_hdr = msg };

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(to, &msg, MSG_NOSIGNAL) >= 0)
		return 0;
	return sendmmsg(to, &many, 1, MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

/* Accomplices connect to the unix listener, and wait for what they are given. */
static void
serves_accomplices(struct evil *e)
{
	uint64_t due = clock_usec() + 10 * USEC_PER_SEC;
	unsigned n = 0;

	confine_like_a_worker(e);
	/* Several, because one may have gone before its turn comes. */
	while (n < 20 && clock_usec() < due) {
		int fd = -1;

		/* Honest workers wait for the same clients, so this one has to hurry. */
		for (unsigned i = 0; fd < 0 && i < 2000; i++)
			/* The configuration names the unix socket after the TCP socket. */
			fd = accept4(e->listeners[1], NULL, NULL, SOCK_CLOEXEC);
		evil_behave(e, 1);
		if (fd < 0)
			continue;
		n++;
		for (size_t i = 0; i < e->n_listeners; i++)
			expect(e, "listener", give_away(fd, e->listeners[i]) == 0 ? 0 : -1, ENOSYS);
		expect(e, "log", give_away(fd, ROLE_LOG_FD) == 0 ? 0 : -1, ENOSYS);
		expect(e, "channel", give_away(fd, ROLE_CHANNEL_FD) == 0 ? 0 : -1, ENOSYS);
		/* The accomplice reads a byte more when nothing else has come. */
		(void)send(fd, "y", 1, MSG_NOSIGNAL);
	}
	if (n == 0)
		evil_say(e, "note FAULT: no accomplice came");
}

/* Hears nothing any more, and keeps all that it has. */
static void
keeps_the_port(struct evil *e)
{
	confine_like_a_worker(e);
	evil_say(e, "note deaf");
	for (;;)
		(void)poll(NULL, 0, -1);
}

/* ---------------------------------------------------------- an accomplice --- */

/* Writes to an end of a link of a dead worker until the other end is closed. */
static void
expect_closed(struct evil *e, const char *name, int fd)
{
	struct frame f = evil_cancel_frame(evil_new_id(e));
	uint64_t begun = clock_usec();
	ssize_t n;

	do {
		n = write(fd, &f, sizeof(f));
		(void)poll(NULL, 0, 1);
	} while ((n >= 0 || errno == EAGAIN) && clock_usec() - begun < 5 * USEC_PER_SEC);
	if (n >= 0 || errno != EPIPE)
		evil_say(e, "note FAULT: %s stays open", name);
	else
		evil_say(e, "note %s: closed after %llu ms", name,
		    (unsigned long long)((clock_usec() - begun) / USEC_PER_MSEC));
}

/*
 * A child has every descriptor of a worker that dies, as if there were no confinement: each
 * end of a link must be closed on the other side.
 */
static void
leaves_an_accomplice(struct evil *e)
{
	pid_t own = getpid();

	if (fork() != 0)
		_exit(ROLE_EXIT_OK);
	e->said_by = own;
	while (getppid() == own)
		(void)poll(NULL, 0, 1);
	expect_closed(e, "broker", e->pipe);
	expect_closed(e, "control", e->control_pipe);
	expect_closed(e, "master", ROLE_CHANNEL_FD);
	expect_closed(e, "log", ROLE_LOG_FD);
	evil_say(e, "done");
	_exit(ROLE_EXIT_OK);
}

const struct evil_attack evil_sandbox[] = {
	{ "runs_a_program", runs_a_program },
	{ "makes_a_child", makes_a_child },
	{ "opens_a_socket", opens_a_socket },
	{ "connects", connects },
	{ "binds", binds },
	{ "listens_anew", listens_anew },
	{ "traces_a_sibling", traces_a_sibling },
	{ "reads_memory_of_a_sibling", reads_memory_of_a_sibling },
	{ "kills_a_sibling", kills_a_sibling },
	{ "signals_a_thread", signals_a_thread },
	{ "takes_a_descriptor", takes_a_descriptor },
	{ "uses_a_ring", uses_a_ring },
	{ "opens_files", opens_files },
	{ "makes_code", makes_code },
	{ "limits_others", limits_others },
	{ "outlives_the_master", outlives_the_master },
	{ "shuts_listeners", shuts_listeners },
	{ "sends_elsewhere", sends_elsewhere },
	{ "serves_accomplices", serves_accomplices },
	{ "keeps_the_port", keeps_the_port },
	{ "leaves_an_accomplice", leaves_an_accomplice },
	{ 0 },
};
