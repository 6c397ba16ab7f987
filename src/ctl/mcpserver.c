/* SPDX-License-Identifier: ISC */
/* mcpserver: answers tools/list and tools/call with the services of a reqd. */
#include "config.h"

#include "ctl/mcpserver.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"
#include "proto/jsontext.h"
#include "proto/mcpcall.h"
#include "proto/mcptool.h"

/* Questions at a time; a client that asks more is told so. */
#define JOBS_MAX 64

/* Bytes of the stack of a thread. */
#define STACK (256u << 10)

/* The time that lists still have when the input has ended. */
#define LISTS_SEC 10

struct mcpjob {
	struct mcpserver *server;
	struct mcp_message m;
	struct ctl ctl;		/* with a time limit of its own */
	struct reqd *conn;
	int fd;			/* a second descriptor of the connection; -1: none yet */
	bool is_cancelled;
	struct mcpcall call;
	struct slice input;	/* of the call: what is still to be read */
	struct mcpjob *next;
};

void
mcpserver_init(struct mcpserver *s, const struct ctl *ctl)
{
	pthread_condattr_t attr;

	*s = (struct mcpserver){ .ctl = ctl };
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->ended, &attr);
	(void)pthread_condattr_destroy(&attr);
}

/* --------------------------------------------------------------- output --- */

/* Writes a line under the lock. A client that has gone takes this process along by SIGPIPE. */
static void
write_line(struct buf *message)
{
	(void)buf_append_char(message, '\n');
	if (buf_failed(message))
		(void)ctl_need(NULL);
	while (buf_len(message) > 0) {
		ssize_t n = write(STDOUT_FILENO, buf_data(message), buf_len(message));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(STATUS_LOCAL);
		buf_consume(message, (size_t)n);
	}
}

void
mcpserver_write(struct mcpserver *s, struct buf *message)
{
	(void)pthread_mutex_lock(&s->lock);
	write_line(message);
	(void)pthread_mutex_unlock(&s->lock);
}

/* Writes a message of a job, unless that is cancelled. */
static void
job_write(struct mcpjob *job, struct buf *message)
{
	(void)pthread_mutex_lock(&job->server->lock);
	if (!job->is_cancelled)
		write_line(message);
	(void)pthread_mutex_unlock(&job->server->lock);
	buf_clear(message);
}

static void
job_refuse(struct mcpjob *job, enum mcp_code code, const char *why)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	mcp_put_error(&b, &job->m, code, why);
	job_write(job, &b);
}

/* ----------------------------------------------------------- connection --- */

/* Connects. False: the job is answered, or cancelled. */
static bool
job_connect(struct mcpjob *job)
{
	int status = remote_connect(&job->ctl, &job->conn), fd;
	bool is_cancelled;

	if (status != 0) {
		job_refuse(job, MCP_INTERNAL, *reqd_error_text(job->conn) != '\0' ?
		    reqd_error_text(job->conn) : "the server cannot be reached");
		return false;
	}
	fd = fcntl(reqd_fd(job->conn), F_DUPFD_CLOEXEC, 0);
	(void)pthread_mutex_lock(&job->server->lock);
	job->fd = fd;
	is_cancelled = job->is_cancelled;
	(void)pthread_mutex_unlock(&job->server->lock);
	return !is_cancelled;
}

static void
job_lost(struct mcpjob *job)
{
	job_refuse(job, MCP_INTERNAL, reqd_error_text(job->conn));
}

static void
job_unknown(struct mcpjob *job, const char *name)
{
	char why[200];

	(void)snprintf(why, sizeof(why), "Unknown tool: %.128s", name);
	job_refuse(job, MCP_BAD_PARAMS, why);
}

/* True if the command line offers the service, as far as its name tells. */
static bool
is_offered(const struct ctl *ctl, const char *name)
{
	for (size_t i = 0; i < ctl->only.n; i++) {
		if (fnmatch(ctl->only.items[i], name, 0) == 0)
			return true;
	}
	return ctl->only.n == 0;
}

/*
 * Asks for the description of a service. NULL with *ret_lost: the connection is of no use;
 * without: there is no such service for this client.
 */
static json_t *
describe(struct mcpjob *job, const char *name, bool *ret_lost)
{
	const char *words[] = { "DESCRIBE", name };
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	json_t *description = NULL;
	const char *data;
	size_t len;

	*ret_lost = reqd_request(job->conn, &v, ARRAY_LEN(words), words) < 0;
	if (*ret_lost || reqd_value_kind(v) == REQD_ERROR || !is_offered(&job->ctl, name))
		return NULL;
	data = reqd_value_data(v, &len);
	description = remote_json(data, len);
	if (description != NULL && job->ctl.read_only && !mcptool_is_read_only(description)) {
		json_decref(description);
		description = NULL;
	}
	return description;
}

