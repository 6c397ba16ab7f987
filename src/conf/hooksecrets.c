/* SPDX-License-Identifier: ISC */
/* hooksecrets: reads, seals and finds the secrets of webhooks. */
#include "config.h"

#include "conf/hooksecrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/hook.h"
#include "conf/passedfile.h"

/* The lengths of a record. */
struct lengths {
	uint32_t name, secret;
};

/* ------------------------------------------------------------- reading --- */

/* Says what accounts other than root and reqd's own could do with the file; NULL: nothing. */
static const char *
is_open_to(const struct stat *st, bool is_passed)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to an account that is neither root nor that of reqd";
	/* systemd may let the group of root read. */
	if ((st->st_mode & (is_passed ? S_IRWXO | S_IWGRP : S_IRWXO | S_IRWXG)) != 0)
		return "others may read or change it; run: chmod 600";
	return NULL;
}

/* Reads a secret, without the end of its line. NULL, or what is wrong. */
static const char *
read_secret(const char *path, bool is_passed, char room[static HOOKSIGN_KEY_MAX + 2],
    size_t *ret_len)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *wrong;
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT && is_passed)
		return "there is no such file; systemd passes files to a unit that runs: see "
		    "credential: in reqd.conf(5)";
	if (fd < 0 || fstat(fd, &st) < 0)
		return strerror(errno);
	wrong = is_open_to(&st, is_passed);
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
put(struct reader *r, struct buf *b, const struct hook *h, char *name)
{
	bool is_passed = passedfile_is(name);
	uint8_t key[HOOKSIGN_KEY_MAX];
	char room[HOOKSIGN_KEY_MAX + 2];
	struct lengths l = { .name = (uint32_t)strlen(name) };
	size_t len = 0, key_len;
	char *path = name;
	int q = is_passed ? passedfile_path(&r->scratch, name, &path) : 0;
	const char *wrong = q < 0 ? "out of memory" :
	    q > 0 ? "it names no credential of systemd" : read_secret(path, is_passed, room, &len);

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

/* The bytes of all records, at most. */
static size_t
room_needed(const struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++) {
		for (size_t j = 0; j < c->services[i].n_hooks; j++) {
			for (char **p = c->services[i].hooks[j].secrets; p != NULL && *p != NULL; p++)
				n += sizeof(struct lengths) + strlen(*p) + HOOKSIGN_KEY_MAX;
		}
	}
	return n;
}

int
hooksecrets_load(struct reader *r)
{
	struct buf b = BUF_INIT(HOOKSECRETS_MAX);
	size_t needed = room_needed(r->conf);
	int fd = 0;

	/* All at once: a buffer that grows would leave copies of secrets behind. */
	if (needed > 0 && buf_reserve(&b, needed < HOOKSECRETS_MAX ? needed : HOOKSECRETS_MAX) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->conf->n_services; i++) {
		const struct service *s = &r->conf->services[i];
		const struct block *at = NULL;

		for (size_t j = 0; j < s->n_hooks; j++) {
			at = hook_block(r->services.at[i], at);
			for (char **p = s->hooks[j].secrets; p != NULL && *p != NULL; p++) {
				const char *wrong = put(r, &b, &s->hooks[j], *p);

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
