/* SPDX-License-Identifier: ISC */
/*
 * reqctl grant: adds a credential to the file of logins, and prints the line that
 * 'reqctl join' wants. The token is printed once and kept nowhere.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/base64url.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "ctl/ctl.h"
#include "ctl/loginsfile.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"
#include "ctl/serverentry.h"
#include "proto/bearer.h"
#include "proto/loginurl.h"

/* Makes a token and the secret that stands for it in the file. 0 or an exit status. */
static int
make_token(const struct ctl *ctl, char token[static BEARER_TEXT], char **ret_secret)
{
	uint8_t random[BEARER_RANDOM], hash[DIGEST_SHA256];
	char text[BASE64URL_TEXT(DIGEST_SHA256)];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		ctl_message(ctl, "cannot get random bytes: %s", strerror(errno));
		return STATUS_LOCAL;
	}
	bearer_format(random, token);
	explicit_bzero(random, sizeof(random));
	digest_sha256((struct slice){ token, BEARER_LEN }, hash);
	base64url_encode(hash, sizeof(hash), text);
	if (asprintf(ret_secret, "token$%s", text) < 0)
		(void)ctl_need(NULL);
	return 0;
}

/* Appends a word; the values of a list are separated by commas on the command line. */
static void
add_word(struct buf *line, const char *name, const char *value)
{
	if (value == NULL)
		return;
	(void)buf_append_char(line, line->data[line->end - 1] == ':' ? ' ' : ',');
	if (line->data[line->end - 1] == ' ')
		line->end--;
	(void)buf_printf(line, "%s=", name);
	for (const char *p = value; *p != '\0'; p++)
		(void)buf_append_char(line, *p == ',' ? '|' : *p);
}

/* Appends the line of the credential to the text. 0 or an exit status. */
static int
add_line(const struct ctl *ctl, struct buf *text, const char *login, const char *secret)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(0);
	struct credential_line c;
	const char *why = "";

	(void)buf_printf(&line, "%s:%s:", login, secret);
	if (buf_failed(&line))
		(void)ctl_need(NULL);
	add_word(&line, "label", ctl->label);
	add_word(&line, "expires", ctl->expires);
	add_word(&line, "services", ctl->only_services);
	add_word(&line, "from", ctl->from);
	if (line.data[line.end - 1] == ':')
		line.end--;
	if (credential_parse(buf_slice(&line), &c, &why) != CREDENTIAL_OK) {
		ctl_message(ctl, "%s", why);
		return STATUS_USAGE;
	}
	if (buf_len(text) > 0 && text->data[text->end - 1] != '\n')
		(void)buf_append_char(text, '\n');
	(void)buf_append_slice(text, buf_slice(&line));
	(void)buf_append_char(text, '\n');
	if (buf_failed(text) || buf_failed(&line))
		(void)ctl_need(NULL);
	return 0;
}

/* A number for how well a listener suits a login; 0: a secret is not taken there. */
static int
rank(const json_t *listener)
{
	const char *url = out_json_text(listener, "url");

	/* A socket that systemd passes may speak TLS under a URL that does not say so. */
	if (json_object_get(listener, "pin") != NULL)
		return 3;
	if (strncmp(url, "tcp://127.", 10) == 0 || strncmp(url, "tcp://localhost:", 16) == 0 ||
	    strncmp(url, "tcp://[::1]:", 12) == 0)
		return 2;
	return strncmp(url, "unix://", 7) == 0 ? 1 : 0;
}

/* Returns the URL; a listener on every address is reached by the name of this host. New. */
static char *
reachable(const char *url)
{
	static const char *const anywhere[] = { "tls://*:", "tls://[::]:", "tls://0.0.0.0:" };
	char host[256] = "localhost", *named = NULL;

	(void)gethostname(host, sizeof(host) - 1);
	for (size_t i = 0; i < ARRAY_LEN(anywhere) && named == NULL; i++) {
		size_t len = strlen(anywhere[i]);

		if (strncmp(url, anywhere[i], len) == 0 &&
		    asprintf(&named, "tls://%s:%s", host, url + len) < 0)
			(void)ctl_need(NULL);
	}
	return named != NULL ? named : ctl_need(strdup(url));
}

/* Returns the listener that suits best, borrowed from the answer to STATUS, or NULL. */
static const json_t *
best_listener(const json_t *status)
{
	const json_t *l, *best = NULL;
	size_t i;

	json_array_foreach(json_object_get(status, "listeners"), i, l) {
		if (rank(l) > 0 && (best == NULL || rank(l) > rank(best)))
			best = l;
	}
	return best;
}

