/* SPDX-License-Identifier: ISC */
/*
 * tlsstream: handshakes with each kind of key, bytes that are no TLS, the signer that is
 * late or gone, and connections that end at each step while others shake hands. What
 * connections do over TLS is in test_stream.
 */
#include "config.h"

#include "net/tlsstream.h"

#include <openssl/err.h>

#include "base/clock.h"
#include "tls-peer.h"
#include "unit.h"

static struct loop loop;
static struct tls_desk desk;
static struct tlscontext *context;

static void
setup(void)
{
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	ck_assert_int_eq(loop_init(&loop), 0);
	tls_desk_init(&desk, &loop);
	ck_assert_int_eq(tls_desk_load(&desk), 0);
}

static void
begin(const char *kind, enum tls_minimum minimum)
{
	tls_peer_make_key(kind, minimum);
	tls_peer_start(&desk);
	context = tlscontext_new(&tls_listener, TLS_CLIENTS_NONE, NULL, NULL);
	ck_assert_ptr_nonnull(context);
}

static void
teardown(void)
{
	ck_assert_uint_eq(desk.n_opening, 0);
	ck_assert(TAILQ_EMPTY(&desk.opening));
	context = tlscontext_unref(context);
	tls_desk_done(&desk);
	tls_peer_done();
	loop_done(&loop);
}

/* A stream, and the socket of its client. */
static int
open_stream(struct stream *ret)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    pair), 0);
	*ret = (struct stream){ .io.fd = pair[0] };
	ck_assert_int_eq(tlsstream_put(ret, &desk, context,
	    &(struct tls_client){ 0 }), 0);
	return pair[1];
}

static void
close_stream(struct stream *s)
{
	s->ops->close(s);
	(void)close(s->io.fd);
}

