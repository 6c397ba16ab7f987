/* SPDX-License-Identifier: ISC */
/*
 * hostile-bytes: phases about bytes: valid requests, cut, changed, with other
 * numbers, in pieces; other protocols; text that could be echoed.
 */
#include "config.h"

#include "hostile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Words are separated by one blank; sent as an array. */
static const char *const arrays[] = {
	"PING", "ping", "PING hello", "ECHO hi", "echo \r\n", "ECHO *1",
	"HELLO", "HELLO 2", "HELLO 3", "HELLO 4", "HELLO 3 SETNAME me", "HELLO 2 AUTH u p",
	"AUTH p", "AUTH u p", "SELECT 0", "SELECT 1", "RESET", "QUIT",
	"CLIENT ID", "CLIENT INFO", "CLIENT LIST", "CLIENT GETNAME", "CLIENT SETNAME x",
	"CLIENT SETINFO LIB-NAME lib", "CLIENT SETINFO LIB-VER 1", "CLIENT SETINFO X y",
	"CLIENT KILL ID 99999999999999", "CLIENT HELP", "CLIENT NONE", "CLIENT",
	"INFO", "INFO server", "INFO all x", "CONFIG GET save", "CONFIG GET *", "CONFIG SET a b",
	"COMMAND", "COMMAND COUNT", "COMMAND LIST", "COMMAND DOCS call", "COMMAND DOCS",
	"COMMAND INFO ping none", "COMMAND NONE",
	"SERVICES", "SERVICES e*", "SERVICES [a", "DESCRIBE echo", "DESCRIBE none",
	"WHOAMI", "WHY echo", "WHY none", "CANCEL token", "CANCEL 0123456789abcdef",
	"INPUT 0123456789abcdef", "INPUT 0123456789abcdef chunk", "GET key", "SET key value",
	"CALL", "CALL --none echo", "CALL --timeout=0 echo", "CALL --id= echo", "CALL none",
	"CALL --stream echo a", "CALL --stdin --open cat x", "CALL cat x y", "PING a b", "ECHO",
	"CALL --timeout=5000 echo hi", "CALL --full echo",
};

static const char *const lines[] = {
	"PING\r\n", "PING\n", "ECHO \"a b\"\r\n", "ECHO 'it\\'s'\r\n", "  ECHO  x  \r\n",
	"ECHO \"\\x41\\n\"\r\n", "\r\n", "\n\n\nPING\r\n", "call none \"\"\r\n", "*0\r\nPING\r\n",
	"*-1\r\nPING\r\n", "ECHO \"\"\r\n", "QUIT\r\nPING\r\n", "CALL echo inline\r\n",
};

#define N_REQUESTS (ARRAY_LEN(arrays) + ARRAY_LEN(lines))

static void
put_array(struct buf *b, const char *words)
{
	size_t n = 1;

	for (const char *p = words; *p != '\0'; p++)
		n += *p == ' ';
	(void)buf_printf(b, "*%zu\r\n", n);
	for (;;) {
		const char *end = strchrnul(words, ' ');

		(void)buf_printf(b, "$%td\r\n", end - words);
		(void)buf_append(b, words, (size_t)(end - words));
		(void)buf_append_str(b, "\r\n");
		if (*end == '\0')
			return;
		words = end + 1;
	}
}

static void
put_request(struct buf *b, size_t i)
{
	if (i < ARRAY_LEN(arrays))
		put_array(b, arrays[i]);
	else
		(void)buf_append_str(b, lines[i - ARRAY_LEN(arrays)]);
}

static struct buf
copy(const struct buf *from)
{
	struct buf b = BUF_INIT(0);

	(void)buf_append_slice(&b, buf_slice(from));
	return b;
}

static void
send_case(const char *name, struct buf bytes, size_t step, enum peer_end end)
{
	struct peer_case c = { .name = name, .bytes = bytes, .step = step, .end = end };

	peer_run(&c);
}

/*
 * Checks that only programs have run that the model knows of, and all of these.
 */
static void
check_runs(unsigned long before, const struct peer_totals *totals_before)
{
	unsigned long must = peer_totals.must_run - totals_before->must_run;
	unsigned long may = peer_totals.may_run - totals_before->may_run;
	double until = seconds() + place.patience;
	unsigned long ran;

	server_settles("stats", "calls_running:", 0);
	while ((ran = server_runs() - before) < must && seconds() < until)
		;
	if (ran < must || ran > may)
		die("%lu programs have run, at least %lu and at most %lu should", ran, must, may);
}

