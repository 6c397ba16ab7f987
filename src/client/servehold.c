/* SPDX-License-Identifier: ISC */
/*
 * servehold: requests that a function answers later, while it gets the next ones. Each has
 * a reply of its own; the replies leave in the order of the requests.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "client/serve.h"

static void
held_free(struct serve *h)
{
	free((char *)(uintptr_t)h->context.data);
	buf_done(&h->reply);
	free(h);
}

/* Copies what is left of a request when its function has returned. */
static struct serve *
held_new(struct serve *s)
{
	static const char *const no_words[] = { NULL };
	struct serve *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	*h = (struct serve){
		.request = { .argv = no_words }, .in = -1, .out = -1, .owner = s,
		.read_usec = s->read_usec,
	};
	if (s->context.data == NULL)
		return h;
	h->context.data = malloc(s->context.len + 1);
	if (h->context.data == NULL) {
		held_free(h);
		return NULL;
	}
	memcpy((char *)(uintptr_t)h->context.data, s->context.data, s->context.len + 1);
	h->context.len = s->context.len;
	return h;
}

static void
held_append(struct serve *s, struct serve *h)
{
	if (s->held == NULL)
		s->held = h;
	else
		s->last_held->next = h;
	s->last_held = h;
}

struct reqd_request *
reqd_request_hold(struct reqd_request *req)
{
	struct serve *s = serve_of(req), *h;

	if (s->owner != NULL || s->is_held || s->state != STATE_EMPTY)
		return NULL;
	h = held_new(s);
	if (h == NULL)
		return NULL;
	held_append(s, h);
	s->is_held = true;
	return &h->request;
}

int
serve_hold_reply(struct serve *s)
{
	struct serve *h = calloc(1, sizeof(*h));
	struct buf empty = { 0 };

	if (h == NULL)
		return serve_fail(s, "out of memory", NULL);
	h->owner = s;
	h->is_done = true;
	h->reply = s->reply;
	s->reply = empty;
	held_append(s, h);
	return 0;
}

int
reqd_request_release(struct reqd_request *held)
{
	struct serve *h = serve_of(held), *s = h->owner;

	if (s == NULL)
		return REQD_E_INVALID;
	serve_reply_close(h);
	h->is_done = true;
	while (s->held != NULL && s->held->is_done) {
		struct serve *first = s->held;

		s->held = first->next;
		(void)serve_queue(s, &first->reply);
		held_free(first);
	}
	return s->problem != NULL || serve_flush(s) < 0 ? REQD_E_CLOSED : 0;
}

void
serve_hold_done(struct serve *s)
{
	while (s->held != NULL) {
		struct serve *first = s->held;

		s->held = first->next;
		held_free(first);
	}
}
