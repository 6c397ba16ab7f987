/* SPDX-License-Identifier: ISC */
/*
 * watch: tells when which process of reqd serves.
 *
 *	watch CONTROL-SOCKET
 *
 * Asks for STATUS every two milliseconds and writes a line for each process
 * whose pid or state has changed: the time in ms (as from date), its role,
 * slot, pid and state. Ends with its standard output, or by a signal.
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/target.h"

#define EVERY_NS 2000000
#define SLOTS 64
#define REPLY_MAX (1u << 20)

struct seen {
	json_int_t pid;
	char state[16];
};

static struct seen workers[SLOTS], runner, broker, control, keys, auth, logger;
static struct bench_target target;

static void
look(const char *role, int slot, const json_t *j, struct seen *s)
{
	json_int_t pid = json_integer_value(json_object_get(j, "pid"));
	const char *state = json_string_value(json_object_get(j, "state"));

	if (state == NULL || (pid == s->pid && strcmp(state, s->state) == 0))
		return;
	s->pid = pid;
	snprintf(s->state, sizeof(s->state), "%s", state);
	printf("%lld %s %d %lld %s\n", bench_date_ms(), role, slot, (long long)pid, state);
}

static void
look_at_all(const char *text, size_t len)
{
	json_t *j = json_loadb(text, len, 0, NULL), *w;
	size_t i;

	if (j == NULL)
		bench_die("watch: the status is no JSON: %.*s", (int)len, text);
	json_array_foreach(json_object_get(j, "workers"), i, w) {
		json_int_t slot = json_integer_value(json_object_get(w, "slot"));

		if (slot >= 0 && slot < SLOTS)
			look("worker", (int)slot, w, &workers[slot]);
	}
	look("runner", 0, json_object_get(j, "runner"), &runner);
	look("broker", 0, json_object_get(j, "broker"), &broker);
	look("control", 0, json_object_get(j, "control"), &control);
	look("keys", 0, json_object_get(j, "keys"), &keys);
	look("auth", 0, json_object_get(j, "auth"), &auth);
	look("log", 0, json_object_get(j, "log"), &logger);
	json_decref(j);
}

/* Asks for STATUS once. False: nobody answers. */
static bool
ask(int fd)
{
	static const char request[] = "*1\r\n$6\r\nSTATUS\r\n";
	static char in[REPLY_MAX];
	size_t len = 0, want = 0;

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		return false;
	while (want == 0 || len < want) {
		ssize_t n = recv(fd, in + len, sizeof(in) - 1 - len, 0);
		char *end;

		if (n <= 0)
			return false;
		len += (size_t)n;
		in[len] = '\0';
		end = strstr(in, "\r\n");
		if (end == NULL)
			continue;
		if (in[0] != '$')
			bench_die("watch: no status: %s", in);
		want = (size_t)(end - in) + 2 + strtoul(in + 1, NULL, 10) + 2;
	}
	look_at_all(strstr(in, "\r\n") + 2, strtoul(in + 1, NULL, 10));
	return true;
}

int
main(int argc, char **argv)
{
	const struct timespec every = { 0, EVERY_NS };

	if (argc != 2)
		bench_die("usage: watch CONTROL-SOCKET");
	setvbuf(stdout, NULL, _IOLBF, 0);
	target.un.sun_family = AF_UNIX;
	snprintf(target.un.sun_path, sizeof(target.un.sun_path), "%s", argv[1]);
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			bench_die("watch: socket: %s", strerror(errno));
		if (connect(fd, &target.sa, sizeof(target.un)) == 0) {
			while (ask(fd))
				nanosleep(&every, NULL);
		}
		close(fd);
		nanosleep(&every, NULL);
	}
}
