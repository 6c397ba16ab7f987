/* SPDX-License-Identifier: ISC */
/*
 * auth: the whole process, of which the test is the master and the workers: who gets in,
 * floods, reloads, workers that are taken over.
 */
#include "config.h"

#include "auth/auth.h"

#include <crypt.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "auth/lanes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/frame.h"
#include "ipc/mail.h"
#include "ipc/password.h"
#include "unit.h"

/* Cheap hashes, as checks shall not take the time of the test. */
#define WORK "$2b$04$"

#define MANY 4000

static pid_t pid;
static int master;
static char hash_of_sesame[128];

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

static const char rules[] =
    "listen \"unix:///run/x.sock\" {}\n"
    "credential \"00000000000000a1\" { login = \"alice\" kind = \"password\" }\n"
    "credential \"00000000000000a2\" { login = \"off\" kind = \"password\" off = yes }\n"
    "credential \"00000000000000a3\" { login = \"old\" kind = \"password\" expires = \"2020-01-31\" }\n"
    "credential \"00000000000000a4\" { login = \"near\" kind = \"password\" from = {\"10.0.0.0/8\", \"2001:db8::/32\"} }\n"
    "credential \"00000000000000a5\" { login = \"ci\" kind = \"token\" "
    "hash = \"0123456789012345678901234567890123456789012\" }\n";

/* Offers these rules, with hashes of "sesame" for all that have passwords. */
static struct frame
prepare_text(uint32_t generation, const char *more, const char *hashes)
{
	struct frame f = { .type = FRAME_PREPARE, .generation = generation };
	char text[2048];
	int fds[2];

	(void)snprintf(text, sizeof(text), "%s%s", more, rules);
	fds[0] = fd_sealed("conf", text, strlen(text));
	fds[1] = fd_sealed("hashes", hashes, strlen(hashes));
	ck_assert_int_eq(channel_send(master, &f, fds, 2), 0);
	channel_close_fds(fds, 2);
	return next();
}

