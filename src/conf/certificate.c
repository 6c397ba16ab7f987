/* SPDX-License-Identifier: ISC */
/*
 * certificate: opens the files of a TLS listener and has them checked.
 *
 * The master may not run OpenSSL. A child of the loader does it and ends, and it says
 * the same at -t, at a start and at a reload. Its answer is a row of strings.
 */
#include "config.h"

#include "conf/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "conf/errors.h"
#include "conf/passedfile.h"
#include "conf/tlsfiles.h"

#define FILE_MAX (1u << 20)
#define ANSWER_MAX (4u << 20)
#define SOON (14 * 86400)

/* A file that the child looks into. */
enum question { ASK_CHAIN, ASK_AUTHORITIES, ASK_REVOCATIONS };

/* A file that is read at once: not a pipe, which could block. Descriptor, or -1 and why. */
static int
open_regular(const char *path, struct stat *ret, const char **ret_why)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	*ret_why = NULL;
	if (fd < 0 || fstat(fd, ret) < 0)
		*ret_why = strerror(errno);
	else if (!S_ISREG(ret->st_mode))
		*ret_why = "it is not a regular file";
	else if (ret->st_size > FILE_MAX)
		*ret_why = "it is larger than 1 MiB";
	return *ret_why == NULL ? TAKE_FD(fd) : -1;
}

/* The reason why others than those who may could read or change the key; NULL: none. */
static const char *
is_open_to(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to an account that is neither root nor that of reqd";
	if ((st->st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return "others may read or change it; run: chmod 600";
	return NULL;
}

/* ---------------------------------------------------------------- child --- */

static const char *
look(enum question q, const struct buf *text, int key_fd, struct buf *ret)
{
	switch (q) {
	case ASK_CHAIN: break;
	case ASK_AUTHORITIES: return tlsfiles_check_authorities(buf_data(text), buf_len(text), ret);
	case ASK_REVOCATIONS: return tlsfiles_check_revocations(buf_data(text), buf_len(text), ret);
	}
	return tlsfiles_check(buf_data(text), buf_len(text), key_fd, ret);
}

static _Noreturn void
child_check(enum question q, const struct buf *text, int key_fd, int out)
{
	struct buf answer = BUF_INIT(ANSWER_MAX), strings = BUF_INIT(ANSWER_MAX);
	const char *wrong = look(q, text, key_fd, &strings);
	size_t sent = 0;

	wrong = wrong != NULL ? wrong : "";
	(void)buf_append(&answer, wrong, strlen(wrong) + 1);
	(void)buf_append_slice(&answer, buf_slice(&strings));
	while (!buf_failed(&answer) && sent < buf_len(&answer)) {
		ssize_t n = write(out, buf_data(&answer) + sent, buf_len(&answer) - sent);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	_exit(0);
}

static int
read_all(int fd, struct buf *ret)
{
	for (;;) {
		char *to = buf_reserve(ret, 1 << 16);
		ssize_t n = to != NULL ? read(fd, to, 1 << 16) : -1;

		if (to == NULL)
			return -ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		buf_commit(ret, (size_t)n);
	}
}

/* Lets a child check the text of a file. 0 with the answer of the child, or -errno. */
static int
ask_child(enum question q, const struct buf *text, int key_fd, struct buf *ret)
{
	CLEANUP_CLOSE int in = -1;
	CLEANUP_CLOSE int out = -1;
	int pipes[2], status, r;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	in = pipes[0];
	out = pipes[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_check(q, text, key_fd, out);
	(void)close(TAKE_FD(out));
	r = read_all(in, ret);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return r;
}

/* --------------------------------------------------------------- answer --- */

/*
 * Takes the strings of the answer apart: what is wrong, one for each of the fields, and a
 * list. 0, 1 (it is cut off) or -ENOMEM.
 */
static int
take_answer(struct reader *r, struct slice answer, char **const *fields, size_t n_fields,
    char ***ret_list, const char **ret_wrong)
{
	size_t n = 0, n_list = 0;
	char **list = NULL;

	while (answer.len > 0) {
		const char *end = memchr(answer.data, '\0', answer.len);
		char *copy;

		if (end == NULL)
			return 1;
		copy = arena_strdup(r->arena, answer.data);
		if (copy == NULL)
			return -ENOMEM;
		if (n == 0 && *copy != '\0') {
			*ret_wrong = copy;
			return 0;
		}
		if (n > n_fields) {
			list = arena_grow(r->arena, list, n_list, sizeof(char *));
			if (list == NULL)
				return -ENOMEM;
			list[n_list++] = copy;
		} else if (n > 0) {
			*fields[n - 1] = copy;
		}
		n++;
		answer.len -= (size_t)(end + 1 - answer.data);
		answer.data = end + 1;
	}
	if (n_list == 0)
		return 1;
	*ret_list = arena_grow(r->arena, list, n_list, sizeof(char *));
	return *ret_list == NULL ? -ENOMEM : 0;
}

/* The remedy behind an error about a file that is not there. */
static const char *
remedy(const char *key, const char *path)
{
	if (passedfile_has(path))
		return "; systemd passes files to a unit that runs: see credential: in reqd.conf(5)";
	return strncmp(key, "client-", 7) != 0 ?
	    "; 'reqctl keygen --server' makes certificate and key" : "";
}

/* True after an error about a file that cannot be used. */
static bool
is_refused(struct reader *r, const struct block *b, const char *key, const char *path,
    const char *why)
{
	if (why != NULL)
		block_error(r, b, key, "'%s'%s: %.256s: %s%s", key, block_where(b), path, why,
		    errno == ENOENT ? remedy(key, path) : "");
	return why != NULL;
}

static int
load_one(struct reader *r, struct listener *l, const struct block *b)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX + (1 << 17));
	CLEANUP(buf_done) struct buf answer = BUF_INIT(ANSWER_MAX + (1 << 17));
	CLEANUP_CLOSE int cert = -1;
	CLEANUP_CLOSE int key = -1;
	char **const fields[] = { &l->cert.pin, &l->cert.from, &l->cert.until };
	const char *why, *wrong = NULL;
	struct stat st;
	int q;

	errno = 0;
	cert = open_regular(l->certificate, &st, &why);
	if (is_refused(r, b, "certificate", l->certificate, why))
		return 0;
	key = open_regular(l->key, &st, &why);
	if (is_refused(r, b, "key", l->key, why))
		return 0;
	errno = 0;
	if (is_refused(r, b, "key", l->key, is_open_to(&st)))
		return 0;
	q = read_all(cert, &text);
	if (q == 0)
		q = ask_child(ASK_CHAIN, &text, key, &answer);
	if (q == 0)
		q = take_answer(r, buf_slice(&answer), fields, ARRAY_LEN(fields), &l->cert.chain,
		    &wrong);
	if (q == -ENOMEM)
		return q;
	if (q != 0 || wrong != NULL) {
		block_error(r, b, "certificate", "listen \"%.120s\": %s (certificate %.256s, key "
		    "%.256s)", l->url, wrong != NULL ? wrong : "the check of the files has failed",
		    l->certificate, l->key);
		return 0;
	}
	l->key_fd = TAKE_FD(key);
	return 0;
}

/* Reads the file that a key names, of those about certificates of clients. 0 or -ENOMEM. */
static int
load_list(struct reader *r, const struct block *b, const char *key, const char *path,
    enum question question, char **ret_until, char ***ret)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX + (1 << 17));
	CLEANUP(buf_done) struct buf answer = BUF_INIT(ANSWER_MAX + (1 << 17));
	CLEANUP_CLOSE int fd = -1;
	char **const fields[] = { ret_until };
	const char *why, *wrong = NULL;
	struct stat st;
	int q;

	if (path == NULL)
		return 0;
	errno = 0;
	fd = open_regular(path, &st, &why);
	if (is_refused(r, b, key, path, why))
		return 0;
	q = read_all(fd, &text);
	if (q == 0)
		q = ask_child(question, &text, -1, &answer);
	if (q == 0)
		q = take_answer(r, buf_slice(&answer), fields, ret_until != NULL, ret, &wrong);
	if (q == -ENOMEM)
		return q;
	errno = 0;
	(void)is_refused(r, b, key, path, wrong != NULL ? wrong : q != 0 ?
	    "the check of the file has failed" : NULL);
	return 0;
}

