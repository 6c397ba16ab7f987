/* SPDX-License-Identifier: ISC */
/* tree: a configuration file as sections and settings, before values have a meaning. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/arena.h"
#include "conf/errors.h"

/* KEY = VALUE or KEY = {VALUE, ...}; a key may come more than once. */
struct setting {
	const char *key;
	int number;	/* of the key in its section's table; -1: unknown */
	unsigned line;	/* of the first value */
	const char **values;
	size_t n;	/* at least 1 */
	struct setting *next;
};

/* KIND "TITLE" { ... }; the file itself has kind "". */
struct block {
	const char *kind;
	const char *title;	/* NULL: none */
	const char *file;
	unsigned line;
	struct block *parent;
	struct setting *settings, **settings_end;
	struct block *blocks, **blocks_end;
	struct block *next;
};

struct section;

/*
 * Reads a text into the arena. Unknown keys and sections below top are in the
 * tree like all others. A syntax error is reported and ends the reading, as
 * does the first setting or section beyond max; the part before it is in the
 * tree. 0, 1 (there was an error) or -ENOMEM.
 */
int tree_read(const char *file, const char *data, size_t len, const struct section *top,
    size_t max, struct arena *arena, struct block **ret, struct conf_errors *errors);

/* The first setting of that key, or NULL. */
const struct setting *block_find(const struct block *b, const char *key);

/* The first section of that kind inside, or NULL. */
const struct block *block_inner(const struct block *b, const char *kind);

/* Line of that key, or of the section when the key is not there. */
unsigned block_line(const struct block *b, const char *key);