static void
load(uint32_t generation, const char *more)
{
	struct frame f = { .type = FRAME_COMMIT, .generation = generation }, answer;
	char hashes[1024] = "";

	for (unsigned i = 1; i <= 4; i++) {
		size_t n = strlen(hashes);

		(void)snprintf(hashes + n, sizeof(hashes) - n, "00000000000000a%u 100%u %s\n", i, i,
		    hash_of_sesame);
	}
	answer = prepare_text(generation, more, hashes);
	ck_assert_msg(answer.type == FRAME_PREPARED, "%.104s", answer.text);
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_uint_eq(next().type, FRAME_COMMITTED);
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

static struct password_ask
question(const char *login, const char *secret)
{
	static uint64_t id;
	struct password_ask q = { .id = ++id, .place = PASSWORD_FROM_IPV4,
		.secret_len = (uint16_t)strlen(secret), .login_len = (uint8_t)strlen(login) };

	/* Each question has a source of its own, unless the test says otherwise. */
	memcpy(q.address, (uint8_t[]){ 10, 0, (uint8_t)(id >> 8), (uint8_t)id }, 4);
	memcpy(q.login, login, q.login_len);
	memcpy(q.secret, secret, q.secret_len);
	return q;
}

static void
post(struct mail_ends w, const struct password_ask *q)
{
	ck_assert_int_eq(write(w.pipe, q, sizeof(*q)), (ssize_t)sizeof(*q));
}

static struct password_answer
receive(struct mail_ends w)
{
	struct pollfd p = { .fd = w.socket, .events = POLLIN };
	struct password_answer a;

	ck_assert_int_eq(poll(&p, 1, 20000), 1);
	ck_assert_int_eq(recv(w.socket, &a, sizeof(a), 0), (ssize_t)sizeof(a));
	return a;
}

static struct password_answer
ask(struct mail_ends w, const struct password_ask *q)
{
	struct password_answer a;

	post(w, q);
	a = receive(w);
	ck_assert_uint_eq(a.id, q->id);
	return a;
}

static enum password_verdict
verdict(struct mail_ends w, const char *login, const char *secret)
{
	struct password_ask q = question(login, secret);

	return ask(w, &q).verdict;
}

static void
setup(void)
{
	static struct crypt_data data;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int fds[2];

	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	ck_assert(crypt_gensalt_rn(WORK, 4, NULL, 0, setting, sizeof(setting)) != NULL);
	ck_assert_ptr_nonnull(crypt_rn("sesame", setting, &data, sizeof(data)));
	(void)strlcpy(hash_of_sesame, data.output, sizeof(hash_of_sesame));
	ck_assert_int_eq(channel_pair(fds), 0);
	pid = fork();
	if (pid == 0) {
		int theirs = fd_lift(fds[1], 50);

		(void)dup2(theirs, ROLE_CHANNEL_FD);
		(void)close_range(ROLE_CHANNEL_FD + 1, ~0U, 0);
		_exit(auth_main());
	}
	(void)close(fds[1]);
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
}

START_TEST(verdicts)
{
	static const struct {
		const char *login, *secret;
		enum password_verdict verdict;
	} table[] = {
		{ "alice", "sesame", PASSWORD_RIGHT },
		{ "alice", "Sesame", PASSWORD_WRONG },
		{ "alice", "sesam", PASSWORD_WRONG },
		{ "alic", "sesame", PASSWORD_UNKNOWN },
		{ "alice2", "sesame", PASSWORD_UNKNOWN },
		{ "ci", "sesame", PASSWORD_UNKNOWN },
		{ "off", "sesame", PASSWORD_OFF },
		{ "old", "sesame", PASSWORD_EXPIRED },
		{ "near", "sesame", PASSWORD_RIGHT },
		/* Several have a password, so no name stands for nobody. */
		{ "", "sesame", PASSWORD_UNKNOWN },
		{ "default", "sesame", PASSWORD_UNKNOWN },
		{ "?", "sesame", PASSWORD_UNKNOWN },
		{ "alice", "*0", PASSWORD_WRONG },
	};
	struct password_answer a;
	struct password_ask q;
	struct mail_ends w;

	load(1, "password-checks = 1000/s\n");
	w = worker(3);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		q = question(table[i].login, table[i].secret);
		a = ask(w, &q);
		ck_assert_msg(a.verdict == table[i].verdict, "%s: %u", table[i].login, a.verdict);
		ck_assert_int_eq(a.credential[0] != '\0', a.verdict == PASSWORD_RIGHT);
	}
	q = question("near", "sesame");
	q.address[0] = 11;
	ck_assert_uint_eq(ask(w, &q).verdict, PASSWORD_ELSEWHERE);
	q = question("near", "sesame");
	q.place = PASSWORD_FROM_UNIX;
	ck_assert_uint_eq(ask(w, &q).verdict, PASSWORD_ELSEWHERE);
	q = question("near", "sesame");
	q.place = PASSWORD_FROM_IPV6;
	memcpy(q.address, (uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8 }, 16);
	a = ask(w, &q);
	ck_assert_uint_eq(a.verdict, PASSWORD_RIGHT);
	ck_assert_str_eq(a.credential, "00000000000000a4");
	worker_close(w);
}
END_TEST

/* A secret as long as a question can have is a secret like any other. */
START_TEST(long_secret)
{
	struct password_ask q;
	struct mail_ends w;

	load(1, "password-checks = 1000/s\n");
	w = worker(0);
	q = question("alice", "");
	q.secret_len = PASSWORD_SECRET_MAX;
	memset(q.secret, 'x', sizeof(q.secret));
	ck_assert_uint_eq(ask(w, &q).verdict, PASSWORD_WRONG);
	worker_close(w);
}
END_TEST

