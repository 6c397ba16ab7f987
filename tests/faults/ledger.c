/* SPDX-License-Identifier: ISC */
/*
 * ledger: a list of the requests that were executed, written by the programs
 * that executed them, and a check of the list against the answers that openload
 * got.
 *
 *	ledger append LEDGER NONCE	a command
 *	ledger serve LEDGER		a handler
 *	ledger check LEDGER SENT	SENT is openload's PREFIX.sent
 *
 * A program that is asked appends "nonce pid" and then answers with the nonce.
 * The check: no request was executed twice, or without being sent; a request
 * that was answered was executed once; one that was refused was not.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "client/reqd.h"

#define NONCE 32

/* -------------------------------------------------------------- services --- */

static int
ledger_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		bench_die("%s: %s", path, strerror(errno));
	return fd;
}

static bool
append(int fd, const char *nonce)
{
	char line[NONCE + 24];
	int n = snprintf(line, sizeof(line), "%.*s %d\n", NONCE, nonce, (int)getpid());

	return write(fd, line, (size_t)n) == n;
}

static int
command(const char *path, const char *nonce)
{
	int fd = ledger_open(path);

	if (!append(fd, nonce))
		bench_die("%s: %s", path, strerror(errno));
	return write(STDOUT_FILENO, nonce, strlen(nonce)) == (ssize_t)strlen(nonce) ? 0 : 1;
}

static void
handle(void *arg, struct reqd_request *req)
{
	const int *fd = arg;

	if (req->argc != 2 || !append(*fd, req->argv[1])) {
		reqd_reply_error(req, "ERR", "cannot write to the ledger");
		return;
	}
	reqd_reply_bulk(req, req->argv[1], req->lens[1]);
}

/* ----------------------------------------------------------------- check --- */

struct lines {
	char **line;
	size_t n;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads the lines and sorts them, so by nonce. */
static struct lines
read_lines(const char *path)
{
	struct lines l = { 0 };
	FILE *f = fopen(path, "re");
	size_t room = 0, len = 0;
	char *text = NULL;
	ssize_t n;

	if (f == NULL)
		bench_die("%s: %s", path, strerror(errno));
	while ((n = getline(&text, &len, f)) > 0) {
		if (text[n - 1] != '\n' || n < NONCE + 2 || text[NONCE] != ' ')
			bench_die("%s: not a line: %s", path, text);
		text[n - 1] = '\0';
		if (l.n == room) {
			room = room * 2 + 1024;
			l.line = reallocarray(l.line, room, sizeof(*l.line));
			if (l.line == NULL)
				bench_die("no memory");
		}
		l.line[l.n++] = strdup(text);
	}
	free(text);
	(void)fclose(f);
	qsort(l.line, l.n, sizeof(*l.line), compare);
	return l;
}

static void
lines_free(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->line[i]);
	free(l->line);
}

/* True for the codes of a refused request, which must not have run. */
static bool
is_refusal(const char *outcome)
{
	static const char *const codes[] = {
		"BADARG", "BUSY", "DENIED", "DRAINING", "NOSERVICE", "NOSTART", "UNAVAIL",
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(outcome, codes[i]) == 0)
			return true;
	}
	return false;
}

static int
check(const char *ledger_path, const char *sent_path)
{
	struct lines ledger = read_lines(ledger_path), sent = read_lines(sent_path);
	unsigned long acked = 0, reset = 0, error = 0, ran_unacked = 0;
	size_t at = 0;

	for (size_t i = 1; i < ledger.n; i++) {
		if (strncmp(ledger.line[i - 1], ledger.line[i], NONCE) == 0)
			bench_die("executed twice: %s, %s", ledger.line[i - 1], ledger.line[i]);
	}
	for (size_t i = 0; i < sent.n; i++) {
		const char *nonce = sent.line[i], *outcome = nonce + NONCE + 1;
		int order = 1;
		bool ran;

		while (at < ledger.n && (order = strncmp(ledger.line[at], nonce, NONCE)) < 0)
			bench_die("executed, but never sent: %s", ledger.line[at]);
		ran = at < ledger.n && order == 0;
		at += ran;
		if (strcmp(outcome, "acked") == 0)
			acked++;
		else if (strcmp(outcome, "reset") == 0)
			reset++;
		else if (strcmp(outcome, "unanswered") == 0)
			bench_die("never answered: %s", nonce);
		else
			error++;
		if (strcmp(outcome, "acked") == 0 && !ran)
			bench_die("acked, but not executed: %s", nonce);
		if (is_refusal(outcome) && ran)
			bench_die("refused, but executed: %s", nonce);
		ran_unacked += ran && strcmp(outcome, "acked") != 0;
	}
	if (at < ledger.n)
		bench_die("executed, but never sent: %s", ledger.line[at]);
	printf("%zu sent = %lu acked + %lu error + %lu reset; %zu executed, none twice, "
	    "%lu of them without an answer\n", sent.n, acked, error, reset, ledger.n, ran_unacked);
	lines_free(&ledger);
	lines_free(&sent);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "append") == 0)
		return command(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		int fd = ledger_open(argv[2]);

		return reqd_serve(handle, &fd);
	}
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return check(argv[2], argv[3]);
	bench_die("usage: ledger append LEDGER NONCE | serve LEDGER | check LEDGER SENT");
}