/* ----------------------------------------------------------------- list --- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **items;
	size_t n;
};

static void
names_done(struct names *names)
{
	while (names->n > 0)
		free(names->items[--names->n]);
	free(names->items);
}

/* Asks which services there are, and sorts them. False: the job is answered. */
static bool
read_names(struct mcpjob *job, struct names *ret)
{
	static const char *const words[] = { "SERVICES" };
	CLEANUP(reqd_value_freep) struct reqd_value *map = NULL;

	if (reqd_request(job->conn, &map, 1, words) < 0) {
		job_lost(job);
		return false;
	}
	if (reqd_value_kind(map) != REQD_MAP) {
		job_refuse(job, MCP_INTERNAL, "the server does not tell its services");
		return false;
	}
	ret->items = ctl_need(calloc(reqd_value_count(map) / 2 + 1, sizeof(*ret->items)));
	for (size_t i = 0; i + 1 < reqd_value_count(map); i += 2) {
		ret->items[ret->n] = remote_text(reqd_value_at(map, i));
		if (is_offered(&job->ctl, ret->items[ret->n]))
			ret->n++;
		else
			free(ret->items[ret->n]);
	}
	qsort(ret->items, ret->n, sizeof(*ret->items), compare_names);
	return true;
}

static void
run_list(struct mcpjob *job)
{
	CLEANUP(names_done) struct names names = { .n = 0 };
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const char *after = mcp_cursor(&job->m), *last = NULL;
	size_t n = 0, i = 0;

	if (after == NULL) {
		job_refuse(job, MCP_BAD_PARAMS, "The cursor is no text");
		return;
	}
	if (!job_connect(job) || !read_names(job, &names))
		return;
	mcptool_open_list(&b, &job->m);
	while (i < names.n && strcmp(names.items[i], after) <= 0)
		i++;
	for (; i < names.n && n < MCPTOOL_PAGE; i++) {
		bool is_lost;
		CLEANUP(json_freep) json_t *description = describe(job, names.items[i], &is_lost);

		if (is_lost) {
			job_lost(job);
			return;
		}
		last = names.items[i];
		if (description == NULL)
			continue;
		mcptool_put(&b, description);
		n++;
	}
	mcptool_close_list(&b, &job->m, i < names.n ? last : NULL);
	job_write(job, &b);
}

/* ----------------------------------------------------------------- call --- */

/* Tells lines of standard error as progress, and keeps output for the result. */
static int
take_output(void *arg, int stream, const void *data, size_t len)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	struct slice bytes = { data, len };
	struct mcpjob *job = arg;

	if (stream == STDOUT_FILENO) {
		mcpcall_output(&job->call, bytes);
		return 0;
	}
	while (mcpcall_stderr(&job->call, &bytes, mcp_progress_token(&job->m), clock_usec(), &b))
		job_write(job, &b);
	return 0;
}

static long
give_input(void *arg, void *buf, size_t size)
{
	struct mcpjob *job = arg;
	size_t n = size < job->input.len ? size : job->input.len;

	if (n > 0)
		memcpy(buf, job->input.data, n);
	job->input.data += n;
	job->input.len -= n;
	return (long)n;
}

/* Adds one value. False: it is none that an argument can have. */
static bool
add_value(struct reqd_call *call, const char *name, const json_t *v)
{
	char room[REAL_TEXT];
	struct slice text;

	if (json_is_null(v))
		return true;
	if (!jsontext_of(v, room, &text))
		return false;
	(void)reqd_call_add_named(call, name, text.data, text.len);
	return true;
}

/* Adds the arguments. Returns the name of one with a wrong value, or NULL. */
static const char *
add_arguments(struct reqd_call *call, const json_t *arguments)
{
	const char *name;
	json_t *v, *item;
	size_t i;

	json_object_foreach((json_t *)arguments, name, v) {
		if (!json_is_array(v) && !add_value(call, name, v))
			return name;
		json_array_foreach(v, i, item) {
			if (!add_value(call, name, item))
				return name;
		}
	}
	return NULL;
}

