/* SPDX-License-Identifier: ISC */
/* mcpcall: from the arguments of a tool to its result. */
#include "config.h"

#include "proto/mcpcall.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/jsonbuf.h"

/* Bytes of a line that is told as progress. */
#define LINE_MAX_BYTES 500

/* Messages of progress in one second. */
#define TOLD_MAX 20

void
mcpcall_init(struct mcpcall *c)
{
	*c = (struct mcpcall){
		.out = BUF_INIT(MCPCALL_TEXT_MAX), .err = BUF_INIT(4 * MCPCALL_STDERR_MAX),
		.line = BUF_INIT(LINE_MAX_BYTES), .progress = -1,
	};
}

void
mcpcall_done(struct mcpcall *c)
{
	buf_done(&c->out);
	buf_done(&c->err);
	buf_done(&c->line);
}

/* ------------------------------------------------------------ arguments --- */

bool
mcpcall_arguments(const struct mcp_message *m, const json_t **ret)
{
	*ret = json_object_get(m->params, "arguments");
	if (*ret != NULL && json_is_null(*ret))
		*ret = NULL;
	return *ret == NULL || json_is_object(*ret);
}

/* Appends the bytes of a text in Base64. Returns as mcpcall_take_input(). */
static const char *
decode(struct slice text, struct buf *ret)
{
	size_t room = text.len / 4 * 3, len;
	char *to = buf_reserve(ret, room > 0 ? room : 1);

	if (to == NULL)
		return "the server: out of memory";
	if (base64_decode(text, (uint8_t *)to, room, &len) < 0)
		return "the input is not Base64";
	buf_commit(ret, len);
	return NULL;
}

const char *
mcpcall_take_input(const struct mcp_message *m, const char *name, struct buf *ret, bool *ret_has)
{
	json_t *arguments = json_object_get(m->params, "arguments");
	const json_t *text, *bytes;
	const char *why = NULL;
	char in_base64[32];

	*ret_has = false;
	if (name == NULL || arguments == NULL)
		return NULL;
	(void)snprintf(in_base64, sizeof(in_base64), "%s_base64", name);
	text = json_object_get(arguments, name);
	bytes = json_object_get(arguments, in_base64);
	if (text != NULL && bytes != NULL)
		return "the input is given twice, as text and in Base64";
	if ((text != NULL && !json_is_string(text)) || (bytes != NULL && !json_is_string(bytes)))
		return "the input is no text";
	if (text != NULL)
		why = buf_append(ret, json_string_value(text), json_string_length(text)) < 0 ?
		    "the server: out of memory" : NULL;
	else if (bytes != NULL)
		why = decode((struct slice){ json_string_value(bytes), json_string_length(bytes) }, ret);
	*ret_has = text != NULL || bytes != NULL;
	(void)json_object_del(arguments, name);
	(void)json_object_del(arguments, in_base64);
	return why;
}

/* --------------------------------------------------------------- output --- */

void
mcpcall_output(struct mcpcall *c, struct slice bytes)
{
	size_t room = MCPCALL_TEXT_MAX - buf_len(&c->out);

	c->n_out += bytes.len;
	(void)buf_append(&c->out, bytes.data, bytes.len < room ? bytes.len : room);
}

/* Keeps the last bytes. Half of the room is given up at once, so that little is moved. */
static void
keep_stderr(struct mcpcall *c, struct slice bytes)
{
	if (bytes.len > MCPCALL_STDERR_MAX) {
		bytes.data += bytes.len - MCPCALL_STDERR_MAX;
		bytes.len = MCPCALL_STDERR_MAX;
	}
	if (buf_len(&c->err) + bytes.len > 2 * MCPCALL_STDERR_MAX &&
	    buf_len(&c->err) > MCPCALL_STDERR_MAX)
		buf_consume(&c->err, buf_len(&c->err) - MCPCALL_STDERR_MAX);
	(void)buf_append_slice(&c->err, bytes);
}

/* ------------------------------------------------------------- progress --- */

