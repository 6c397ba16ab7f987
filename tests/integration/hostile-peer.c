/* SPDX-License-Identifier: ISC */
/*
 * hostile-peer: connections to the server: many cases at once, or one step
 * after another.
 */
#include "config.h"

#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"

#define AT_ONCE 48

struct peer {
	int fd;
	struct peer_case c;
	struct expected expected;
	size_t sent;
	bool finished_sending;
	double since;
	struct buf got;
};

struct peer_totals peer_totals;

static struct peer peers[AT_ONCE];
static struct pollfd polled[AT_ONCE];
static size_t n_peers;

int
peer_connect(bool unix_socket)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)place.port) };
	struct sockaddr *sa = unix_socket ? (struct sockaddr *)&un : (struct sockaddr *)&in;
	socklen_t len = unix_socket ? sizeof(un) : sizeof(in);
	int one = 1, fd;

	(void)strlcpy(un.sun_path, place.unix_path, sizeof(un.sun_path));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (!unix_socket)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, sa, len) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* ---------------------------------------------------------------- cases --- */

static void
show(const char *what, struct slice s)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	(void)escape_json(&b, (struct slice){ s.data, s.len < 300 ? s.len : 300 });
	(void)printf("  %s: %.*s\n", what, (int)buf_len(&b), buf_data(&b));
}

static void
peer_wrong(const struct peer *p, const char *wrong)
{
	show("sent", buf_slice(&p->c.bytes));
	show("got", buf_slice(&p->got));
	for (size_t i = 0; i < p->expected.n; i++)
		show("wanted", (struct slice){ p->expected.list[i].text, p->expected.list[i].len });
	die("%s: %s", p->c.name, wrong);
}

static void
peer_end(struct peer *p, bool was_reset)
{
	bool cut = p->c.end == PEER_CLOSES || (was_reset && p->expected.is_foreign);
	double took = seconds() - p->since;
	unsigned ran = 0;
	const char *wrong;

	if (p->c.end == PEER_CLOSES)
		wrong = NULL;
	else if (was_reset && !p->expected.is_foreign)
		wrong = "the connection was reset";
	else
		wrong = expected_check(&p->expected, buf_slice(&p->got), cut, &ran);
	if (wrong != NULL)
		peer_wrong(p, wrong);
	if (took > peer_totals.longest)
		peer_totals.longest = took;
	peer_totals.n_over += took > 1;
	peer_totals.n++;
	peer_totals.must_run += ran;
	peer_totals.may_run += p->c.end == PEER_CLOSES ? p->expected.n_calls : ran;
	(void)close(p->fd);
	buf_done(&p->c.bytes);
	buf_done(&p->got);
	expected_done(&p->expected);
	*p = peers[--n_peers];
}

/* Receives. False: the connection has ended. */
static bool
peer_receive(struct peer *p)
{
	char data[1 << 16];
	ssize_t n = recv(p->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0) {
		(void)buf_append(&p->got, data, (size_t)n);
		return true;
	}
	if (n < 0 && errno == EAGAIN)
		return true;
	peer_end(p, n < 0);
	return false;
}

static bool
peer_write(struct peer *p)
{
	size_t left = buf_len(&p->c.bytes) - p->sent;
	size_t step = p->c.step == 0 || p->c.step > left ? left : p->c.step;
	ssize_t n = send(p->fd, buf_data(&p->c.bytes) + p->sent, step, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		/*
		 * The server has closed before it got all bytes: its answer
		 * shows whether it was right to.
		 */
		p->finished_sending = true;
		return true;
	}
	p->sent += n > 0 ? (size_t)n : 0;
	if (p->sent < buf_len(&p->c.bytes))
		return true;
	p->finished_sending = true;
	p->since = seconds();
	if (p->c.end == PEER_CLOSES) {
		peer_end(p, false);
		return false;
	}
	if (p->c.end == PEER_HALF_CLOSES)
		(void)shutdown(p->fd, SHUT_WR);
	return true;
}

static void
peers_turn(void)
{
	double now = seconds();

	for (size_t i = 0; i < n_peers; i++)
		polled[i] = (struct pollfd){ .fd = peers[i].fd,
			.events = (short)(POLLIN | (peers[i].finished_sending ? 0 : POLLOUT)) };
	if (poll(polled, n_peers, 1000) < 0)
		die("poll: %s", strerror(errno));
	/*
	 * From the end: a peer that ends is replaced by the last one, which has
	 * been handled.
	 */
	for (size_t i = n_peers; i-- > 0;) {
		if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
		    !peer_receive(&peers[i]))
			continue;
		if ((polled[i].revents & POLLOUT) != 0 && !peers[i].finished_sending &&
		    !peer_write(&peers[i]))
			continue;
		if (now - peers[i].since > place.patience)
			peer_wrong(&peers[i], "the server does not close");
	}
}

void
peer_run(struct peer_case *c)
{
	static bool unix_socket;
	struct peer *p;

	while (n_peers == AT_ONCE)
		peers_turn();
	p = &peers[n_peers];
	unix_socket = !unix_socket;
	*p = (struct peer){ .fd = peer_connect(unix_socket), .c = *c, .since = seconds() };
	if (p->fd < 0)
		die("%s: cannot connect: %s", c->name, strerror(errno));
	c->bytes = BUF_INIT(0);
	expected_find(&p->expected, buf_slice(&p->c.bytes));
	if (p->c.end == PEER_WAITS && !p->expected.is_error && !p->expected.is_foreign &&
	    !p->expected.is_over)
		p->c.end = PEER_HALF_CLOSES;
	n_peers++;
}

