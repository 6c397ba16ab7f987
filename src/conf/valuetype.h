/* SPDX-License-Identifier: ISC */
/*
 * valuetype: the kinds of value that a key can have, each read and written by
 * one pair of functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/reader.h"

struct key;

/* An amount: how it is read and written. */
struct measure {
	int (*parse)(const char *text, uint64_t *ret);	/* 0 or -errno */
	void (*format)(uint64_t v, char *ret, size_t ret_len);
};

struct value_type {
	const char *wants;	/* "'x' in service \"y\": 'z' is not ..." */
	bool is_list;
	/*
	 * Stores the value of s at the field. 0, 1 (wrong value: the caller
	 * reports it with wants), 2 (reported already) or -ENOMEM.
	 */
	int (*parse)(struct reader *r, const struct key *k, const struct setting *s, void *at);
	/* Appends the text; nothing appended: the key is left out. */
	void (*format)(struct buf *b, const struct key *k, const void *at);
	const struct measure *measure;	/* of an amount; else NULL */
};

enum key_flags {
	KEY_PLAIN = 0,
	KEY_CANONICAL = 1 << 0,	/* only conf_format() writes it, only conf_parse() reads it */
	KEY_TCP = 1 << 1,	/* of a listen section: not for unix:// */
	KEY_UNIX = 1 << 2,	/* of a listen section: not for tcp:// and tls:// */
	KEY_COMMAND = 1 << 3,	/* of a service: not for a handler */
	KEY_HANDLER = 1 << 4,	/* of a service: not for a command */
	KEY_PLACE = 1 << 5,	/* says where it is written, not what it is */
	KEY_OR_ZERO = 1 << 6,	/* an amount that may be 0 as well */
	KEY_AT_START = 1 << 7,	/* a reload does not change it for what is open or runs */
	KEY_AT_START_UNSET = 1 << 8,	/* nor takes it back to 0 */
	KEY_TLS = 1 << 9,	/* of a listen section: only with TLS */
	KEY_FD = 1 << 10,	/* of a listen section: only for fd:// */
	KEY_RESP = 1 << 11,	/* of a listen section: not for HTTP */
	KEY_HTTP = 1 << 12,	/* of a listen section: only for HTTP */
};

/* One key of one kind of section. */
struct key {
	const char *name;
	const struct value_type *type;
	size_t offset;		/* in the struct of the section */
	const char *def;	/* default, as it would be written; NULL: none */
	uint64_t min, max;	/* numbers, sizes, durations */
	const char *const *words;	/* value_word, value_word_bool, value_word_set */
	size_t offset_n;	/* value_ids: of the count */
	unsigned flags;
};

extern const struct value_type value_bool, value_number, value_workers, value_mode;
extern const struct value_type value_duration, value_size, value_size32;
extern const struct value_type value_word, value_word_bool, value_word_set;
extern const struct value_type value_text, value_line, value_path, value_file, value_list, value_words;
extern const struct value_type value_identity, value_id, value_ids;

/*
 * The amount s says, which must lie between the key's min and max, or be 0
 * with KEY_OR_ZERO. 0, 1 or 2 as value_type.parse.
 */
int measure_parse(const struct measure *m, struct reader *r, const struct key *k,
    const struct setting *s, uint64_t *ret);
void measure_format(const struct measure *m, struct buf *b, uint64_t v);

/* Appends text in double quotes as the lexer reads them. */
void value_quote(struct buf *b, const char *text);
/* The values of a setting as a NULL-terminated list. NULL without memory. */
char **value_copy_list(struct arena *a, const struct setting *s);