static SSL *
client_of(int fd)
{
	SSL *ssl = SSL_new(tls_client);

	(void)SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* Receives; the shared buffers are empty afterwards, whatever has happened. */
static ssize_t
take(struct stream *s, char *bytes)
{
	ssize_t n;

	loop.turn++;
	n = s->ops->recv(s, bytes, TLS_READ);

	ck_assert_uint_eq(buf_len(&desk.out), 0);
	ck_assert_uint_eq(desk.in.len, 0);
	return n;
}

/* Goes on with a handshake on both sides, at most so many steps. True when it is done. */
static bool
shake(struct stream *s, SSL *ssl, int steps)
{
	static char bytes[TLS_READ];

	for (int i = 0; i < steps; i++) {
		(void)SSL_do_handshake(ssl);
		(void)take(s, bytes);
		if (SSL_is_init_finished(ssl) && !s->ops->opening(s))
			return true;
	}
	return false;
}

static const struct {
	const char *kind;
	enum tls_minimum minimum;
	int most;		/* the client's newest version */
} rows[] = {
	{ "EC", TLS_MINIMUM_1_3, TLS1_3_VERSION }, { "EC", TLS_MINIMUM_1_2, TLS1_2_VERSION },
	{ "RSA", TLS_MINIMUM_1_3, TLS1_3_VERSION }, { "RSA", TLS_MINIMUM_1_2, TLS1_2_VERSION },
	{ "ED25519", TLS_MINIMUM_1_3, TLS1_3_VERSION },
	{ "ED25519", TLS_MINIMUM_1_2, TLS1_2_VERSION },
};

START_TEST(each_kind_of_key)
{
	static char big[100000], bytes[TLS_READ];
	size_t sent = 0, got = 0, n;
	struct stream s;
	ssize_t r;
	SSL *ssl;
	int fd;

	begin(rows[_i].kind, rows[_i].minimum);
	(void)SSL_CTX_set_max_proto_version(tls_client, rows[_i].most);
	fd = open_stream(&s);
	ssl = client_of(fd);
	ck_assert(shake(&s, ssl, 10));
	ck_assert_int_eq(SSL_version(ssl), rows[_i].most);
	ck_assert_int_eq(SSL_write(ssl, "hello", 5), 5);
	ck_assert_int_eq(take(&s, bytes), 5);
	ck_assert_int_eq(memcmp(bytes, "hello", 5), 0);
	/* The socket does not take all: what was taken is sent later, and comes as it went. */
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 >> 3);
	while (got < sizeof(big)) {
		r = sent < sizeof(big) ? s.ops->send(&s, big + sent, sizeof(big) - sent) :
		    s.ops->flush(&s);
		ck_assert(r >= 0 || r == -EAGAIN);
		ck_assert_uint_eq(buf_len(&desk.out), 0);
		sent += r > 0 ? (size_t)r : 0;
		while (SSL_read_ex(ssl, bytes, sizeof(bytes), &n) == 1) {
			ck_assert_int_eq(memcmp(bytes, big + got, n), 0);
			got += n;
		}
	}
	ck_assert(!s.ops->unsent(&s));
	/* The word of TLS for the end, in both directions. */
	s.ops->shutdown(&s);
	ck_assert_int_eq(SSL_read(ssl, bytes, 1), 0);
	ck_assert_int_eq(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
	(void)SSL_shutdown(ssl);
	ck_assert_int_eq(take(&s, bytes), 0);
	ck_assert(s.ops->pending(&s));
	close_stream(&s);
	SSL_free(ssl);
	(void)close(fd);
}
END_TEST

START_TEST(an_older_version_is_refused)
{
	static char bytes[TLS_READ];
	struct stream s;
	ssize_t r;
	SSL *ssl;
	int fd;

	begin("EC", TLS_MINIMUM_1_3);
	(void)SSL_CTX_set_max_proto_version(tls_client, TLS1_2_VERSION);
	fd = open_stream(&s);
	ssl = client_of(fd);
	(void)SSL_do_handshake(ssl);
	r = take(&s, bytes);
	ck_assert_int_eq(r, -EPROTO);
	ck_assert_str_eq(s.why, "TLS handshake failed: unsupported protocol");
	/* The client hears the reason in an alert. */
	ck_assert_int_eq(SSL_do_handshake(ssl), -1);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
	close_stream(&s);
	SSL_free(ssl);
	(void)close(fd);
}
END_TEST

START_TEST(bytes_that_are_no_tls)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *why;
		bool is_told;
	} others[] = {
		{ "*1\r\n$4\r\nPING\r\n", 14, "it does not speak TLS", true },
		{ "PING\r\n", 6, "it does not speak TLS", true },
		{ "\0\1", 2, "it does not speak TLS", false },
		{ "\x16\x03\x01\xff\xff", 5, "a TLS record that is too long", false },
	};

	begin("EC", TLS_MINIMUM_1_3);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		char text[128] = "";
		static char bytes[TLS_READ];
		struct stream s;
		int fd = open_stream(&s);

		(void)send(fd, others[i].bytes, others[i].n, 0);
		ck_assert_int_eq(take(&s, bytes), -EPROTO);
		ck_assert_str_eq(s.why, others[i].why);
		(void)recv(fd, text, sizeof(text) - 1, 0);
		ck_assert_int_eq(strstr(text, "-ERR this port speaks TLS") != NULL, others[i].is_told);
		/* Nothing more is heard of it. */
		ck_assert_int_eq(take(&s, bytes), -EPROTO);
		close_stream(&s);
		(void)close(fd);
	}
}
END_TEST