void
peer_finish(void)
{
	while (n_peers > 0)
		peers_turn();
}

/* ---------------------------------------------------- one after another --- */

void
peer_send(int fd, const void *data, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t sent = send(fd, (const char *)data + at, n - at, MSG_NOSIGNAL);

		if (sent < 0)
			die("cannot send: %s", strerror(errno));
		at += (size_t)sent;
	}
}

void
peer_say(int fd, const char *text)
{
	peer_send(fd, text, strlen(text));
}

const char *
peer_hear(int fd, size_t *ret_len)
{
	static struct buf got;
	double until = seconds() + place.patience;

	buf_clear(&got);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t len = value_length(buf_slice(&got));
		size_t more;
		char data[1 << 16];
		ssize_t n;

		if (len < 0)
			die("no RESP: %.*s", (int)buf_len(&got), buf_data(&got));
		if (len > 0) {
			*ret_len = (size_t)len;
			return buf_text(&got);
		}
		if (seconds() > until)
			die("no reply");
		if (poll(&p, 1, 100) <= 0)
			continue;
		n = recv(fd, data, sizeof(data), MSG_PEEK);
		if (n <= 0)
			return NULL;
		/* Take no bytes beyond this value. */
		for (more = 1; more <= (size_t)n; more++) {
			size_t before = buf_len(&got);

			if (more < (size_t)n && data[more - 1] != '\n')
				continue;
			(void)buf_append(&got, data, more);
			len = value_length(buf_slice(&got));
			got.end = before;
			if (len != 0)
				break;
		}
		more = more > (size_t)n ? (size_t)n : more;
		n = recv(fd, data, more, 0);
		if (n > 0)
			(void)buf_append(&got, data, (size_t)n);
	}
}

void
peer_hears(int fd, const char *begins)
{
	size_t len;
	const char *got = peer_hear(fd, &len);

	if (got == NULL || strncmp(got, begins, strlen(begins)) != 0)
		die("wanted %s, got %s", begins, got != NULL ? got : "the end");
}

/* --------------------------------------------------------------- server --- */

static char *
server_info(const char *section)
{
	char request[64];
	const char *got;
	size_t len;
	char *text;
	int fd = peer_connect(true);

	if (fd < 0)
		die("cannot connect: %s", strerror(errno));
	(void)snprintf(request, sizeof(request), "INFO %s\r\n", section);
	peer_say(fd, request);
	got = peer_hear(fd, &len);
	if (got == NULL || *got != '$')
		die("no INFO");
	text = strdup(got);
	(void)close(fd);
	return text;
}

long
server_number(const char *section, const char *key)
{
	char *text = server_info(section), *at = strstr(text, key);
	long n = at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);

	free(text);
	return n;
}

unsigned long
server_runs(void)
{
	char *text = server_info("commandstats"), *at = text;
	unsigned long sum = 0;

	while ((at = strstr(at, ":calls=")) != NULL) {
		at += strlen(":calls=");
		sum += strtoul(at, NULL, 10);
	}
	free(text);
	return sum;
}

void
server_settles(const char *section, const char *key, long value)
{
	double until = seconds() + 4 * place.patience;
	long n;

	while ((n = server_number(section, key)) != value) {
		if (seconds() > until)
			die("%s is %ld and should be %ld", key, n, value);
		(void)poll(NULL, 0, 10);
	}
}

void
server_lives(void)
{
	for (int unix_socket = 0; unix_socket < 2; unix_socket++) {
		int fd = peer_connect(unix_socket);

		if (fd < 0)
			die("the server is gone: %s", strerror(errno));
		peer_say(fd, "PING\r\nCALL echo alive\r\n");
		peer_hears(fd, "+PONG\r\n");
		peer_hears(fd, "$6\r\nalive\n\r\n");
		(void)close(fd);
	}
}

static long
sum_of_files(const char *file, const char *key, unsigned field)
{
	long sum = 0;

	for (size_t i = 0; i < place.n_workers; i++) {
		char path[64], text[4096], *at;
		FILE *f;
		size_t n;

		(void)snprintf(path, sizeof(path), "/proc/%d/%s", place.workers[i], file);
		f = fopen(path, "r");
		if (f == NULL)
			die("worker %d is gone", place.workers[i]);
		n = fread(text, 1, sizeof(text) - 1, f);
		text[n] = '\0';
		(void)fclose(f);
		at = strstr(text, key);
		if (at == NULL)
			die("no %s in %s", key, path);
		at += strlen(key);
		for (unsigned k = 0; k < field; k++)
			at = strchr(at, ' ') + 1;
		sum += strtol(at, NULL, 10);
	}
	return sum;
}

long
server_memory(void)
{
	return sum_of_files("status", "\nVmRSS:", 0);
}

/* The fields from the third on follow "PID (NAME) ". */
long
server_ticks(void)
{
	return sum_of_files("stat", ") ", 11) + sum_of_files("stat", ") ", 12);
}

long
server_switches(void)
{
	return sum_of_files("status", "\nvoluntary_ctxt_switches:", 0);
}
