/* SPDX-License-Identifier: ISC */
/*
 * The file of logins as a part of the configuration: who may have written it, what
 * is wrong in it, and what the canonical text says of it.
 */
#include "config.h"

#include "conf/logins.h"

#include <check.h>
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/access.h"

#define HASH "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq8w"
#define HASH2 "A83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq8w"

static char dir[64], conf_path[96], logins_path[96];

static void
write_text(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void
setup(void)
{
	char text[512];

	(void)snprintf(dir, sizeof(dir), "/tmp/reqd-logins-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(conf_path, sizeof(conf_path), "%s/reqd.conf", dir);
	(void)snprintf(logins_path, sizeof(logins_path), "%s/logins", dir);
	(void)snprintf(text, sizeof(text), "%slogins = \"logins\"\n"
	    "listen \"unix:///run/x.sock\" {}\n"
	    "role \"ops\" { login = {\"alice\", \"ci\"} }\n"
	    "role \"near\" { net = {\"unix\"} }\n"
	    "role \"both\" { all = {\"ops\", \"near\"} }\n"
	    "service \"deploy\" { command = {\"/bin/true\"} allow = {\"ops\"} }\n"
	    "service \"status\" { command = {\"/bin/true\"} allow = {\"ops\"} }\n",
	    geteuid() == 0 ? "user = \"daemon\"\n" : "");
	write_text(conf_path, text, 0644);
}

static void
teardown(void)
{
	(void)unlink(conf_path);
	if (unlink(logins_path) < 0)
		(void)rmdir(logins_path);
	(void)rmdir(dir);
}

/* Loads the configuration; NULL with the errors in ret. */
static struct conf *
load(char ret[static 1024])
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	FILE *f = fmemopen(ret, 1024, "w");

	ret[0] = '\0';
	(void)conf_load(conf_path, CONF_NO_PROGRAMS, &c, &errors);
	conf_errors_print(&errors, f);
	(void)fclose(f);
	conf_errors_done(&errors);
	return c;
}

static void
expect_error(const char *text, mode_t mode, const char *expected)
{
	char errors[1024];

	write_text(logins_path, text, mode);
	ck_assert_ptr_null(load(errors));
	ck_assert_msg(strstr(errors, expected) != NULL, "wanted: %s\ngot: %s", expected, errors);
	ck_assert_ptr_nonnull(strstr(errors, logins_path));
}

START_TEST(mistakes_have_their_line)
{
	expect_error("\n# x\nci:token$abc\n", 0600, "/logins:3: behind token$");
	expect_error("ci:token$" HASH "\nBad:token$" HASH2 "\n", 0600, "/logins:2: a login is");
	expect_error("ci:token$" HASH "\nal:token$" HASH "\n", 0600,
	    "the secret of 'ci' stands here again; it is that of 'al' on line 2");
	expect_error("ci:token$" HASH "\nci:token$" HASH "\n", 0600, "stands here again");
	expect_error("ci:token$" HASH ":services=deploi\n", 0600,
	    "/logins:1: unknown service 'deploi' in a credential of 'ci'; did you mean 'deploy'?");
	expect_error("ci:token$" HASH ":from=10.0.0.1/8\n", 0600,
	    "/logins:1: '10.0.0.1/8' is not a network");
	expect_error("alice:$y$j9T$abc$def\n", 0600, "/logins:1: the hash of the password is cut off");
}
END_TEST

/* A hash of "sesame", made with this setting. */
static const char *
hash_of(const char *prefix, unsigned long work)
{
	static char hashes[4][128];
	static unsigned n;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data = calloc(1, sizeof(*data));
	char *hash = hashes[n++ % 4];

	ck_assert_ptr_nonnull(crypt_gensalt_rn(prefix, work, NULL, 0, setting, sizeof(setting)));
	(void)strlcpy(hash, crypt_rn("sesame", setting, data, sizeof(*data)), sizeof(hashes[0]));
	free(data);
	return hash;
}

/* The hash goes into the sealed file, and into nothing else. */
START_TEST(passwords_are_set_apart)
{
	CLEANUP_FREE char *text = NULL;
	char errors[1024], lines[512], sealed[512], line[256];
	const char *alice = hash_of("$2b$", 4), *bob = hash_of("$y$", 1), *rest;
	struct conf_errors none = { 0 };
	const struct credential *cred;
	struct conf *c, *d = NULL;
	size_t len;

	(void)snprintf(lines, sizeof(lines), "ci:token$" HASH "\nalice:%s:label=typed\nbob:%s\n"
	    "alice:key$" HASH2 "\n", alice, bob);
	write_text(logins_path, lines, 0600);
	c = load(errors);
	ck_assert_msg(c != NULL, "%s", errors);
	ck_assert_uint_eq(c->n_credentials, 4);
	ck_assert_uint_eq(c->n_passwords, 2);
	text = conf_format(c);
	ck_assert_ptr_nonnull(strstr(text, "kind = password"));
	ck_assert_ptr_null(strstr(text, strrchr(alice, '$')));
	ck_assert_ptr_null(strstr(text, strrchr(bob, '$')));
	ck_assert_int_eq(conf_parse(text, strlen(text), 1, &d, &none), 0);
	ck_assert_int_eq(d->passwords_fd, -1);
	cred = conf_find_password(d, SLICE("alice"));
	ck_assert_ptr_nonnull(cred);
	ck_assert_str_eq(cred->label, "typed");
	ck_assert_ptr_null(cred->hash);
	ck_assert_ptr_null(conf_find_password(d, SLICE("ci")));
	ck_assert_ptr_null(conf_find_password(d, SLICE("alic")));
	ck_assert_ptr_null(conf_find_password(d, SLICE("alicea")));
	ck_assert_ptr_null(conf_find_password(d, SLICE("")));
	ck_assert_ptr_null(conf_find_password(d, SLICE("default")));
	ck_assert_ptr_null(conf_find_password(d, SLICE("alice\0")));
	ck_assert_int_eq(fd_map_sealed(c->passwords_fd, 512, &rest, &len), 0);
	(void)snprintf(sealed, sizeof(sealed), "%.*s", (int)len, rest);
	(void)snprintf(line, sizeof(line), " %s\n", alice);
	ck_assert_ptr_nonnull(strstr(sealed, line));
	ck_assert_int_eq(strncmp(sealed, cred->id, 16), 0);
	ck_assert_ptr_nonnull(strstr(sealed, bob));
	ck_assert_ptr_null(strstr(sealed, HASH));
	(void)munmap((void *)(uintptr_t)rest, len);
	(void)conf_unref(c);
	(void)conf_unref(d);
}
END_TEST

/* Clients that know no name are the one who has a password. */
START_TEST(a_password_alone_needs_no_name)
{
	char errors[1024], lines[512];
	const struct credential *cred;
	struct conf *c;

	(void)snprintf(lines, sizeof(lines), "ci:token$" HASH "\nalice:%s\n", hash_of("$2b$", 4));
	write_text(logins_path, lines, 0600);
	c = load(errors);
	ck_assert_msg(c != NULL, "%s", errors);
	cred = conf_find_password(c, SLICE("default"));
	ck_assert_ptr_nonnull(cred);
	ck_assert_str_eq(cred->login, "alice");
	ck_assert_ptr_eq(conf_find_password(c, SLICE("")), cred);
	ck_assert_ptr_null(conf_find_password(c, SLICE("other")));
	(void)conf_unref(c);
	(void)snprintf(lines, sizeof(lines), "default:%s\nalice:%s\n", hash_of("$2b$", 4),
	    hash_of("$2b$", 4));
	write_text(logins_path, lines, 0600);
	c = load(errors);
	ck_assert_msg(c != NULL, "%s", errors);
	cred = conf_find_password(c, SLICE("default"));
	ck_assert_ptr_nonnull(cred);
	ck_assert_str_eq(cred->login, "default");
	ck_assert_ptr_null(conf_find_password(c, SLICE("")));
	(void)conf_unref(c);
}
END_TEST

START_TEST(passwords_that_are_refused)
{
	char lines[2048];
	size_t n = 0;

	(void)snprintf(lines, sizeof(lines), "bob:%s\nalice:%s\nalice:%s\n", hash_of("$2b$", 4),
	    hash_of("$2b$", 4), hash_of("$2b$", 4));
	expect_error(lines, 0600, "/logins:3: 'alice' has a password already, on line 2");
	/* Years, and a few seconds: the loader waits for neither. */
	(void)snprintf(lines, sizeof(lines), "bob:%s\nal:$2b$31$%.53s\n", hash_of("$2b$", 4),
	    HASH "0123456789");
	expect_error(lines, 0600, "/logins:2: a check of the password takes over 300 ms");
	(void)snprintf(lines, sizeof(lines), "# x\n\nal:$6$rounds=9999999$abc$" HASH HASH "\n");
	expect_error(lines, 0600, "/logins:3: a check of the password takes over 300 ms");
	for (unsigned i = 0; i < 9; i++)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n, "u%u:$6$rounds=%u$abc$" HASH HASH
		    "\n", i, 1000 + i);
	expect_error(lines, 0600, "/logins:9: more than 8 different settings");
}
END_TEST

