/* SPDX-License-Identifier: ISC */
/* hashes: checks passwords with crypt(3). */
#include "config.h"

#include "auth/hashes.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fd.h"
#include "conf/access.h"
#include "conf/passwords.h"

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct hash *)a)->id, ((const struct hash *)b)->id);
}

/* Cuts the text into its lines, ID USEC HASH. False: it has none, or not this form. */
static bool
cut(struct hashes *h)
{
	char *rest = h->text, *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		struct hash *one = &h->list[h->n];
		const char *usec, *error;

		one->id = strsep(&line, " ");
		usec = strsep(&line, " ");
		one->hash = line;
		if (usec == NULL || one->hash == NULL)
			return false;
		one->usec = (uint64_t)strtonum(usec, 0, INT64_MAX, &error);
		if (error != NULL)
			return false;
		h->n++;
	}
	return h->n > 0;
}

const char *
hashes_read(struct hashes *h, int fd)
{
	const char *map;
	size_t lines = 1;

	*h = (struct hashes){ .text = NULL };
	if (fd_map_sealed(fd, PASSWORDS_MAX, &map, &h->len) < 0 || map == NULL)
		return "the sealed file of hashes cannot be read";
	h->text = malloc(h->len + 1);
	if (h->text != NULL) {
		memcpy(h->text, map, h->len);
		h->text[h->len] = '\0';
		for (size_t i = 0; i < h->len; i++)
			lines += map[i] == '\n';
		h->list = calloc(lines, sizeof(*h->list));
	}
	(void)munmap((void *)(uintptr_t)map, h->len);
	if (h->list == NULL || !cut(h)) {
		const char *why = h->list == NULL ? "out of memory" :
		    "the sealed file of hashes is damaged";

		hashes_done(h);
		return why;
	}
	qsort(h->list, h->n, sizeof(*h->list), by_id);
	h->dearest = &h->list[0];
	for (size_t i = 1; i < h->n; i++) {
		if (h->list[i].usec > h->dearest->usec)
			h->dearest = &h->list[i];
	}
	return NULL;
}

void
hashes_done(struct hashes *h)
{
	if (h->text != NULL)
		explicit_bzero(h->text, h->len);
	free(h->text);
	free(h->list);
	*h = (struct hashes){ .text = NULL };
}

static const struct hash *
find(const struct hashes *h, const char *id)
{
	const struct hash key = { .id = id };

	return h->n > 0 ? bsearch(&key, h->list, h->n, sizeof(*h->list), by_id) : NULL;
}

/* Compares in a time that does not tell where the first difference is. */
static bool
is_same(const char *a, const char *b, size_t len)
{
	unsigned different = 0;

	for (size_t i = 0; i < len; i++)
		different |= (unsigned char)(a[i] ^ b[i]);
	return different == 0;
}

/* True if the secret has this hash. Takes as long for a wrong one as for the right one. */
static bool
matches(const char *secret, const char *hash)
{
	/* 32 KiB, too much for a stack. */
	static struct crypt_data data;
	/* Not crypt_r(): a sanitizer has one of its own, which hides that of the library. */
	const char *made = crypt_rn(secret, hash, &data, sizeof(data));
	size_t len = strlen(hash);
	bool is_right = made != NULL && strlen(made) == len && is_same(made, hash, len);

	explicit_bzero(&data, sizeof(data));
	return is_right;
}

static void
fill_caller(const struct password_ask *ask, struct caller *ret)
{
	*ret = (struct caller){ .is_unix = ask->place == PASSWORD_FROM_UNIX, .uid = ask->uid };
	ret->has_uid = ret->is_unix;
	if (ask->place == PASSWORD_FROM_IPV4) {
		ret->addr.in.sin_family = AF_INET;
		memcpy(&ret->addr.in.sin_addr, ask->address, sizeof(ret->addr.in.sin_addr));
	} else if (ask->place == PASSWORD_FROM_IPV6) {
		ret->addr.in6.sin6_family = AF_INET6;
		memcpy(&ret->addr.in6.sin6_addr, ask->address, sizeof(ret->addr.in6.sin6_addr));
	}
}

/* The verdict of the rules, before the password is looked at. */
static enum password_verdict
judge(const struct credential *cred, const struct password_ask *ask)
{
	static const enum password_verdict verdicts[] = {
		[ACCESS_USABLE] = PASSWORD_RIGHT, [ACCESS_OFF] = PASSWORD_OFF,
		[ACCESS_EXPIRED] = PASSWORD_EXPIRED, [ACCESS_ELSEWHERE] = PASSWORD_ELSEWHERE,
	};
	struct caller who;

	if (cred == NULL)
		return PASSWORD_UNKNOWN;
	fill_caller(ask, &who);
	return verdicts[access_use(cred, &who, (int64_t)time(NULL))];
}

/*
 * The hash that a login is checked with. One that has none is given that of another, always
 * the same, which nobody can tell who does not know the hashes.
 */
static const struct hash *
find_or_feign(const struct hashes *h, const struct credential *cred, struct slice login)
{
	const struct slice parts[2] = { slice_of(h->dearest->hash), login };
	const struct hash *own = cred != NULL ? find(h, cred->id) : NULL;
	struct digest d;
	uint32_t number;

	if (own != NULL)
		return own;
	d = digest_of(parts, 2);
	memcpy(&number, d.bytes, sizeof(number));
	return &h->list[number % h->n];
}

enum password_verdict
hashes_check(const struct hashes *h, const struct conf *c, const struct password_ask *ask,
    const struct credential **ret)
{
	const struct slice login = { ask->login, ask->login_len };
	const struct credential *cred = conf_find_password(c, login);
	enum password_verdict verdict;
	const struct hash *hash;
	char secret[PASSWORD_SECRET_MAX + 1];
	bool is_right;

	if (h->n == 0)
		return PASSWORD_UNKNOWN;
	hash = find_or_feign(h, cred, login);
	verdict = cred != NULL && strcmp(hash->id, cred->id) == 0 ? judge(cred, ask) :
	    PASSWORD_UNKNOWN;
	memcpy(secret, ask->secret, ask->secret_len);
	secret[ask->secret_len] = '\0';
	is_right = matches(secret, hash->hash) && verdict == PASSWORD_RIGHT;
	/* A no costs the time of a dear hash, or else the time would tell which logins there are. */
	if (!is_right && hash->usec < h->dearest->usec)
		(void)matches(secret, h->dearest->hash);
	explicit_bzero(secret, sizeof(secret));
	if (verdict != PASSWORD_RIGHT)
		return verdict;
	*ret = cred;
	return is_right ? PASSWORD_RIGHT : PASSWORD_WRONG;
}
