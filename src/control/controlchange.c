/* SPDX-License-Identifier: ISC */
/* controlchange: takes a request apart that changes states or the level of the log. */
#include "config.h"

#include "control/controlchange.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "control/control.h"
#include "proto/resp.h"

/* The longest time of a level that is taken back. */
#define FOR_MAX_MS (UINT64_C(365) * 86400 * 1000)

static bool
wrong(struct control_client *c, const char *text)
{
	resp_error(&c->out, "BADARG", slice_of(text));
	return false;
}

/* True if the word is this option; *ret is its value. */
static bool
is_option(struct slice word, const char *name, struct slice *ret)
{
	size_t n = strlen(name);

	if (word.len < n || memcmp(word.data, name, n) != 0)
		return false;
	*ret = (struct slice){ word.data + n, word.len - n };
	return true;
}

/* The start of each frame. False: the kernel does not say who the client is. */
static bool
begin(struct control_client *c, enum overlay_what what, struct frame *f)
{
	const struct conf *conf = CONTAINER_OF(c->socket, struct control, socket)->member.current;
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(c->io.fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0) {
		resp_error(&c->out, "ERR", SLICE("cannot see who you are"));
		return false;
	}
	*f = (struct frame){ .type = FRAME_OVERLAY, .generation = conf->generation };
	f->overlay.what = (uint8_t)what;
	f->overlay.uid = who.uid;
	f->overlay.is_first = f->overlay.is_last = 1;
	return true;
}

/* Takes the reason, which is shown to callers in one line. */
static bool
take_text(struct control_client *c, struct slice text, struct frame *f)
{
	if (text.len >= sizeof(f->overlay.text))
		return wrong(c, "the text is longer than 79 bytes");
	for (struct slice rest = text; rest.len > 0;) {
		size_t n = utf8_sequence(rest);

		if (n == 0 || (unsigned char)rest.data[0] < ' ' || rest.data[0] == 0x7f)
			return wrong(c, "the text is to be one line of UTF-8");
		rest = (struct slice){ rest.data + n, rest.len - n };
	}
	memcpy(f->overlay.text, text.data, text.len);
	f->overlay.text[text.len] = '\0';
	return true;
}

/* Sends one frame for each service named. All are looked up before the first is sent. */
static bool
send_services(struct control_client *c, struct frame *f, size_t first, change_fn *fn)
{
	const struct conf *conf = CONTAINER_OF(c->socket, struct control, socket)->member.current;
	const struct request *r = &c->request;

	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = first; i < r->argc; i++) {
			const struct service *s = conf_find_service(conf, r->argv[i].data,
			    r->argv[i].len);

			if (s == NULL) {
				resp_errorf(&c->out, "NOSERVICE", "unknown service '%.*s'",
				    (int)r->argv[i].len, r->argv[i].data);
				return false;
			}
			f->overlay.service = s->number;
			f->overlay.is_first = i == first;
			f->overlay.is_last = i + 1 == r->argc;
			if (pass == 1 && !fn(c, f))
				return false;
		}
	}
	return true;
}

bool
change_states(struct control_client *c, enum overlay_what what, change_fn *fn)
{
	const struct conf *conf = CONTAINER_OF(c->socket, struct control, socket)->member.current;
	const struct request *r = &c->request;
	struct slice text;
	struct frame f;
	size_t i = 1;

	if (!begin(c, what, &f))
		return false;
	if (i < r->argc && is_option(r->argv[i], "--text=", &text)) {
		if (!take_text(c, text, &f))
			return false;
		i++;
	}
	if (i == r->argc)
		return wrong(c, "name services, or --all");
	if (!slice_is(r->argv[i], "--all"))
		return send_services(c, &f, i, fn);
	if (i + 1 != r->argc)
		return wrong(c, "--all stands for all services: name none");
	if (conf->n_services == 0)
		return wrong(c, "there are no services");
	f.overlay.service = OVERLAY_ALL;
	return fn(c, &f);
}

static bool
level_parse(struct slice word, uint8_t *ret)
{
	if (slice_is(word, "configured")) {
		*ret = OVERLAY_LEVEL_OF_FILES;
		return true;
	}
	for (uint8_t i = 0; i < OVERLAY_LEVEL_OF_FILES; i++) {
		if (!slice_is(word, conf_level_word(i)))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool
ms_parse(struct slice text, uint64_t *ret_usec)
{
	uint64_t v = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || v > FOR_MAX_MS)
			return false;
		v = v * 10 + (uint64_t)(text.data[i] - '0');
	}
	*ret_usec = v * USEC_PER_MSEC;
	return v > 0 && v <= FOR_MAX_MS;
}

bool
change_level(struct control_client *c, change_fn *fn)
{
	const struct request *r = &c->request;
	struct slice ms;
	struct frame f;

	if (!begin(c, OVERLAY_LEVEL, &f))
		return false;
	if (r->argc < 2 || r->argc > 3 || !level_parse(r->argv[1], &f.overlay.level))
		return wrong(c, "LOG-LEVEL wants emerg, alert, crit, err, warning, notice, info, debug "
		    "or configured, and perhaps --for=MILLISECONDS");
	if (r->argc == 3 && (!is_option(r->argv[2], "--for=", &ms) ||
	    !ms_parse(ms, &f.overlay.for_usec)))
		return wrong(c, "--for= wants milliseconds, up to a year");
	if (f.overlay.level == OVERLAY_LEVEL_OF_FILES && f.overlay.for_usec > 0)
		return wrong(c, "configured has no end: leave --for out");
	return fn(c, &f);
}