int
certificate_load(struct reader *r)
{
	int q = 0;

	for (size_t i = 0; i < r->conf->n_listeners && q == 0; i++) {
		struct listener *l = &r->conf->listeners[i];

		if (!l->tls)
			continue;
		q = load_one(r, l, r->listeners.at[i]);
		if (q == 0)
			q = load_list(r, r->listeners.at[i], "client-ca", l->client_ca,
			    ASK_AUTHORITIES, NULL, &l->authorities);
		if (q == 0)
			q = load_list(r, r->listeners.at[i], "client-crl", l->client_crl,
			    ASK_REVOCATIONS, &l->revocations_until, &l->revocations);
	}
	return q;
}

/* ------------------------------------------------------------------ end --- */

static int64_t
seconds_of(const char *text)
{
	struct tm tm = { 0 };

	return text != NULL && strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL ? timegm(&tm) : 0;
}

int64_t
certificate_left(const struct certificate *c, int64_t now)
{
	return seconds_of(c->until) - now;
}

void
certificate_warn(const struct conf *c, struct conf_errors *warnings)
{
	int64_t now = time(NULL);

	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];
		int64_t left = certificate_left(&l->cert, now);

		if (l->revocations_until != NULL && seconds_of(l->revocations_until) < now)
			conf_errors_add(warnings, NULL, 0, "%s: the list of revoked certificates %s is "
			    "out of date since %s, so no client of its authority is known", l->url,
			    l->client_crl, l->revocations_until);
		if (l->cert.until == NULL)
			continue;
		if (left < 0)
			conf_errors_add(warnings, NULL, 0, CERTIFICATE_HAS_ENDED,
			    l->url, l->certificate, l->cert.until);
		else if (left < SOON)
			conf_errors_add(warnings, NULL, 0, CERTIFICATE_ENDS, l->url, l->certificate, (int)(left / 86400), l->cert.until);
		else if (seconds_of(l->cert.from) > now)
			conf_errors_add(warnings, NULL, 0, "%s: the certificate %s is not valid "
			    "before %s; is the clock right?", l->url, l->certificate, l->cert.from);
	}
}

bool
certificate_is_needed(const struct conf *c)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		if (c->listeners[i].tls)
			return true;
	}
	return false;
}
