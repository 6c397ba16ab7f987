/* SPDX-License-Identifier: ISC */
/*
 * httppairs: names and passwords that were right a moment ago, so that not every request of
 * a client asks for a check, which is slow on purpose. What is kept is a digest under a key
 * that no other process has, and the id of the credential; for a minute, and as long as the
 * rules stay.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/slice.h"
#include "conf/conf.h"

#define HTTPPAIRS_MAX 256

struct httppair_known {
	uint8_t digest[DIGEST_SHA256];
	uint64_t until_usec;	/* 0: free */
	uint32_t generation;
	char credential[CREDENTIAL_ID_TEXT];
};

struct httppairs {
	bool has_key;
	uint8_t key[DIGEST_SHA256];
	unsigned next;			/* the oldest, which makes room */
	struct httppair_known list[HTTPPAIRS_MAX];
};

/* The credential that this pair, "NAME:PASSWORD", was right for; or NULL. */
const struct credential *httppairs_find(const struct httppairs *p, const struct conf *conf,
    struct slice pair, uint64_t now_usec);

/* Notes that the pair is right. */
void httppairs_add(struct httppairs *p, const struct conf *conf, struct slice pair,
    const struct credential *c, uint64_t now_usec);
