/* SPDX-License-Identifier: ISC */
/*
 * reqctl passwd: gives a login a password, or another one. The file of logins gets a hash
 * of it, made here: the password itself leaves this process nowhere.
 */
#include "config.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/loginsfile.h"
#include "ctl/outjson.h"
#include "ctl/prompt.h"
#include "proto/bearer.h"

/* crypt(3) takes no longer ones; shorter ones are guessed. */
#define PASSWORD_MIN 8
#define PASSWORD_MAX 511

/* Reads the password: twice from a terminal, one line from a pipe. 0 or an exit status. */
static int
read_password(const struct ctl *ctl, const char *login, char *password, size_t size)
{
	char again[PASSWORD_MAX + 2], question[128];
	bool differs = false;
	size_t len;

	(void)snprintf(question, sizeof(question), "New password of %s (it is not shown): ", login);
	len = prompt_line(question, password, size);
	if (isatty(STDIN_FILENO) == 1) {
		(void)prompt_line("The same again: ", again, sizeof(again));
		differs = strcmp(password, again) != 0;
		explicit_bzero(again, sizeof(again));
	}
	if (differs)
		ctl_message(ctl, "the two passwords differ; nothing is changed");
	else if (len != strlen(password) || len < PASSWORD_MIN || len > PASSWORD_MAX)
		ctl_message(ctl, "a password has %d to %d bytes; nothing is changed", PASSWORD_MIN,
		    PASSWORD_MAX);
	else if (bearer_is_like((struct slice){ password, len }))
		ctl_message(ctl, "what begins with " BEARER_PREFIX " is a token; 'reqctl grant' "
		    "makes them");
	else
		return 0;
	return STATUS_USAGE;
}

/* Makes the hash of a password. New, or NULL with a message. */
static char *
make_hash(const struct ctl *ctl, const char *password)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data = ctl_need(calloc(1, sizeof(*data)));
	const char *made = NULL;
	char *hash = NULL;

	/* The library takes random bytes of its own, and the work that it thinks right. */
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) != NULL)
		made = crypt_rn(password, setting, data, sizeof(*data));
	if (made != NULL && *made == '$')
		hash = ctl_need(strdup(made));
	else
		ctl_message(ctl, "the library of this system cannot make a hash of kind $y$");
	explicit_bzero(data, sizeof(*data));
	free(data);
	return hash;
}

/* Appends the line as it is, but with this hash. */
static void
put_changed(struct buf *text, struct slice line, const struct credential_line *c,
    const char *hash)
{
	struct slice rest = { c->secret.data + c->secret.len,
		(size_t)(line.data + line.len - (c->secret.data + c->secret.len)) };

	(void)buf_append(text, line.data, (size_t)(c->secret.data - line.data));
	(void)buf_append_str(text, hash);
	(void)buf_append_slice(text, rest);
	(void)buf_append_char(text, '\n');
}

/* Writes the new text of the file: the password of the login has this hash. */
static void
change(const struct loginsfile *f, const char *login, const char *hash, struct buf *text)
{
	struct slice rest = buf_slice(&f->text), line;
	enum credential_status is_line;
	struct credential_line c;
	bool is_there = false;

	while (loginsfile_next(&rest, &line, &c, &is_line)) {
		if (is_line == CREDENTIAL_OK && c.kind == CREDENTIAL_PASSWORD &&
		    slice_is(c.login, login)) {
			put_changed(text, line, &c, hash);
			is_there = true;
			continue;
		}
		(void)buf_append_slice(text, line);
		(void)buf_append_char(text, '\n');
	}
	if (!is_there)
		(void)buf_printf(text, "%s:%s\n", login, hash);
	if (buf_failed(text))
		(void)ctl_need(NULL);
}

static int
passwd_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(loginsfile_done) struct loginsfile f = { .lock = -1 };
	CLEANUP(buf_done) struct buf text = BUF_INIT(0);
	CLEANUP_FREE char *hash = NULL;
	/* One more than may be, so that a longer line is noticed. */
	char password[PASSWORD_MAX + 2];
	int status;

	(void)n;
	if (!credential_is_login(slice_of(words[0])))
		return ctl_usage(ctl, "'%s' cannot be a login: a small letter or digit, then small "
		    "letters, digits, '.', '_' and '-', 64 at most", words[0]);
	status = read_password(ctl, words[0], password, sizeof(password));
	if (status == 0) {
		hash = make_hash(ctl, password);
		status = hash != NULL ? 0 : STATUS_LOCAL;
	}
	explicit_bzero(password, sizeof(password));
	/* The file is locked while nobody is asked anything. */
	if (status == 0)
		status = loginsfile_open(ctl, true, &f);
	if (status != 0)
		return status;
	change(&f, words[0], hash, &text);
	status = loginsfile_add(ctl, &f, buf_slice(&text), "password",
	    "make sure with 'reqctl reload'");
	if (status == 0 && ctl->json) {
		char id[CREDENTIAL_ID_TEXT];

		credential_id(slice_of(words[0]), slice_of(hash), id);
		out_json(ctl, json_pack("{s:s, s:s}", "login", words[0], "id", id));
	} else if (status == 0) {
		(void)printf("%s has a new password\n", words[0]);
	}
	return status;
}

const struct ctl_cmd cmd_passwd = {
	.name = "passwd",
	.synopsis = "LOGIN",
	.summary = "give a login a password (control socket)",
	.details =
	    "Asks twice on a terminal, or reads one line from a pipe, writes the hash into\n"
	    "the file of logins, and reloads. A former password of the login is replaced;\n"
	    "its label, days, services and networks stay.\n",
	.min_words = 1,
	.max_words = 1,
	.run = passwd_run,
};
