/* SPDX-License-Identifier: ISC */
/*
 * The request decoder against a second one, written from PROTOCOL.md in the
 * simplest way: it sees the whole input, keeps no state and is slow. Both
 * must find the same requests and end with the same verdict and text, for
 * every damage done to a set of valid inputs and for every way of cutting
 * them into pieces.
 *
 * The decoder always gets its bytes in a block of exactly their size, so
 * that a sanitizer sees any read beyond them.
 */
#include "config.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/request.h"

enum verdict { GO_ON, ENDS, AGAIN, BAD, FOREIGN };

/* The result of one side for an input. */
struct finding {
	struct buf requests;	/* "[word][word]\n" with lengths */
	enum verdict verdict;
	char error[64];
};

static void
finding_start(struct finding *f)
{
	buf_clear(&f->requests);
	ck_assert_ptr_nonnull(buf_reserve(&f->requests, 1));
	f->verdict = ENDS;
	f->error[0] = '\0';
}

static void
finding_word(struct finding *f, const char *data, size_t len)
{
	(void)buf_append_u64(&f->requests, len);
	(void)buf_append_char(&f->requests, ':');
	(void)buf_append(&f->requests, data, len);
}

static void
finding_end_request(struct finding *f)
{
	(void)buf_append_char(&f->requests, '\n');
}

static enum verdict
finding_bad(struct finding *f, const char *error)
{
	(void)strlcpy(f->error, error, sizeof(f->error));
	return BAD;
}

/* ------------------------------------------------------------ the model --- */

enum shape { SHAPE_PREFIX, SHAPE_WHOLE, SHAPE_BAD, SHAPE_LONG };

/*
 * Tells whether these k bytes are a header line, the beginning of one, or
 * neither.
 */
static enum shape
shape_of(const char *s, size_t k, char type)
{
	size_t sign = type == '*' && k > 1 && s[1] == '-';
	size_t digits = strspn(s + 1 + sign, "0123456789");
	size_t behind = 1 + sign + digits;
	const char *end = s + behind;

	if (digits > 1 && s[1 + sign] == '0')
		return SHAPE_BAD;
	if (behind > 31)
		return SHAPE_LONG;
	if (behind == k)
		return SHAPE_PREFIX;
	if (digits == 0 || *end != '\r')
		return SHAPE_BAD;
	if (behind == 31)
		return SHAPE_LONG;
	if (behind + 1 == k)
		return SHAPE_PREFIX;
	return end[1] == '\n' ? SHAPE_WHOLE : SHAPE_BAD;
}

/* Tries every beginning of d; the first one that is no prefix decides. */
static enum shape
header_find(const char *d, size_t n, char type, char text[static 40], size_t *ret_len)
{
	for (size_t k = 1; k <= n && k <= 34; k++) {
		enum shape s;

		memcpy(text, d, k);
		text[k] = '\0';
		s = shape_of(text, k, type);
		if (s != SHAPE_PREFIX) {
			*ret_len = k;
			return s;
		}
	}
	return SHAPE_PREFIX;
}

/* True if the number in text is at most max. Compares decimal texts. */
static bool
at_most(const char *text, uint64_t max)
{
	size_t n = strspn(text, "0123456789");
	char other[24];

	(void)snprintf(other, sizeof(other), "%llu", (unsigned long long)max);
	if (n != strlen(other))
		return n < strlen(other);
	return strncmp(text, other, n) <= 0;
}

static enum verdict
model_array(const char *d, size_t n, const struct request_limits *l,
    struct finding *f, size_t *ret_used)
{
	size_t at, count, words = 0;
	char text[40];

	switch (header_find(d, n, '*', text, &at)) {
	case SHAPE_PREFIX:
		return AGAIN;
	case SHAPE_BAD:
		return finding_bad(f, "invalid multibulk length");
	case SHAPE_LONG:
		return finding_bad(f, "too big mbulk count string");
	case SHAPE_WHOLE:
		break;
	}
	*ret_used = at;
	if (text[1] == '-') {
		if (text[2] == '0' || !at_most(text + 2, UINT64_C(1) << 63))
			return finding_bad(f, "invalid multibulk length");
		return GO_ON;
	}
	if (!at_most(text + 1, l->max_arguments))
		return finding_bad(f, "invalid multibulk length");
	count = strtoul(text + 1, NULL, 10);
	if (count == 0)
		return GO_ON;
	if (at + 22 * count > l->request_limit)
		return finding_bad(f, "invalid multibulk length");