START_TEST(only_a_private_file_counts)
{
	expect_error("ci:token$" HASH "\n", 0640, "others may read or write it; chmod 600");
	expect_error("ci:token$" HASH "\n", 0604, "others may read or write it; chmod 600");
	if (geteuid() == 0) {
		write_text(logins_path, "ci:token$" HASH "\n", 0600);
		ck_assert_int_eq(chown(logins_path, 1, 1), 0);
		char errors[1024];

		ck_assert_ptr_null(load(errors));
		ck_assert_ptr_nonnull(strstr(errors, "it must belong to root"));
	}
	(void)unlink(logins_path);
	ck_assert_int_eq(mkdir(logins_path, 0700), 0);
	char errors[1024];

	ck_assert_ptr_null(load(errors));
	ck_assert_ptr_nonnull(strstr(errors, "it is not a regular file"));
}
END_TEST

START_TEST(a_large_file_is_refused)
{
	char errors[1024];

	write_text(logins_path, "", 0600);
	ck_assert_int_eq(truncate(logins_path, (1 << 20) + 1), 0);
	ck_assert_ptr_null(load(errors));
	ck_assert_ptr_nonnull(strstr(errors, "it is larger than 1 MiB"));
}
END_TEST

START_TEST(no_file_means_no_logins)
{
	char errors[1024];
	struct conf *c = load(errors);

	ck_assert_msg(c != NULL, "%s", errors);
	ck_assert_uint_eq(c->n_credentials, 0);
	(void)conf_unref(c);
}
END_TEST

