/* SPDX-License-Identifier: ISC */
/*
 * clientresult: the result of a call. Reads the map of CALL --full or an error
 * line. Trusts neither: every field is checked for type and range.
 */
#include "config.h"

#include "client/clientresult.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "client/client.h"
#include "proto/outcome.h"

#define SIGNAL_MAX 64
#define ERROR_MAX 4096	/* bytes of an error line that are kept */

static_assert((int)REQD_EXIT == (int)OUTCOME_EXIT, "outcomes differ");
static_assert((int)REQD_LOST == (int)OUTCOME_LOST, "outcomes differ");
static_assert((int)REQD_HANDLER == (int)OUTCOME_HANDLER, "outcomes differ");
static_assert((int)REQD_NOAUTH == (int)OUTCOME_NOAUTH, "outcomes differ");
static_assert((int)REQD_FAILED == (int)OUTCOME_N, "outcomes differ");

struct result_box {
	struct reqd_result result;	/* first, so that a pointer to it is one to the box */
	char *bytes;			/* the raw reply; out, err and value point into it */
	struct value *value;
	char id[CLIENT_ID_MAX + 1];
	char error[];
};

struct reqd_result *
reqd_result_free(struct reqd_result *r)
{
	struct result_box *box = (struct result_box *)(void *)r;

	if (box != NULL) {
		value_free(box->value);
		free(box->bytes);
	}
	free(box);
	return NULL;
}

static void
box_freep(struct result_box **box)
{
	if (*box != NULL)
		reqd_result_free(&(*box)->result);
}

static int
box_new(struct slice error, struct result_box **ret)
{
	size_t len = error.len < ERROR_MAX ? error.len : ERROR_MAX;
	struct result_box *box = calloc(1, sizeof(*box) + len + 1);

	if (box == NULL)
		return REQD_E_NOMEM;
	if (len > 0)
		memcpy(box->error, error.data, len);
	box->result.status = -1;
	box->result.id = box->id;
	box->result.error = box->error;
	box->result.out = box->result.err = "";
	*ret = box;
	return 0;
}

/* ---------------------------------------------------------- error line --- */

static struct slice
error_code(struct slice line)
{
	const char *blank = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;

	return (struct slice){ line.data, blank != NULL ? (size_t)(blank - line.data) : line.len };
}

/*
 * True if the program may have run. That is so for every error that is not
 * known to come before the start.
 */
static bool
error_may_have_run(enum reqd_outcome o, struct slice line)
{
	static const char *const before[] = { "WRONGPASS", "NOPERM", "NOPROTO", "DENIED" };

	if (o != REQD_FAILED)
		return outcome_may_have_run((enum outcome_kind)o);
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		if (slice_is(error_code(line), before[i]))
			return false;
	}
	return true;
}

static enum reqd_outcome
error_outcome(struct slice line)
{
	enum outcome_kind k = outcome_from_code(error_code(line));

	/*
	 * reqd answers these outcomes with a map; an error line of this kind is
	 * from another server.
	 */
	if (k == OUTCOME_EXIT || k == OUTCOME_SIGNAL)
		return REQD_FAILED;
	return (enum reqd_outcome)k;
}

enum reqd_outcome
reqd_value_outcome(const struct reqd_value *v)
{
	struct slice line;

	if (reqd_value_kind(v) != REQD_ERROR)
		return REQD_FAILED;
	line.data = reqd_value_data(v, &line.len);
	return error_outcome(line);
}

int
clientresult_of_error(struct slice line, struct reqd_result **ret)
{
	struct result_box *box;

	if (box_new(line, &box) < 0)
		return REQD_E_NOMEM;
	*ret = &box->result;
	(*ret)->outcome = error_outcome(line);
	(*ret)->may_have_run = error_may_have_run((*ret)->outcome, line);
	return 0;
}

/* ----------------------------------------------------------------- map --- */

static bool
get_integer(const struct value *map, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	const struct value *v = value_get(map, key);

	if (v == NULL || v->kind != VALUE_INTEGER || v->integer < min || v->integer > max)
		return false;
	*ret = v->integer;
	return true;
}