	for (; words < count; words++) {
		size_t head, len;
		char got_text[64];
		unsigned char c;

		if (at == n)
			return AGAIN;
		c = (unsigned char)d[at];
		if (c != '$') {
			(void)snprintf(got_text, sizeof(got_text),
			    c < ' ' || c > '~' ? "expected '$', got '\\x%02x'" :
						 "expected '$', got '%c'", c);
			return finding_bad(f, got_text);
		}
		switch (header_find(d + at, n - at, '$', text, &head)) {
		case SHAPE_PREFIX:
			return AGAIN;
		case SHAPE_BAD:
			return finding_bad(f, "invalid bulk length");
		case SHAPE_LONG:
			return finding_bad(f, "too big bulk count string");
		case SHAPE_WHOLE:
			break;
		}
		if (!at_most(text + 1, l->argument_limit))
			return finding_bad(f, "invalid bulk length");
		len = strtoul(text + 1, NULL, 10);
		at += head;
		if (at + len + 2 + 6 * (count - words - 1) + 16 * count >
		    l->request_limit)
			return finding_bad(f, "invalid bulk length");
		if ((n - at > len && d[at + len] != '\r') ||
		    (n - at > len + 1 && d[at + len + 1] != '\n'))
			return finding_bad(f, "expected CRLF after bulk");
		if (n - at < len + 2)
			return AGAIN;
		finding_word(f, d + at, len);
		at += len + 2;
	}
	*ret_used = at;
	return GO_ON;
}

enum place { BETWEEN, PLAIN, DOUBLE, SINGLE, BEHIND_QUOTE };

/*
 * Reads one byte of "..." that a backslash stands for. Returns the number of
 * bytes used.
 */
static size_t
model_escape(const char *p, size_t n, char *ret)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	const char *known;
	char hex[3] = { 0 };

	if (n >= 3 && p[0] == 'x' && isxdigit((unsigned char)p[1]) &&
	    isxdigit((unsigned char)p[2])) {
		memcpy(hex, p + 1, 2);
		*ret = (char)strtol(hex, NULL, 16);
		return 3;
	}
	known = memchr(from, p[0], 5);
	*ret = known != NULL ? to[known - from] : p[0];
	return 1;
}

static enum verdict
model_split(const char *s, size_t n, const struct request_limits *l,
    struct finding *f, size_t *ret_words)
{
	static char word[REQUEST_INLINE_MAX];
	enum place place = BETWEEN;
	size_t len = 0, words = 0;

	/* Go one step beyond the last byte: the end counts as a blank. */
	for (size_t i = 0; i <= n; i++) {
		bool blank = i == n || s[i] == ' ' || s[i] == '\t';
		char c = i == n ? ' ' : s[i];

		if ((place == DOUBLE || place == SINGLE) && i == n)
			return finding_bad(f, "unbalanced quotes in request");
		if (place == BEHIND_QUOTE && !blank)
			return finding_bad(f, "unbalanced quotes in request");
		if ((place == BEHIND_QUOTE || place == PLAIN) && blank) {
			if (len > l->argument_limit)
				return finding_bad(f, "too big inline request");
			finding_word(f, word, len);
			words++;
			len = 0;
			place = BETWEEN;
			continue;
		}
		if (place == BETWEEN && blank)
			continue;
		if (place == BETWEEN) {
			if (words == l->max_arguments)
				return finding_bad(f, "too big inline request");
			place = PLAIN;
		}
		if (place == PLAIN && (c == '"' || c == '\'')) {
			place = c == '"' ? DOUBLE : SINGLE;
			continue;
		}
		if ((place == DOUBLE && c == '"') || (place == SINGLE && c == '\'')) {
			place = BEHIND_QUOTE;
			continue;
		}
		if (place == DOUBLE && c == '\\' && i + 1 < n)
			i += model_escape(s + i + 1, n - i - 1, &c);
		else if (place == SINGLE && c == '\\' && i + 1 < n && s[i + 1] == '\'')
			c = s[++i];
		word[len++] = c;
	}
	*ret_words = words;
	return GO_ON;
}

