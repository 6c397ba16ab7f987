/* SPDX-License-Identifier: ISC */
/*
 * Attacks of a worker on the process that has the private keys: whatever it asks, nothing
 * is signed but handshakes of a server, and the handshakes of other workers do not wait.
 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64url.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/pin.h"
#include "evil.h"
#include "ipc/signing.h"

#define ANSWER_MS 5000
#define AT_ONCE 32	/* questions on their way; a pipe has room for more */
#define QUESTIONS 5000

/* TLS 1.3: 64 blanks, this text with its NUL, a hash. */
static const char context[] = "TLS 1.3, server CertificateVerify";
#define HEAD (64 + sizeof(context))
#define HANDSHAKE (HEAD + 32)

static const uint16_t schemes[] = {
	SIGNING_RSA_PKCS1_SHA256, SIGNING_RSA_PKCS1_SHA384, SIGNING_RSA_PKCS1_SHA512,
	SIGNING_ECDSA_SHA256, SIGNING_ECDSA_SHA384, SIGNING_ECDSA_SHA512,
	SIGNING_RSA_PSS_SHA256, SIGNING_RSA_PSS_SHA384, SIGNING_RSA_PSS_SHA512, SIGNING_ED25519,
};

/* The answers to the questions of one attack. */
struct count {
	unsigned long asked, refused, signed_;
};

/* A question about a handshake, as an honest worker asks it. */
static struct signing_ask
handshake(const struct evil *e)
{
	static uint64_t id;
	struct signing_ask q = { .id = ++id, .scheme = SIGNING_ECDSA_SHA256, .len = HANDSHAKE };
	const char *pin = NULL;

	for (size_t i = 0; i < e->conf->n_listeners && pin == NULL; i++) {
		if (e->conf->listeners[i].tls)
			pin = e->conf->listeners[i].cert.pin;
	}
	if (pin == NULL ||
	    base64url_decode(slice_of(pin + PIN_PREFIX_LEN), q.key, sizeof(q.key)) < 0)
		abort();
	memset(q.bytes, ' ', 64);
	memcpy(q.bytes + 64, context, sizeof(context));
	arc4random_buf(q.bytes + HEAD, 32);
	return q;
}

/* Reads the answers that are there, or waits for one. False: none comes any more. */
static bool
hear(const struct evil *e, struct count *c, unsigned *open, int ms)
{
	struct signing_answer a;

	if (poll(&(struct pollfd){ .fd = e->keys_socket, .events = POLLIN }, 1, ms) <= 0)
		return false;
	while (*open > 0 && recv(e->keys_socket, &a, sizeof(a), MSG_DONTWAIT) == sizeof(a)) {
		c->refused += a.len == 0;
		c->signed_ += a.len != 0;
		(*open)--;
	}
	return true;
}

/* Asks as many questions as there are, and hears every answer. */
static void
ask_all(struct evil *e, struct count *c, unsigned n,
    void (*make)(const struct evil *e, struct signing_ask *q, unsigned i))
{
	unsigned open = 0;

	if (e->keys_pipe < 0)
		evil_say(e, "note FAULT: there is no link to the keys");
	for (unsigned i = 0; i < n && e->keys_pipe >= 0 && !e->is_over; i++) {
		struct signing_ask q = handshake(e);

		make(e, &q, i);
		if (write(e->keys_pipe, &q, sizeof(q)) != sizeof(q))
			break;
		c->asked++;
		open++;
		while (open >= AT_ONCE && hear(e, c, &open, ANSWER_MS))
			continue;
		if (i % 1024 == 0)
			evil_behave(e, 0);
	}
	while (open > 0 && hear(e, c, &open, ANSWER_MS))
		continue;
}

static void
report(const struct evil *e, const struct count *c, bool is_signed)
{
	bool is_right = c->refused + c->signed_ == c->asked && c->asked > 0 &&
	    (is_signed ? c->refused : c->signed_) == 0;

	evil_say(e, "note %s%lu questions, %lu signatures, %lu refused", is_right ? "" : "FAULT: ",
	    c->asked, c->signed_, c->refused);
}

