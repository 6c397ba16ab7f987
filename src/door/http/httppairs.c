/* SPDX-License-Identifier: ISC */
/* httppairs: a small ring of digests. */
#include "config.h"

#include "door/http/httppairs.h"

#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/clock.h"

#define KEEP_USEC (60 * USEC_PER_SEC)

/* Bytes of a block of SHA-256. */
#define BLOCK 64

/*
 * HMAC-SHA256 of the pair under the key (RFC 2104). False: no memory. What was copied is
 * overwritten.
 */
static bool
digest_pair(const struct httppairs *p, struct slice pair, uint8_t ret[static DIGEST_SHA256])
{
	uint8_t outer[BLOCK + DIGEST_SHA256];
	struct buf inner = BUF_INIT(0);
	char *to = buf_reserve(&inner, BLOCK + pair.len);

	if (to == NULL)
		return false;
	memset(to, 0x36, BLOCK);
	memset(outer, 0x5c, BLOCK);
	for (size_t i = 0; i < sizeof(p->key); i++) {
		to[i] = (char)(to[i] ^ p->key[i]);
		outer[i] ^= p->key[i];
	}
	memcpy(to + BLOCK, pair.data, pair.len);
	digest_sha256((struct slice){ to, BLOCK + pair.len }, outer + BLOCK);
	explicit_bzero(to, BLOCK + pair.len);
	buf_done(&inner);
	digest_sha256((struct slice){ (const char *)outer, sizeof(outer) }, ret);
	explicit_bzero(outer, sizeof(outer));
	return true;
}

const struct credential *
httppairs_find(const struct httppairs *p, const struct conf *conf, struct slice pair,
    uint64_t now_usec)
{
	uint8_t digest[DIGEST_SHA256];

	if (!p->has_key || !digest_pair(p, pair, digest))
		return NULL;
	for (size_t i = 0; i < HTTPPAIRS_MAX; i++) {
		const struct httppair_known *k = &p->list[i];

		if (k->until_usec > now_usec && k->generation == conf->generation &&
		    memcmp(k->digest, digest, sizeof(digest)) == 0)
			return conf_find_credential(conf, k->credential);
	}
	return NULL;
}

void
httppairs_add(struct httppairs *p, const struct conf *conf, struct slice pair,
    const struct credential *c, uint64_t now_usec)
{
	struct httppair_known *k = &p->list[p->next];

	if (!p->has_key)
		p->has_key = getrandom(p->key, sizeof(p->key), GRND_NONBLOCK) ==
		    (ssize_t)sizeof(p->key);
	if (!p->has_key || !digest_pair(p, pair, k->digest))
		return;
	k->until_usec = now_usec + KEEP_USEC;
	k->generation = conf->generation;
	(void)strlcpy(k->credential, c->id, sizeof(k->credential));
	p->next = (p->next + 1) % HTTPPAIRS_MAX;
}