static bool
model_is_foreign(const char *s, size_t n)
{
	static char copy[REQUEST_INLINE_MAX + 1];
	char *word;

	if (n >= 9 && memcmp(s + n - 9, " HTTP/", 6) == 0 &&
	    isdigit((unsigned char)s[n - 3]) && s[n - 2] == '.' &&
	    isdigit((unsigned char)s[n - 1]))
		return true;
	if (n >= 4 && memcmp(s, "SSH-", 4) == 0)
		return true;
	if (n >= 6 && memcmp(s, "PROXY ", 6) == 0)
		return true;
	memcpy(copy, s, n);
	copy[n] = '\0';
	word = copy + strspn(copy, " \t");
	word[strcspn(word, " \t")] = '\0';
	return strcasecmp(word, "POST") == 0 ||
	    (word[0] != '\0' && word[strlen(word) - 1] == ':');
}

static enum verdict
model_inline(const char *d, size_t n, const struct request_limits *l,
    struct finding *f, size_t *ret_used)
{
	size_t max = l->request_limit < 65536 ? l->request_limit : 65536;
	size_t end = 0, len, words = 0;
	unsigned char first = (unsigned char)d[0];
	enum verdict v;

	if (first > '~')
		return FOREIGN;
	if (first == '\r' && n > 1 && d[1] != '\n')
		return FOREIGN;
	for (; end < n && end < max && d[end] != '\n'; end++) {
		if (iscntrl((unsigned char)d[end]) && d[end] != '\t' && d[end] != '\r')
			return FOREIGN;
	}
	if (end == max)
		return finding_bad(f, "too big inline request");
	if (end == n)
		return AGAIN;
	*ret_used = end + 1;
	len = end > 0 && d[end - 1] == '\r' ? end - 1 : end;
	if (len == 0)
		return GO_ON;
	if (model_is_foreign(d, len))
		return FOREIGN;
	if (!l->inline_allowed)
		return finding_bad(f, "inline requests are not allowed here");
	v = model_split(d, len, l, f, &words);
	if (v == GO_ON && end + 1 + 16 * words > l->request_limit && words > 0)
		v = finding_bad(f, "too big inline request");
	return v;
}

static void
model_run(const char *d, size_t n, const struct request_limits *l,
    struct finding *f)
{
	size_t at = 0, used = 0;

	finding_start(f);
	while (at < n) {
		size_t before = buf_len(&f->requests);
		enum verdict v = d[at] == '*' ?
		    model_array(d + at, n - at, l, f, &used) :
		    model_inline(d + at, n - at, l, f, &used);

		if (v != GO_ON) {
			/* Drop the words of the request that is not whole. */
			f->requests.end = f->requests.start + before;
			f->verdict = v;
			return;
		}
		if (buf_len(&f->requests) > before)
			finding_end_request(f);
		at += used;
	}
}

/* ---------------------------------------------------------- the decoder --- */

/*
 * Feeds the input in pieces of step bytes, the first piece of first bytes. Each
 * time the decoder sees a fresh block with the unused bytes.
 */
static void
decoder_run(const char *d, size_t n, size_t first, size_t step,
    const struct request_limits *l, struct request *r, struct finding *f)
{
	struct request_cursor cursor = { 0 };
	size_t at = 0, arrived = 0;

	finding_start(f);
	while (arrived < n) {
		size_t piece = arrived == 0 ? first : step;
		CLEANUP_FREE char *block = NULL;
		size_t start = at;

		arrived = piece < n - arrived ? arrived + piece : n;
		block = malloc(arrived - start);
		ck_assert_ptr_nonnull(block);
		memcpy(block, d + start, arrived - start);
		f->verdict = ENDS;
		while (at < arrived) {
			struct slice left = { block + (at - start), arrived - at };
			const char *error = NULL;
			size_t used = 0;
			int status;

			status = request_decode(left, l, &cursor, r, &used, &error);
			if (status == REQUEST_AGAIN) {
				f->verdict = AGAIN;
				break;
			}
			if (status == REQUEST_FOREIGN) {
				f->verdict = FOREIGN;
				return;
			}
			if (status == REQUEST_BAD) {
				f->verdict = finding_bad(f, error);
				return;
			}
			ck_assert(status == REQUEST_OK || status == REQUEST_EMPTY);
			ck_assert(used > 0 && used <= left.len);
			at += used;
			if (status == REQUEST_EMPTY)
				continue;
			for (size_t i = 0; i < r->argc; i++)
				finding_word(f, r->argv[i].data, r->argv[i].len);
			finding_end_request(f);
		}
	}
}

