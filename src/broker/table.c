/* SPDX-License-Identifier: ISC */
/* A table of all entries, with a list of free slots. */
#include "config.h"

#include "broker/table.h"

static int
id_compare(const struct entry *a, const struct entry *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_PROTOTYPE_INTERNAL(entry_ids, entry, by_id, id_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(entry_ids, entry, by_id, id_compare,
    __attribute__((unused)) static)

void
table_init(struct table *t, struct entry *slots, size_t n)
{
	*t = (struct table){ .slots = slots, .n_slots = n };
	TAILQ_INIT(&t->free);
	RB_INIT(&t->ids);
}

struct entry *
table_take(struct table *t, uint64_t id)
{
	struct entry *e = TAILQ_FIRST(&t->free);

	if (e != NULL)
		TAILQ_REMOVE(&t->free, e, next);
	else if (t->n_touched < t->n_slots)
		e = &t->slots[t->n_touched++];
	else
		return NULL;
	*e = (struct entry){ .state = ENTRY_OVER, .id = id, .fds = { -1, -1, -1 } };
	if (RB_INSERT(entry_ids, &t->ids, e) != NULL) {
		e->state = ENTRY_FREE;
		TAILQ_INSERT_HEAD(&t->free, e, next);
		return NULL;
	}
	t->n_used++;
	return e;
}

void
table_release(struct table *t, struct entry *e)
{
	RB_REMOVE(entry_ids, &t->ids, e);
	e->state = ENTRY_FREE;
	TAILQ_INSERT_HEAD(&t->free, e, next);
	t->n_used--;
}

struct entry *
table_at(struct table *t, size_t slot)
{
	return slot < t->n_touched && t->slots[slot].state != ENTRY_FREE ? &t->slots[slot] : NULL;
}

struct entry *
table_find(struct table *t, uint64_t id)
{
	struct entry key;

	key.id = id;
	return RB_FIND(entry_ids, &t->ids, &key);
}

struct entry *
table_next(struct table *t, struct entry *e)
{
	size_t i = e == NULL ? 0 : table_slot(t, e) + 1;

	while (i < t->n_touched && t->slots[i].state == ENTRY_FREE)
		i++;
	return i < t->n_touched ? &t->slots[i] : NULL;
}
