/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "runner/table.h"

static int
id_compare(const struct entry *a, const struct entry *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static int
pid_compare(const struct entry *a, const struct entry *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_PROTOTYPE_INTERNAL(entry_ids, entry, by_id, id_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(entry_ids, entry, by_id, id_compare,
    __attribute__((unused)) static)
RB_PROTOTYPE_INTERNAL(entry_pids, entry, by_pid, pid_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(entry_pids, entry, by_pid, pid_compare,
    __attribute__((unused)) static)

void
table_init(struct table *t, struct entry *slots, size_t n)
{
	*t = (struct table){ .slots = slots, .n_slots = n };
	TAILQ_INIT(&t->free);
	RB_INIT(&t->ids);
	RB_INIT(&t->pids);
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
	*e = (struct entry){ .state = ENTRY_OVER, .id = id, .fds = { -1, -1, -1, -1 } };
	RB_INSERT(entry_ids, &t->ids, e);
	t->n_used++;
	return e;
}

void
table_release(struct table *t, struct entry *e)
{
	table_set_pid(t, e, 0);
	RB_REMOVE(entry_ids, &t->ids, e);
	e->state = ENTRY_FREE;
	TAILQ_INSERT_HEAD(&t->free, e, next);
	t->n_used--;
}

struct entry *
table_find(struct table *t, uint64_t id)
{
	struct entry key;

	key.id = id;
	return RB_FIND(entry_ids, &t->ids, &key);
}

struct entry *
table_find_pid(struct table *t, pid_t pid)
{
	struct entry key;

	key.pid = pid;
	return RB_FIND(entry_pids, &t->pids, &key);
}

void
table_set_pid(struct table *t, struct entry *e, pid_t pid)
{
	if (e->pid != 0)
		RB_REMOVE(entry_pids, &t->pids, e);
	e->pid = pid;
	if (pid != 0)
		RB_INSERT(entry_pids, &t->pids, e);
}

struct entry *
table_next(struct table *t, struct entry *e)
{
	size_t i = e == NULL ? 0 : table_slot(t, e) + 1;

	while (i < t->n_touched && t->slots[i].state == ENTRY_FREE)
		i++;
	return i < t->n_touched ? &t->slots[i] : NULL;
}