static bool
get_bulk(const struct value *map, const char *key, struct slice *ret)
{
	const struct value *v = value_get(map, key);

	if (v == NULL || v->kind != VALUE_BULK)
		return false;
	*ret = v->text;
	return true;
}

/* A missing output is fine: a streamed call has none. */
static bool
get_output(const struct value *map, const char *key, const char **ret, size_t *ret_len)
{
	struct slice s;

	if (value_get(map, key) == NULL)
		return true;
	if (!get_bulk(map, key, &s))
		return false;
	if (s.len > 0)
		*ret = s.data;
	*ret_len = s.len;
	return true;
}

static bool
get_id(const struct value *map, char ret[CLIENT_ID_MAX + 1])
{
	struct slice s;

	if (!get_bulk(map, "id", &s) || s.len > CLIENT_ID_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] <= ' ' || s.data[i] > '~')
			return false;
	}
	(void)snprintf(ret, CLIENT_ID_MAX + 1, "%.*s", (int)s.len, s.data);
	return true;
}

/*
 * Reads the answer of a handler. The tree belongs to the caller, so the result
 * keeps a copy.
 */
static int
take_value(struct result_box *box, const struct value *map)
{
	const struct value *v = value_get(map, "value");

	if (v == NULL)
		return 0;
	box->value = value_copy(v);
	if (box->value == NULL)
		return REQD_E_NOMEM;
	box->result.value = (const struct reqd_value *)(const void *)box->value;
	return 0;
}

/* Returns NULL, or the key that is missing or wrong. */
static const char *
fill_from_map(struct result_box *box, const struct value *map)
{
	struct reqd_result *res = &box->result;
	const struct value *v;
	struct slice word;
	int64_t n;

	if (!get_bulk(map, "outcome", &word) || outcome_from_word(word) == OUTCOME_N)
		return "outcome";
	res->outcome = (enum reqd_outcome)outcome_from_word(word);
	res->may_have_run = outcome_may_have_run((enum outcome_kind)res->outcome);

	if (!get_integer(map, "status", res->outcome == REQD_EXIT ? 0 : -1, 255, &n))
		return "status";
	res->status = (int)n;
	if (get_integer(map, "signal", 1, SIGNAL_MAX, &n))
		res->signal = (int)n;
	else if (res->outcome == REQD_SIGNAL)
		return "signal";

	v = value_get(map, "truncated");
	if (v == NULL || v->kind != VALUE_BOOL)
		return "truncated";
	res->truncated = v->integer != 0;
	if (!get_integer(map, "usec", 0, INT64_MAX, &n))
		return "usec";
	res->usec = (uint64_t)n;
	if (!get_id(map, box->id))
		return "id";
	if (!get_output(map, "stdout", &res->out, &res->out_len))
		return "stdout";
	if (!get_output(map, "stderr", &res->err, &res->err_len))
		return "stderr";
	return NULL;
}

int
clientresult_of_map(const struct value *map, char *bytes, struct reqd_result **ret,
    const char **ret_wrong)
{
	CLEANUP(box_freep) struct result_box *box = NULL;

	if (box_new(SLICE(""), &box) < 0) {
		free(bytes);
		return REQD_E_NOMEM;
	}
	box->bytes = bytes;
	if (take_value(box, map) < 0)
		return REQD_E_NOMEM;
	*ret_wrong = fill_from_map(box, map);
	if (*ret_wrong != NULL)
		return REQD_E_PROTOCOL;
	*ret = &TAKE_PTR(box)->result;
	return 0;
}

/* --------------------------------------------------------------- words --- */

const char *
reqd_outcome_word(enum reqd_outcome o)
{
	if (o == REQD_FAILED)
		return "failed";
	return (unsigned)o < OUTCOME_N ? outcome_word((enum outcome_kind)o) : "?";
}

const char *
reqd_signal_name(int sig)
{
	return outcome_signal_name(sig);
}