static uint64_t
cpu_usec(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

/* A no about a login with a cheap hash takes no less time than the dearest hash. */
START_TEST(time_of_a_no)
{
	static const char *const logins[] = { "alice", "off", "nobody", "else" };
	struct frame f = { .type = FRAME_COMMIT, .generation = 1 };
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], hashes[512];
	static struct crypt_data data;
	const char *dear = NULL;
	uint64_t began, usec = UINT64_MAX;
	struct mail_ends w;

	ck_assert(crypt_gensalt_rn("$2b$", 10, NULL, 0, setting, sizeof(setting)) != NULL);
	/* In time of the processor: what others take of it makes a check only longer. */
	for (unsigned i = 0; i < 3; i++) {
		began = cpu_usec();
		dear = crypt_rn("other", setting, &data, sizeof(data));
		ck_assert_ptr_nonnull(dear);
		usec = cpu_usec() - began < usec ? cpu_usec() - began : usec;
	}
	(void)snprintf(hashes, sizeof(hashes), "00000000000000a1 1 %s\n00000000000000a2 1000 %s\n",
	    hash_of_sesame, dear);
	ck_assert_uint_eq(prepare_text(1, "password-checks = 1000/s\n", hashes).type, FRAME_PREPARED);
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_uint_eq(next().type, FRAME_COMMITTED);
	w = worker(0);
	for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
		began = clock_usec();
		ck_assert_uint_ne(verdict(w, logins[i], "guess"), PASSWORD_RIGHT);
		ck_assert_uint_ge(clock_usec() - began, usec / 2);
	}
	ck_assert_uint_eq(verdict(w, "alice", "sesame"), PASSWORD_RIGHT);
	worker_close(w);
}
END_TEST

START_TEST(penalties)
{
	struct password_ask q;
	struct password_answer a;
	struct mail_ends w;

	load(1, "password-checks = 1000/s\n");
	w = worker(0);
	for (unsigned i = 0; i < 3; i++) {
		q = question("alice", "guess");
		memcpy(q.address, (uint8_t[]){ 192, 0, 2, 1 }, 4);
		ck_assert_uint_eq(ask(w, &q).verdict, PASSWORD_WRONG);
	}
	/* Not even the right one is looked at. */
	q = question("alice", "sesame");
	memcpy(q.address, (uint8_t[]){ 192, 0, 2, 1 }, 4);
	a = ask(w, &q);
	ck_assert_uint_eq(a.verdict, PASSWORD_PENALTY);
	ck_assert_uint_le(a.retry_sec, 5);
	ck_assert_uint_ge(a.retry_sec, 1);
	/* The source waits, the login does not. */
	ck_assert_uint_eq(verdict(w, "alice", "sesame"), PASSWORD_RIGHT);
	/* IPv6: all of a /64 are one source. */
	for (unsigned i = 0; i < 4; i++) {
		q = question("alice", "guess");
		q.place = PASSWORD_FROM_IPV6;
		memcpy(q.address, (uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8 }, 16);
		q.address[15] = (uint8_t)i;
		ck_assert_uint_eq(ask(w, &q).verdict, i < 3 ? PASSWORD_WRONG : PASSWORD_PENALTY);
	}
	q.address[7] = 1;
	ck_assert_uint_eq(ask(w, &q).verdict, PASSWORD_WRONG);
	/* Unix peers are told apart by their account. */
	for (unsigned i = 0; i < 4; i++) {
		q = question("alice", "guess");
		q.place = PASSWORD_FROM_UNIX;
		q.uid = 1000;
		ck_assert_uint_eq(ask(w, &q).verdict, i < 3 ? PASSWORD_WRONG : PASSWORD_PENALTY);
	}
	q.uid = 1001;
	ck_assert_uint_eq(ask(w, &q).verdict, PASSWORD_WRONG);
	worker_close(w);
}
END_TEST

