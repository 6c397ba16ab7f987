/* SPDX-License-Identifier: ISC */
/* tally: finds and takes rows, and adds up those of all workers. */
#include "config.h"

#include "ipc/tally.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/siphash.h"
#include "ipc/stats.h"

/* Bytes of a URL or of a name that count. */
#define WHAT_MAX 240

uint64_t
tally_key(const struct tally *t, const struct digest *who, const char *what)
{
	char text[sizeof(who->bytes) + WHAT_MAX];
	size_t len = strnlen(what, WHAT_MAX);
	uint64_t key;

	memcpy(text, who->bytes, sizeof(who->bytes));
	memcpy(text + sizeof(who->bytes), what, len);
	key = siphash(t->secret, text, sizeof(who->bytes) + len);
	return key != 0 ? key : 1;
}

const struct tally_row *
tally_find(const struct tally *t, uint64_t key)
{
	for (size_t i = 0; i < TALLY_PROBES; i++) {
		const struct tally_row *row = &t->rows[(key + i) % TALLY_ROWS];

		if (row->key == key)
			return row;
	}
	return NULL;
}

/* The counts that would be forgotten with the row. */
static uint64_t
row_has(const struct tally_row *row, uint64_t now_sec)
{
	return (uint64_t)row->connections + row->strangers + row->calls +
	    (row->until_sec > now_sec ? row->begun : 0);
}

struct tally_row *
tally_take(struct tally *t, uint64_t key, uint64_t has, uint64_t now_usec)
{
	struct tally_row *least = NULL;
	uint64_t least_has = has;

	for (size_t i = 0; i < TALLY_PROBES; i++) {
		struct tally_row *row = &t->rows[(key + i) % TALLY_ROWS];
		uint64_t row_s = row->key == 0 ? 0 : row_has(row, now_usec / USEC_PER_SEC);

		if (row->key == key)
			return row;
		if (row_s < least_has || (row_s == least_has && least == NULL)) {
			least = row;
			least_has = row_s;
		}
	}
	if (least != NULL)
		*least = (struct tally_row){ .key = key };
	return least;
}

/* The sum of two counts that may be anything. */
static uint32_t
add(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* begun: in the span that ends at until_sec. */
static struct tally_row
sum_of_others(const struct stats_pages *pages, uint64_t key, uint32_t until_sec)
{
	struct tally_row sum = { .key = key, .until_sec = until_sec };

	for (size_t i = 0; i < CONF_MAX_WORKERS; i++) {
		const struct tally_row *row;

		if (pages->others[i] == NULL || i == pages->slot)
			continue;
		row = tally_find(&pages->others[i]->tally, key);
		if (row == NULL)
			continue;
		sum.connections = add(sum.connections, row->connections);
		sum.strangers = add(sum.strangers, row->strangers);
		sum.calls = add(sum.calls, row->calls);
		if (row->until_sec == until_sec)
			sum.begun = add(sum.begun, row->begun);
	}
	return sum;
}

struct tally_row
tally_of_others(const struct stats_pages *pages, uint64_t key)
{
	return sum_of_others(pages, key, 0);
}

void
tally_set(struct tally *t, uint64_t key, uint32_t connections, uint32_t strangers,
    uint32_t calls, uint64_t now_usec)
{
	uint64_t has = (uint64_t)connections + strangers + calls;
	struct tally_row *row = has > 0 || tally_find(t, key) != NULL ?
	    tally_take(t, key, has, now_usec) : NULL;

	if (row == NULL)
		return;
	row->connections = connections;
	row->strangers = strangers;
	row->calls = calls;
}

bool
tally_begin(const struct stats_pages *pages, uint64_t key, struct rate rate,
    uint64_t now_usec, uint64_t *ret_wait_usec)
{
	uint64_t now_sec = now_usec / USEC_PER_SEC;
	uint32_t until = (uint32_t)((now_sec / rate.span_sec + 1) * rate.span_sec);
	struct tally *own = &pages->own->tally;
	const struct tally_row *had = tally_find(own, key);
	uint32_t begun = had != NULL && had->until_sec == until ? had->begun : 0;
	struct tally_row *row;

	if (add(begun, sum_of_others(pages, key, until).begun) >= rate.n) {
		*ret_wait_usec = until * USEC_PER_SEC - now_usec;
		return false;
	}
	row = tally_take(own, key, (uint64_t)begun + 1, now_usec);
	if (row == NULL)
		return true;
	row->begun = row->until_sec == until ? add(row->begun, 1) : 1;
	row->until_sec = until;
	return true;
}

void
tally_clear(struct tally *t)
{
	memset(t->rows, 0, sizeof(t->rows));
}
