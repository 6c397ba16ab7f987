/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf/text.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define MAX_DEPTH 8	/* of braces */
#define SPLIT '\002'	/* stands between "$" and "{" */

enum token { TOKEN_NONE, TOKEN_WORD, TOKEN_STRING, TOKEN_EQUALS, TOKEN_OPEN, TOKEN_OTHER };

struct brace {
	unsigned line;
	bool is_list;
};

struct cleaner {
	const char *p, *end;
	unsigned line;
	enum token last;
	struct brace braces[MAX_DEPTH];
	size_t depth;
	struct buf out;
	struct text_fault *fault;
};

/* --------------------------------------------------------------- file --- */

static int
text_fail(const char *file, struct conf_errors *errors, const char *why)
{
	conf_errors_add(errors, file, 0, "cannot read it: %s", why);
	return -EINVAL;
}

int
text_read(const char *file, size_t max, char **ret, size_t *ret_len, struct conf_errors *errors)
{
	CLEANUP_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct buf b = BUF_INIT(0);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return text_fail(file, errors, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return text_fail(file, errors, "it is a directory");
	if (!S_ISREG(st.st_mode))
		return text_fail(file, errors, "it is not a regular file");

	do {
		char *room = buf_reserve(&b, 65536);

		if (room == NULL) {
			buf_done(&b);
			return -ENOMEM;
		}
		n = read(fd, room, 65536);
		if (n > 0)
			buf_commit(&b, (size_t)n);
	} while (n > 0 && buf_len(&b) <= max);

	if (n < 0 || buf_len(&b) > max) {
		const char *why = n < 0 ? strerror(errno) :
		    "the files are larger than 8 MiB together";

		buf_done(&b);
		return text_fail(file, errors, why);
	}
	*ret = buf_take(&b, ret_len);
	return 0;
}

/* ------------------------------------------------------------ cleaning --- */

static int
fault(struct cleaner *c, unsigned line, const char *why)
{
	c->fault->line = line;
	(void)snprintf(c->fault->why, sizeof(c->fault->why), "%s", why);
	return 1;
}

static int
fault_byte(struct cleaner *c)
{
	unsigned char b = (unsigned char)*c->p;

	c->fault->line = c->line;
	if (b == '\0')
		return fault(c, c->line, "a NUL byte; this is not a text file");
	if (b < 0x20 || b == 0x7f)
		(void)snprintf(c->fault->why, sizeof(c->fault->why),
		    "a control character (0x%02x)", b);
	else
		(void)snprintf(c->fault->why, sizeof(c->fault->why),
		    "'%c' must stand in quotes", b);
	return 1;
}

static bool
is_control(char byte)
{
	unsigned char b = (unsigned char)byte;

	return (b < 0x20 && b != '\n' && b != '\t') || b == 0x7f;
}

static bool
at(const struct cleaner *c, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(c->end - c->p) >= n && memcmp(c->p, s, n) == 0;
}

/* Copies n bytes, counting lines. */
static void
keep(struct cleaner *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c->p[i] == '\n')
			c->line++;
	}
	(void)buf_append(&c->out, c->p, n);
	c->p += n;
}

/* To the end of the line; the line feed stays. */
static void
skip_line(struct cleaner *c)
{
	const char *nl = memchr(c->p, '\n', (size_t)(c->end - c->p));

	c->p = nl != NULL ? nl : c->end;
}

static int
skip_comment(struct cleaner *c)
{
	unsigned start = c->line;

	for (c->p += 2; c->p < c->end; c->p++) {
		if (at(c, "*/")) {
			c->p += 2;
			(void)buf_append_char(&c->out, ' ');
			return 0;
		}
		if (*c->p == '\n') {
			c->line++;
			(void)buf_append_char(&c->out, '\n');
		}
	}
	return fault(c, start, "this comment is not closed");
}

/* An escape in double quotes that stands for NUL would cut the value short. */
static bool
is_nul_escape(const struct cleaner *c)
{
	size_t i = 1, room = (size_t)(c->end - c->p), digits = 0;
	bool hex = room > 1 && c->p[1] == 'x';

	if (hex)
		i++;
	for (; i < room && digits < (hex ? 2u : 3u) && c->p[i] == '0'; i++)
		digits++;
	if (digits == 0)
		return false;
	if (digits == (hex ? 2u : 3u) || i == room)
		return true;
	return hex ? strchr("123456789abcdefABCDEF", c->p[i]) == NULL :
		     c->p[i] < '0' || c->p[i] > '9';
}