/* A record that has begun costs the bytes that have come, and no SSL. */
START_TEST(a_hello_byte_by_byte)
{
	static char hello[4096], bytes[TLS_READ];
	struct stream s;
	ssize_t n;
	SSL *ssl;
	int fd, pair[2];

	begin("EC", TLS_MINIMUM_1_3);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	fd = open_stream(&s);
	ssl = client_of(pair[0]);
	(void)SSL_do_handshake(ssl);
	n = recv(pair[1], hello, sizeof(hello), 0);
	ck_assert_int_gt(n, 100);
	for (ssize_t i = 0; i < n; i++) {
		ck_assert_int_eq(send(fd, hello + i, 1, 0), 1);
		ck_assert_int_eq(take(&s, bytes), -EAGAIN);
		ck_assert_int_lt(recv(fd, bytes, 1, MSG_PEEK), i < n - 1 ? 0 : 2);
		ck_assert_uint_eq(stream_held(&s), i < n - 1 ? (size_t)i + 1 : 0);
	}
	ck_assert_int_gt(recv(fd, bytes, sizeof(bytes), 0), 100);
	close_stream(&s);
	SSL_free(ssl);
	(void)close(fd);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/*
 * Connections that end at each step of their handshake, while another one shakes hands:
 * its bytes are its own.
 */
START_TEST(ends_at_each_step)
{
	begin("EC", TLS_MINIMUM_1_3);
	for (int steps = 0; steps < 6; steps++) {
		for (int how = 0; how < 2; how++) {
			struct stream a, b;
			int x = open_stream(&a), y = open_stream(&b);
			SSL *one = client_of(x), *other = client_of(y);

			(void)shake(&a, one, steps);
			(void)shake(&b, other, steps / 2);
			if (how == 1)
				(void)close(x);
			/* The send fails, or the stream goes with its bytes unsent. */
			if (how == 1)
				(void)shake(&a, one, 1);
			close_stream(&a);
			ck_assert(shake(&b, other, 10));
			SSL_free(one);
			if (how == 0)
				(void)close(x);
			close_stream(&b);
			SSL_free(other);
			(void)close(y);
		}
	}
}
END_TEST

/* Handshakes that are all there at once are done in several turns. */
START_TEST(some_steps_in_a_turn)
{
	static char bytes[TLS_READ];
	struct stream s[12];
	int fd[12], n = 0;
	SSL *ssl[12];

	begin("EC", TLS_MINIMUM_1_3);
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		fd[i] = open_stream(&s[i]);
		ssl[i] = client_of(fd[i]);
		(void)SSL_do_handshake(ssl[i]);
	}
	loop.turn++;
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		ck_assert_int_eq(s[i].ops->recv(&s[i], bytes, TLS_READ), -EAGAIN);
		n += recv(fd[i], bytes, 1, MSG_PEEK) == 1;
	}
	ck_assert_int_eq(n, 8);
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		ck_assert(shake(&s[i], ssl[i], 10));
		close_stream(&s[i]);
		SSL_free(ssl[i]);
		(void)close(fd[i]);
	}
}
END_TEST

