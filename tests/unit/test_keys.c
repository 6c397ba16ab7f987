/* SPDX-License-Identifier: ISC */
/*
 * keys: the whole process, of which the test is the master and the workers: a reload
 * with another key, workers that are taken over, keys that are not the checked ones.
 */
#include "config.h"

#include "keys/keys.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/frame.h"
#include "tls-peer.h"
#include "unit.h"

static pid_t pid;
static int master;

/* A key in a file, as the loader finds it. */
struct pair {
	int fd;
	char pin[64];
	uint8_t name[SIGNING_KEY];
};

static struct pair one, two;

static void
make_pair(struct pair *p)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	FILE *f;

	p->fd = memfd_create("key", MFD_CLOEXEC);
	f = fdopen(dup(p->fd), "w");
	ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	(void)EVP_Digest(der, (size_t)len, p->name, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	(void)memcpy(p->pin, "sha256:", 7);
	(void)EVP_EncodeBlock((unsigned char *)p->pin + 7, p->name, SIGNING_KEY);
	for (char *c = p->pin; *c != '\0'; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	p->pin[strcspn(p->pin, "=")] = '\0';
	EVP_PKEY_free(key);
}

/* The next frame of the process that is not a sign of life. */
static struct frame
next(void)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	struct frame f;

	ck_assert_int_eq(poll(&p, 1, 20000), 1);
	ck_assert_int_eq(channel_receive_plain(master, &f), CHANNEL_OK);
	return f;
}

/* Offers a configuration with this key; its generation is prepared or refused. */
static struct frame
prepare(uint32_t generation, const struct pair *p, const char *pin)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = generation };
	char text[256];
	int fds[2];

	(void)snprintf(text, sizeof(text), "listen \"tls://127.0.0.1:7374\" { pin = \"%s\" }\n", pin);
	fds[0] = fd_sealed("conf", text, strlen(text));
	fds[1] = p->fd;
	ck_assert_int_eq(channel_send(master, &f, fds, 2), 0);
	(void)close(fds[0]);
	return next();
}

static void
commit(uint32_t generation)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = generation };

	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	f = next();
	ck_assert_uint_eq(f.type, FRAME_COMMITTED);
	ck_assert_uint_eq(f.generation, generation);
}

static void
load(uint32_t generation, const struct pair *p)
{
	struct frame f = prepare(generation, p, p->pin);

	ck_assert_uint_eq(f.type, FRAME_PREPARED);
	commit(generation);
}

/* Links a worker; returns its ends. */
static struct mail_ends
worker(uint16_t slot)
{
	struct frame f = { .type = FRAME_LINK, .slot = slot, .link = { .serial = 100u + slot } };
	struct mail_ends above, below;

	ck_assert_int_eq(mail_pair(&above, &below), 0);
	ck_assert_int_eq(channel_send(master, &f, (int[]){ above.socket, above.pipe }, 2), 0);
	(void)close(above.socket);
	(void)close(above.pipe);
	return below;
}

static void
worker_close(struct mail_ends w)
{
	(void)close(w.socket);
	(void)close(w.pipe);
}

static struct signing_ask
question(uint64_t id, const struct pair *p)
{
	struct signing_ask ask = { .id = id, .scheme = SIGNING_ECDSA_SHA256, .len = 98 + 32 };

	memcpy(ask.key, p->name, SIGNING_KEY);
	memset(ask.bytes, ' ', 64);
	memcpy(ask.bytes + 64, "TLS 1.3, server CertificateVerify", 34);
	return ask;
}

/* Asks and waits. The length of the signature; -1: the link is closed. */
static int
ask(struct mail_ends w, const struct signing_ask *q)
{
	struct pollfd p = { .fd = w.socket, .events = POLLIN };
	struct signing_answer a;
	ssize_t n;

	if (write(w.pipe, q, sizeof(*q)) != (ssize_t)sizeof(*q))
		return -1;
	ck_assert_int_eq(poll(&p, 1, 20000), 1);
	n = recv(w.socket, &a, sizeof(a), 0);
	if (n <= 0)
		return -1;
	ck_assert_int_eq(n, (ssize_t)sizeof(a));
	ck_assert_uint_eq(a.id, q->id);
	return a.len;
}

static void
setup(void)
{
	int fds[2], log[2];

	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	make_pair(&one);
	make_pair(&two);
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_pair(log), 0);
	pid = fork();
	if (pid == 0) {
		int theirs = fd_lift(fds[1], 50);

		(void)dup2(theirs, ROLE_CHANNEL_FD);
		(void)close_range(ROLE_CHANNEL_FD + 1, ~0U, 0);
		_exit(keys_main());
	}
	(void)close(fds[1]);
	channel_close_fds(log, 2);
	master = fds[0];
	ck_assert_uint_eq(next().type, FRAME_READY);
}

static void
teardown(void)
{
	struct frame f = { .type = FRAME_STOP, .id = 1 };
	int status;

	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(master);
	(void)close(one.fd);
	(void)close(two.fd);
}

START_TEST(signs_for_workers)
{
	struct mail_ends a, b;
	struct signing_ask q = question(7, &one);

	load(1, &one);
	a = worker(0);
	b = worker(31);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_gt(ask(a, &q), 60);
		ck_assert_int_gt(ask(b, &q), 60);
	}
	q = question(8, &two);
	ck_assert_int_eq(ask(a, &q), 0);
	worker_close(a);
	q = question(9, &one);
	ck_assert_int_gt(ask(b, &q), 60);
	worker_close(b);
}
END_TEST