/* ----------------------------------------------------------- comparison --- */

static struct finding want, got;
static struct request request;
static size_t n_cases;

static void
show(const char *what, const char *d, size_t n)
{
	(void)fprintf(stderr, "%s (%zu bytes): ", what, n);
	for (size_t i = 0; i < n && i < 400; i++) {
		unsigned char c = (unsigned char)d[i];

		if (c >= ' ' && c <= '~' && c != '\\')
			(void)fputc(c, stderr);
		else
			(void)fprintf(stderr, "\\x%02x", c);
	}
	(void)fputc('\n', stderr);
}

static void
compare(const char *d, size_t n, size_t first, size_t step,
    const struct request_limits *l)
{
	n_cases++;
	decoder_run(d, n, first, step, l, &request, &got);
	if (want.verdict == got.verdict && strcmp(want.error, got.error) == 0 &&
	    slice_eq(buf_slice(&want.requests), buf_slice(&got.requests)))
		return;
	show("input", d, n);
	show("model", buf_data(&want.requests), buf_len(&want.requests));
	show("decoder", buf_data(&got.requests), buf_len(&got.requests));
	ck_abort_msg("pieces %zu,%zu: model %d '%s', decoder %d '%s'", first, step,
	    want.verdict, want.error, got.verdict, got.error);
}

/*
 * Checks the input whole, and in pieces of a size that changes from case to
 * case.
 */
static void
check_case(const char *d, size_t n, const struct request_limits *l)
{
	static const size_t steps[] = { 1, 2, 3, 7 };
	size_t step = steps[n_cases / 2 % ARRAY_LEN(steps)];

	model_run(d, n, l, &want);
	compare(d, n, n == 0 ? 1 : n, 1, l);
	compare(d, n, step, step, l);
}

/* ------------------------------------------------------------ the inputs --- */

#define MAX_INPUTS 400

static struct buf inputs[MAX_INPUTS];
static size_t n_inputs;

static struct buf *
input_new(void)
{
	ck_assert_uint_lt(n_inputs, MAX_INPUTS);
	inputs[n_inputs] = BUF_INIT(0);
	return &inputs[n_inputs++];
}

static void
input_add(const char *data, size_t n)
{
	(void)buf_append(input_new(), data, n);
}

static void
array_write(struct buf *b, const struct slice *argv, size_t argc)
{
	(void)buf_printf(b, "*%zu\r\n", argc);
	for (size_t i = 0; i < argc; i++) {
		(void)buf_printf(b, "$%zu\r\n", argv[i].len);
		(void)buf_append_slice(b, argv[i]);
		(void)buf_append_str(b, "\r\n");
	}
}

/* Lines that are valid inline; the same words as an array are inputs, too. */
static const char *const lines[] = {
	"PING", "ping", "PING hello", "ECHO x", "HELLO", "HELLO 2", "HELLO 3",
	"HELLO 3 AUTH u p", "HELLO 3 SETNAME me", "AUTH secret", "AUTH u secret",
	"QUIT", "RESET", "SELECT 0", "INFO", "INFO server", "CLIENT ID",
	"CLIENT INFO", "CLIENT LIST", "CLIENT SETNAME n", "CLIENT GETNAME",
	"CLIENT SETINFO LIB-NAME x", "CLIENT KILL ID 7", "CONFIG GET save",
	"CONFIG GET *", "COMMAND", "COMMAND COUNT", "COMMAND DOCS",
	"COMMAND INFO ping", "SLOWLOG GET", "SERVICES", "SERVICES disk-*",
	"DESCRIBE count", "WHOAMI", "WHY count", "CALL echo", "CALL echo a b c",
	"CALL --full echo hi", "CALL --stream tail", "CALL --timeout=500 slow",
	"CALL --id=T-1.x:2 pay", "CALL --meta=k:v env", "CALL --open count",
	"CALL --named df path=/", "CALL --stdin count text",
	"CALL --full --timeout=9 a b", "CANCEL 00000000deadbeef",
	"CANCEL my-token", "INPUT 00000000deadbeef abc", "INPUT 0123456789abcdef",
	"get / http/1.1", "GET / HTTP/1", "SSH", "PROXY", "xPOST a", "a:b c",
};

