/* SPDX-License-Identifier: ISC */
/* serverentry: reads and writes the servers that a user has joined. */
#include "config.h"

#include "ctl/serverentry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "ctl/configfile.h"
#include "ctl/ctl.h"
#include "proto/loginurl.h"

#define ENTRY_MAX 8192
#define NAME_MAX_LEN 64

void
secret_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
server_entry_done(struct server_entry *e)
{
	free(e->url);
	free(e->login);
	secret_free(e->token);
	free(e->pin);
	free(e->key);
	*e = (struct server_entry){ 0 };
}

bool
server_entry_is_name(const char *word)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return word[0] != '.' && word[0] != '\0' && strlen(word) <= NAME_MAX_LEN &&
	    strspn(word, ok) == strlen(word);
}

/* Returns the path of an entry, or NULL without a home. New. */
static char *
path_of(const char *name)
{
	char below[NAME_MAX_LEN + 16];

	(void)snprintf(below, sizeof(below), "servers/%s", name);
	return configfile_path(below);
}

/* Reads a whole small file. The length, or -1 with errno set. */
static ssize_t
read_small(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		if (n < 0)
			return -1;
		len += (size_t)n;
	}
	text[len] = '\0';
	return (ssize_t)len;
}

char *
secret_read_file(const struct ctl *ctl, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = fd < 0 ? strerror(errno) : NULL;
	char text[ENTRY_MAX], *secret = NULL;
	bool is_file;

	if (why == NULL)
		why = configfile_complaint(fd, &is_file);
	if (why == NULL && read_small(fd, text, sizeof(text)) < 0)
		why = strerror(errno);
	if (why == NULL) {
		text[strcspn(text, "\r\n")] = '\0';
		if (*text == '\0')
			why = "it is empty";
		else
			secret = ctl_need(strdup(text));
		explicit_bzero(text, sizeof(text));
	}
	if (why != NULL)
		ctl_message(ctl, "cannot use %s: %s", path, why);
	return secret;
}

static char *
trimmed(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

/* Reads "key = value" lines. False: a line is none. */
static bool
parse(char *text, struct server_entry *ret)
{
	const struct {
		const char *name;
		char **value;
	} keys[] = {
		{ "url", &ret->url }, { "login", &ret->login }, { "token", &ret->token },
		{ "pin", &ret->pin }, { "key", &ret->key },
	};
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *equals = strchr(line, '='), *name = trimmed(line);
		size_t i = 0;

		if (*name == '#' || *name == '\0')
			continue;
		if (equals == NULL)
			return false;
		*equals = '\0';
		name = trimmed(name);
		while (i < ARRAY_LEN(keys) && strcmp(keys[i].name, name) != 0)
			i++;
		if (i == ARRAY_LEN(keys) || *keys[i].value != NULL)
			return false;
		*keys[i].value = ctl_need(strdup(trimmed(equals + 1)));
	}
	return ret->url != NULL;
}

int
server_entry_read(const struct ctl *ctl, const char *name, struct server_entry *ret)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int fd = -1;
	const char *why = NULL;
	char text[ENTRY_MAX];
	bool is_file = false;

	*ret = (struct server_entry){ 0 };
	if (!server_entry_is_name(name))
		return 1;
	path = path_of(name);
	if (path == NULL)
		return 1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	why = fd < 0 ? strerror(errno) : configfile_complaint(fd, &is_file);
	if (why == NULL && !is_file)
		why = "it is not a regular file";
	if (why == NULL && read_small(fd, text, sizeof(text)) < 0)
		why = strerror(errno);
	if (why == NULL && !parse(text, ret))
		why = "it is not as 'reqctl join' writes it";
	explicit_bzero(text, sizeof(text));
	if (why == NULL)
		return 0;
	ctl_message(ctl, "cannot use %s: %s", path, why);
	server_entry_done(ret);
	return -STATUS_LOCAL;
}

static void
append(struct buf *b, const char *key, const char *value)
{
	if (value != NULL)
		(void)buf_printf(b, "%s = %s\n", key, value);
}

int
server_entry_write(const struct ctl *ctl, const char *name, const struct server_entry *e)
{
	CLEANUP_FREE char *path = path_of(name), *beside = NULL;
	CLEANUP_CLOSE int fd = -1;
	struct buf text = BUF_INIT(0);
	int r = 0;

	if (path == NULL || asprintf(&beside, "%s.%d~", path, (int)getpid()) < 0) {
		ctl_message(ctl, "there is no home directory: set HOME");
		return STATUS_LOCAL;
	}
	configfile_make_directories(path);
	append(&text, "url", e->url);
	append(&text, "login", e->login);
	append(&text, "token", e->token);
	append(&text, "pin", e->pin);
	append(&text, "key", e->key);
	(void)unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		r = -errno;
	if (r == 0)
		r = fd_write_all(fd, buf_data(&text), buf_len(&text));
	if (r == 0 && (fsync(fd) < 0 || rename(beside, path) < 0))
		r = -errno;
	if (r < 0) {
		ctl_message(ctl, "cannot write %s: %s", path, strerror(-r));
		(void)unlink(beside);
	}
	explicit_bzero(text.data, text.cap);
	buf_done(&text);
	return r < 0 ? STATUS_LOCAL : 0;
}

char *
server_entry_url(const struct server_entry *e)
{
	struct loginurl u;
	char *url = NULL;
	int n;

	loginurl_split(slice_of(e->url), &u);
	if (e->pin != NULL)
		u.pin = slice_of(e->pin);
	n = asprintf(&url, "%.*s%s%s%s%s%.*s%s%.*s", (int)u.scheme.len, u.scheme.data,
	    e->token == NULL ? "" : e->login != NULL ? e->login : "default",
	    e->token == NULL ? "" : ":", e->token == NULL ? "" : e->token,
	    e->token == NULL ? "" : "@", (int)u.rest.len, u.rest.data,
	    u.pin.len > 0 ? "#" : "", (int)u.pin.len, u.pin.len > 0 ? u.pin.data : "");
	return n < 0 ? ctl_need(NULL) : url;
}