static void
each_request(void (*fn)(const struct buf *request))
{
	unsigned long runs = server_runs();
	struct peer_totals before = peer_totals;

	for (size_t i = 0; i < N_REQUESTS; i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(0);

		put_request(&b, i);
		fn(&b);
	}
	peer_finish();
	check_runs(runs, &before);
}

/* ---------------------------------------------------------------- valid --- */

static void
send_whole(const struct buf *request)
{
	send_case("a valid request", copy(request), 0, PEER_HALF_CLOSES);
	send_case("a valid request", copy(request), 0, PEER_HALF_CLOSES);
}

void
phase_valid(void)
{
	each_request(send_whole);
}

static void
send_truncated(const struct buf *request)
{
	for (size_t n = 0; n < buf_len(request); n++) {
		struct buf b = BUF_INIT(0);

		(void)buf_append(&b, buf_data(request), n);
		send_case("a truncated request", copy(&b), 0, PEER_HALF_CLOSES);
		send_case("a truncated request", b, 0, PEER_CLOSES);
	}
}

void
phase_truncated(void)
{
	each_request(send_truncated);
}

static void
send_changed(const struct buf *request)
{
	for (size_t i = 0; i < buf_len(request); i++) {
		unsigned char was = (unsigned char)request->data[i];
		unsigned char others[] = {
			0, 0xff, (unsigned char)(was + 1), (unsigned char)(was - 1),
			(unsigned char)(was ^ 1u << random_below(8)),
		};

		for (size_t k = 0; k < sizeof(others); k++) {
			struct buf b = copy(request);

			b.data[i] = (char)others[k];
			/* Requests behind an error must not be executed. */
			(void)buf_append_str(&b, "PING\r\n");
			send_case("a changed byte", b, 0, k % 2 == 0 ? PEER_WAITS : PEER_HALF_CLOSES);
		}
	}
}

void
phase_changed(void)
{
	each_request(send_changed);
}

/* -------------------------------------------------------------- numbers --- */

static void
send_numbers(const struct buf *request)
{
	static const char *const numbers[] = {
		"-2", "-1", "-0", "0", "1", "2", "3", "4", "5", "6", "7", "9", "10", "11",
		"1023", "1024", "1025", "32767", "32768", "65535", "65536", "1048575", "1048576",
		"1048577", "4194303", "4194304", "4194305", "2147483647", "2147483648",
		"2147483649", "4294967295", "4294967296", "4294967297", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"18446744073709551615", "18446744073709551616", "999999999999999999999999999999",
		"9999999999999999999999999999999999", "", " 1", "1 ", "+1", "01", "00", "0x1",
		"1e3", "1.0", "--1", "-", "\xd9\xa1",
	};
	const char *data = buf_data(request);
	size_t len = buf_len(request);

	if (*data != '*')
		return;
	for (size_t i = 0; i < len; i++) {
		size_t end = i + 1;

		if ((data[i] != '*' && data[i] != '$') || (i > 0 && data[i - 1] != '\n'))
			continue;
		while (data[end] != '\r')
			end++;
		for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
			struct buf b = BUF_INIT(0);

			(void)buf_append(&b, data, i + 1);
			(void)buf_append_str(&b, numbers[k]);
			(void)buf_append(&b, data + end, len - end);
			(void)buf_append_str(&b, "PING\r\n");
			send_case("another number", b, 0, k % 2 == 0 ? PEER_WAITS : PEER_HALF_CLOSES);
		}
	}
}

void
phase_numbers(void)
{
	long before = server_memory(), grown;

	each_request(send_numbers);
	grown = server_memory() - before;
	if (place.measures_memory && grown > 4096)
		die("the workers have grown by %ld KiB", grown);
	note("the workers have grown by %ld KiB", grown);
}

static void
send_pieces(const struct buf *request)
{
	static const size_t steps[] = { 1, 2, 3, 7 };

	for (size_t k = 0; k < ARRAY_LEN(steps); k++)
		send_case("a request in pieces", copy(request), steps[k], PEER_HALF_CLOSES);
}

