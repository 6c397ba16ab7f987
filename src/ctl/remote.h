/* SPDX-License-Identifier: ISC */
/*
 * remote: the connection of a verb, and simple questions over it. A failure is
 * printed on standard error and returned as an exit status.
 */
#pragma once

#include <jansson.h>

#include "client/reqd.h"
#include "ctl/ctl.h"

/*
 * Bytes of a reply. JSON in memory takes up to 25 times its text, so the limit
 * for what a server tells about itself is small; the output of a call may be
 * larger.
 */
#define REMOTE_ANSWER_LIMIT (2u << 20)
#define REMOTE_OUTPUT_LIMIT (33u << 20)	/* twice the default output-limit */

/*
 * Connects. 0, or an exit status. *ret is new in both cases.
 * REMOTE_ANSWER_LIMIT is set.
 */
int remote_connect(const struct ctl *ctl, struct reqd **ret);
struct server_entry;
/* Connects to this server, with its login. As remote_connect(). */
int remote_connect_entry(const struct ctl *ctl, const struct server_entry *e, struct reqd **ret);
/*
 * Connects to the control socket of the local reqd, with the default limit of
 * replies.
 */
int remote_control(const struct ctl *ctl, struct reqd **ret);

/* Prints reqd_error_text, and returns its exit status. */
int remote_failed(const struct ctl *ctl, const struct reqd *c);
/* Returns the exit status alone. */
int remote_status(int error);

/* Returns the milliseconds that are left of -t, at least 1; 0 without -t. */
uint64_t remote_ms_left(const struct ctl *ctl);

/*
 * Gives the call the rest of -t as its time limit, and the connection a second more, in
 * which the server can answer that the time is over. Without -t nothing is set.
 */
void remote_set_deadline(const struct ctl *ctl, struct reqd *c, struct reqd_call *call);

/*
 * Asks and waits. 0 with a new *ret that is no error reply, or an exit status.
 * subject: the start of a message about an error reply; NULL: nothing.
 */
int remote_ask(const struct ctl *ctl, struct reqd *c, const char *subject,
    struct reqd_value **ret, size_t argc, const char *const *argv);
/* Asks for a JSON object in a bulk. */
int remote_ask_json(const struct ctl *ctl, struct reqd *c, const char *subject, json_t **ret,
    size_t argc, const char *const *argv);

/*
 * Returns the service that was probably meant, of those that the caller may
 * call. New, or NULL. Prints nothing when the question fails.
 */
char *remote_suggest(const struct ctl *ctl, struct reqd *c, const char *service);

/* Asks the control socket a verb without arguments, for a JSON object. */
int remote_control_json(const struct ctl *ctl, const char *verb, json_t **ret);

/* Reports a reply of a wrong kind. Returns STATUS_PROTOCOL. */
int remote_nonsense(const struct ctl *ctl, const struct reqd *c, const char *verb);

/* Returns the text of a reply, or of an item of one. Free it. */
char *remote_text(const struct reqd_value *v);

/* Returns the JSON object in these bytes, or NULL. */
json_t *remote_json(const char *data, size_t len);

static inline void
reqd_freep(struct reqd **c)
{
	*c = reqd_free(*c);
}

static inline void
reqd_value_freep(struct reqd_value **v)
{
	*v = reqd_value_free(*v);
}

static inline void
json_freep(json_t **j)
{
	json_decref(*j);
}