int
reqd_result_exit_status(const struct reqd_result *r)
{
	struct outcome o = { .kind = (enum outcome_kind)r->outcome };

	if (r->outcome == REQD_FAILED)
		return STATUS_REFUSED;
	o.status = r->outcome == REQD_SIGNAL ? r->signal : r->status;
	return outcome_exit_status(&o);
}

static struct slice
skip_word(struct slice s)
{
	const char *blank = s.len > 0 ? memchr(s.data, ' ', s.len) : NULL;
	size_t n = blank != NULL ? (size_t)(blank - s.data) + 1 : s.len;

	return (struct slice){ s.data + n, s.len - n };
}

/* Returns the words of an error line that its outcome does not say already. */
static struct slice
error_words(const struct reqd_result *r)
{
	struct slice line = slice_of(r->error);

	switch (r->outcome) {
	case REQD_NOAUTH:
	case REQD_FAILED:
		return line;
	case REQD_BUSY:
	case REQD_NOSTART:
	case REQD_LOST:
	case REQD_UNAVAIL:	/* the service, which the caller knows anyway */
		return skip_word(skip_word(line));
	case REQD_DRAINING:	/* "LOADING draining", or with "SERVICE: WHY" */
		return skip_word(skip_word(skip_word(line)));
	case REQD_TIMEOUT:
		return SLICE("");
	default:
		return skip_word(line);
	}
}

/*
 * Returns the words of a handler's error that its status does not say already.
 */
static struct slice
handler_words(const struct reqd_result *r)
{
	struct slice line;
	int status;

	if (reqd_value_kind(r->value) != REQD_ERROR)
		return SLICE("");
	line.data = reqd_value_data(r->value, &line.len);
	return value_exit_status(line, &status) ? skip_word(skip_word(line)) : line;
}

static const char *const meanings[] = {
	[REQD_TIMEOUT] = "timed out and was killed",
	[REQD_CANCELLED] = "was cancelled",
	[REQD_TOOBIG] = "wrote more output than allowed and was killed",
	[REQD_BUSY] = "is busy",
	[REQD_NOSTART] = "could not be started",
	[REQD_LOST] = "was lost by the server",
	[REQD_BADARG] = "argument refused",
	[REQD_DENIED] = "unknown or not allowed",
	[REQD_DRAINING] = "not started, drained",
	[REQD_UNAVAIL] = "cannot serve now",
	[REQD_HANDLER] = "failed in its handler",
	[REQD_NOAUTH] = "refused",
	[REQD_FAILED] = "refused",
};

const char *
reqd_result_text(const struct reqd_result *r, char *text, size_t len)
{
	struct slice words = error_words(r);
	const char *meaning;
	char clean[1024];

	switch (r->outcome) {
	case REQD_EXIT:
		words = handler_words(r);
		(void)snprintf(text, len, "exit status %d%s%s", r->status,
		    words.len > 0 ? ": " : "", escape_printable(words, clean, sizeof(clean)));
		return text;
	case REQD_SIGNAL:
		(void)snprintf(text, len, "killed by signal %d (%s)", r->signal,
		    outcome_signal_name(r->signal));
		return text;
	default:
		break;
	}
	meaning = (unsigned)r->outcome < ARRAY_LEN(meanings) ? meanings[r->outcome] : "?";
	/* A login that has gone while the call waited has words of its own. */
	if (r->outcome == REQD_NOAUTH && slice_is(words, "NOAUTH Authentication required."))
		(void)snprintf(text, len, "this server wants to know who is calling: log in with "
		    "'reqctl join' and a line of 'reqctl grant', or with a token");
	else if (words.len == 0 && r->outcome == REQD_DRAINING)
		(void)snprintf(text, len, "not started, the server is draining");
	else if (words.len == 0)
		(void)snprintf(text, len, "%s", meaning);
	else if (r->outcome == REQD_BADARG || r->outcome == REQD_DENIED)
		(void)snprintf(text, len, "%s", escape_printable(words, clean, sizeof(clean)));
	else
		(void)snprintf(text, len, "%s: %s", meaning,
		    escape_printable(words, clean, sizeof(clean)));
	return text;
}