static int
clean_string(struct cleaner *c)
{
	unsigned start = c->line;
	char quote = *c->p;

	keep(c, 1);
	while (c->p < c->end && *c->p != quote) {
		if (is_control(*c->p) && !at(c, "\r\n"))
			return fault_byte(c);
		if (*c->p == '\\' && quote == '"' && is_nul_escape(c))
			return fault(c, c->line, "a value cannot hold a NUL byte");
		if (at(c, "${")) {
			(void)buf_append_char(&c->out, '$');
			(void)buf_append_char(&c->out, SPLIT);
			c->p++;
		} else if (*c->p == '\\' && c->end - c->p > 1 && !is_control(c->p[1])) {
			keep(c, 2);
		} else if (at(c, "\r\n")) {
			c->p++;
		} else {
			keep(c, 1);
		}
	}
	if (c->p == c->end)
		return fault(c, start, "the string that starts here is not closed");
	keep(c, 1);
	c->last = TOKEN_STRING;
	return 0;
}

static bool
is_word(char b)
{
	return !is_control(b) && strchr(" \t\n#\"'={}()+,*|$", b) == NULL;
}

static int
clean_word(struct cleaner *c)
{
	while (c->p < c->end && is_word(*c->p))
		keep(c, 1);
	c->last = TOKEN_WORD;
	return 0;
}

static int
clean_open(struct cleaner *c)
{
	bool is_list = c->last == TOKEN_EQUALS;

	if (c->depth == MAX_DEPTH)
		return fault(c, c->line, "braces are nested too deeply");
	c->braces[c->depth++] = (struct brace){ c->line, is_list };
	keep(c, 1);
	if (!is_list)
		(void)buf_append_str(&c->out, " " TEXT_OPEN "=1 ");
	c->last = is_list ? TOKEN_OPEN : TOKEN_OTHER;
	return 0;
}

static int
clean_close(struct cleaner *c)
{
	if (c->depth == 0)
		return fault(c, c->line, "there is no '{' for this '}'");
	if (c->last == TOKEN_OPEN)
		return fault(c, c->line, "an empty list; leave the key out instead");
	c->depth--;
	if (!c->braces[c->depth].is_list)
		(void)buf_append_str(&c->out, " " TEXT_CLOSE "=1 ");
	keep(c, 1);
	c->last = TOKEN_OTHER;
	return 0;
}

static int
clean_equals(struct cleaner *c)
{
	if (c->last == TOKEN_STRING)
		return fault(c, c->line, "the name of a key is written without quotes");
	keep(c, 1);
	c->last = TOKEN_EQUALS;
	return 0;
}

static int
clean_token(struct cleaner *c)
{
	switch (*c->p) {
	case ' ':
	case '\t':
	case '\n':
		keep(c, 1);
		return 0;
	case '\r':
		if (!at(c, "\r\n"))
			return fault_byte(c);
		c->p++;
		return 0;
	case '#':
		skip_line(c);
		return 0;
	case '"':
	case '\'':
		return clean_string(c);
	case '{':
		return clean_open(c);
	case '}':
		return clean_close(c);
	case '=':
		return clean_equals(c);
	case '(':
	case ')':
	case ',':
		keep(c, 1);
		c->last = TOKEN_OTHER;
		return 0;
	default:
		break;
	}
	if (at(c, "//")) {
		skip_line(c);
		return 0;
	}
	if (at(c, "/*"))
		return skip_comment(c);
	return is_word(*c->p) ? clean_word(c) : fault_byte(c);
}

int
text_clean(const char *data, size_t len, char **ret_text, size_t *ret_len,
    struct text_fault *ret_fault)
{
	struct cleaner c = {
		.p = data, .end = data + len, .line = 1, .fault = ret_fault, .out = BUF_INIT(0),
	};
	int r = 0;

	while (c.p < c.end && r == 0)
		r = clean_token(&c);
	if (r == 0 && c.depth > 0)
		r = fault(&c, c.braces[c.depth - 1].line, "the '{' of this line is not closed");
	/* Never empty, and no line more than the file has. */
	(void)buf_append_char(&c.out, ' ');
	if (buf_failed(&c.out) || buf_text(&c.out) == NULL) {
		buf_done(&c.out);
		return -ENOMEM;
	}
	*ret_text = buf_take(&c.out, ret_len);
	return r;
}

void
text_restore(char *value)
{
	char *to = value;

	for (const char *p = value; *p != '\0'; p++) {
		if (*p == SPLIT && p > value && p[-1] == '$' && p[1] == '{')
			continue;
		*to++ = *p;
	}
	*to = '\0';
}
