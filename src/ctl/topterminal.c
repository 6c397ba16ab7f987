/* SPDX-License-Identifier: ISC */
/* topterminal: raw mode and another screen, taken back at every end. */
#include "config.h"

#include "ctl/topterminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The other screen, no cursor; and back. */
static const char enter[] = "\033[?1049h\033[?25l\033[H\033[2J";
static const char leave[] = "\033[?25h\033[?1049l";

/* A handler of signals needs these, so they belong to the process. */
static struct termios before;
static volatile sig_atomic_t is_open;

/* Calls nothing that a handler must not call. */
static void
give_back(void)
{
	if (!is_open)
		return;
	(void)!write(STDOUT_FILENO, leave, sizeof(leave) - 1);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	/* Last: a signal in between does it again. */
	is_open = 0;
}

static bool
take(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	/* From here on a signal gives back what it finds, changed or not. */
	is_open = 1;
	raw = before;
	/* The keys of signals stay what they are. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0) {
		is_open = 0;
		return false;
	}
	(void)!write(STDOUT_FILENO, enter, sizeof(enter) - 1);
	return true;
}

static void
on_end(int sig)
{
	give_back();
	(void)sigaction(sig, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	(void)raise(sig);
}

/* Stopped by a key, and going on later: the shell in between gets its own terminal. */
static void
on_stop(int sig)
{
	bool was_open = is_open;
	int error = errno;

	(void)sig;
	give_back();
	(void)raise(SIGSTOP);
	if (was_open)
		(void)take();
	errno = error;
}

static void
on_resize(int sig)
{
	(void)sig;
}

bool
topterminal_open(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT, SIGSEGV,
		SIGBUS, SIGFPE };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		(void)sigaction(ends[i], &(struct sigaction){ .sa_handler = on_end }, NULL);
	(void)sigaction(SIGTSTP, &(struct sigaction){ .sa_handler = on_stop }, NULL);
	/* Interrupts the wait for a key. */
	(void)sigaction(SIGWINCH, &(struct sigaction){ .sa_handler = on_resize }, NULL);
	/* For an end that does not come here: out of memory. */
	return atexit(topterminal_close) == 0 && take();
}

void
topterminal_close(void)
{
	give_back();
}

size_t
topterminal_rows(void)
{
	struct winsize w;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 1 ? w.ws_row : 24;
}

bool
topterminal_show(struct slice screen)
{
	static const char home[] = "\033[H";

	if (write(STDOUT_FILENO, home, sizeof(home) - 1) < 0 && errno != EINTR)
		return false;
	while (screen.len > 0) {
		ssize_t n = write(STDOUT_FILENO, screen.data, screen.len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			screen = (struct slice){ screen.data + n, screen.len - (size_t)n };
	}
	return true;
}

int
topterminal_key(int ms)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char key;
	ssize_t n;
	int r = poll(&p, 1, ms);

	if (r < 0)
		return errno == EINTR ? 0 : -1;
	if (r == 0)
		return 0;
	n = read(STDIN_FILENO, &key, 1);
	if (n < 0)
		return errno == EINTR ? 0 : -1;
	return n == 0 ? -1 : key;
}