/* The canonical text says all, and says it again when it is read. */
START_TEST(canonical_text_has_all)
{
	CLEANUP_FREE char *text = NULL, *again = NULL;
	struct conf_errors none = { 0 };
	const struct credential *cred;
	struct conf *c, *d = NULL;
	char errors[1024];

	write_text(logins_path, "# people\nci:token$" HASH
	    ":label=github,expires=2027-01-31,services=deploy|status,from=unix|10.0.0.0/8\n"
	    "web1:key$" HASH2 ":off", 0600);
	c = load(errors);
	ck_assert_msg(c != NULL, "%s", errors);
	text = conf_format(c);
	ck_assert_ptr_nonnull(strstr(text, "hash = \"" HASH "\""));
	ck_assert_int_eq(conf_parse(text, strlen(text), 1, &d, &none), 0);
	again = conf_format(d);
	ck_assert_str_eq(text, again);
	ck_assert_uint_eq(d->n_credentials, 2);
	cred = conf_find_secret(d, HASH);
	ck_assert_ptr_nonnull(cred);
	ck_assert_ptr_eq(cred, conf_find_credential(d, cred->id));
	ck_assert_str_eq(cred->login, "ci");
	ck_assert_str_eq(cred->label, "github");
	ck_assert_int_eq(cred->expires_sec, 1801440000);
	ck_assert_str_eq(cred->services[1], "status");
	ck_assert(cred->from.unix_peers);
	ck_assert_uint_eq(cred->from.n_nets, 1);
	ck_assert(!cred->off);
	cred = conf_find_secret(d, HASH2);
	ck_assert_int_eq(cred->kind, CREDENTIAL_KEY);
	ck_assert(cred->off);
	ck_assert_ptr_null(conf_find_secret(d, "x"));
	ck_assert_ptr_null(conf_find_credential(d, "0123456789abcdef"));
	(void)conf_unref(c);
	(void)conf_unref(d);
}
END_TEST

START_TEST(logins_have_roles)
{
	struct caller who = { .login = "alice", .is_unix = true, .has_uid = true, .uid = 0 };
	char errors[1024];
	struct conf *c = load(errors);

	ck_assert_msg(c != NULL, "%s", errors);
	ck_assert_uint_eq(access_roles(c, &who), 1 | 2 | 4);
	ck_assert(!access_is_admin(c, &who));
	who.login = "bob";
	ck_assert_uint_eq(access_roles(c, &who), 2);
	who.login = NULL;
	ck_assert_uint_eq(access_roles(c, &who), 2);
	ck_assert(access_is_admin(c, &who));
	who = (struct caller){ .login = "ci", .addr.sa.sa_family = AF_INET };
	ck_assert_uint_eq(access_roles(c, &who), 1);
	(void)conf_unref(c);
}
END_TEST

START_TEST(a_credential_narrows)
{
	struct caller who = { .login = "ci", .is_unix = true };
	const struct service *deploy, *status;
	char errors[1024];
	struct conf *c;

	write_text(logins_path, "ci:token$" HASH ":services=deploy,expires=2027-01-31,from=unix\n",
	    0600);
	c = load(errors);
	ck_assert_msg(c != NULL, "%s", errors);
	deploy = conf_find_service(c, "deploy", 6);
	status = conf_find_service(c, "status", 6);
	ck_assert(access_allowed(c, status, &who, access_roles(c, &who)));
	who.credential = conf_find_secret(c, HASH);
	ck_assert(access_allowed(c, deploy, &who, access_roles(c, &who)));
	ck_assert(!access_allowed(c, status, &who, access_roles(c, &who)));
	ck_assert_int_eq(access_use(who.credential, &who, 1801439999), ACCESS_USABLE);
	ck_assert_int_eq(access_use(who.credential, &who, 1801440000), ACCESS_EXPIRED);
	who.is_unix = false;
	who.addr.sa.sa_family = AF_INET;
	ck_assert_int_eq(access_use(who.credential, &who, 0), ACCESS_ELSEWHERE);
	(void)conf_unref(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("logins");
	TCase *t = tcase_create("file");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, mistakes_have_their_line);
	tcase_add_test(t, passwords_are_set_apart);
	tcase_add_test(t, a_password_alone_needs_no_name);
	tcase_add_test(t, passwords_that_are_refused);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, only_a_private_file_counts);
	tcase_add_test(t, a_large_file_is_refused);
	tcase_add_test(t, no_file_means_no_logins);
	tcase_add_test(t, canonical_text_has_all);
	tcase_add_test(t, logins_have_roles);
	tcase_add_test(t, a_credential_narrows);
	suite_add_tcase(s, t);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