/* Refuses a URL that nobody can use, and asks for one that cannot be found. 0 or a status. */
static int
check_url(const struct ctl *ctl)
{
	CLEANUP(json_freep) json_t *j = NULL;
	const json_t *best;
	int status;

	if (ctl->url != NULL)
		return strncmp(ctl->url, "tls://", 6) == 0 || strncmp(ctl->url, "tcp://", 6) == 0 ||
		    strncmp(ctl->url, "unix://", 7) == 0 ? 0 :
		    ctl_usage(ctl, "--url begins with tls://, tcp:// or unix://, such as "
			"tls://HOST:PORT");
	status = remote_control_json(ctl, "STATUS", &j);
	best = best_listener(j);
	if (status != 0 || best == NULL || rank(best) < 3 ||
	    strncmp(out_json_text(best, "url"), "tls://", 6) == 0)
		return status;
	return ctl_usage(ctl, "the address of the listener %s is not known to reqd: give --url "
	    "tls://HOST:PORT", out_json_text(best, "url"));
}

/* Finds the URL of the listener that suits best, and its pin. Both are new, or NULL. */
static void
find_url(const struct ctl *ctl, char **ret_url, char **ret_pin)
{
	CLEANUP(json_freep) json_t *j = NULL;
	const json_t *best;

	if (ctl->url != NULL)
		*ret_url = ctl_need(strdup(ctl->url));
	if (remote_control_json(ctl, "STATUS", &j) != 0)
		return;
	best = best_listener(j);
	if (best == NULL)
		return;
	if (*ret_url == NULL)
		*ret_url = reachable(out_json_text(best, "url"));
	/* A URL of the administrator's own leads to the same key, unless it says otherwise. */
	if (json_object_get(best, "pin") != NULL && strncmp(*ret_url, "tls://", 6) == 0 &&
	    strchr(*ret_url, '#') == NULL)
		*ret_pin = ctl_need(strdup(out_json_text(best, "pin")));
}

static void
print_line(const struct ctl *ctl, const char *login, const char *secret, const char *token)
{
	CLEANUP_FREE char *url = NULL, *pin = NULL;
	CLEANUP(secret_freep) char *line = NULL;
	char id[CREDENTIAL_ID_TEXT];
	struct server_entry e = { .login = (char *)(uintptr_t)login,
		.token = (char *)(uintptr_t)token };

	find_url(ctl, &url, &pin);
	e.url = url;
	e.pin = pin;
	credential_id(slice_of(login), slice_of(secret), id);
	line = url != NULL ? server_entry_url(&e) : token != NULL ? ctl_need(strdup(token)) : NULL;
	if (url == NULL)
		ctl_message(ctl, "no listener takes a secret; this is the token alone");
	if (ctl->json)
		out_json(ctl, json_pack("{s:s, s:s, s:s?}", "login", login, "id", id, "line", line));
	else if (line != NULL)
		(void)printf("%s\n", line);
}

static int
grant_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(loginsfile_done) struct loginsfile f = { .lock = -1 };
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	CLEANUP_FREE char *secret = NULL;
	char token[BEARER_TEXT] = "";
	int status;

	(void)n;
	status = check_url(ctl);
	if (status == 0)
		status = loginsfile_open(ctl, true, &f);
	if (status == 0 && ctl->key != NULL)
		secret = ctl_need(strdup(ctl->key));
	else if (status == 0)
		status = make_token(ctl, token, &secret);
	if (status != 0)
		return status;
	(void)buf_append_slice(&text, buf_slice(&f.text));
	status = add_line(ctl, &text, words[0], secret);
	if (status == 0)
		status = loginsfile_add(ctl, &f, buf_slice(&text), "credential",
		    ctl->key != NULL ? "make sure with 'reqctl reload'" :
		    "nobody has its token, so revoke it and begin again");
	if (status == 0)
		print_line(ctl, words[0], secret, ctl->key == NULL ? token : NULL);
	explicit_bzero(token, sizeof(token));
	return status;
}

static const struct ctl_opt options[] = {
	{ .name = "label", .arg = "TEXT", .kind = OPT_TEXT, .offset = offsetof(struct ctl, label),
	    .help = "a name for people, shown by whoami and in the log" },
	{ .name = "expires", .arg = "DAY", .kind = OPT_TEXT,
	    .offset = offsetof(struct ctl, expires), .help = "the last day, such as 2027-01-31" },
	{ .name = "services", .arg = "NAMES", .kind = OPT_TEXT,
	    .offset = offsetof(struct ctl, only_services), .help = "only for these services, separated by commas" },
	{ .name = "from", .arg = "NETS", .kind = OPT_TEXT, .offset = offsetof(struct ctl, from),
	    .help = "only from these networks, or unix; likewise" },
	{ .name = "key", .arg = "KEY", .kind = OPT_TEXT, .offset = offsetof(struct ctl, key),
	    .help = "let in a public key, key$..., instead of a token" },
	{ .name = "url", .arg = "URL", .kind = OPT_TEXT, .offset = offsetof(struct ctl, url),
	    .help = "how the other side reaches this server" },
};

const struct ctl_cmd cmd_grant = {
	.name = "grant",
	.synopsis = "LOGIN",
	.summary = "let somebody log in, by a new token (control socket)",
	.details =
	    "Adds a line to the file of logins, reloads, and prints once what 'reqctl join'\n"
	    "on the other side asks for. Roles in reqd.conf tell what the login may do.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.min_words = 1,
	.max_words = 1,
	.run = grant_run,
};
