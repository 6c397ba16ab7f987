/* SPDX-License-Identifier: ISC */
/* Splits the bytes of a configuration into tokens. */
#include "config.h"

#include "conf/lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/hidden.h"

void
lexer_init(struct lexer *l, const char *data, size_t len, struct arena *arena)
{
	*l = (struct lexer){
		.p = data, .end = len > 0 ? data + len : data, .line = 1, .arena = arena, .value = BUF_INIT(0),
	};
}

void
lexer_done(struct lexer *l)
{
	buf_done(&l->value);
}

static enum token __attribute__((format(printf, 3, 4)))
fault(struct lexer *l, unsigned line, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	l->text = arena_strdup(l->arena, why);
	l->token_line = line;
	return l->text != NULL ? TOKEN_FAULT : TOKEN_NOMEM;
}

static bool
starts_with(const struct lexer *l, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(l->end - l->p) >= n && memcmp(l->p, s, n) == 0;
}

/* ---------------------------------------------------- hidden characters --- */

/* TOKEN_END, or a fault if p is at a hidden character. */
static enum token
check_hidden(struct lexer *l, bool in_quotes)
{
	const char *name, *remedy = in_quotes ? ", or write it in double quotes as " : "";
	char escape[16] = "";
	size_t n = hidden_character(l->p, (size_t)(l->end - l->p), in_quotes, &name);

	if (n == 0)
		return TOKEN_END;
	if (*l->p == '\0')
		return fault(l, l->line, "a NUL byte; this is not a text file");
	if (*l->p == '\r')
		return fault(l, l->line, "a control character (0x0d), a carriage return%s",
		    in_quotes ? " in quotes; write \\r, or end lines with a line feed only" :
				" that no line feed follows");
	for (size_t i = 0; in_quotes && i < n; i++)
		(void)snprintf(escape + 4 * i, 5, "\\x%02x", (unsigned char)l->p[i]);
	if (n == 1)
		return fault(l, l->line, "a %s (0x%02x); delete it%s%s", name, *l->p, remedy, escape);
	return fault(l, l->line, "a %s (U+%04X), which cannot be seen; delete it%s%s", name,
	    (unsigned)hidden_code(l->p, n), remedy, escape);
}

/* ------------------------------------------------- blanks and comments --- */

/* True at what makes a comment look longer or shorter than it is. */
static bool
is_misleading(const struct lexer *l)
{
	uint32_t c = *l->p == '\xe2' ? hidden_code(l->p, (size_t)(l->end - l->p)) : 0;

	return *l->p == '\0' || (*l->p == '\r' && !starts_with(l, "\r\n")) ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static enum token
skip_comment(struct lexer *l)
{
	bool is_line = !starts_with(l, "/*");
	unsigned start = l->line;

	for (l->p += is_line ? 1 : 2; l->p < l->end; l->p++) {
		if (is_line ? *l->p == '\n' : starts_with(l, "*/")) {
			l->p += is_line ? 0 : 2;
			return TOKEN_END;
		}
		if (is_misleading(l))
			return check_hidden(l, false);
		l->line += *l->p == '\n';
	}
	return is_line ? TOKEN_END : fault(l, start, "this comment is not closed");
}

/* To the first byte of the next token. TOKEN_END, or a fault. */
static enum token
skip_blanks(struct lexer *l)
{
	enum token t = TOKEN_END;

	while (t == TOKEN_END && l->p < l->end) {
		if (*l->p == ' ' || *l->p == '\t' || *l->p == '\n' || starts_with(l, "\r\n"))
			l->line += *l->p++ == '\n';
		else if (*l->p == '#' || starts_with(l, "//") || starts_with(l, "/*"))
			t = skip_comment(l);
		else
			break;
	}
	return t;
}

/* --------------------------------------------------------------- texts --- */

static unsigned
hex_digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)(c | 0x20) - 'a' + 10;
}

/* The escape at p, in double quotes. TOKEN_END, or a fault. */
static enum token
take_escape(struct lexer *l)
{
	static const char letters[] = "\"\\$ntr", bytes[] = "\"\\$\n\t\r";
	size_t n = (size_t)(l->end - l->p);
	const char *p = l->p, *letter = n > 1 ? memchr(letters, p[1], sizeof(letters) - 1) : NULL;

	if (letter != NULL) {
		(void)buf_append_char(&l->value, bytes[letter - letters]);
		l->p += 2;
		return TOKEN_END;
	}
	if (n > 1 && p[1] != 'x')
		return fault(l, l->line, "unknown escape '\\%c'; a backslash is written \\\\ in "
		    "double quotes", p[1]);
	if (n < 4 || !isxdigit((unsigned char)p[2]) || !isxdigit((unsigned char)p[3]))
		return fault(l, l->line, "two hexadecimal digits are missing behind '\\x'; "
		    "a backslash is written \\\\ in double quotes");
	if (p[2] == '0' && p[3] == '0')
		return fault(l, l->line, "a value cannot hold a NUL byte");
	(void)buf_append_char(&l->value, (char)(hex_digit(p[2]) << 4 | hex_digit(p[3])));
	l->p += 4;
	return TOKEN_END;
}

