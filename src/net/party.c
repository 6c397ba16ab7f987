/* SPDX-License-Identifier: ISC */
/* party: names parties, and counts what they have of this worker. */
#include "config.h"

#include "net/party.h"

#include <string.h>

#include "base/addr.h"
#include "base/loop.h"
#include "conf/access.h"

/*
 * The name is made of the number itself, with no digest to compute: the first half of
 * an IPv6 address; an IPv4 address as IPv6 writes it; an account behind 0xff, where no
 * caller's address begins.
 */
void
caller_party(const struct caller *who, struct digest *ret)
{
	const union sockaddr_any *sa = &who->addr;

	*ret = (struct digest){ 0 };
	if (who->is_unix) {
		ret->bytes[0] = 0xff;
		ret->bytes[1] = who->has_uid;
		if (who->has_uid)
			memcpy(ret->bytes + 12, &who->uid, sizeof(who->uid));
	} else if (addr_is_loopback(sa)) {
		ret->bytes[15] = 1;
	} else if (sa->sa.sa_family == AF_INET) {
		ret->bytes[10] = ret->bytes[11] = 0xff;
		memcpy(ret->bytes + 12, &sa->in.sin_addr, 4);
	} else if (sa->sa.sa_family == AF_INET6) {
		bool is_mapped = IN6_IS_ADDR_V4MAPPED(&sa->in6.sin6_addr);

		memcpy(ret->bytes, &sa->in6.sin6_addr, is_mapped ? 16 : 8);
	}
}

void
parties_init(struct parties *all)
{
	*all = (struct parties){ 0 };
	shares_init(&all->shares, NULL, 0, sizeof(struct party));
	shares_init(&all->seats, NULL, 0, sizeof(struct seat));
}

struct party *
party_get(struct parties *all, const struct digest *name)
{
	struct share *s = shares_get(&all->shares, name, 0);
	struct party *p;

	if (s == NULL)
		return NULL;
	p = CONTAINER_OF(s, struct party, share);
	p->all = all;
	return p;
}

struct party *
party_ref(struct party *p)
{
	if (p != NULL)
		p->share.n++;
	return p;
}

struct party *
party_unref(struct party *p)
{
	if (p != NULL)
		(void)shares_put(&p->all->shares, &p->share);
	return NULL;
}

void
party_keep(struct party *p, uint64_t *kept, uint64_t now)
{
	struct parties *all;

	if (p == NULL || *kept == now)
		return;
	all = p->all;
	all->has_freed |= now < *kept;
	p->bytes += now - *kept;
	all->bytes += now - *kept;
	*kept = now;
}