static void
try(struct evil *e, unsigned n, void (*make)(const struct evil *e, struct signing_ask *q, unsigned i))
{
	struct count c = { 0 };

	ask_all(e, &c, n, make);
	report(e, &c, false);
}

/* ------------------------------------------------------------ questions --- */

static void
leave(const struct evil *e, struct signing_ask *q, unsigned i)
{
	(void)e;
	(void)q;
	(void)i;
}

/* Any bytes, of any length, for any scheme: what a login elsewhere or a mail would be. */
static void
make_any(const struct evil *e, struct signing_ask *q, unsigned i)
{
	(void)e;
	arc4random_buf(q->bytes, sizeof(q->bytes));
	q->scheme = schemes[i % ARRAY_LEN(schemes)];
	q->len = (uint16_t)(i % 8 == 0 ? arc4random() : arc4random_uniform(SIGNING_BYTES + 1));
}

/* One byte, or the length, or the scheme differs from a handshake. */
static void
make_nearly(const struct evil *e, struct signing_ask *q, unsigned i)
{
	(void)e;
	switch (i % 4) {
	case 0:
		q->bytes[arc4random_uniform(HEAD)] ^= (uint8_t)(1 + arc4random_uniform(255));
		return;
	case 1:
		do
			q->len = (uint16_t)arc4random_uniform(SIGNING_BYTES + 64);
		while (q->len == HANDSHAKE || q->len == HEAD + 48);
		return;
	case 2:
		do
			q->scheme = (uint16_t)(i % 8 == 2 ? arc4random() : schemes[arc4random_uniform(
			    ARRAY_LEN(schemes))]);
		while (q->scheme == SIGNING_ECDSA_SHA256 || q->scheme == SIGNING_ECDSA_SHA384 ||
		    q->scheme == SIGNING_ECDSA_SHA512);
		return;
	default:
		/* A client's signature would be a login at another server. */
		memcpy(q->bytes + 64, "TLS 1.3, client CertificateVerify", sizeof(context));
	}
}

/* TLS 1.2, at a listener that has no more than 1.3. */
static void
make_old(const struct evil *e, struct signing_ask *q, unsigned i)
{
	(void)e;
	(void)i;
	arc4random_buf(q->bytes, sizeof(q->bytes));
	memcpy(q->bytes + 64, "\x03\x00\x1d\x20", 4);	/* X25519, and its 32 bytes */
	q->len = 64 + 4 + 32;
}

/* The start of a certificate that is to be signed. */
static void
make_certificate(const struct evil *e, struct signing_ask *q, unsigned i)
{
	static const uint8_t begin[] = { 0x30, 0x81, 0xad, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x08 };

	(void)e;
	arc4random_buf(q->bytes, sizeof(q->bytes));
	memcpy(q->bytes, begin, sizeof(begin));
	q->len = (uint16_t)(SIGNING_BYTES - i % 100);
}

/* A key that there is not, by one bit or by all. */
static void
make_other_key(const struct evil *e, struct signing_ask *q, unsigned i)
{
	(void)e;
	if (i % 2 == 0)
		q->key[i / 2 % SIGNING_KEY] ^= (uint8_t)(1 << i / 64 % 8);
	else
		arc4random_buf(q->key, sizeof(q->key));
}

static void
handshakes_to_keys(struct evil *e)
{
	struct count c = { 0 };

	ask_all(e, &c, 100, leave);
	report(e, &c, true);
}

static void
any_to_keys(struct evil *e)
{
	try(e, QUESTIONS, make_any);
}

static void
million_to_keys(struct evil *e)
{
	try(e, 1000000, make_any);
}

static void
nearly_to_keys(struct evil *e)
{
	try(e, QUESTIONS, make_nearly);
}

static void
old_to_keys(struct evil *e)
{
	try(e, QUESTIONS, make_old);
}

static void
certificates_to_keys(struct evil *e)
{
	try(e, QUESTIONS, make_certificate);
}

static void
other_keys(struct evil *e)
{
	try(e, QUESTIONS, make_other_key);
}

/* -------------------------------------------------------------- no form --- */

