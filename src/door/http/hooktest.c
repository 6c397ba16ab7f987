/* SPDX-License-Identifier: ISC */
/* hooktest: a stored delivery, judged as a worker would judge it, for people. */
#include "config.h"

#include "door/http/hooktest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "door/http/hookdelivery.h"

#define BODY_MAX (64u << 20)	/* as the key limit has it */

static void
show(void *arg, const char *step, const char *text)
{
	(void)arg;
	(void)printf("%-10s %s\n", step, text);
}

static int
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "reqd: %s: %s\n", what, why);
	return EX_DATAERR;
}

/* Reads a whole file; "-": standard input. 0 or -errno. */
static int
read_body(const char *path, struct buf *ret)
{
	CLEANUP_CLOSE int own = strcmp(path, "-") == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : own;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *to = buf_reserve(ret, 1 << 16);
		ssize_t n = to != NULL ? read(fd, to, 1 << 16) : -1;

		if (to == NULL)
			return ret->is_full ? -EFBIG : -ENOMEM;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		buf_commit(ret, (size_t)n);
	}
}

/* True if the field is about the way of the delivery; the file has come without it. */
static bool
is_of_the_way(const char *field)
{
	static const char *const names[] = { "Host:", "Content-Length:", "Transfer-Encoding:",
		"Connection:", "Expect:" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strncasecmp(field, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* Writes the head of the delivery. */
static void
put_head(struct buf *b, const struct hooktest *t)
{
	(void)buf_printf(b, "POST /hook/%s/%s%s%s HTTP/1.1\r\nHost: localhost\r\n", t->service,
	    t->name, t->query != NULL ? "?" : "", t->query != NULL ? t->query : "");
	for (size_t i = 0; i < t->n_fields; i++) {
		if (!is_of_the_way(t->fields[i]))
			(void)buf_printf(b, "%s\r\n", t->fields[i]);
	}
	(void)buf_append_str(b, "\r\n");
}

/* A listener at which deliveries come in, or NULL. */
static const struct listener *
find_listener(const struct conf *c)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].protocol == PROTOCOL_HTTP &&
		    offer_has(c->listeners[i].offer, OFFER_HOOKS))
			return &c->listeners[i];
	}
	return NULL;
}

static void
show_places(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->n_hooks; i++) {
		for (char **p = s->hooks[i].from_names; p != NULL && *p != NULL; p++) {
			if (strcmp(s->hooks[i].name, name) == 0)
				(void)printf("%-10s only from callers with role %s; not looked at here\n",
				    "from", *p);
		}
	}
}

/* The answer that the delivery would get. Returns the exit status. */
static int
show_result(const struct hooktest *t, const struct service *s, const struct hookdelivery *d)
{
	static const unsigned statuses[] = {
		[HOOKVERDICT_NONE] = 404, [HOOKVERDICT_UNSIGNED] = 401, [HOOKVERDICT_FORGED] = 401,
		[HOOKVERDICT_STALE] = 401, [HOOKVERDICT_IGNORED] = 200, [HOOKVERDICT_UNREADABLE] = 400,
		[HOOKVERDICT_UNFIT] = 422, [HOOKVERDICT_FAILED] = 503,
	};

	if (d->verdict != HOOKVERDICT_GOOD) {
		(void)printf("%-10s nothing would start: %u%s%s\n", "result", statuses[d->verdict],
		    *d->why != '\0' ? ", " : ", no webhook of this name", d->why);
		return 1;
	}
	if (s->input != INPUT_NONE)
		(void)printf("%-10s the body is the input of the program\n", "input");
	if (*d->id != '\0' && s->handler == NULL)
		(void)printf("%-10s %s; the same delivery again would not run again\n", "id", d->id);
	(void)printf("%-10s the service would start, called by hook:%s/%s; the answer is %s\n",
	    "result", t->service, t->name, d->hook->reply == HOOK_ACCEPTED ? "202 at once" :
	    "that of its program");
	return 0;
}

static int
judge(const struct conf *c, const struct hooktest *t, const struct service *s,
    const struct httphead *head, struct slice body)
{
	CLEANUP(hookdelivery_done) struct hookdelivery d = { .verdict = HOOKVERDICT_NONE };
	const struct listener *l = find_listener(c);
	struct hooksecrets secrets = { .data = NULL };
	struct hookdelivery_request rq = {
		.service = s, .name = slice_of(t->name), .roles = UINT64_MAX, .head = head, .body = body,
		.secrets = &secrets, .now_sec = (int64_t)time(NULL), .tell = show,
	};
	int r = c->hooks_fd >= 0 ? hooksecrets_open(c->hooks_fd, &secrets) : 0;
	int status;

	if (r < 0)
		return fail("the secrets of webhooks", strerror(-r));
	if (l == NULL)
		(void)printf("%-10s none speaks HTTP and offers hooks, so nothing comes in\n", "listener");
	rq.limits.max_arguments = l != NULL ? l->max_arguments : CONF_MAX_ARGUMENTS;
	rq.limits.argument_limit = l != NULL ? l->argument_limit : 1u << 20;
	show_places(s, t->name);
	hookdelivery_judge(&rq, &d);
	status = show_result(t, s, &d);
	hooksecrets_done(&secrets);
	return status;
}

int
hooktest_run(const struct conf *c, const struct hooktest *t)
{
	CLEANUP(buf_done) struct buf head_text = BUF_INIT(HTTPHEAD_MAX);
	CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
	const struct service *s = conf_find_service(c, t->service, strlen(t->service));
	struct httphead_cursor cursor = { 0 };
	struct httphead_error error = { .why = "it is not whole" };
	static struct httphead head;
	size_t used;
	int r;

	if (s == NULL)
		return fail(t->service, "there is no such service");
	r = read_body(t->body, &body);
	if (r < 0)
		return fail(t->body, strerror(-r));
	put_head(&head_text, t);
	if (buf_failed(&head_text) ||
	    httphead_decode(buf_slice(&head_text), &cursor, &head, &used, &error) != HTTPHEAD_OK)
		return fail("the fields of the delivery", error.why);
	(void)hookmac_load();
	return judge(c, t, s, &head, buf_len(&body) > 0 ? buf_slice(&body) : SLICE(""));
}
