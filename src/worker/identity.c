/* SPDX-License-Identifier: ISC */
/*
 * identity: the texts and the digest of a caller, made once for all its calls.
 */
#include "config.h"

#include "worker/identity.h"

#include <stdlib.h>
#include <string.h>

struct peer_identity *
identity_new(const struct caller *who, const char *peer)
{
	struct peer_identity *id = calloc(1, sizeof(*id));
	struct slice text;

	if (id == NULL)
		return NULL;
	id->refs = 1;
	caller_format(who, id->text, sizeof(id->text));
	(void)strlcpy(id->peer, peer, sizeof(id->peer));
	text = slice_of(id->text);
	id->digest = digest_of(&text, 1);
	return id;
}

struct peer_identity *
identity_ref(struct peer_identity *id)
{
	id->refs++;
	return id;
}

struct peer_identity *
identity_unref(struct peer_identity *id)
{
	if (id != NULL && --id->refs == 0)
		free(id);
	return NULL;
}
