/* SPDX-License-Identifier: ISC */
/* prompt: asks for what must not be seen. */
#include "config.h"

#include "ctl/prompt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Reads a line of standard input without buffering more of it than needed. */
static size_t
read_line(char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && read(STDIN_FILENO, &line[len], 1) == 1 && line[len] != '\n')
		len++;
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	line[len] = '\0';
	return len;
}

/* The same from a terminal, without echo. Signals that end reqctl wait until it is back. */
static size_t
ask_line(const char *question, char *line, size_t size)
{
	struct termios before, quiet;
	sigset_t ends, old;
	size_t len;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return read_line(line, size);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &ends, &old);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	/* The question comes when the echo is off, as the answer may follow at once. */
	(void)fputs(question, stderr);
	(void)fflush(stderr);
	len = read_line(line, size);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)fputc('\n', stderr);
	return len;
}

size_t
prompt_line(const char *question, char *line, size_t size)
{
	return isatty(STDIN_FILENO) == 1 ? ask_line(question, line, size) : read_line(line, size);
}