/* Reads "3/7 text" or "40% text". Returns the text behind it, or NULL. */
static const char *
read_amount(const char *line, double *ret_done, double *ret_total)
{
	char *end;
	double done, total = 100;

	if (*line < '0' || *line > '9' || strspn(line, "0123456789.") > 15)
		return NULL;
	done = strtod(line, &end);
	if (*end == '/' && end[1] >= '0' && end[1] <= '9' && strspn(end + 1, "0123456789.") <= 15)
		total = strtod(end + 1, &end);
	else if (*end == '%')
		end++;
	else
		return NULL;
	if ((*end != ' ' && *end != ':' && *end != '\0') || !(total > 0))
		return NULL;
	*ret_done = done;
	*ret_total = total;
	return end + strspn(end, " :");
}

/* True if one more message may be sent in this second. */
static bool
may_tell(struct mcpcall *c, uint64_t now_usec)
{
	if (now_usec - c->second_usec >= USEC_PER_SEC) {
		c->second_usec = now_usec;
		c->n_told = 0;
	}
	return c->n_told++ < TOLD_MAX;
}

/* Writes the line as progress. Progress must grow, so a line that does not say more is left out. */
static bool
put_progress(struct mcpcall *c, const json_t *token, uint64_t now_usec, struct buf *b)
{
	char line[LINE_MAX_BYTES + 1];
	const char *text;
	double done, total;

	if (buf_len(&c->line) == 0 || buf_len(&c->line) > LINE_MAX_BYTES)
		return false;
	memcpy(line, buf_data(&c->line), buf_len(&c->line));
	line[buf_len(&c->line)] = '\0';
	text = read_amount(line, &done, &total);
	if (text == NULL) {
		text = line;
		total = c->total;
		done = total > 0 ? c->progress + 0.001 : c->progress + 1;
	}
	if (done <= c->progress || !may_tell(c, now_usec))
		return false;
	c->progress = done;
	c->total = total;
	mcp_open_message(b);
	jsonbuf_text(b, "method", "notifications/progress");
	jsonbuf_open(b, "params", '{');
	mcp_put_json(b, "progressToken", token);
	jsonbuf_real(b, "progress", done);
	if (total > 0)
		jsonbuf_real(b, "total", total);
	if (*text != '\0')
		jsonbuf_text(b, "message", text);
	mcp_close_result(b);
	return true;
}

bool
mcpcall_stderr(struct mcpcall *c, struct slice *bytes, const json_t *token, uint64_t now_usec,
    struct buf *b)
{
	while (bytes->len > 0) {
		const char *end = memchr(bytes->data, '\n', bytes->len);
		size_t len = end != NULL ? (size_t)(end - bytes->data) : bytes->len;
		size_t room = LINE_MAX_BYTES - buf_len(&c->line);
		bool is_told;

		keep_stderr(c, (struct slice){ bytes->data, len + (end != NULL) });
		(void)buf_append(&c->line, bytes->data, len < room ? len : room);
		bytes->data += len + (end != NULL);
		bytes->len -= len + (end != NULL);
		if (end == NULL)
			return false;
		is_told = token != NULL && put_progress(c, token, now_usec, b);
		buf_clear(&c->line);
		if (is_told)
			return true;
	}
	return false;
}

/* --------------------------------------------------------------- result --- */

static void
put_text(struct buf *b, struct slice text)
{
	jsonbuf_open(b, NULL, '{');
	jsonbuf_text(b, "type", "text");
	jsonbuf_key(b, "text");
	(void)escape_json(b, text);
	jsonbuf_close(b, '}');
}

/* Tells what is to be done about a failure. */
static const char *
advice(enum outcome_kind k)
{
	switch (k) {
	case OUTCOME_BUSY:
		return "Nothing ran; the same call may work in a moment.";
	case OUTCOME_UNAVAIL:
	case OUTCOME_DRAINING:
		return "Nothing ran; the service cannot serve now.";
	case OUTCOME_BADARG:
		return "Nothing ran; call again with other arguments.";
	case OUTCOME_NOSTART:
	case OUTCOME_DENIED:
	case OUTCOME_NOAUTH:
		return "Nothing ran.";
	case OUTCOME_EXIT:
		return "";
	default:
		return "The program may have done a part of its work.";
	}
}