/* Lines with quotes, blanks and ends of line, for the inline form only. */
static const char *const quoted[] = {
	"ECHO \"a b\"\r\n", "ECHO 'a b'\n", "ECHO \"\"\r\n", "ECHO ''\r\n",
	"ECHO \"\\n\\r\\t\\b\\a\\\\\\\"\"\r\n", "ECHO \"\\x00\\x41\\xfF\"\r\n",
	"ECHO \"\\q\\x\\x4\\xzz\"\r\n", "ECHO 'it\\'s \\n \\\\ '\r\n",
	"ECHO a\"b c\"\r\n", "ECHO a'b c' d\r\n", "ECHO a\\b\\\r\n",
	"  PING  \t x \t \r\n", "\tPING\r\n", "PING \r\n", "PING\n", "\"PING\"\n",
	"'PI'\n", "ECHO \"a\tb\"\n", "ECHO a\rb\n", "ECHO \x80\xff\n",
	"ECHO \"'\" '\"'\n", "ECHO \"\\x2\" x\n", "\"\"\r\n", "   \r\n", "\t\n",
	"$4\r\n", "+OK\r\n", "{\"a\" :1}\r\n", "ECHO \"x\\x\"\n",
};

static const char *const sequences[] = {
	"\r\n", "\n", "\r\n\r\n\n", "*0\r\n", "*-1\r\n", "*-17\r\n",
	"*-9223372036854775808\r\n", "*0\r\n*1\r\n$4\r\nPING\r\n",
	"\r\n*1\r\n$4\r\nPING\r\n", "*-3\r\n\nPING\r\n",
	"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n",
	"PING\r\n*1\r\n$4\r\nPING\r\nPING\n", "PING\nPING\r\n\r\nPING\n",
	"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*1\r\n$0\r\n\r\n",
	"*3\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n",
};

static const struct request_limits small = {
	.max_arguments = 8,
	.argument_limit = 64,
	.request_limit = 330,
	.inline_allowed = true,
};
static const struct request_limits small_strict = {
	.max_arguments = 8,
	.argument_limit = 64,
	.request_limit = 330,
	.inline_allowed = false,
};
static const struct request_limits large = {
	.max_arguments = 1024,
	.argument_limit = 1u << 20,
	.request_limit = 4u << 20,
	.inline_allowed = true,
};

/* Fills in bytes that look like the protocol itself, and all others. */
static void
data_fill(char *p, size_t n, unsigned seed)
{
	static const char hostile[] = "\r\n$5\r\n*1\r\n\0\xff\x80-1\r";

	for (size_t i = 0; i < n; i++) {
		p[i] = seed % 2 == 0 ? hostile[i % (sizeof(hostile) - 1)] :
				       (char)(i * 37 + seed);
	}
}

static void
inputs_from_lines(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		CLEANUP_FREE char *copy = strdup(lines[i]);
		struct slice argv[8];
		size_t argc = 0;

		for (char *p = copy, *w; (w = strsep(&p, " ")) != NULL;)
			argv[argc++] = slice_of(w);
		array_write(input_new(), argv, argc);
		(void)buf_printf(input_new(), "%s%s", lines[i],
		    i % 3 == 0 ? "\n" : "\r\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(quoted); i++)
		input_add(quoted[i], strlen(quoted[i]));
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++)
		input_add(sequences[i], strlen(sequences[i]));
}

static void
inputs_of_sizes(void)
{
	static const size_t lengths[] = { 0, 1, 2, 3, 8, 9, 10, 11, 12, 31, 32,
		33, 62, 63, 64 };
	char data[64];

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (unsigned seed = 0; seed < 2; seed++) {
			struct slice argv[2] = { SLICE("ECHO"),
				{ data, lengths[i] } };

			data_fill(data, lengths[i], seed + (unsigned)i * 2);
			array_write(input_new(), argv, 2);
		}
	}
	/* Make as many words as are allowed, empty ones too. */
	for (size_t n = 1; n <= small.max_arguments; n++) {
		struct slice argv[8];
		struct buf *b;

		data_fill(data, sizeof(data), 1);
		for (size_t i = 0; i < n; i++)
			argv[i] = (struct slice){ data, i % 3 };
		array_write(input_new(), argv, n);
		b = input_new();
		for (size_t i = 0; i < n; i++)
			(void)buf_printf(b, "w%zu%c", i, i + 1 < n ? ' ' : '\n');
	}
}

