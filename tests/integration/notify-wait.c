/* SPDX-License-Identifier: ISC */
/*
 * notify-wait: runs a server as a service manager would and tells a script when
 * the server is ready.
 *
 *	notify-wait -r FIFO [-m FILE] PROGRAM [ARG]...
 *
 * Writes the pid of PROGRAM and a newline to FIFO when PROGRAM says READY=1;
 * closes FIFO without a line when PROGRAM ended before that. Appends all
 * notifications to FILE. The first TERM, INT or HUP is passed on to PROGRAM as
 * TERM; later ones are not, because a terminal sends them to whole groups.
 *
 * PROGRAM gets a session of its own. Every process that it leaves behind
 * becomes a child of this one. If such processes have not ended 10 seconds
 * after PROGRAM, they are named on stderr and killed, and the exit status is
 * 99. Else it is the status of PROGRAM, or 128 and the signal that killed it.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 10000
#define STATUS_LEFT_BEHIND 99

static const char *fifo_path, *message_path;
static pid_t server;

static void
die(const char *what)
{
	fprintf(stderr, "notify-wait: %s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * Opens a datagram socket on an address that the kernel chooses, in
 * $NOTIFY_SOCKET.
 */
static int
open_notify_socket(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sun);
	char name[sizeof(sun.sun_path) + 1];
	int fd;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sa_family_t)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sun, &len) < 0)
		die("notify socket");
	len -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
	snprintf(name, sizeof(name), "@%.*s", (int)len - 1, sun.sun_path + 1);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
start_server(char **argv, const sigset_t *mask)
{
	const struct sigaction sa = { .sa_handler = SIG_DFL };

	server = fork();
	if (server < 0)
		die("fork");
	if (server > 0)
		return;
	/* A shell starts its background jobs with INT and QUIT ignored. */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGQUIT, &sa, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	setsid();
	execvp(argv[0], argv);
	die(argv[0]);
}

/* The reader waits in open(); line is NULL when there is no pid to tell. */
static void
tell(const char *line)
{
	int fd;

	fd = open(fifo_path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die(fifo_path);
	if (line != NULL && write(fd, line, strlen(line)) < 0)
		die(fifo_path);
	close(fd);
}

static bool
has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *p = text; (p = strstr(p, line)) != NULL; p += len)
		if ((p == text || p[-1] == '\n') && (p[len] == '\0' || p[len] == '\n'))
			return true;
	return false;
}

static void
on_message(int fd, bool *told)
{
	char buf[4096], line[32];
	ssize_t n;
	int out;

	n = recv(fd, buf, sizeof(buf) - 1, 0);
	if (n <= 0)
		return;
	buf[n] = '\0';

	if (message_path != NULL) {
		out = open(message_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
		if (out < 0 || dprintf(out, "%s\n", buf) < 0)
			die(message_path);
		close(out);
	}
	if (*told || !has_line(buf, "READY=1"))
		return;
	*told = true;
	snprintf(line, sizeof(line), "%d\n", (int)server);
	tell(line);
}

/* Reaps all processes that have ended. False when no child is left. */
static bool
reap(bool *ended, int *status)
{
	pid_t pid;
	int st;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid != server)
			continue;
		*ended = true;
		*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	}
	return pid == 0;
}

static void
on_signal(int fd)
{
	static bool passed_on;
	struct signalfd_siginfo si;

	if (read(fd, &si, sizeof(si)) != sizeof(si) || si.ssi_signo == SIGCHLD || passed_on)
		return;
	passed_on = true;
	kill(server, SIGTERM);
}

/* Names and kills one child, if there is one. */
static bool
kill_one_child(void)
{
	char path[64], text[256], comm[64];
	struct dirent *e;
	int pid, parent;
	bool found = false;
	FILE *f;
	DIR *d;

	d = opendir("/proc");
	if (d == NULL)
		die("/proc");
	while (!found && (e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/stat", e->d_name);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		if (fgets(text, sizeof(text), f) != NULL &&
		    sscanf(text, "%d (%63[^)]) %*c %d", &pid, comm, &parent) == 3 &&
		    parent == getpid()) {
			fprintf(stderr, "notify-wait: left behind: %d (%s)\n", pid, comm);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			found = true;
		}
		fclose(f);
	}
	closedir(d);
	return found;
}

int
main(int argc, char **argv)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	bool told = false, ended = false;
	sigset_t mask, old;
	int c, status = 0;

	while ((c = getopt(argc, argv, "+r:m:")) != -1) {
		if (c == 'r')
			fifo_path = optarg;
		else if (c == 'm')
			message_path = optarg;
		else
			return 1;
	}
	if (fifo_path == NULL || optind == argc) {
		fputs("usage: notify-wait -r FIFO [-m FILE] PROGRAM [ARG]...\n", stderr);
		return 1;
	}

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &old);
	fds[0].fd = open_notify_socket();
	fds[1].fd = signalfd(-1, &mask, SFD_CLOEXEC);
	start_server(argv + optind, &old);
	unsetenv("NOTIFY_SOCKET");

	while (reap(&ended, &status)) {
		if (poll(fds, 2, ended ? GRACE_MS : -1) == 0) {
			while (kill_one_child())
				;
			status = STATUS_LEFT_BEHIND;
			break;
		}
		if (fds[0].revents & POLLIN)
			on_message(fds[0].fd, &told);
		if (fds[1].revents & POLLIN)
			on_signal(fds[1].fd);
		if (ended && !told) {
			told = true;
			tell(NULL);
		}
	}
	if (!told)
		tell(NULL);
	return status;
}
