/* SPDX-License-Identifier: ISC */
/*
 * lexer: turns the bytes of a configuration into tokens.
 *
 * The lexer skips no byte and changes no text silently: bytes without a
 * meaning, and characters that a reader of the file cannot see, are a fault.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/arena.h"

enum token {
	TOKEN_END,
	TOKEN_WORD,		/* text without quotes */
	TOKEN_STRING,		/* text in quotes */
	TOKEN_EQUALS,
	TOKEN_OPEN,		/* { */
	TOKEN_CLOSE,		/* } */
	TOKEN_COMMA,
	TOKEN_PARENTHESIS,	/* either one; has no meaning */
	TOKEN_FAULT,		/* the end of the reading; lexer.text says why */
	TOKEN_NOMEM,
};

struct lexer {
	const char *p, *end;	/* the rest of the text */
	unsigned line;		/* of p */
	struct arena *arena;	/* for texts */
	struct buf value;	/* of the string being read */
	/* The token that lexer_next() has returned last. */
	enum token token;
	unsigned token_line;	/* line where the token starts, or the fault is */
	const char *text;	/* the token as text, without quotes and escapes */
};

/* Borrows the data and the arena. */
void lexer_init(struct lexer *l, const char *data, size_t len, struct arena *arena);
void lexer_done(struct lexer *l);

/* Takes the next token. After TOKEN_END, TOKEN_FAULT and TOKEN_NOMEM there is none. */
enum token lexer_next(struct lexer *l);

/* True for the bytes that mean themselves in both kinds of quotes. */
bool lexer_is_plain(char c);