void
phase_pieces(void)
{
	CLEANUP(buf_done) struct buf all = BUF_INIT(0);

	each_request(send_pieces);
	for (size_t i = 0; i < N_REQUESTS; i++) {
		if (i >= ARRAY_LEN(arrays) || strcmp(arrays[i], "QUIT") != 0)
			put_request(&all, i);
	}
	for (size_t step = 1; step < 8; step++)
		send_case("all requests in pieces", copy(&all), step, PEER_HALF_CLOSES);
	peer_finish();
}

/* -------------------------------------------------------------- foreign --- */

#define BYTES(s) { s, sizeof(s) - 1 }

static const struct slice openings[] = {
	BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\nCALL echo http\r\n"),
	BYTES("POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nCALL echo http\r\n"),
	BYTES("POST /\r\nCALL echo http\r\n"),
	BYTES("post /x\nCALL echo http\n"),
	BYTES("Host: x\r\nCALL echo http\r\n"),
	BYTES("PUT /a HTTP/1.1\r\n\r\nCALL echo http\r\n"),
	BYTES("OPTIONS * HTTP/1.1\r\n\r\nCALL echo http\r\n"),
	BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nCALL echo http\r\n"),
	BYTES("CONNECT x:1 HTTP/1.1\r\n\r\nCALL echo http\r\n"),
	BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\nCALL echo tls\r\n"),
	BYTES("\x16\x03\x03\x00\x05\r\nCALL echo tls\r\n"),
	BYTES("\x80\x2e\x01\x00\x02\nCALL echo ssl2\n"),
	BYTES("SSH-2.0-OpenSSH_9.2p1\r\nCALL echo ssh\r\n"),
	BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nCALL echo proxy\r\n"),
	BYTES("PROXY UNKNOWN\r\nCALL echo proxy\r\n"),
	BYTES("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\r\nCALL echo proxy\r\n"),
	BYTES("\x00\x00\x00\x2f\xff\x53\x4d\x42\nCALL echo smb\n"),
	BYTES("\x03\x00\x00\x13\x0e\xe0\nCALL echo rdp\n"),
	BYTES("\x04\x01\x00\x50\x7f\x00\x00\x01\x00\nCALL echo socks\n"),
	BYTES("\x05\x01\x00\nCALL echo socks\n"),
	BYTES("\xff\xfb\x1f\xff\xfb\x20\r\nCALL echo telnet\r\n"),
	BYTES("\xff\xfe" "C\0A\0L\0L\0 \0e\0c\0h\0o\0\n\0"),
	BYTES("\xfe\xff" "\0C\0A\0L\0L\0 \0e\0c\0h\0o\0\n"),
	BYTES("\xef\xbb\xbf" "CALL echo bom\r\n"),
	BYTES("C\0A\0L\0L\0 \0e\0c\0h\0o\0\n\0"),
	BYTES("\x00\x00\x00\x08\x04\xd2\x16\x2f\nCALL echo pg\n"),
	BYTES("\x0a" "5.7.1\x00\nx\x00"),
	BYTES("\x10\x1a\x00\x04MQTT\x04\x02\nCALL echo mqtt\n"),
	BYTES("AMQP\x00\x00\x09\x01"),
	BYTES("\x7f" "ELF\x02\x01\x01\nCALL echo elf\n"),
	BYTES("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"),
	BYTES("From: a\r\nCALL echo mail\r\n"),
	BYTES("User-Agent: x\r\n\r\n"),
	BYTES("\x1b]0;x\x07\nCALL echo escape\n"),
	BYTES("\rCALL echo cr\r\n"),
};

void
phase_foreign(void)
{
	unsigned long before = server_runs();

	for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
		for (int k = 0; k < 8; k++) {
			struct buf b = BUF_INIT(0);
			struct expected e;

			/*
			 * A reply of this connection must not reach the next
			 * connection.
			 */
			if (k >= 4)
				(void)buf_append_str(&b, "ECHO mine\r\n");
			(void)buf_append_slice(&b, openings[i]);
			expected_find(&e, buf_slice(&b));
			if (e.n_calls > 0)
				die("opening %zu is a request of ours", i);
			expected_done(&e);
			send_case("another protocol", b, k % 4 < 2 ? 0 : 1, PEER_WAITS);
		}
	}
	peer_finish();
	server_settles("stats", "calls_running:", 0);
	if (server_runs() != before)
		die("another protocol has run a program");
}

