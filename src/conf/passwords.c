/* SPDX-License-Identifier: ISC */
/* passwords: measures and seals the hashes of passwords. */
#include "config.h"

#include "conf/passwords.h"

#include <crypt.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "conf/errors.h"
#include "proto/credential.h"
#include "proto/crypthash.h"

/* Different amounts of work in one file; each is measured at every load. */
#define SETTINGS_MAX 8

struct setting_cost {
	char text[CRYPTHASH_SETTING];
	uint64_t usec;
};

struct measured {
	struct setting_cost list[SETTINGS_MAX];
	size_t n;
};

/* Hashes once, in no more than a second, and ends. */
static _Noreturn void
child_hash(const char *hash)
{
	static struct crypt_data data;
	const char *made;

	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	(void)setrlimit(RLIMIT_CPU, &(struct rlimit){ 1, 1 });
	made = crypt_rn("a password", hash, &data, sizeof(data));
	_exit(made != NULL ? 0 : 1);
}

/*
 * Finds what a check with this hash costs. A child hashes: its time tells, and work for
 * an hour cannot stop the loader. NULL, or what is wrong.
 */
static const char *
measure(const char *hash, uint64_t *ret_usec)
{
	struct rusage used;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return strerror(errno);
	if (pid == 0)
		child_hash(hash);
	while (wait4(pid, &status, 0, &used) < 0) {
		if (errno != EINTR)
			return strerror(errno);
	}
	*ret_usec = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * USEC_PER_SEC +
	    (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	if (!WIFEXITED(status) || *ret_usec > PASSWORDS_LIMIT_MS * USEC_PER_MSEC)
		return "a check of the password takes over 300 ms; write its hash with "
		    "'reqctl passwd'";
	return WEXITSTATUS(status) == 0 ? NULL : "the library of this system does not know "
	    "this kind of hash; write it with 'reqctl passwd'";
}

/* The cost of a hash, measured once for each setting. NULL, or what is wrong. */
static const char *
cost_of(struct measured *m, const char *hash, uint64_t *ret_usec)
{
	struct slice setting = crypthash_setting(slice_of(hash));
	struct setting_cost *c;
	const char *wrong;

	for (size_t i = 0; i < m->n; i++) {
		if (slice_is(setting, m->list[i].text)) {
			*ret_usec = m->list[i].usec;
			return NULL;
		}
	}
	if (m->n == SETTINGS_MAX)
		return "more than 8 different settings of crypt(3); write hashes with 'reqctl passwd'";
	wrong = measure(hash, ret_usec);
	if (wrong != NULL)
		return wrong;
	c = &m->list[m->n++];
	(void)snprintf(c->text, sizeof(c->text), "%.*s", (int)setting.len, setting.data);
	c->usec = *ret_usec;
	return NULL;
}

static void
fail(struct reader *r, const char *file, unsigned line, const char *what)
{
	r->failed = true;
	r->n_errors++;
	conf_errors_add(r->errors, file, line, "%s", what);
}

/* Appends the line of a password. NULL, or what is wrong. */
static const char *
put(struct measured *m, const struct credential_line *l, struct buf *b)
{
	char id[CREDENTIAL_ID_TEXT], hash[CRYPTHASH_MAX + 1];
	uint64_t usec = 0;
	const char *wrong;

	(void)snprintf(hash, sizeof(hash), "%.*s", (int)l->secret.len, l->secret.data);
	credential_id(l->login, l->secret, id);
	wrong = cost_of(m, hash, &usec);
	if (wrong == NULL)
		(void)buf_printf(b, "%s %" PRIu64 " %s\n", id, usec, hash);
	explicit_bzero(hash, sizeof(hash));
	return wrong;
}

int
passwords_load(struct reader *r, const char *file, const char *text, size_t len)
{
	struct buf b = BUF_INIT(PASSWORDS_MAX);
	struct measured m = { .n = 0 };
	const char *wrong = NULL;
	unsigned line = 0;
	int fd = -1;

	for (; len > 0 && wrong == NULL; line++) {
		const struct slice l = slice_line((struct slice){ text, len });
		size_t used = l.len < len ? l.len + 1 : len;
		struct credential_line words;
		const char *why;

		if (credential_parse(l, &words, &why) == CREDENTIAL_OK &&
		    words.kind == CREDENTIAL_PASSWORD)
			wrong = put(&m, &words, &b);
		text += used;
		len -= used;
	}
	if (wrong != NULL)
		fail(r, file, line, wrong);
	else if (buf_len(&b) > 0 && !buf_failed(&b)) {
		fd = fd_sealed("reqd-passwords", buf_data(&b), buf_len(&b));
		if (fd < 0)
			fail(r, file, 0, "cannot keep the hashes of the passwords");
		r->conf->passwords_fd = fd;
	}
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	buf_done(&b);
	return fd == -ENOMEM ? -ENOMEM : 0;
}
