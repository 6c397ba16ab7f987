/* SPDX-License-Identifier: ISC */
/* digest: makes digests with SHA-256 of libmd. */
#include "config.h"

#include "base/digest.h"

#include <sys/types.h>
#include <sha2.h>

struct digest
digest_of(const struct slice *parts, size_t n_parts)
{
	uint8_t full[SHA256_DIGEST_LENGTH];
	struct digest d;
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	for (size_t i = 0; i < n_parts; i++) {
		uint64_t len = parts[i].len;

		SHA256Update(&ctx, (const uint8_t *)&len, sizeof(len));
		SHA256Update(&ctx, (const uint8_t *)parts[i].data, parts[i].len);
	}
	SHA256Final(full, &ctx);
	memcpy(d.bytes, full, sizeof(d.bytes));
	return d;
}

void
digest_sha256(struct slice bytes, uint8_t ret[static DIGEST_SHA256])
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)bytes.data, bytes.len);
	SHA256Final(ret, &ctx);
	/* The state of SHA-256 holds the bytes, which may be a secret. */
	explicit_bzero(&ctx, sizeof(ctx));
}