static void
put_failure_text(struct buf *b, const struct mcpcall *c, const struct mcpcall_result *r)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	struct slice err = buf_slice(&c->err);
	const struct outcome *o = &r->outcome;

	if (o->kind == OUTCOME_EXIT && !r->is_error)
		(void)buf_printf(&text, "The program ended with exit status %d.", o->status);
	else if (o->kind == OUTCOME_SIGNAL)
		(void)buf_printf(&text, "The program was killed by signal %d (%s).", o->status,
		    outcome_signal_name(o->status));
	else if (o->kind == OUTCOME_TIMEOUT)
		(void)buf_append_str(&text, "The program took too long, and was ended.");
	else if (o->kind == OUTCOME_TOOBIG)
		(void)buf_append_str(&text, "The program wrote too much, and was ended.");
	else if (r->detail.len == 0)
		(void)buf_printf(&text, "The call failed: %s.", outcome_word(o->kind));
	/* The detail of a program that ran is a line of its standard error. */
	if (buf_len(&text) == 0 || (err.len == 0 && r->detail.len > 0 && o->kind != OUTCOME_TIMEOUT &&
	    o->kind != OUTCOME_TOOBIG)) {
		(void)buf_append_str(&text, buf_len(&text) > 0 ? "\n" : "");
		(void)buf_append_slice(&text, r->detail);
	}
	if (*advice(o->kind) != '\0')
		(void)buf_printf(&text, "\n%s", advice(o->kind));
	if (err.len > 0) {
		(void)buf_append_char(&text, '\n');
		(void)buf_append_slice(&text, err);
	}
	put_text(b, buf_slice(&text));
}

/* Writes the output, with a word about what is missing. */
static void
put_output(struct buf *b, const struct mcpcall *c, bool is_cut)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);

	if (c->n_out == buf_len(&c->out) && !is_cut) {
		put_text(b, buf_len(&c->out) > 0 ? buf_slice(&c->out) : SLICE(""));
		return;
	}
	(void)buf_append_slice(&text, buf_slice(&c->out));
	(void)buf_printf(&text, "\n[The output is not whole: these are %zu of %" PRIu64 " bytes.]",
	    buf_len(&c->out), c->n_out);
	b->failed = b->failed || buf_failed(&text);
	put_text(b, buf_slice(&text));
}

/* Writes the value of a handler, of which a map is there for programs, too. */
static void
put_value(struct buf *b, struct slice value)
{
	bool is_long = value.len > MCPCALL_TEXT_MAX;

	put_text(b, is_long ? SLICE("[The value is too long to be shown.]") : value);
	jsonbuf_close(b, ']');
	if (is_long || value.len == 0 || value.data[0] != '{')
		return;
	jsonbuf_key(b, "structuredContent");
	(void)buf_append_slice(b, value);
}

void
mcpcall_put(struct buf *b, const struct mcp_message *m, const struct mcpcall *c,
    const struct mcpcall_result *r)
{
	bool is_failure = r->is_error || !outcome_is_success(&r->outcome);

	mcp_open_result(b, m);
	jsonbuf_open(b, "content", '[');
	if (is_failure)
		put_failure_text(b, c, r);
	if (!is_failure && r->value.data != NULL) {
		put_value(b, r->value);
	} else {
		if (!is_failure || c->n_out > 0)
			put_output(b, c, r->is_cut);
		jsonbuf_close(b, ']');
	}
	if (is_failure)
		jsonbuf_bool(b, "isError", true);
	jsonbuf_open(b, "_meta", '{');
	if (*r->id != '\0')
		jsonbuf_text(b, "reqd/id", r->id);
	jsonbuf_text(b, "reqd/outcome", outcome_word(r->outcome.kind));
	if (r->outcome.kind == OUTCOME_EXIT)
		jsonbuf_number(b, "reqd/exit", (uint64_t)r->outcome.status);
	jsonbuf_close(b, '}');
	mcp_close_result(b);
}