/* A service that is not idempotent wants an id with each call. A client of MCP has none. */
static void
add_id(struct reqd_call *call)
{
	uint64_t random[2];
	char id[40];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return;
	(void)snprintf(id, sizeof(id), "mcp.%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	(void)reqd_call_set_id(call, id);
}

static void
answer(struct mcpjob *job, const struct mcpcall_result *res)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	mcpcall_put(&b, &job->m, &job->call, res);
	job_write(job, &b);
}

static void
answer_wrong(struct mcpjob *job, const char *why)
{
	answer(job, &(struct mcpcall_result){
		.outcome.kind = OUTCOME_BADARG, .detail = slice_of(why), .id = "",
	});
}

/* The words of an error line, without its code. */
static struct slice
words_of(struct slice line)
{
	const char *blank = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;

	if (blank == NULL)
		return line;
	line.len -= (size_t)(blank + 1 - line.data);
	line.data = blank + 1;
	return line;
}

/* Answers with the value of a handler: a text as it is, all else as JSON. */
static void
answer_value(struct mcpjob *job, struct mcpcall_result *r, const struct reqd_value *v)
{
	enum reqd_kind kind = reqd_value_kind(v);
	CLEANUP(json_freep) json_t *j = NULL;
	CLEANUP_FREE char *text = NULL;
	struct slice s;

	s.data = reqd_value_data(v, &s.len);
	if (kind == REQD_ERROR) {
		r->is_error = true;
		r->detail = words_of(s);
	} else if (kind == REQD_BULK || kind == REQD_SIMPLE || kind == REQD_VERBATIM) {
		mcpcall_output(&job->call, s);
	} else {
		j = out_json_value(v);
		text = ctl_need(json_dumps(j, out_json_digits(j) | JSON_ENCODE_ANY | JSON_COMPACT));
		r->value = slice_of(text);
	}
	answer(job, r);
}

static void
answer_result(struct mcpjob *job, const struct reqd_result *res)
{
	struct mcpcall_result r = {
		.outcome = { outcome_from_word(slice_of(reqd_outcome_word(res->outcome))), res->status, 0 },
		.detail = words_of(slice_of(res->error)), .id = res->id, .is_cut = res->truncated,
	};

	if (res->outcome == REQD_DENIED) {
		job_unknown(job, mcp_tool_name(&job->m));
		return;
	}
	if (r.outcome.kind == OUTCOME_N)
		r.outcome.kind = OUTCOME_LOST;
	if (r.outcome.kind == OUTCOME_SIGNAL)
		r.outcome.status = res->signal;
	/* A call that was not streamed after all, as one with an id that ran before. */
	mcpcall_output(&job->call, (struct slice){ res->out, res->out_len });
	if (res->value != NULL)
		answer_value(job, &r, res->value);
	else
		answer(job, &r);
}

/* Calls the service with what the message says. */
static void
call_service(struct mcpjob *job, const json_t *description, struct reqd_call *call)
{
	const char *input = mcptool_input_name(description), *why;
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(0);
	struct reqd_result *res = NULL;
	const json_t *arguments;
	bool has_input;
	char text[300];

	if (!mcpcall_arguments(&job->m, &arguments)) {
		job_refuse(job, MCP_BAD_PARAMS, "The arguments are no object");
		return;
	}
	why = mcpcall_take_input(&job->m, input, &bytes, &has_input);
	if (why != NULL) {
		answer_wrong(job, why);
		return;
	}
	why = add_arguments(call, arguments);
	if (why != NULL) {
		(void)snprintf(text, sizeof(text), "argument '%.64s': a value is a text, a number, true, "
		    "false, null, or an array of these", why);
		answer_wrong(job, text);
		return;
	}
	job->input = buf_slice(&bytes);
	if (input != NULL && (has_input || strcmp(out_json_text(description, "input"), "required") == 0))
		(void)reqd_call_set_input(call, give_input, job);
	if (json_is_false(json_object_get(description, "idempotent")))
		add_id(call);
	(void)reqd_call_set_output(call, take_output, job);
	remote_set_deadline(&job->ctl, job->conn, call);
	(void)reqd_set_reply_limit(job->conn, REMOTE_OUTPUT_LIMIT);
	if (reqd_call(job->conn, call, &res) == 0) {
		answer_result(job, res);
	} else if (reqd_error(job->conn) == REQD_E_INVALID) {
		answer_wrong(job, reqd_error_text(job->conn));
	} else if (reqd_was_sent(job->conn)) {
		answer(job, &(struct mcpcall_result){
			.outcome.kind = OUTCOME_LOST, .detail = slice_of(reqd_error_text(job->conn)), .id = "",
		});
	} else {
		job_lost(job);
	}
	reqd_result_free(res);
}

