/* SPDX-License-Identifier: ISC */
/* servicestate: the state that an administrator gives a service while reqd runs. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "conf/reader.h"

static bool
is_drained(const struct conf *c)
{
	for (size_t i = 0; i < c->n_services; i++) {
		if (c->services[i].state != SERVICE_DRAINED)
			return false;
	}
	return c->n_services > 0;
}

void
conf_judge_states(struct conf *c)
{
	c->is_drained = is_drained(c);
}

/* Copies a text that there may be or not. 0 or -ENOMEM. */
static int
copy(struct arena *a, const char *text, char **ret)
{
	*ret = text != NULL ? arena_strdup(a, text) : NULL;
	return text != NULL && *ret == NULL ? -ENOMEM : 0;
}

int
conf_set_state(struct conf *c, struct service *s, enum service_state state,
    const char *text, const char *by, const char *since)
{
	struct arena *a = &((struct conf_owned *)c)->arena;
	bool is_open = state == SERVICE_OPEN;

	s->state = state;
	if (copy(a, is_open || text == NULL || *text == '\0' ? NULL : text, &s->state_text) < 0 ||
	    copy(a, is_open ? NULL : by, &s->state_by) < 0 ||
	    copy(a, is_open ? NULL : since, &s->state_since) < 0)
		return -ENOMEM;
	return 0;
}

bool
service_explain_state(const struct service *s, struct buf *out)
{
	bool is_drained = s->state == SERVICE_DRAINED;

	if (s->state == SERVICE_OPEN)
		return false;
	(void)buf_printf(out, "Calls of %s %s now: an administrator has %s it", s->name,
	    is_drained ? "are refused" : "wait", is_drained ? "drained" : "paused");
	if (s->state_since != NULL)
		(void)buf_printf(out, " (%s)", s->state_since);
	if (s->state_text != NULL)
		(void)buf_printf(out, ": %s", s->state_text);
	(void)buf_append_str(out, ".\n");
	return true;
}