static void
write_bad(struct evil *e, const void *data, size_t len)
{
	if (e->keys_pipe < 0)
		evil_say(e, "note FAULT: there is no link to the keys");
	evil_confess(e);
	(void)!write(e->keys_pipe, data, len);
	evil_behave(e, EVIL_WAIT_MS);
}

static void
half_to_keys(struct evil *e)
{
	struct signing_ask q = handshake(e);

	write_bad(e, &q, sizeof(q) / 2);
}

static void
byte_to_keys(struct evil *e)
{
	write_bad(e, "x", 1);
}

static void
longer_to_keys(struct evil *e)
{
	uint8_t bytes[sizeof(struct signing_ask) + 1] = { 0 };
	struct signing_ask q = handshake(e);

	memcpy(bytes, &q, sizeof(q));
	write_bad(e, bytes, sizeof(bytes));
}

static void
frame_to_keys(struct evil *e)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = e->generation + 1 };

	write_bad(e, &f, sizeof(f));
}

/* --------------------------------------------------------------- floods --- */

/* The attacker has real handshakes signed as fast as it can, beside which others have theirs. */
static void
flood(struct evil *e, bool reads)
{
	uint64_t due = clock_usec() + 1500 * USEC_PER_MSEC;
	struct count c = { 0 };
	unsigned open = 0;

	while (clock_usec() < due && e->keys_pipe >= 0 && !e->is_over) {
		struct signing_ask q = handshake(e);

		if (write(e->keys_pipe, &q, sizeof(q)) == sizeof(q)) {
			c.asked++;
			open++;
		} else if (!reads) {
			(void)poll(NULL, 0, 1);
		}
		if (reads)
			(void)hear(e, &c, &open, open >= AT_ONCE ? 10 : 0);
		if (c.asked % 64 == 0)
			evil_behave(e, 0);
	}
	evil_say(e, "note %lu questions, %lu heard", c.asked, c.signed_ + c.refused);
}

static void
flood_keys(struct evil *e)
{
	flood(e, true);
}

static void
flood_keys_unread(struct evil *e)
{
	flood(e, false);
}

/* Asks, and is gone before the answer. */
static void
deaf_to_keys(struct evil *e)
{
	for (int i = 0; i < AT_ONCE && e->keys_pipe >= 0; i++) {
		struct signing_ask q = handshake(e);

		(void)!write(e->keys_pipe, &q, sizeof(q));
	}
	(void)close(e->keys_socket);
	e->keys_socket = -1;
	evil_behave(e, 300);
	for (int i = 0; i < AT_ONCE && e->keys_pipe >= 0; i++) {
		struct signing_ask q = handshake(e);

		(void)!write(e->keys_pipe, &q, sizeof(q));
	}
}

/* The socket leads downwards only: what is sent up there reaches nobody. */
static void
socket_of_keys(struct evil *e)
{
	struct signing_ask q = handshake(e);
	struct frame f = { .type = FRAME_COMMIT, .generation = e->generation + 1 };
	int n = 0;

	for (int i = 0; i < 1000; i++) {
		n += send(e->keys_socket, &q, sizeof(q), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
		n += send(e->keys_socket, &f, sizeof(f), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
	}
	evil_say(e, "note %s%d messages were sent up", n == 0 ? "" : "FAULT: ", n);
}

const struct evil_attack evil_keys[] = {
	{ "handshakes_to_keys", handshakes_to_keys },
	{ "any_to_keys", any_to_keys },
	{ "million_to_keys", million_to_keys },
	{ "nearly_to_keys", nearly_to_keys },
	{ "old_to_keys", old_to_keys },
	{ "certificates_to_keys", certificates_to_keys },
	{ "other_keys", other_keys },
	{ "half_to_keys", half_to_keys },
	{ "byte_to_keys", byte_to_keys },
	{ "longer_to_keys", longer_to_keys },
	{ "frame_to_keys", frame_to_keys },
	{ "flood_keys", flood_keys },
	{ "flood_keys_unread", flood_keys_unread },
	{ "deaf_to_keys", deaf_to_keys },
	{ "socket_of_keys", socket_of_keys },
	{ 0 },
};