/*
 * Writes a request of exactly size bytes with its charges: three words of data.
 */
static void
sized_write(struct buf *b, size_t size)
{
	char data[64] = { 0 };
	size_t fixed = 4 + 3 * 7 + 3 * 16, rest = size - fixed;
	struct slice argv[3];

	for (size_t i = 0; i < 3; i++) {
		argv[i] = (struct slice){ data, rest / (3 - i) };
		rest -= argv[i].len;
	}
	array_write(b, argv, 3);
}

static void
inputs_at_request_limit(void)
{
	struct buf *b;

	for (size_t size = 230; size <= 240; size++)
		sized_write(input_new(), size);
	/* Make an inline request of five words that fills request_limit. */
	b = input_new();
	for (size_t i = 0; i < 4; i++)
		(void)buf_printf(b, "%062zu ", i);
	(void)buf_append_char(b, '\n');
}

static void
setup(void)
{
	request_init(&request);
	want.requests = got.requests = BUF_INIT(0);
	n_inputs = 0;
	n_cases = 0;
	inputs_from_lines();
	inputs_of_sizes();
	inputs_at_request_limit();
}

static void
teardown(void)
{
	(void)fprintf(stderr, "%zu inputs, %zu comparisons\n", n_inputs, n_cases);
	for (size_t i = 0; i < n_inputs; i++)
		buf_done(&inputs[i]);
	buf_done(&want.requests);
	buf_done(&got.requests);
	request_done(&request);
}

/* ------------------------------------------------------------- the tests --- */

START_TEST(valid_inputs_are_valid)
{
	ck_assert_uint_ge(n_inputs, 200);
	for (size_t i = 0; i < n_inputs; i++) {
		model_run(buf_data(&inputs[i]), buf_len(&inputs[i]), &small, &want);
		if (want.verdict != ENDS)
			show(want.error, buf_data(&inputs[i]), buf_len(&inputs[i]));
		ck_assert_int_eq(want.verdict, ENDS);
		check_case(buf_data(&inputs[i]), buf_len(&inputs[i]), &small);
		check_case(buf_data(&inputs[i]), buf_len(&inputs[i]), &small_strict);
		check_case(buf_data(&inputs[i]), buf_len(&inputs[i]), &large);
	}
}
END_TEST

START_TEST(cut_anywhere)
{
	static const size_t steps[] = { 1, 2, 3, 7 };

	for (size_t i = 0; i < n_inputs; i++) {
		const char *d = buf_data(&inputs[i]);
		size_t n = buf_len(&inputs[i]);

		model_run(d, n, &small, &want);
		for (size_t k = 0; k < ARRAY_LEN(steps); k++)
			compare(d, n, steps[k], steps[k], &small);
		for (size_t k = 1; k < n; k++)
			compare(d, n, k, n, &small);
		for (size_t k = 0; k < n; k++)
			check_case(d, k, &small);
	}
}
END_TEST

/* Changes every byte in twelve ways, removes it, and doubles it. */
static void
damage(const struct buf *input, const struct request_limits *l)
{
	CLEANUP(buf_done) struct buf copy = BUF_INIT(0);
	size_t n = buf_len(input);
	char *d;

	(void)buf_append_slice(&copy, buf_slice(input));
	d = buf_reserve(&copy, 1);
	ck_assert_ptr_nonnull(d);
	d = copy.data;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)d[i];
		unsigned char others[12] = { 0x00, 0xff, (unsigned char)(c + 1),
			(unsigned char)(c - 1) };

		for (size_t bit = 0; bit < 8; bit++)
			others[4 + bit] = (unsigned char)(c ^ 1u << bit);
		for (size_t k = 0; k < ARRAY_LEN(others); k++) {
			d[i] = (char)others[k];
			check_case(d, n, l);
		}
		d[i] = (char)c;

		memmove(d + i + 1, d + i, n - i);
		check_case(d, n + 1, l);
		memmove(d + i, d + i + 1, n - i);
		memmove(d + i, d + i + 1, n - i - 1);
		check_case(d, n - 1, l);
		memcpy(d, buf_data(input), n);
	}
}