static void
run_call(struct mcpjob *job)
{
	const char *name = mcp_tool_name(&job->m);
	CLEANUP(json_freep) json_t *description = NULL;
	struct reqd_call *call;
	bool is_lost;

	if (name == NULL) {
		job_refuse(job, MCP_BAD_PARAMS, "The name of the tool is missing");
		return;
	}
	if (!job_connect(job))
		return;
	description = describe(job, name, &is_lost);
	if (is_lost) {
		job_lost(job);
		return;
	}
	if (description == NULL) {
		job_unknown(job, name);
		return;
	}
	call = ctl_need(reqd_call_new(name));
	call_service(job, description, call);
	reqd_call_free(call);
}

/* ----------------------------------------------------------------- jobs --- */

/* Takes the job out of the table, and frees it. */
static void
job_free(struct mcpjob *job)
{
	struct mcpserver *s = job->server;
	struct mcpjob **p = &s->jobs;

	(void)pthread_mutex_lock(&s->lock);
	while (*p != job)
		p = &(*p)->next;
	*p = job->next;
	s->n_jobs--;
	s->n_lists -= job->m.method == MCP_LIST;
	(void)pthread_cond_signal(&s->ended);
	(void)pthread_mutex_unlock(&s->lock);
	reqd_free(job->conn);
	if (job->fd >= 0)
		(void)close(job->fd);
	mcpcall_done(&job->call);
	mcp_done(&job->m);
	free(job);
}

static void *
run(void *arg)
{
	struct mcpjob *job = arg;

	if (job->m.method == MCP_LIST)
		run_list(job);
	else
		run_call(job);
	job_free(job);
	return NULL;
}

static bool
start_thread(struct mcpjob *job)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ok = pthread_attr_init(&attr) == 0;

	if (!ok)
		return false;
	(void)pthread_attr_setstacksize(&attr, STACK);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ok = pthread_create(&thread, &attr, run, job) == 0;
	(void)pthread_attr_destroy(&attr);
	return ok;
}

/* Adds a job to the table. False: there are too many. */
static bool
add_job(struct mcpserver *s, struct mcpjob *job)
{
	bool has_room;

	(void)pthread_mutex_lock(&s->lock);
	has_room = s->n_jobs < JOBS_MAX;
	job->next = s->jobs;
	s->jobs = job;
	s->n_jobs++;
	s->n_lists += job->m.method == MCP_LIST;
	(void)pthread_mutex_unlock(&s->lock);
	return has_room;
}

void
mcpserver_start(struct mcpserver *s, struct mcp_message *m)
{
	struct mcpjob *job = ctl_need(calloc(1, sizeof(*job)));

	job->server = s;
	job->fd = -1;
	job->m = *m;
	*m = (struct mcp_message){ 0 };
	job->ctl = *s->ctl;
	if (job->ctl.timeout_ms > 0)
		job->ctl.due_usec = clock_usec() + job->ctl.timeout_ms * USEC_PER_MSEC;
	mcpcall_init(&job->call);
	if (add_job(s, job) && start_thread(job))
		return;
	job_refuse(job, MCP_INTERNAL, "too many calls at a time: wait for the end of some");
	job_free(job);
}

/* Ends a job. Its thread notices that by its connection. */
static void
cancel_job(struct mcpjob *job)
{
	job->is_cancelled = true;
	if (job->fd >= 0)
		(void)shutdown(job->fd, SHUT_RDWR);
}

void
mcpserver_cancel(struct mcpserver *s, const json_t *id)
{
	(void)pthread_mutex_lock(&s->lock);
	for (struct mcpjob *job = s->jobs; id != NULL && job != NULL; job = job->next) {
		if (json_equal(job->m.id, id) != 0)
			cancel_job(job);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

void
mcpserver_end(struct mcpserver *s)
{
	struct timespec due;

	(void)clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_sec += LISTS_SEC;
	(void)pthread_mutex_lock(&s->lock);
	for (struct mcpjob *job = s->jobs; job != NULL; job = job->next) {
		if (job->m.method != MCP_LIST)
			cancel_job(job);
	}
	/* A server that is stopped does not keep this process. */
	while (s->n_lists > 0 && pthread_cond_timedwait(&s->ended, &s->lock, &due) == 0)
		continue;
	(void)pthread_mutex_unlock(&s->lock);
}