/* One character in quotes, or one escape. TOKEN_END, or a fault. */
static enum token
take_character(struct lexer *l, char quote)
{
	const char *p = l->p;
	enum token t;

	if (*p == '\\' && (starts_with(l, "\\\n") || starts_with(l, "\\\r\n")))
		return fault(l, l->line, "a backslash does not join two lines; "
		    "write the text in one line");
	if (*p == '\\' && quote == '"')
		return take_escape(l);
	if (*p == '\\' && (starts_with(l, "\\\\") || starts_with(l, "\\'"))) {
		(void)buf_append_char(&l->value, p[1]);
		l->p += 2;
		return TOKEN_END;
	}
	t = *p == '\n' || *p == '\t' ? TOKEN_END : check_hidden(l, true);
	if (t != TOKEN_END)
		return t;
	l->line += *p == '\n';
	(void)buf_append_char(&l->value, *p);
	l->p++;
	return TOKEN_END;
}

bool
lexer_is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\';
}

static enum token
take_string(struct lexer *l)
{
	char quote = *l->p++;

	buf_clear(&l->value);
	while (l->p < l->end && *l->p != quote) {
		const char *start = l->p;
		enum token t = TOKEN_END;

		while (l->p < l->end && lexer_is_plain(*l->p))
			l->p++;
		if (l->p > start)
			(void)buf_append(&l->value, start, (size_t)(l->p - start));
		else
			t = take_character(l, quote);
		if (t != TOKEN_END)
			return t;
	}
	if (l->p == l->end)
		return fault(l, l->token_line, "the string that starts here is not closed");
	l->p++;
	l->text = buf_failed(&l->value) ? NULL :
	    arena_strndup(l->arena, buf_data(&l->value), buf_len(&l->value));
	return l->text != NULL ? TOKEN_STRING : TOKEN_NOMEM;
}

static bool
is_word(const struct lexer *l)
{
	static const bool ends_word[128] = {
		[0 ... ' '] = true, ['#'] = true, ['"'] = true, ['\''] = true, ['='] = true,
		['{'] = true, ['}'] = true, ['('] = true, [')'] = true, ['+'] = true, [','] = true,
		['*'] = true, ['|'] = true, ['$'] = true, [0x7f] = true,
	};
	unsigned char c = (unsigned char)*l->p;
	const char *name;

	if (c < sizeof(ends_word))
		return !ends_word[c];
	return hidden_character(l->p, (size_t)(l->end - l->p), false, &name) == 0;
}

static enum token
take_word(struct lexer *l)
{
	const char *start = l->p;

	while (l->p < l->end && is_word(l))
		l->p++;
	if (l->p == start) {
		enum token t = check_hidden(l, false);

		return t != TOKEN_END ? t : fault(l, l->line, "'%c' must stand in quotes", *l->p);
	}
	l->text = arena_strndup(l->arena, start, (size_t)(l->p - start));
	return l->text != NULL ? TOKEN_WORD : TOKEN_NOMEM;
}

static enum token
take(struct lexer *l)
{
	static const struct {
		const char *text;
		enum token token;
	} signs[] = {
		{ "=", TOKEN_EQUALS }, { "{", TOKEN_OPEN }, { "}", TOKEN_CLOSE }, { ",", TOKEN_COMMA },
		{ "(", TOKEN_PARENTHESIS }, { ")", TOKEN_PARENTHESIS },
	};
	enum token t = skip_blanks(l);

	if (t != TOKEN_END)
		return t;
	l->token_line = l->line;
	if (l->p == l->end)
		return TOKEN_END;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (*l->p != signs[i].text[0])
			continue;
		l->p++;
		l->text = signs[i].text;
		return signs[i].token;
	}
	return *l->p == '"' || *l->p == '\'' ? take_string(l) : take_word(l);
}

enum token
lexer_next(struct lexer *l)
{
	l->text = "";
	l->token = take(l);
	return l->token;
}