/* Records without a byte of a request: a client may not send them for ever. */
START_TEST(empty_records)
{
	static char bytes[TLS_READ];
	struct stream s;
	ssize_t r = -EAGAIN;
	SSL *ssl;
	int fd, n = 0;

	begin("EC", TLS_MINIMUM_1_3);
	fd = open_stream(&s);
	ssl = client_of(fd);
	ck_assert(shake(&s, ssl, 10));
	while (r == -EAGAIN && n < 100) {
		ck_assert_int_eq(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		(void)SSL_do_handshake(ssl);
		r = take(&s, bytes);
		n++;
	}
	ck_assert_int_eq(r, -EPROTO);
	ck_assert_int_gt(n, 16);
	ck_assert_int_lt(n, 64);
	close_stream(&s);
	SSL_free(ssl);
	(void)close(fd);
}
END_TEST

/* ---------------------------------------------------------------- keys --- */

static struct mail_ends keys;

/* A link whose other end is the test. */
static void
link_to_test(void)
{
	struct mail_ends below;

	ck_assert_int_eq(mail_pair(&keys, &below), 0);
	tlslink_attach(&desk.link, below);
}

static int
ask(void)
{
	static const uint8_t name[SIGNING_KEY], bytes[130];
	uint8_t signature[SIGNING_SIGNATURE];

	return tlslink_sign(&desk.link, name, SIGNING_ED25519, bytes, sizeof(bytes), signature);
}

START_TEST(a_signer_that_is_late)
{
	struct signing_ask question;
	struct signing_answer late = { .len = 64 };
	uint64_t began = clock_usec();

	link_to_test();
	ck_assert_int_eq(ask(), -ETIMEDOUT);
	ck_assert_uint_ge(clock_usec() - began, TLSLINK_PATIENCE_MS * USEC_PER_MSEC);
	/* No one waits again, and no one asks, before the late answer has come. */
	began = clock_usec();
	ck_assert_int_eq(ask(), -ETIMEDOUT);
	ck_assert_int_eq(ask(), -ETIMEDOUT);
	ck_assert_uint_lt(clock_usec() - began, TLSLINK_PATIENCE_MS * USEC_PER_MSEC / 2);
	ck_assert_int_eq(read(keys.pipe, &question, sizeof(question)), (ssize_t)sizeof(question));
	ck_assert_int_eq(read(keys.pipe, &question, 1), -1);
	late.id = question.id;
	(void)send(keys.socket, &late, sizeof(late), 0);
	/* The late answer is for nobody; the next question waits for its own. */
	began = clock_usec();
	ck_assert_int_eq(ask(), -ETIMEDOUT);
	ck_assert_uint_ge(clock_usec() - began, TLSLINK_PATIENCE_MS * USEC_PER_MSEC);
	(void)close(keys.socket);
	(void)close(keys.pipe);
}
END_TEST

START_TEST(a_signer_that_is_gone)
{
	ck_assert_int_eq(ask(), -EPIPE);
	link_to_test();
	ck_assert(tlslink_is_open(&desk.link));
	(void)close(keys.socket);
	(void)close(keys.pipe);
	ck_assert_int_eq(ask(), -EPIPE);
	ck_assert(!tlslink_is_open(&desk.link));
	/* Without a question the loop hears of it. */
	link_to_test();
	(void)close(keys.socket);
	(void)close(keys.pipe);
	ck_assert_int_eq(loop_turn(&loop), 0);
	ck_assert(!tlslink_is_open(&desk.link));
}
END_TEST

START_TEST(answers_that_are_wrong)
{
	static const struct {
		uint64_t id;
		uint16_t len;
		size_t size;
		int result;
	} answers[] = {
		{ 1, 0, sizeof(struct signing_answer), -EACCES },
		{ 1, SIGNING_SIGNATURE + 1, sizeof(struct signing_answer), -EACCES },
		{ 7, 64, sizeof(struct signing_answer), -ETIMEDOUT },
		{ 1, 64, 10, -EPIPE },
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct signing_answer a = { .id = answers[i].id, .len = answers[i].len };

		desk.link.last_id = 0;
		link_to_test();
		(void)send(keys.socket, &a, answers[i].size, 0);
		ck_assert_int_eq(ask(), answers[i].result);
		(void)close(keys.socket);
		(void)close(keys.pipe);
	}
}
END_TEST

START_TEST(contexts_that_stay)
{
	struct tlscontext *same, *other;

	begin("EC", TLS_MINIMUM_1_3);
	same = tlscontext_new(&tls_listener, TLS_CLIENTS_NONE, NULL, context);
	ck_assert_ptr_eq(same, context);
	(void)tlscontext_unref(same);
	tls_listener.minimum = TLS_MINIMUM_1_2;
	other = tlscontext_new(&tls_listener, TLS_CLIENTS_NONE, NULL, context);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_ne(other, context);
	(void)tlscontext_unref(other);
	tls_chain[0][20] = '!';
	ck_assert_ptr_null(tlscontext_new(&tls_listener, TLS_CLIENTS_NONE, NULL, NULL));
	tls_listener.cert.chain = NULL;
	ck_assert_ptr_null(tlscontext_new(&tls_listener, TLS_CLIENTS_NONE, NULL, context));
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_kind_of_key, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, an_older_version_is_refused);
	tcase_add_test(tc, bytes_that_are_no_tls);
	tcase_add_test(tc, a_hello_byte_by_byte);
	tcase_add_test(tc, ends_at_each_step);
	tcase_add_test(tc, some_steps_in_a_turn);
	tcase_add_test(tc, empty_records);
	tcase_add_test(tc, a_signer_that_is_late);
	tcase_add_test(tc, a_signer_that_is_gone);
	tcase_add_test(tc, answers_that_are_wrong);
	tcase_add_test(tc, contexts_that_stay);
}

UNIT_MAIN("tlsstream", add(tc))
