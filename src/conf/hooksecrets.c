/* SPDX-License-Identifier: ISC */
/* hooksecrets: reads, seals and finds the secrets of webhooks. */
#include "config.h"

#include "conf/hooksecrets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/hook.h"

/* The lengths of a record. */
struct lengths {
	uint32_t name, secret;
};

/* ------------------------------------------------------------- reading --- */

/* The path of a secret. NULL, or what is wrong. */
static const char *
path_of(const char *name, char ret[static PATH_MAX])
{
	static const char prefix[] = "credential:";
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	bool is_credential = strncmp(name, prefix, sizeof(prefix) - 1) == 0;
	int n;

	if (is_credential && dir == NULL)
		return "reqd has no credentials of systemd: its unit needs LoadCredential=, and only "
		    "reqd itself sees them, not a check on the command line";
	n = is_credential ? snprintf(ret, PATH_MAX, "%s/%s", dir, name + sizeof(prefix) - 1) :
	    snprintf(ret, PATH_MAX, "%s", name);
	return n < PATH_MAX ? NULL : strerror(ENAMETOOLONG);
}

/* Says what accounts other than root and reqd's own could do with the file; NULL: nothing. */
static const char *
is_open_to(const struct stat *st, bool is_credential)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to an account that is neither root nor that of reqd";
	/* systemd may let the group of root read. */
	if ((st->st_mode & (is_credential ? S_IRWXO | S_IWGRP : S_IRWXO | S_IRWXG)) != 0)
		return "others may read or change it; run: chmod 600";
	return NULL;
}

/* Reads a secret, without the end of its line. NULL, or what is wrong. */
static const char *
read_secret(const char *name, char room[static HOOKSIGN_KEY_MAX + 2], size_t *ret_len)
{
	bool is_credential = *name != '/';
	char path[PATH_MAX];
	const char *wrong = path_of(name, path);
	CLEANUP_CLOSE int fd = wrong != NULL ? -1 :
	    open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (wrong != NULL)
		return wrong;
	if (fd < 0 || fstat(fd, &st) < 0)
		return strerror(errno);
	wrong = is_open_to(&st, is_credential);
	if (wrong != NULL)
		return wrong;
	n = read(fd, room, HOOKSIGN_KEY_MAX + 2);
	if (n < 0)
		return strerror(errno);
	if (n > 0 && room[n - 1] == '\n')
		n--;
	if (n > 0 && room[n - 1] == '\r')
		n--;
	if (n == 0)
		return "it is empty";
	if (n > HOOKSIGN_KEY_MAX)
		return "it is longer than 4096 bytes";
	*ret_len = (size_t)n;
	return NULL;
}

/* Adds the record of a secret. NULL, or what is wrong. */
static const char *
put(struct buf *b, const struct hook *h, const char *name)
{
	uint8_t key[HOOKSIGN_KEY_MAX];
	char room[HOOKSIGN_KEY_MAX + 2];
	struct lengths l = { .name = (uint32_t)strlen(name) };
	size_t len = 0, key_len;
	const char *wrong = read_secret(name, room, &len);

	if (wrong == NULL && !hooksign_key(h->verify, (struct slice){ room, len }, key, &key_len))
		wrong = "it is not whsec_ and base64, as 'verify = standard' wants";
	if (wrong == NULL) {
		l.secret = (uint32_t)len;
		(void)buf_append(b, (const char *)&l, sizeof(l));
		(void)buf_append(b, name, l.name);
		(void)buf_append(b, room, len);
	}
	explicit_bzero(room, sizeof(room));
	explicit_bzero(key, sizeof(key));
	return wrong;
}

int
hooksecrets_load(struct reader *r)
{
	struct buf b = BUF_INIT(HOOKSECRETS_MAX);
	int fd = 0;

	for (size_t i = 0; i < r->conf->n_services; i++) {
		const struct service *s = &r->conf->services[i];
		const struct block *at = NULL;

		for (size_t j = 0; j < s->n_hooks; j++) {
			at = hook_block(r->services.at[i], at);
			for (char **p = s->hooks[j].secrets; p != NULL && *p != NULL; p++) {
				const char *wrong = put(&b, &s->hooks[j], *p);

				if (wrong != NULL)
					key_error(r, at, "secret", ": %.256s: %s", *p, wrong);
			}
		}
	}
	if (buf_len(&b) > 0 && !buf_failed(&b))
		r->conf->hooks_fd = fd = fd_sealed("reqd-hooks", buf_data(&b), buf_len(&b));
	else if (buf_failed(&b))
		fd = -ENOMEM;
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	buf_done(&b);
	return fd < 0 ? -ENOMEM : 0;
}

/* ------------------------------------------------------------- finding --- */

/* Takes the next record. False: there is none, or none that is whole. */
static bool
next_record(struct slice *rest, struct slice *ret_name, struct slice *ret_secret)
{
	struct lengths l;

	if (rest->len < sizeof(l))
		return false;
	memcpy(&l, rest->data, sizeof(l));
	if (l.name > rest->len - sizeof(l) || l.secret > rest->len - sizeof(l) - l.name)
		return false;
	*ret_name = (struct slice){ rest->data + sizeof(l), l.name };
	*ret_secret = (struct slice){ ret_name->data + l.name, l.secret };
	rest->data = ret_secret->data + l.secret;
	rest->len -= sizeof(l) + l.name + l.secret;
	return true;
}

int
hooksecrets_open(int fd, struct hooksecrets *ret)
{
	struct hooksecrets s = { .data = NULL };
	struct slice rest, name, secret;
	int r = fd_map_sealed(fd, HOOKSECRETS_MAX, &s.data, &s.len);

	if (r < 0)
		return r;
	rest = (struct slice){ s.data, s.len };
	while (next_record(&rest, &name, &secret))
		continue;
	if (rest.len > 0) {
		hooksecrets_done(&s);
		return -EBADMSG;
	}
	*ret = s;
	return 0;
}

void
hooksecrets_done(struct hooksecrets *s)
{
	if (s->data != NULL)
		(void)munmap((void *)(uintptr_t)s->data, s->len);
	*s = (struct hooksecrets){ .data = NULL };
}

bool
hooksecrets_find(const struct hooksecrets *s, const char *name, struct slice *ret)
{
	struct slice rest = { s->data, s->len }, at, secret;

	while (next_record(&rest, &at, &secret)) {
		if (slice_is(at, name) && secret.len > 0) {
			*ret = secret;
			return true;
		}
	}
	return false;
}
