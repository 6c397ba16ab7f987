/* SPDX-License-Identifier: ISC */
/*
 * tree: recursive descent over the tokens of a file.
 *
 *     file    = { setting | section }
 *     setting = WORD "=" ( value | "{" value { "," value } [ "," ] "}" )
 *     section = WORD [ value ] "{" { setting | section } "}"
 *     value   = WORD | STRING
 *
 * The tables of known names only serve to explain errors better.
 */
#include "config.h"

#include "conf/tree.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/lexer.h"
#include "conf/schema.h"

#define MAX_DEPTH 8	/* of braces */

struct parser {
	struct lexer lexer;
	struct arena *arena;
	const char *file;
	struct conf_errors *errors;
	size_t left;		/* settings and sections that may still come */
	unsigned depth;
};

/* -------------------------------------------------------------- errors --- */

/* Adds an error. Returns 1, or -ENOMEM when the lexer had no memory. */
static int __attribute__((format(printf, 3, 4)))
fail(struct parser *p, unsigned line, const char *fmt, ...)
{
	const struct lexer *l = &p->lexer;
	va_list ap;

	if (l->token == TOKEN_NOMEM)
		return -ENOMEM;
	/* A fault of the lexer explains why something is missing. */
	if (l->token == TOKEN_FAULT) {
		conf_errors_add(p->errors, p->file, l->token_line, "%s", l->text);
		return 1;
	}
	va_start(ap, fmt);
	conf_errors_vadd(p->errors, p->file, line, "", fmt, ap);
	va_end(ap);
	return 1;
}

static int
fail_token(struct parser *p, const char *remedy)
{
	const struct lexer *l = &p->lexer;

	if (l->token == TOKEN_END)
		return fail(p, l->token_line,
		    "the file ends in the middle of a setting or section");
	return fail(p, l->token_line, "unexpected token '%.64s'%s", l->text, remedy);
}

/* ------------------------------------------------------------ settings --- */

static int
add_value(struct parser *p, struct setting *s)
{
	const char **values = arena_grow(p->arena, s->values, s->n, sizeof(*values));

	if (values == NULL)
		return -ENOMEM;
	if (s->n == 0)
		s->line = p->lexer.token_line;
	s->values = values;
	values[s->n++] = p->lexer.text;
	return 0;
}

static bool
is_value(enum token t)
{
	return t == TOKEN_WORD || t == TOKEN_STRING;
}

/* Parses the rest of a list, behind the "{". */
static int
parse_list(struct parser *p, struct setting *s)
{
	unsigned line = p->lexer.token_line;
	enum token t = lexer_next(&p->lexer);

	if (t == TOKEN_CLOSE)
		return fail(p, p->lexer.token_line, "an empty list; leave the key out instead");
	while (is_value(t)) {
		if (add_value(p, s) < 0)
			return -ENOMEM;
		t = lexer_next(&p->lexer);
		if (is_value(t))
			return fail_token(p, "; a ',' is missing before it");
		if (t == TOKEN_COMMA)
			t = lexer_next(&p->lexer);
		if (t == TOKEN_CLOSE)
			return 0;
	}
	if (t == TOKEN_END)
		return fail(p, line, "the '{' of this line is not closed");
	return fail_token(p, "");
}

/* Parses the rest of a setting, behind the "=". */
static int
parse_setting(struct parser *p, struct block *b, const char *key, int number)
{
	struct setting *s = arena_alloc(p->arena, sizeof(*s));
	enum token t = lexer_next(&p->lexer);

	if (s == NULL)
		return -ENOMEM;
	*s = (struct setting){ .key = key, .number = number };
	if (is_value(t)) {
		if (add_value(p, s) < 0)
			return -ENOMEM;
	} else {
		int r = t == TOKEN_OPEN ? parse_list(p, s) : fail_token(p, "");

		if (r != 0)
			return r;
	}
	*b->settings_end = s;
	b->settings_end = &s->next;
	return 0;
}

/* ------------------------------------------------------------ sections --- */

static struct block *
block_new(struct parser *p, struct block *parent, const char *kind, const char *title,
    unsigned line)
{
	struct block *b = arena_alloc(p->arena, sizeof(*b));

	if (b == NULL)
		return NULL;
	*b = (struct block){
		.kind = kind, .title = title, .file = p->file, .line = line, .parent = parent,
	};
	b->settings_end = &b->settings;
	b->blocks_end = &b->blocks;
	if (parent != NULL) {
		*parent->blocks_end = b;
		parent->blocks_end = &b->next;
	}
	return b;
}

static int parse_block(struct parser *p, struct block *b, const struct section *s, unsigned line);

