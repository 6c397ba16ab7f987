/* SPDX-License-Identifier: ISC */
/* remote: connects reqctl to a server and asks simple questions. */
#include "config.h"

#include "ctl/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/suggest.h"
#include "ctl/identityfile.h"
#include "ctl/prompt.h"
#include "ctl/serverentry.h"
#include "proto/loginurl.h"

/* Time for the server to answer that the time of -t is over. */
#define GRACE_MS 1000

/* A line with the longest secret, and then one that is too long. */
#define SECRET_LINE 1026
/* For a server on another machine that cannot be reached. */
#define HINT_FAR " (does reqd listen there, and is there a network without a firewall to it?)"

#define CONTROL_PATH RUNSTATEDIR "/reqd/control.sock"

uint64_t
remote_ms_left(const struct ctl *ctl)
{
	uint64_t now = clock_usec();

	if (ctl->timeout_ms == 0)
		return 0;
	if (now >= ctl->due_usec)
		return 1;
	return (ctl->due_usec - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
}

void
remote_set_deadline(const struct ctl *ctl, struct reqd *c, struct reqd_call *call)
{
	uint64_t ms = remote_ms_left(ctl);

	if (ms == 0)
		return;
	(void)reqd_call_set_timeout(call, ms);
	(void)reqd_set_deadline(c, ms + GRACE_MS);
}

int
remote_status(int error)
{
	switch (error) {
	case REQD_OK:
		return 0;
	case REQD_E_INVALID:
		return STATUS_USAGE;
	case REQD_E_CONNECT:
	case REQD_E_TIMEOUT:
	case REQD_E_CLOSED:
	case REQD_E_TRUST:
		return STATUS_CONNECT;
	case REQD_E_PROTOCOL:
	case REQD_E_LIMIT:
		return STATUS_PROTOCOL;
	case REQD_E_REFUSED:
		return STATUS_REFUSED;
	default:
		return STATUS_LOCAL;
	}
}

int
remote_failed(const struct ctl *ctl, const struct reqd *c)
{
	ctl_message(ctl, "%s", reqd_error_text(c));
	return remote_status(reqd_error(c));
}

static struct reqd *
remote_new(const struct ctl *ctl)
{
	struct reqd *c = ctl_need(reqd_new());

	(void)reqd_set_deadline(c, remote_ms_left(ctl));
	return c;
}

/* Servers with their secrets; wiped when they are freed. */
struct urls {
	char *items[CTL_MAX_LIST];
	size_t n;
	char *key;	/* file of the key to show; NULL: none */
};

static void
urls_done(struct urls *u)
{
	while (u->n > 0)
		secret_free(u->items[--u->n]);
	free(TAKE_PTR(u->key));
}

/* Adds a server: the name of an entry, or a URL. 0 or an exit status. */
static int
urls_add(const struct ctl *ctl, struct urls *u, const char *word)
{
	CLEANUP(server_entry_done) struct server_entry e = { 0 };
	int r = server_entry_read(ctl, word, &e);

	if (r < 0)
		return -r;
	/* The pin of the command line decides alone, as when the key of the server is new. */
	if (ctl->pin != NULL) {
		free(e.pin);
		e.pin = NULL;
	}
	u->items[u->n++] = r == 0 ? server_entry_url(&e) : ctl_need(strdup(word));
	if (e.key == NULL)
		return 0;
	if (u->key != NULL && strcmp(u->key, e.key) != 0)
		return ctl_usage(ctl, "the servers want different keys, %s and %s: ask them one by "
		    "one", u->key, e.key);
	free(u->key);
	u->key = TAKE_PTR(e.key);
	return 0;
}

/* Finds the servers that the command line or the environment names. 0 or an exit status. */
static int
urls_find(const struct ctl *ctl, const char *env, struct urls *ret)
{
	int status = 0;

	for (size_t i = 0; i < ctl->servers.n && status == 0; i++) {
		if (loginurl_has_secret(slice_of(ctl->servers.items[i])))
			return ctl_usage(ctl, "a secret is not taken from the command line, which "
			    "everybody can see; use 'reqctl join' or --token-file. If somebody "
			    "else may have seen it, revoke it");
		status = urls_add(ctl, ret, ctl->servers.items[i]);
	}
	if (ctl->servers.n == 0 && env != NULL && *env != '\0')
		status = urls_add(ctl, ret, env);
	return status;
}

/* True if a URL has a login, and no secret for it. */
static bool
wants_password(const struct urls *urls)
{
	for (size_t i = 0; i < urls->n; i++) {
		struct loginurl u;

		loginurl_split(slice_of(urls->items[i]), &u);
		if (u.login.data != NULL && u.secret.data == NULL)
			return true;
	}
	return false;
}

/* Finds the secret: in a file, or by asking where a URL wants one. 0 or an exit status. */
static int
set_secret(const struct ctl *ctl, const struct urls *urls, struct reqd *c)
{
	CLEANUP(secret_freep) char *secret = NULL;
	char line[SECRET_LINE];
	int r;

	if (ctl->token_file != NULL) {
		secret = secret_read_file(ctl, ctl->token_file);
		if (secret == NULL)
			return STATUS_LOCAL;
		return reqd_set_login(c, NULL, secret) < 0 ? remote_failed(ctl, c) : 0;
	}
	if (!wants_password(urls))
		return 0;
	if (isatty(STDIN_FILENO) != 1)
		return ctl_usage(ctl, "the login needs a password: give it with --token-file, or "
		    "on a terminal");
	(void)prompt_line("Password (it is not shown): ", line, sizeof(line));
	r = reqd_set_login(c, NULL, line);
	explicit_bzero(line, sizeof(line));
	return r < 0 ? remote_failed(ctl, c) : 0;
}

/* Makes the connection show the key of --identity, or else that of the entry. */
static int
set_key(const struct ctl *ctl, struct reqd *c, const char *of_entry)
{
	const char *path = ctl->identity != NULL ? ctl->identity : of_entry;

	return path == NULL ? 0 : identityfile_use(ctl, c, path);
}

/*
 * True if a server would be reached without TLS: to leave out the check that was asked
 * for, without a word, would be worse than an error.
 */
static bool
is_unchecked(const struct ctl *ctl, const struct urls *urls)
{
	if (ctl->pin == NULL && ctl->ca_file == NULL && ctl->identity == NULL)
		return false;
	for (size_t i = 0; i < urls->n; i++) {
		if (strncmp(urls->items[i], "tls://", 6) != 0)
			return true;
	}
	return urls->n == 0;
}

int
remote_connect(const struct ctl *ctl, struct reqd **ret)
{
	struct reqd *c = *ret = remote_new(ctl);
	const char *hint = "", *from_env = "", *env = getenv("REQD_SERVER");
	CLEANUP(urls_done) struct urls urls = { .n = 0 };
	int r = urls_find(ctl, env, &urls);

	if (r == 0)
		r = set_secret(ctl, &urls, c);
	if (r == 0)
		r = set_key(ctl, c, urls.key);
	if (r != 0)
		return r;
	(void)reqd_set_reply_limit(c, REMOTE_ANSWER_LIMIT);
	if (is_unchecked(ctl, &urls))
		return ctl_usage(ctl, "--pin, --ca and --identity are for servers at tls://");
	(void)reqd_set_tls(c, ctl->ca_file);
	if (reqd_pin(c, ctl->pin) < 0) {
		ctl_message(ctl, "option --pin: %s", reqd_error_text(c));
		return STATUS_USAGE;
	}
	r = reqd_connect(c, (const char *const *)urls.items, urls.n, 0);
	if (r == 0)
		return 0;
	if (ctl->servers.n == 0 && env != NULL && *env != '\0')
		from_env = "REQD_SERVER: ";
	if (r == REQD_E_CONNECT && *from_env != '\0')
		hint = " (is reqd running there?)";
	else if (r == REQD_E_CONNECT && ctl->servers.n > 0)
		hint = strncmp(urls.items[0], "tls://", 6) != 0 && strncmp(urls.items[0], "tcp://", 6) != 0 ?
		    " (is reqd running there?)" : HINT_FAR;
	else if (r == REQD_E_CONNECT)
		hint = " (is reqd running? try: systemctl status reqd, or name a server with -s)";
	ctl_message(ctl, "%s%s%s", from_env, reqd_error_text(c), hint);
	return remote_status(r);
}

int
remote_connect_entry(const struct ctl *ctl, const struct server_entry *e, struct reqd **ret)
{
	CLEANUP(secret_freep) char *url = server_entry_url(e);
	struct reqd *c = *ret = remote_new(ctl);
	int status = set_key(ctl, c, e->key);
	int r;

	if (status != 0)
		return status;
	(void)reqd_set_reply_limit(c, REMOTE_ANSWER_LIMIT);
	r = reqd_connect(c, (const char *const[]){ url }, 1, 0);
	if (r == REQD_E_CONNECT)
		ctl_message(ctl, "%s%s; 'reqctl grant --url' makes a line with another address",
		    reqd_error_text(c), HINT_FAR);
	else if (r < 0)
		return remote_failed(ctl, c);
	return remote_status(r);
}

int
remote_control(const struct ctl *ctl, struct reqd **ret)
{
	struct reqd *c = *ret = remote_new(ctl);
	CLEANUP_FREE char *url = NULL;
	const char *path = ctl->control, *hint = "";
	int r;

	if (path == NULL)
		path = getenv("REQD_CONTROL");
	if (path == NULL || *path == '\0')
		path = CONTROL_PATH;
	if (strncmp(path, "unix://", 7) == 0)
		path += 7;
	if (*path != '/') {
		ctl_message(ctl, "control socket '%s': not an absolute path", path);
		return STATUS_USAGE;
	}
	if (asprintf(&url, "unix://%s", path) < 0)
		(void)ctl_need(NULL);
	r = reqd_connect(c, (const char *const[]){ url }, 1, REQD_NO_HELLO);
	if (r == 0)
		return 0;
	if (r == REQD_E_CONNECT && access(path, W_OK) < 0 && errno == EACCES)
		hint = " (only root, who started reqd and its control group may use it)";
	else if (r == REQD_E_CONNECT)
		hint = " (is reqd running? --control names another socket)";
	ctl_message(ctl, "%s%s", reqd_error_text(c), hint);
	return remote_status(r);
}

char *
remote_text(const struct reqd_value *v)
{
	size_t len;
	const char *data = reqd_value_data(v, &len);

	return ctl_need(strndup(data, len));
}

char *
remote_suggest(const struct ctl *ctl, struct reqd *c, const char *service)
{
	static const char *const request[] = { "SERVICES" };
	CLEANUP(reqd_value_freep) struct reqd_value *map = NULL;
	CLEANUP_FREE char **names = NULL;
	const char *near;
	char *found = NULL;
	size_t n = 0;

	/* With -q the suggestion would not be printed. */
	if (ctl->quiet)
		return NULL;
	if (reqd_request(c, &map, 1, request) < 0 || reqd_value_kind(map) != REQD_MAP)
		return NULL;
	names = ctl_need(calloc(reqd_value_count(map) + 1, sizeof(*names)));
	for (size_t i = 0; i + 1 < reqd_value_count(map); i += 2)
		names[n++] = remote_text(reqd_value_at(map, i));
	near = suggest_word(service, (const char *const *)names, n);
	if (near != NULL)
		found = ctl_need(strdup(near));
	while (n > 0)
		free(names[--n]);
	return found;
}

/*
 * Handles an error reply: prints its words, returns the status of its outcome.
 */
static int
refused(const struct ctl *ctl, struct reqd *c, const char *subject, size_t argc,
    const char *const *argv, const struct reqd_value *v)
{
	struct reqd_result res = { .outcome = reqd_value_outcome(v), .status = -1 };
	CLEANUP_FREE char *line = remote_text(v), *near = NULL;
	char text[1100];

	res.error = line;
	(void)reqd_result_text(&res, text, sizeof(text));
	if (res.outcome == REQD_DENIED && argc > 1)
		near = remote_suggest(ctl, c, argv[1]);
	if (strncmp(line, "ERR unknown command", strlen("ERR unknown command")) == 0)
		ctl_message(ctl, "%s does not know %s: is it the right server and socket?",
		    reqd_url(c), argv[0]);
	else if (near != NULL)
		ctl_message(ctl, "%s; did you mean '%s'?", text, near);
	else if (subject == NULL || res.outcome == REQD_DENIED)
		ctl_message(ctl, "%s", text);
	else
		ctl_message(ctl, "%s: %s", subject, text);
	return reqd_result_exit_status(&res);
}

int
remote_ask(const struct ctl *ctl, struct reqd *c, const char *subject, struct reqd_value **ret,
    size_t argc, const char *const *argv)
{
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;

	if (reqd_request(c, &v, argc, argv) < 0)
		return remote_failed(ctl, c);
	if (reqd_value_kind(v) == REQD_ERROR)
		return refused(ctl, c, subject, argc, argv, v);
	*ret = TAKE_PTR(v);
	return 0;
}

int
remote_nonsense(const struct ctl *ctl, const struct reqd *c, const char *verb)
{
	ctl_message(ctl, "%s gave no valid answer to %s", reqd_url(c), verb);
	return STATUS_PROTOCOL;
}

json_t *
remote_json(const char *data, size_t len)
{
	json_t *j = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (j == NULL || json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

int
remote_ask_json(const struct ctl *ctl, struct reqd *c, const char *subject, json_t **ret,
    size_t argc, const char *const *argv)
{
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	const char *data;
	size_t len;
	int status = remote_ask(ctl, c, subject, &v, argc, argv);

	if (status != 0)
		return status;
	data = reqd_value_data(v, &len);
	*ret = remote_json(data, len);
	return *ret != NULL ? 0 : remote_nonsense(ctl, c, argv[0]);
}

int
remote_control_json(const struct ctl *ctl, const char *verb, json_t **ret)
{
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	int status = remote_control(ctl, &c);

	return status != 0 ? status : remote_ask_json(ctl, c, NULL, ret, 1, &verb);
}