/* A flood: all get an answer, those who are known are served, the pace is kept. */
START_TEST(flood)
{
	unsigned n_busy = 0, n_wrong = 0, n_right = 0;
	struct mail_ends evil, honest;
	struct password_ask known;
	uint64_t began, took;

	load(1, "password-checks = 20/s\n");
	evil = worker(0);
	honest = worker(1);
	known = question("alice", "sesame");
	ck_assert_uint_eq(ask(honest, &known).verdict, PASSWORD_RIGHT);
	began = clock_usec();
	for (unsigned i = 0; i < 40; i++) {
		struct password_ask q = question("alice", "guess");

		post(evil, &q);
	}
	known.id += 1000000;
	post(honest, &known);
	ck_assert_uint_eq(receive(honest).verdict, PASSWORD_RIGHT);
	for (unsigned i = 0; i < 40; i++) {
		struct password_answer a = receive(evil);

		n_busy += a.verdict == PASSWORD_BUSY;
		n_wrong += a.verdict == PASSWORD_WRONG;
		n_right += a.verdict == PASSWORD_RIGHT;
		if (a.verdict == PASSWORD_BUSY)
			ck_assert_uint_ge(a.retry_sec, 1);
	}
	took = clock_usec() - began;
	ck_assert_uint_eq(n_right, 0);
	ck_assert_uint_ge(n_busy, 40 - LANES_QUEUE - 1);
	ck_assert_uint_ge(n_wrong, LANES_QUEUE - 2);
	/* One before each of them, and that of the one who is known. */
	ck_assert_uint_ge(took, (n_wrong - 1) * 50 * USEC_PER_MSEC);
	worker_close(evil);
	worker_close(honest);
}
END_TEST

/* A worker that asks much and reads late loses no answer: it would wait for it for ever. */
START_TEST(late_reader)
{
	static bool is_answered[MANY];
	struct mail_ends w;
	uint64_t first = 0;
	unsigned n_asked = 0, n_stuck = 0;

	load(1, "password-checks = 1000/s\n");
	w = worker(0);
	/* Until there is no room for any more. */
	while (n_asked < MANY && n_stuck < 20) {
		struct password_ask q = question("alice", "guess");

		first = first == 0 ? q.id : first;
		q.id = first + n_asked;
		memcpy(q.address, (uint8_t[]){ 192, 0, 2, 1 }, 4);
		if (write(w.pipe, &q, sizeof(q)) == (ssize_t)sizeof(q)) {
			n_asked++;
			n_stuck = 0;
		} else {
			n_stuck++;
			(void)usleep(10000);
		}
	}
	ck_assert_uint_gt(n_asked, 0);
	for (unsigned i = 0; i < n_asked; i++) {
		struct password_answer a = receive(w);

		ck_assert_uint_lt(a.id - first, n_asked);
		ck_assert(!is_answered[a.id - first]);
		is_answered[a.id - first] = true;
	}
	/* The others are read and answered as before. */
	ck_assert_uint_eq(verdict(w, "alice", "sesame"), PASSWORD_RIGHT);
	worker_close(w);
}
END_TEST

START_TEST(reloads)
{
	static const char gone[] =
	    "credential \"00000000000000b1\" { login = \"bob\" kind = \"password\" }\n";
	char hashes[256];
	struct mail_ends w;
	struct frame f;

	load(1, "password-checks = 1000/s\n");
	w = worker(0);
	ck_assert_uint_eq(verdict(w, "bob", "sesame"), PASSWORD_UNKNOWN);
	(void)snprintf(hashes, sizeof(hashes), "00000000000000b1 1 %s\n", hash_of_sesame);
	ck_assert_uint_eq(prepare_text(2, gone, hashes).type, FRAME_PREPARED);
	/* Not in force yet, and given up. */
	ck_assert_uint_eq(verdict(w, "bob", "sesame"), PASSWORD_UNKNOWN);
	f = (struct frame){ .type = FRAME_ABORT, .generation = 2 };
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_uint_eq(verdict(w, "alice", "sesame"), PASSWORD_RIGHT);
	ck_assert_uint_eq(prepare_text(3, gone, hashes).type, FRAME_PREPARED);
	f = (struct frame){ .type = FRAME_COMMIT, .generation = 3 };
	ck_assert_int_eq(channel_send(master, &f, NULL, 0), 0);
	ck_assert_uint_eq(next().type, FRAME_COMMITTED);
	ck_assert_uint_eq(verdict(w, "bob", "sesame"), PASSWORD_RIGHT);
	/* The rules know alice, the file has no hash of hers: nobody gets in. */
	ck_assert_uint_eq(verdict(w, "alice", "sesame"), PASSWORD_UNKNOWN);
	worker_close(w);
}
END_TEST