/* Explains a word that is followed by no '=' and no section, from the habits of other formats. */
static const char *
word_remedy(const char *word)
{
	size_t len = strlen(word);

	if (strcmp(word, ";") == 0)
		return "; a setting ends without ';'";
	if (word[0] == '[')
		return "; a section is written NAME { ... }, several values {\"one\", \"two\"}";
	if (len > 1 && word[len - 1] == ':')
		return "; a setting is written KEY = VALUE, a section NAME { ... }";
	return "; neither '=' nor a section follows";
}

/* Parses a setting or a section, whose first word has been taken. */
static int
parse_statement(struct parser *p, struct block *b, const struct section *s)
{
	const char *word = p->lexer.text, *title = NULL;
	unsigned line = p->lexer.token_line;
	const struct section *inner = s != NULL ? section_inner(s, word) : NULL;
	int number = s != NULL ? section_find(s, word) : -1;
	enum token t = lexer_next(&p->lexer);

	if (p->left-- == 0)
		return fail(p, line, "too many settings and sections; reading ends here");
	if (t == TOKEN_EQUALS && inner == NULL)
		return parse_setting(p, b, word, number);
	if (number < 0 && is_value(t) && (inner == NULL || inner->titled)) {
		title = p->lexer.text;
		t = lexer_next(&p->lexer);
	}
	if (inner == NULL && word[strlen(word) - 1] == ':')
		return fail(p, line, "unknown word '%.64s'%s", word, word_remedy(word));
	if (t == TOKEN_EQUALS && inner != NULL)
		return fail(p, line, "'%s' is a section, which has no '='; write "
		    "%s { ... }", word, word);
	if (t == TOKEN_OPEN && number < 0 && (title != NULL || inner == NULL || !inner->titled)) {
		b = block_new(p, b, word, title, line);
		return b != NULL ? parse_block(p, b, inner, p->lexer.token_line) : -ENOMEM;
	}
	if (number < 0 && inner == NULL)
		return fail(p, line, "unknown word '%.64s'%s", word, word_remedy(word));
	if (t == TOKEN_END)
		return fail_token(p, "");
	if (number >= 0)
		return fail(p, line, "missing '=' after key '%s'", word);
	if (inner->titled && title == NULL)
		return fail(p, line, "missing name in quotes after section '%s'", word);
	return fail(p, line, "missing '{' after section '%s'", word);
}

/*
 * Parses the contents of a section, from behind the "{" of that line to the
 * "}"; or the whole file.
 */
static int
parse_block(struct parser *p, struct block *b, const struct section *s, unsigned line)
{
	struct lexer *l = &p->lexer;
	int r = 0;

	if (++p->depth > MAX_DEPTH)
		return fail(p, line, "braces are nested too deeply");
	while (r == 0 && lexer_next(l) == TOKEN_WORD)
		r = parse_statement(p, b, s);
	p->depth--;
	if (r != 0)
		return r;
	if (l->token == (b->parent != NULL ? TOKEN_CLOSE : TOKEN_END))
		return 0;
	switch (l->token) {
	case TOKEN_END:
		return fail(p, line, "the '{' of this line is not closed");
	case TOKEN_CLOSE:
		return fail(p, l->token_line, "there is no '{' for this '}'");
	case TOKEN_STRING:
		return fail(p, l->token_line, "the name of a key or section is written without "
		    "quotes; several values are written {\"one\", \"two\"}");
	default:
		return fail_token(p, "");
	}
}

int
tree_read(const char *file, const char *data, size_t len, const struct section *top,
    size_t max, struct arena *arena, struct block **ret, struct conf_errors *errors)
{
	struct parser p = { .arena = arena, .file = file, .errors = errors, .left = max };
	struct block *root = block_new(&p, NULL, "", NULL, 0);
	int r;

	if (root == NULL)
		return -ENOMEM;
	lexer_init(&p.lexer, data, len, arena);
	r = parse_block(&p, root, top, 0);
	lexer_done(&p.lexer);
	*ret = root;
	return r;
}

/* ------------------------------------------------------------- finding --- */

const struct setting *
block_find(const struct block *b, const char *key)
{
	for (const struct setting *s = b->settings; s != NULL; s = s->next) {
		if (s->key[0] == key[0] && strcmp(s->key, key) == 0)
			return s;
	}
	return NULL;
}

const struct block *
block_inner(const struct block *b, const char *kind)
{
	for (b = b->blocks; b != NULL && strcmp(b->kind, kind) != 0; b = b->next)
		;
	return b;
}

unsigned
block_line(const struct block *b, const char *key)
{
	const struct setting *s = block_find(b, key);

	return s != NULL ? s->line : b->line;
}
