/* SPDX-License-Identifier: ISC */
/* schema: the keys that a configuration may hold, one row each. */
#pragma once

#include <string.h>

#include "conf/tree.h"
#include "conf/valuetype.h"

struct section {
	const char *kind;	/* "" at the top */
	const struct key *keys;
	size_t n_keys;
	bool titled;
	const struct section *const *inner;	/* kinds that may stand inside; NULL-terminated */
};

extern const struct section section_top, section_log, section_control, section_listen;
extern const struct section section_role, section_service, section_argument, section_limits;
extern const struct section section_processes, section_http, section_proxy, section_credential;
extern const struct section section_webhook, section_hmac, section_token;

extern const struct section *const sections[];	/* all kinds; NULL-terminated */

/* Index of the key in the section, or -1. */
static inline int
section_find(const struct section *s, const char *name)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		if (s->keys[i].name[0] == name[0] && strcmp(s->keys[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* The kind of section of that name that may stand inside, or NULL. */
static inline const struct section *
section_inner(const struct section *s, const char *kind)
{
	const struct section *const *p = s->inner;

	while (*p != NULL && strcmp((*p)->kind, kind) != 0)
		p++;
	return *p;
}

/* The flags of keys of a listen section that do not go with this listener. */
static inline unsigned
listener_wrong_keys(const struct listener *l)
{
	unsigned wrong = l->tls ? 0 : KEY_TLS;

	wrong |= l->protocol == PROTOCOL_HTTP ? KEY_RESP : KEY_HTTP;
	switch (l->addr.kind) {
	case ADDR_TCP: return wrong | KEY_UNIX | KEY_FD;
	case ADDR_UNIX: return wrong | KEY_TCP | KEY_FD;
	case ADDR_FD: return wrong;
	}
	return wrong;
}

/*
 * Sets the fields of object to their defaults, then to what the block says.
 * Reports unknown, refused, repeated and malformed keys. 0 or -ENOMEM.
 */
int section_read(struct reader *r, const struct section *s, const struct block *b, void *object);