/* --------------------------------------------------------------- echoes --- */

#define ECHOES 2000

/* Bytes that break a line, a terminal, or a reader of RESP. */
static size_t
hostile_text(char text[static 64])
{
	static const struct slice parts[] = {
		BYTES("\r\n"), BYTES("\n"), BYTES("\r"), BYTES("\0"), BYTES("\x1b[2J"),
		BYTES("+OK\r\n"), BYTES("-ERR x\r\n"), BYTES("$5\r\nhello\r\n"), BYTES("*1\r\n"),
		BYTES(":1\r\n"), BYTES(">2\r\n"), BYTES("%"), BYTES("HTTP/1.1 200 OK\r\n\r\n"),
		BYTES("\xc3\x28"), BYTES("\xff\xfe"), BYTES("\xf4\x90\x80\x80"), BYTES("\xe2\x80\xae"),
		BYTES("%s%n"), BYTES("'"), BYTES("\""), BYTES("\\"), BYTES("`id`"), BYTES("\x7f"),
		BYTES("\x85"), BYTES("a"), BYTES("--"), BYTES("*"), BYTES("[a"), BYTES("  "),
	};
	size_t len = 0;

	for (uint32_t n = 1 + random_below(5); n > 0; n--) {
		struct slice s = parts[random_below(ARRAY_LEN(parts))];

		if (s.len > 64 - len)
			break;
		memcpy(text + len, s.data, s.len);
		len += s.len;
	}
	return len;
}

static void
put_echo(struct buf *b, int i)
{
	/*
	 * In these forms % is the hostile word. Nearly all give errors that
	 * quote it.
	 */
	static const char *const forms[] = {
		"%", "% %", "GET %", "CALL %", "CALL --% echo", "CALL --id=% echo",
		"CALL --meta=% echo", "CALL --meta=k:% none", "CALL --timeout=% echo", "CALL one %",
		"DESCRIBE %", "WHY %", "SERVICES %", "CANCEL %", "CLIENT %", "CLIENT SETNAME %",
		"CLIENT KILL ID %", "CLIENT SETINFO % %", "CONFIG % x", "COMMAND %", "INFO %",
		"HELLO %", "HELLO 3 SETNAME %", "AUTH %", "SELECT %", "INPUT % %", "ECHO %",
		"CALL echo %", "CALL complain %",
	};
	/* Forms that start a program come less often. */
	size_t n = i % 40 == 0 ? ARRAY_LEN(forms) : ARRAY_LEN(forms) - 2;
	const char *form = i % 40 == 0 ? forms[n - 1 - (size_t)(i / 40) % 2] :
	    forms[random_below((uint32_t)n)];
	char text[64];
	size_t words = 1, len = hostile_text(text);

	for (const char *p = form; *p != '\0'; p++)
		words += *p == ' ';
	(void)buf_printf(b, "*%zu\r\n", words);
	for (const char *end; words > 0; words--, form = end + 1) {
		const char *mark = memchr(form, '%', strcspn(form, " "));

		end = strchrnul(form, ' ');
		(void)buf_printf(b, "$%zu\r\n", (size_t)(end - form) + (mark ? len - 1 : 0));
		(void)buf_append(b, form, (size_t)((mark ? mark : end) - form));
		if (mark != NULL)
			(void)buf_append(b, text, len);
		(void)buf_append_str(b, "\r\n");
	}
}

void
phase_echoes(void)
{
	int fd = -1;

	for (int i = 0; i < ECHOES; i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(0);
		size_t len;

		if (i % 500 == 0) {
			if (fd >= 0)
				(void)close(fd);
			fd = peer_connect(i % 1000 == 0);
		}
		put_echo(&b, i);
		(void)buf_append_str(&b, "PING marker\r\n");
		peer_send(fd, buf_data(&b), buf_len(&b));
		if (peer_hear(fd, &len) == NULL)
			die("closed after %.*s", (int)buf_len(&b), buf_data(&b));
		peer_hears(fd, "$6\r\nmarker\r\n");
	}
	(void)close(fd);
	peer_totals.n += ECHOES / 500;
}