START_TEST(every_byte_damaged)
{
	for (size_t i = 0; i < n_inputs; i++)
		damage(&inputs[i], &small);
}
END_TEST

START_TEST(every_byte_damaged_without_inline)
{
	for (size_t i = 0; i < n_inputs; i += 3)
		damage(&inputs[i], &small_strict);
}
END_TEST

static const char *const numbers[] = {
	"-2", "-1", "0", "1", "7", "8", "9", "10", "63", "64", "65", "329", "330",
	"331", "1023", "1024", "1025", "32767", "32768", "32769", "65535",
	"65536", "1048575", "1048576", "1048577", "2147483647", "2147483648",
	"2147483649", "4294967295", "4294967296", "4294967297",
	"9223372036854775807", "9223372036854775808", "9223372036854775809",
	"-9223372036854775808", "-9223372036854775809", "18446744073709551615",
	"18446744073709551616", "18446744073709551617",
	"12345678901234567890123456789", "123456789012345678901234567890",
	"1234567890123456789012345678901", "-1234567890123456789012345678",
	"-12345678901234567890123456789", "", " 1", "1 ", "+1", "01", "00", "-0",
	"--1", "0x1", "1e3", "-", "1\r", "1\n", "\r", "\n",
};

/* Checks the input with the bytes from at to end replaced. */
static void
check_replaced(const struct buf *input, size_t at, size_t end,
    struct slice number, const struct request_limits *l)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const char *d = buf_data(input);

	(void)buf_append(&b, d, at);
	(void)buf_append_slice(&b, number);
	(void)buf_append(&b, d + end, buf_len(input) - end);
	check_case(buf_data(&b), buf_len(&b), l);
}

START_TEST(every_number_replaced)
{
	for (size_t i = 0; i < n_inputs; i++) {
		const char *d = buf_data(&inputs[i]);
		size_t n = buf_len(&inputs[i]);

		for (size_t at = 0; at + 1 < n; at++) {
			size_t end = at + 1, v;
			char near[2][24];

			if (d[at] != '*' && d[at] != '$')
				continue;
			while (end < n && isdigit((unsigned char)d[end]))
				end++;
			if (end == at + 1)
				continue;
			for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
				check_replaced(&inputs[i], at + 1, end,
				    slice_of(numbers[k]), &small);
				check_replaced(&inputs[i], at + 1, end,
				    slice_of(numbers[k]), &large);
			}
			check_replaced(&inputs[i], at + 1, end, SLICE("1\0"), &small);
			v = strtoul(d + at + 1, NULL, 10);
			(void)snprintf(near[0], sizeof(near[0]), "%zu", v + 1);
			(void)snprintf(near[1], sizeof(near[1]), "%zd", (ssize_t)v - 1);
			check_replaced(&inputs[i], at + 1, end, slice_of(near[0]), &small);
			check_replaced(&inputs[i], at + 1, end, slice_of(near[1]), &small);
		}
	}
}
END_TEST

/* Every count and length as text, near all the limits, in a bare header. */
START_TEST(headers_near_limits)
{
	char text[64];

	for (unsigned v = 0; v <= 70000; v += v < 1100 || v > 65500 ? 1 : 97) {
		(void)snprintf(text, sizeof(text), "*%u\r\n", v);
		check_case(text, strlen(text), v % 2 == 0 ? &small : &large);
		(void)snprintf(text, sizeof(text), "*1\r\n$%u\r\n", v);
		check_case(text, strlen(text), v % 2 == 0 ? &small : &large);
		(void)snprintf(text, sizeof(text), "*2\r\n$4\r\nECHO\r\n$%u\r\n", v);
		check_case(text, strlen(text), v % 2 == 0 ? &small : &large);
	}
	for (size_t digits = 1; digits <= 40; digits++) {
		for (size_t type = 0; type < 2; type++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(0);

			(void)buf_append_str(&b, type == 0 ? "*" : "*1\r\n$");
			for (size_t i = 0; i < digits; i++)
				(void)buf_append_char(&b, '1');
			check_case(buf_data(&b), buf_len(&b), &large);
			(void)buf_append_char(&b, '\r');
			check_case(buf_data(&b), buf_len(&b), &large);
			(void)buf_append_char(&b, '\n');
			check_case(buf_data(&b), buf_len(&b), &large);
		}
	}
}
END_TEST