START_TEST(damaged_files)
{
	static const char *const files[] = { "", "\n", "a", "a b", "a b c", "00000000000000a1 1\n",
		"00000000000000a1 -1 x\n", "00000000000000a1 1 x\njunk\n" };

	for (uint32_t i = 0; i < ARRAY_LEN(files); i++) {
		struct frame f = prepare_text(i + 1, "", files[i]);

		ck_assert_msg(f.type == FRAME_REFUSED, "file %u", i);
		ck_assert(strstr(f.text, "sealed file of hashes") != NULL);
	}
	load(20, "");
}
END_TEST

/* A worker that is taken over: it is found out, and the others are served. */
START_TEST(forged_questions)
{
	static const struct {
		size_t at;
		uint8_t byte;
		size_t len;	/* 0: all of it */
	} table[] = {
		{ 0, 0, 1 }, { 0, 0, sizeof(struct password_ask) - 1 },
		{ offsetof(struct password_ask, login_len), CREDENTIAL_LOGIN_MAX + 1, 0 },
		{ offsetof(struct password_ask, login_len), 255, 0 },
		{ offsetof(struct password_ask, secret_len) + 1, 0x80, 0 },
		{ offsetof(struct password_ask, secret_len), 0, 0 },
		{ offsetof(struct password_ask, place), PASSWORD_FROM_N, 0 },
		{ offsetof(struct password_ask, place), 255, 0 },
		{ offsetof(struct password_ask, secret), 0, 0 },
	};
	struct mail_ends honest;

	load(1, "password-checks = 1000/s\n");
	honest = worker(1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct mail_ends evil = worker(5);
		struct password_ask q = question("alice", "sesame");
		struct pollfd p = { .fd = evil.socket, .events = POLLIN };
		struct password_answer a;
		struct frame f;

		((uint8_t *)&q)[table[i].at] = table[i].byte;
		ck_assert_int_gt(write(evil.pipe, &q, table[i].len != 0 ? table[i].len : sizeof(q)),
		    0);
		f = next();
		ck_assert_uint_eq(f.type, FRAME_FAULT);
		ck_assert_uint_eq(f.slot, 5);
		ck_assert_uint_eq(f.fault.serial, 105);
		ck_assert_int_eq(poll(&p, 1, 20000), 1);
		ck_assert_int_eq(recv(evil.socket, &a, sizeof(a), 0), 0);
		ck_assert_uint_eq(verdict(honest, "alice", "sesame"), PASSWORD_RIGHT);
		worker_close(evil);
	}
	worker_close(honest);
}
END_TEST

/* The answer to a worker that is dead must not reach the one that follows it. */
START_TEST(another_worker)
{
	struct password_ask q = question("alice", "sesame");
	struct mail_ends first, second;
	struct frame f = { .type = FRAME_LINK, .slot = 0, .link = { .serial = 999 } };
	struct mail_ends above;

	load(1, "password-checks = 1/s\n");
	first = worker(0);
	post(first, &q);
	ck_assert_uint_eq(receive(first).verdict, PASSWORD_RIGHT);
	q.id++;
	post(first, &q);
	ck_assert_int_eq(mail_pair(&above, &second), 0);
	ck_assert_int_eq(channel_send(master, &f, (int[]){ above.socket, above.pipe }, 2), 0);
	(void)close(above.socket);
	(void)close(above.pipe);
	q = question("alice", "guess");
	ck_assert_uint_eq(ask(second, &q).verdict, PASSWORD_WRONG);
	worker_close(first);
	worker_close(second);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, verdicts);
	tcase_add_test(tc, long_secret);
	tcase_add_test(tc, time_of_a_no);
	tcase_add_test(tc, penalties);
	tcase_add_test(tc, flood);
	tcase_add_test(tc, late_reader);
	tcase_add_test(tc, reloads);
	tcase_add_test(tc, damaged_files);
	tcase_add_test(tc, forged_questions);
	tcase_add_test(tc, another_worker);
}

UNIT_MAIN("auth", add(tc))