START_TEST(another_key_after_a_reload)
{
	struct signing_ask old = question(1, &one), new = question(2, &two);
	struct mail_ends w;
	struct frame f;

	load(1, &one);
	w = worker(0);
	f = prepare(2, &two, two.pin);
	ck_assert_uint_eq(f.type, FRAME_PREPARED);
	/* Not in force yet. */
	ck_assert_int_eq(ask(w, &new), 0);
	ck_assert_int_gt(ask(w, &old), 60);
	commit(2);
	ck_assert_int_gt(ask(w, &new), 60);
	/* A handshake that has begun ends with the former key; that before it is forgotten. */
	ck_assert_int_gt(ask(w, &old), 60);
	load(3, &two);
	ck_assert_int_eq(ask(w, &old), 0);
	ck_assert_int_gt(ask(w, &new), 60);
	worker_close(w);
}
END_TEST

START_TEST(keys_that_do_not_fit)
{
	struct signing_ask q = question(1, &one);
	struct mail_ends w;
	struct frame f = prepare(1, &one, two.pin);

	ck_assert_uint_eq(f.type, FRAME_REFUSED);
	ck_assert_str_eq(f.text, "a private key has changed since it was checked");
	load(2, &one);
	w = worker(0);
	f = prepare(3, &two, one.pin);
	ck_assert_uint_eq(f.type, FRAME_REFUSED);
	ck_assert_int_gt(ask(w, &q), 60);
	/* The master gives up a configuration that keys has agreed to. */
	f = prepare(4, &two, two.pin);
	ck_assert_uint_eq(f.type, FRAME_PREPARED);
	f = (struct frame){ .type = FRAME_ABORT, .generation = 4 };
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_int_gt(ask(w, &q), 60);
	q = question(2, &two);
	ck_assert_int_eq(ask(w, &q), 0);
	worker_close(w);
}
END_TEST

/* A worker that is taken over: nothing but handshakes of the server is signed for it. */
START_TEST(forged_questions)
{
	struct mail_ends evil, honest;
	struct signing_ask good = question(1, &one), q;
	uint64_t seed = 1;

	load(1, &one);
	evil = worker(0);
	honest = worker(1);
	for (uint64_t i = 0; i < 20000; i++) {
		size_t at;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		at = (size_t)(seed >> 33) % 98;
		q = question(i, &one);
		switch (i % 5) {
		case 0:
			q.bytes[at] ^= (uint8_t)(1 + (seed >> 50) % 255);
			break;
		case 1:
			q.len = (uint16_t)(seed >> 40);
			if (q.len == 98 + 32 || q.len == 98 + 48)
				q.len++;
			break;
		case 2:
			q.scheme = (uint16_t)(seed >> 40);
			if ((q.scheme & 0xff) == 3)
				q.scheme++;
			break;
		case 3:
			q.key[at % SIGNING_KEY] ^= 1;
			break;
		default:
			for (size_t j = 0; j < sizeof(q.bytes); j++) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				q.bytes[j] = (uint8_t)(seed >> 33);
			}
		}
		ck_assert_msg(ask(evil, &q) == 0, "question %u", (unsigned)i);
	}
	ck_assert_int_gt(ask(honest, &good), 60);
	worker_close(evil);
	worker_close(honest);
}
END_TEST

START_TEST(a_flood_that_is_not_read)
{
	struct signing_ask q = question(1, &one);
	struct mail_ends evil, honest;
	int n = 0;

	load(1, &one);
	evil = worker(0);
	honest = worker(1);
	/* The answers to the evil worker are lost; the others are served meanwhile. */
	for (int i = 0; i < 20000; i++)
		n += write(evil.pipe, &q, sizeof(q)) > 0;
	ck_assert_int_gt(n, 100);
	ck_assert_int_gt(ask(honest, &q), 60);
	worker_close(evil);
	worker_close(honest);
}
END_TEST

START_TEST(bytes_that_are_no_question)
{
	struct signing_ask q = question(1, &one);
	struct mail_ends evil, honest;
	struct frame f;

	load(1, &one);
	evil = worker(5);
	honest = worker(1);
	ck_assert_int_eq(write(evil.pipe, &q, 10), 10);
	f = next();
	ck_assert_uint_eq(f.type, FRAME_FAULT);
	ck_assert_uint_eq(f.slot, 5);
	ck_assert_uint_eq(f.fault.serial, 105);
	ck_assert_int_eq(ask(evil, &q), -1);
	ck_assert_int_gt(ask(honest, &q), 60);
	/* The master closes the link of a worker that is dead. */
	f = (struct frame){ .type = FRAME_UNLINK, .slot = 1, .link = { .serial = 7 } };
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_int_gt(ask(honest, &q), 60);
	f.link.serial = 101;
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_int_eq(ask(honest, &q), -1);
	worker_close(evil);
	worker_close(honest);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, signs_for_workers);
	tcase_add_test(tc, another_key_after_a_reload);
	tcase_add_test(tc, keys_that_do_not_fit);
	tcase_add_test(tc, forged_questions);
	tcase_add_test(tc, a_flood_that_is_not_read);
	tcase_add_test(tc, bytes_that_are_no_question);
}

UNIT_MAIN("keys", add(tc))