/* Sizes of whole requests on both sides of request_limit. */
START_TEST(requests_near_limit)
{
	for (size_t limit = 225; limit <= 245; limit++) {
		struct request_limits l = small;

		l.request_limit = (uint32_t)limit;
		for (size_t i = 0; i < n_inputs; i++)
			check_case(buf_data(&inputs[i]), buf_len(&inputs[i]), &l);
	}
	for (uint32_t limit = 0; limit <= 130; limit++) {
		struct request_limits l = { 8, 64, limit, true };

		for (size_t i = 0; i < n_inputs; i += 2)
			check_case(buf_data(&inputs[i]), buf_len(&inputs[i]), &l);
	}
	for (uint32_t limit = 0; limit <= 12; limit++) {
		struct request_limits l = { limit, limit, 4096, true };

		for (size_t i = 0; i < n_inputs; i++)
			check_case(buf_data(&inputs[i]), buf_len(&inputs[i]), &l);
	}
}
END_TEST

/* Lines just below and above 64 KiB, ended in each way or not at all. */
START_TEST(lines_near_64k)
{
	static const char *const ends[] = { "", "\n", "\r\n", "\r", " \"\n" };

	for (size_t n = 65528; n <= 65540; n++) {
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			CLEANUP(buf_done) struct buf b = BUF_INIT(0);
			char *p = buf_reserve(&b, n);

			ck_assert_ptr_nonnull(p);
			memset(p, 'x', n);
			memcpy(p, "ECHO ", 5);
			buf_commit(&b, n);
			(void)buf_append_str(&b, ends[i]);
			model_run(buf_data(&b), buf_len(&b), &large, &want);
			compare(buf_data(&b), buf_len(&b), buf_len(&b), 1, &large);
			compare(buf_data(&b), buf_len(&b), 65500, 1, &large);
			compare(buf_data(&b), buf_len(&b), 1, 9973, &large);
		}
	}
}
END_TEST

/* Bytes that other protocols begin with, and bytes that only resemble them. */
START_TEST(foreign_beginnings)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.0\n",
		"GET / HTTP/1.\r\n", "GET / HTTP/1.1 \r\n", " HTTP/1.1\r\n",
		"HTTP/1.1\r\n", "x HTTP/1.x\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST x\r\n", "post\n", "  POST y\n", "POSTs\n", "Host: a\r\n", ":\n",
		"a: b\r\n", "a :\r\n", " a:\n", "\"a:\" b\n", "SSH-2.0-x\r\n",
		"ssh-\n", "SSH-\n", " SSH-\n", "PROXY TCP4 a b 1 2\r\n", "PROXY\r\n",
		"PROXYx a\r\n", "\r\n\r\n\xff\r\nQUIT\n", "\rx", "\r\r\n",
		"\x16\x03\x01\x02", "\x80\x2e\x01", "\x7f\n", "\x1b[A\n", "\x0bx\n",
		"0\x0c\x02\x01\x01", "PING\x01\n", "PING\n0\x84", "PING \x7f",
		"ECHO \xc3\xa4\tx\n", "PING\rx\n", "PING\r\r\n",
	};
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		buf_clear(&b);
		(void)buf_append_str(&b, texts[i]);
		damage(&b, &small);
		damage(&b, &small_strict);
		for (size_t k = 0; k <= buf_len(&b); k++)
			check_case(buf_data(&b), k, &small);
	}
	for (unsigned c = 0; c < 256; c++) {
		for (unsigned second = 0; second < 256; second++) {
			char two[3] = { (char)c, (char)second, '\n' };

			check_case(two, 3, &small);
		}
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		valid_inputs_are_valid, cut_anywhere, every_byte_damaged,
		every_byte_damaged_without_inline, every_number_replaced,
		headers_near_limits, requests_near_limit, lines_near_64k,
		foreign_beginnings,
	};
	Suite *s = suite_create("request model");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		TCase *tc = tcase_create(tests[i]->name);

		tcase_add_checked_fixture(tc, setup, teardown);
		tcase_set_timeout(tc, 300);
		tcase_add_test(tc, tests[i]);
		suite_add_tcase(s, tc);
	}
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
