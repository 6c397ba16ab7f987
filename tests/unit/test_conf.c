/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf/conf.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/schema.h"

#define SAMPLES TOP_SRCDIR "/tests/data/conf"

static char dir[] = "/tmp/reqd-conf-XXXXXX";

/* ------------------------------------------------------------- helpers --- */

static void
make_dir(void)
{
	char name[] = "/tmp/reqd-conf-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	(void)snprintf(dir, sizeof(dir), "%s", name);
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

static void
remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char sub[512];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR)
			remove_tree(sub);
		else
			(void)unlink(sub);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(path);
}

static void
drop_dir(void)
{
	remove_tree(dir);
}

static const char *
in_dir(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0644), 0);
}

/* Root needs an account for the workers; any account but nobody is good. */
static const char *
user_line(void)
{
	return geteuid() == 0 ? "user = \"daemon\"\n" : "";
}

/* Loads a text; returns the errors, if any, as text. */
static struct conf *
load_text(const char *text, enum conf_flags flags, char **ret_errors)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	char path[512];
	size_t len;
	FILE *f;
	int r;

	(void)snprintf(path, sizeof(path), "%s", in_dir("main.conf"));
	write_file(path, text);
	r = conf_load(path, flags, &c, &errors);
	ck_assert(r == 0 || r == -EINVAL);
	ck_assert_int_eq(r == 0, c != NULL);
	ck_assert_int_eq(r == 0, errors.n == 0);
	f = open_memstream(ret_errors, &len);
	conf_errors_print(&errors, f);
	(void)fclose(f);
	conf_errors_done(&errors);
	return c;
}

static struct conf *
load_good(const char *body)
{
	char text[8192], *errors = NULL;
	struct conf *c;

	(void)snprintf(text, sizeof(text), "%slisten \"unix:///run/x.sock\" {}\n%s", user_line(),
	    body);
	c = load_text(text, CONF_DEFAULT, &errors);
	ck_assert_msg(c != NULL, "%s", errors);
	free(errors);
	return c;
}

static void
load_bad(const char *body, const char *expected)
{
	char text[8192], *errors = NULL;
	struct conf *c;

	(void)snprintf(text, sizeof(text), "%slisten \"unix:///run/x.sock\" {}\n%s", user_line(),
	    body);
	c = load_text(text, CONF_DEFAULT, &errors);
	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(errors, expected) != NULL, "wanted: %s\ngot: %s", expected, errors);
	free(errors);
}

/* -------------------------------------------------------------- samples --- */

/* Returns the first error about a line, or about the file if line is 0. */
static const struct conf_error *
pick(const struct conf_errors *errors, const char *expected)
{
	bool whole = strncmp(expected, "0:", 2) == 0;

	for (size_t i = 0; i < errors->n; i++) {
		if ((errors->list[i].line == 0) == whole)
			return &errors->list[i];
	}
	return NULL;
}

static void
check_sample(const char *name)
{
	CLEANUP_FREE char *path = NULL, *got = NULL;
	struct conf_errors errors = { 0 };
	const struct conf_error *first;
	char expected[512] = "";
	struct conf *c = NULL;
	FILE *f;

	ck_assert_int_ge(asprintf(&path, SAMPLES "/%s", name), 0);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(expected, sizeof(expected), f));
	(void)fclose(f);
	expected[strcspn(expected, "\r\n")] = '\0';
	ck_assert_msg(strncmp(expected, "# expect: ", 10) == 0, "%s", name);

	ck_assert_int_eq(conf_load(path, CONF_DEFAULT, &c, &errors), -EINVAL);
	ck_assert_ptr_null(c);
	first = pick(&errors, expected + 10);
	ck_assert_msg(first != NULL, "%s: no error", name);
	ck_assert_str_eq(first->file, path);
	ck_assert_int_ge(asprintf(&got, "%u: %s", first->line, first->text), 0);
	ck_assert_msg(strstr(got, expected + 10) != NULL, "%s:\n  wanted %s\n  got    %s", name,
	    expected + 10, got);
	conf_errors_done(&errors);
}

START_TEST(broken_samples_are_explained)
{
	DIR *d = opendir(SAMPLES);
	struct dirent *e;
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".conf") == NULL)
			continue;
		check_sample(e->d_name);
		n++;
	}
	(void)closedir(d);
	ck_assert_uint_ge(n, 230);
}
END_TEST

/* A setting that depends on a wrong one is not reported as well. */
START_TEST(one_mistake_is_one_error)
{
	static const char *const bodies[] = {
		"service \"x\" { command = {\"/bin/true\", \"{a}\"}\n handler = {\"cat\", \"{a}\"} lock = \"{a}\" ready = ping processes { max = 9 } argument \"a\" {} }\n",
		"service \"x\" { ready = ping context = yes processes { max = 9 } argument \"a\" {} }\n",
		"service \"x\" { handler = {\"/nonexistent/{a}/x\"} argument \"a\" {} }\n",
		"service \"x\" { handler = {\"nonexistent\", \"{{\"} }\n",
		"service \"x\" { handler = {\"/bin/cat\"} processes { min = 9 max = 5000 } }\n",
		"service \"x\" { command = {\"/bin/true\"} processes { idle = 3s\nmemory = 2M } }\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		CLEANUP_FREE char *text = NULL, *errors = NULL;

		ck_assert_int_ge(asprintf(&text, "%slisten \"unix:///run/x.sock\" {}\n%s",
		    user_line(), bodies[i]), 0);
		ck_assert_ptr_null(load_text(text, CONF_DEFAULT, &errors));
		ck_assert_msg(strchr(errors, '\n') == strrchr(errors, '\n'), "%s", errors);
	}
}
END_TEST

START_TEST(all_errors_of_a_file_are_shown)
{
	char *errors = NULL;

	ck_assert_ptr_null(load_text("listen \"ftp://x\" { backlgo = 3 }\n"
	    "workers = many\nnothing = 1\nother { a = 1 b { c = 2 } }\n"
	    "service \"X\" {\n\ttimeout = 5\n\targument \"a\" { type = nothing }\n}\n"
	    "service \"y\" { command = {\"/bin/true\"} queue = x }\n",
	    CONF_NO_PROGRAMS, &errors));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:1: listen \"ftp://x\""));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:1: unknown key 'backlgo'"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:2: 'workers'"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:3: unknown key 'nothing'"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:4: unknown section 'other'"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:5: 'X' cannot be"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:6: 'timeout'"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:7: 'type'"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:9: 'queue'"));
	free(errors);
}
END_TEST

/* A wrong address is not also reported as open to everybody. */
START_TEST(a_wrong_address_is_told_of_once)
{
	static const char *const urls[] = { "unix://x", "tcp://h:", "tcp://::1:4", "fd://", "ftp://x" };
	char text[128], *errors = NULL;

	(void)snprintf(text, sizeof(text), "%slisten \"%s\" {}\n", user_line(), urls[_i]);
	ck_assert_ptr_null(load_text(text, CONF_NO_PROGRAMS, &errors));
	ck_assert_ptr_nonnull(strstr(errors, urls[_i]));
	ck_assert_msg(strchr(errors, '\n') == strrchr(errors, '\n'), "%s", errors);
	free(errors);
}
END_TEST

START_TEST(a_text_that_ends_too_soon)
{
	char text[128], *errors = NULL;

	(void)snprintf(text, sizeof(text), "%slisten \"unix:///run/x\"", user_line());
	ck_assert_ptr_null(load_text(text, CONF_NO_PROGRAMS, &errors));
	ck_assert_msg(strstr(errors, "the file ends in the middle of a setting or section") != NULL,
	    "%s", errors);
	free(errors);
}
END_TEST

/* Nothing in quotes is changed without a word, neither when it is read nor when it is written. */
START_TEST(quotes_keep_their_text)
{
	static const struct {
		const char *written, *meant;
	} texts[] = {
		{ "\"a\\\"b\\\\c\\$d\\n\\t\\r\\x41\\xfF\"", "a\"b\\c$d\n\t\rA\xff" },
		{ "'a\"b\\'c\\\\d\\n\\x41$'", "a\"b'c\\d\\n\\x41$" },
		{ "\"two\nlines\tand a tab\"", "two\nlines\tand a tab" },
		{ "\"# // /* } ${HOME}\"", "# // /* } ${HOME}" },
		{ "\"caf\xc3\xa9\xc2\xa0\xe2\x80\x8d\"", "caf\xc3\xa9\xc2\xa0\xe2\x80\x8d" },
		{ "\"\\xe2\\x80\\x8b\\xef\\xbb\\xbf\\xc2\\x85\"", "\xe2\x80\x8b\xef\xbb\xbf\xc2\x85" },
		{ "\"\xe2\x80\"", "\xe2\x80" },
		{ "word/with:signs;<>-\\d//x/y", "word/with:signs;<>-\\d//x/y" },
		{ "\"\"", "" },
	};
	struct conf_errors errors = { 0 };
	char body[256], *text;
	struct conf *c, *again = NULL;

	(void)snprintf(body, sizeof(body), "service \"x\" { command = {\"/bin/true\"} description = %s }",
	    texts[_i].written);
	c = load_good(body);
	ck_assert_str_eq(c->services[0].description, texts[_i].meant);
	text = conf_format(c);
	ck_assert_int_eq(conf_parse(text, strlen(text), 1, &again, &errors), 0);
	ck_assert_str_eq(again->services[0].description, texts[_i].meant);
	free(text);
	(void)conf_unref(c);
	(void)conf_unref(again);
}
END_TEST

START_TEST(many_errors_end)
{
	char *text = NULL, *errors = NULL;
	unsigned lines = 0;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	/* By turns, so that no two of a kind follow each other. */
	for (int i = 0; i < 500; i++)
		(void)fprintf(f, "service \"x%d\" {\n timeout = never\n no%d = 1\n }\n", i, i);
	(void)fclose(f);
	ck_assert_ptr_null(load_text(text, CONF_NO_PROGRAMS, &errors));
	for (const char *p = errors; *p != '\0'; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(lines, 201);
	ck_assert_ptr_nonnull(strstr(errors, "too many errors"));
	free(text);
	free(errors);
}
END_TEST

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n')) != NULL && *++text != '\0')
		n++;
	return n + 1;
}

START_TEST(errors_of_one_kind_are_counted)
{
	char *text = NULL, *errors = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (int i = 1; i <= 1000; i++)
		(void)fprintf(f, "service \"R%d\" { command = {\"/bin/true\"} }\n", i);
	(void)fprintf(f, "workers = many\n%slisten \"unix:///run/x.sock\" {}\n", user_line());
	(void)fclose(f);
	ck_assert_ptr_null(load_text(text, CONF_NO_PROGRAMS, &errors));
	ck_assert_uint_eq(count_lines(errors), 7);
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:5: 'R5' cannot be the name"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:6: and 995 more like this\n"));
	ck_assert_ptr_nonnull(strstr(errors, "main.conf:1001: 'workers'"));
	free(text);
	free(errors);
}
END_TEST

/* Very often the text with a number and an end, between a head and a tail. */
static char *
repeated(const char *head, const char *text, const char *end, const char *tail)
{
	char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	(void)fprintf(f, "%slisten \"unix:///run/x.sock\" {}\n%s", user_line(), head);
	for (size_t i = 0; i < 300000; i++)
		(void)fprintf(f, "%s%zu%s", text, i, end);
	(void)fputs(tail, f);
	(void)fclose(f);
	return all;
}

/*
 * An account that may write a part of the configuration must not keep the master busy: time
 * grows with the text, not with its square. The limit of time of a test would end
 * each of these otherwise.
 */
START_TEST(large_texts_take_time_by_their_length)
{
	static const struct {
		const char *head, *text, *end, *tail, *expected;
	} rows[] = {
		{ "", "zz = 1\nworkers = ", "\n", "", "unknown key 'zz'" },
		{ "", "zz {}\nlog {}\n# ", "\n", "", "unknown section 'zz'" },
		{ "service \"s\" { command = {\"/bin/true\"}\n verb = {", "V", ",", "V}\n}\n",
		    "more than 256 verbs are bound" },
		{ "service \"s\" { command = {\"/bin/true\"}\n environment = {", "\"E", "=1\",",
		    "\"E=1\"}\n}\n", "'environment' in service \"s\" has more than 1024 entries" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP_FREE char *text = repeated(rows[i].head, rows[i].text, rows[i].end,
		    rows[i].tail);
		CLEANUP_FREE char *errors = NULL;

		ck_assert_ptr_null(load_text(text, CONF_NO_PROGRAMS, &errors));
		ck_assert_msg(strstr(errors, rows[i].expected) != NULL, "%s", errors);
	}
}
END_TEST

/* As many services as there may be, and more: one error, however many more. */
START_TEST(services_beyond_the_limit_are_one_error)
{
	char *text = NULL, *errors = NULL, place[64];
	struct conf *c;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)fprintf(f, "%slisten \"unix:///run/x.sock\" {}\n", user_line());
	for (int i = 0; i < CONF_MAX_SERVICES; i++)
		(void)fprintf(f, "service \"x%d\" { command = {\"/bin/true\"} }\n", i);
	(void)fflush(f);
	c = load_text(text, CONF_NO_PROGRAMS, &errors);
	ck_assert_msg(c != NULL, "%s", errors);
	ck_assert_uint_eq(c->n_services, CONF_MAX_SERVICES);
	ck_assert_str_eq(c->services[conf_find_service(c, "X77", 3)->number].name, "x77");
	(void)conf_unref(c);
	free(errors);
	for (int i = 0; i < 1000; i++)
		(void)fprintf(f, "service \"y%d\" { command = {\"/bin/true\"} }\n", i);
	(void)fclose(f);
	ck_assert_ptr_null(load_text(text, CONF_NO_PROGRAMS, &errors));
	ck_assert_uint_eq(count_lines(errors), 1);
	(void)snprintf(place, sizeof(place), "main.conf:%zu: more than %d 'service' sections",
	    count_lines(text) - 1000 + 1, CONF_MAX_SERVICES);
	ck_assert_msg(strstr(errors, place) != NULL, "%s", errors);
	free(text);
	free(errors);
}
END_TEST

/* ---------------------------------------------------------------- files --- */

static void
expect_unreadable(const char *path, const char *why)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;

	ck_assert_int_eq(conf_load(path, CONF_DEFAULT, &c, &errors), -EINVAL);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.list[0].file, path);
	ck_assert_msg(strstr(errors.list[0].text, why) != NULL, "%s", errors.list[0].text);
	conf_errors_done(&errors);
}

START_TEST(odd_files_are_refused)
{
	char path[512];
	int fd;

	expect_unreadable("/nonexistent/reqd.conf", "No such file");
	expect_unreadable(dir, "it is a directory");
	(void)snprintf(path, sizeof(path), "%s", in_dir("fifo"));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_unreadable(path, "it is not a regular file");
	expect_unreadable("/dev/null", "it is not a regular file");
	(void)snprintf(path, sizeof(path), "%s", in_dir("large"));
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)CONF_MAX_TEXT + 1), 0);
	ck_assert_int_eq(close(fd), 0);
	expect_unreadable(path, "larger than 32 MiB");
}
END_TEST

START_TEST(services_are_read_in_order)
{
	char path[512];
	struct conf *c;

	(void)snprintf(path, sizeof(path), "%s", in_dir("more.d"));
	ck_assert_int_eq(mkdir(path, 0755), 0);
	write_file(in_dir("more.d/20-b.conf"), "service \"b\" { command = {\"/bin/true\"} allow = {\"r\"} }\n");
	write_file(in_dir("more.d/10-a.conf"), "role \"r\" { net = {\"unix\"} }\n"
	    "service \"c\" { command = {\"/bin/true\"} }\n");
	write_file(in_dir("more.d/.hidden.conf"), "nonsense\n");
	write_file(in_dir("more.d/old.conf~"), "nonsense\n");
	c = load_good("services = \"more.d\"\nservice \"a\" { command = {\"/bin/true\"} allow = {\"r\"} }\n");
	ck_assert_uint_eq(c->n_services, 3);
	ck_assert_str_eq(c->services[0].name, "a");
	ck_assert_str_eq(c->services[1].name, "b");
	ck_assert_str_eq(c->services[2].name, "c");
	ck_assert_uint_eq(c->services[1].allow, 1);
	ck_assert_ptr_nonnull(strstr(c->services[1].file, "more.d/20-b.conf"));
	ck_assert_ptr_nonnull(strstr(c->files[0], "main.conf"));
	ck_assert_ptr_nonnull(strstr(c->files[1], "10-a.conf"));
	ck_assert_ptr_nonnull(strstr(c->files[2], "20-b.conf"));
	ck_assert_ptr_null(c->files[3]);
	ck_assert_str_eq(c->services_dir, path);
	conf_unref(c);
}
END_TEST

START_TEST(mistakes_over_files_name_both_places)
{
	ck_assert_int_eq(mkdir(in_dir("more.d"), 0755), 0);
	write_file(in_dir("more.d/a.conf"), "workers = 3\nlog { level = info }\nzzzzzzz = 1\n");
	load_bad("services = \"more.d\"\n", "a.conf:1: 'workers' belongs into the main file, ");
	load_bad("services = \"more.d\"\n", "a.conf:2: section 'log' belongs into the main file");
	load_bad("services = \"more.d\"\n", "a.conf:3: unknown key 'zzzzzzz'");
	write_file(in_dir("more.d/a.conf"), "\nservice \"x\" { command = {\"/bin/true\"} verb = {\"V\"} }\n");
	write_file(in_dir("more.d/b.conf"), "service \"x\" { command = {\"/bin/true\"} }\n");
	load_bad("services = \"more.d\"\n",
	    "b.conf:1: service \"x\" is declared again; it was first at ");
	load_bad("services = \"more.d\"\n", "more.d/a.conf:2\n");
	write_file(in_dir("more.d/b.conf"), "service \"y\" { command = {\"/bin/true\"}\n verb = {\"v\"} }\n");
	load_bad("services = \"more.d\"\n", "b.conf:2: verb 'V' of service \"y\" is bound already, at ");
	write_file(in_dir("more.d/b.conf"), "listen \"unix:///run/x.sock\" {}\n");
	load_bad("services = \"more.d\"\n", "main.conf:");
	load_bad("services = \"none.d\"\n", "'services': cannot read directory");
	/* A broken file does not cause errors in the other files. */
	write_file(in_dir("more.d/b.conf"), "service \"y\" {\n");
	load_bad("services = \"more.d\"\n", "b.conf:1: the '{' of this line is not closed");
}
END_TEST

/* --------------------------------------------------------------- values --- */

START_TEST(defaults_are_documented_ones)
{
	struct conf *c = load_good("service \"x\" { command = {\"/bin/true\", \"{a}\", \"{p}\", \"{f}\"}\n"
	    "argument \"a\" {}\nargument \"p\" { type = path optional = yes }\nargument \"f\" { type = flag }\n}\n");
	const struct service *s = &c->services[0];
	const struct listener *l = &c->listeners[0];

	ck_assert_uint_eq(c->workers, 0);
	ck_assert_ptr_null(c->services_dir);
	ck_assert_str_eq(c->runtime_directory, RUNSTATEDIR "/reqd");
	ck_assert_str_eq(c->control_path, RUNSTATEDIR "/reqd/control.sock");
	ck_assert_ptr_null(c->control_group);
	ck_assert_uint_eq(c->control_gid, (gid_t)-1);
	ck_assert_uint_eq(c->drain_timeout_usec, 30000000);
	ck_assert_uint_eq(c->kill_grace_usec, 5000000);
	ck_assert(!c->insecure_open);
	ck_assert_int_eq(c->log_to, LOG_TO_AUTO);
	ck_assert_int_eq(c->log_level, LOG_INFO);
	ck_assert_int_eq(c->log_format, LOG_FORMAT_TEXT);
	ck_assert_int_eq(c->run_as.is_set, geteuid() == 0);

	ck_assert_str_eq(l->url, "unix:///run/x.sock");
	ck_assert_uint_eq(l->backlog, 4096);
	ck_assert(l->nodelay && l->keepalive && !l->ipv6_only && !l->freebind);
	ck_assert_int_eq(l->inline_requests, INLINE_LOOPBACK);
	ck_assert_uint_eq(l->max_connections, 20000);
	ck_assert_uint_eq(l->max_arguments, 1024);
	ck_assert_uint_eq(l->argument_limit, 1 << 20);
	ck_assert_uint_eq(l->request_limit, 4 << 20);
	ck_assert_uint_eq(l->mode, 0666);
	ck_assert_uint_eq(l->uid, (uid_t)-1);

	ck_assert_str_eq(s->summary, "");
	ck_assert_str_eq(s->directory, "/");
	ck_assert_uint_eq(s->umask, 022);
	ck_assert_int_eq(s->nice, SERVICE_NICE_UNSET);
	ck_assert_int_eq(s->stop_signal, SIGTERM);
	ck_assert_int_eq(s->input, INPUT_NONE);
	ck_assert_uint_eq(s->timeout_usec, 60000000);
	ck_assert_uint_eq(s->kill_grace_usec, 5000000);
	ck_assert_uint_eq(s->concurrency, 32);
	ck_assert_uint_eq(s->queue, 64);
	ck_assert_uint_eq(s->queue_timeout_usec, 10000000);
	ck_assert_uint_eq(s->output_limit, 16 << 20);
	ck_assert(!s->finish_on_disconnect && s->idempotent);
	ck_assert_int_eq(s->log, SERVICE_LOG_ALL);
	ck_assert_ptr_null(s->lock);
	ck_assert_ptr_null(s->environment[0]);
	ck_assert_ptr_null(s->verbs[0]);
	ck_assert_uint_eq(s->allow, 0);
	ck_assert_uint_eq(s->args[0].max_length, 1024);
	ck_assert_uint_eq(s->args[1].max_length, 4096);
	ck_assert_str_eq(s->args[2].value, "--f");
	conf_unref(c);
}
END_TEST

/* The name of this machine's loopback has one address at least. */
START_TEST(names_of_hosts_become_addresses)
{
	struct addrinfo *known = NULL;
	struct conf *c;
	bool found = false;

	/* A minimal system may have no /etc/hosts. */
	if (getaddrinfo("localhost", NULL, NULL, &known) != 0)
		return;
	freeaddrinfo(known);
	c = load_good("listen \"tcp://localhost:1234\" { name = \"n\" backlog = 7 }\n"
	    "listen \"tcp://host.invalid:1\" {} insecure-open = yes\n"
	    "service \"x\" { command = {\"/bin/true\"} listen = {\"n\"} }\n");
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct listener *l = &c->listeners[i];

		ck_assert_str_ne(l->addr.host, "localhost");
		ck_assert_int_eq(c->services[0].listeners >> i & 1, l->name != NULL);
		if (strcmp(l->url, "tcp://127.0.0.1:1234") != 0)
			continue;
		ck_assert_str_eq(l->name, "n");
		ck_assert_uint_eq(l->backlog, 7);
		found = true;
	}
	ck_assert(found);
	/* Without an address there is no way to say which it would be. */
	ck_assert_str_eq(c->listeners[c->n_listeners - 1].url, "tcp://host.invalid:1");
	conf_unref(c);
}
END_TEST

START_TEST(values_are_read)
{
	struct conf *c = load_good("workers = 3\nkill-grace = 2s\nlog { to = stderr level = debug format = json }\n"
	    "listen \"tcp://127.0.0.1:1234\" { inline = no max-segment = 1400 user-timeout = 3s }\n"
	    "listen \"fd://web\" {}\n"
	    "service \"x\" { command = {\"/bin/true\"} log = errors on-disconnect = finish idempotent = no\n"
	    "summary = 'it is ${HOME}' environment = {\"A=\\x24{{HOME}}\", 'B=it\\'s'} verb = {\"get\", \"Put\"}\n"
	    "limits { processes = 7 cpu = 1500ms file-size = 0 } }\n");
	const struct service *s = &c->services[0];

	ck_assert_uint_eq(c->workers, 3);
	ck_assert_int_eq(c->log_to, LOG_TO_STDERR);
	ck_assert_int_eq(c->log_level, LOG_DEBUG);
	ck_assert_int_eq(c->log_format, LOG_FORMAT_JSON);
	ck_assert_int_eq(c->listeners[1].inline_requests, INLINE_NO);
	ck_assert_uint_eq(c->listeners[1].max_segment, 1400);
	ck_assert_int_eq(c->listeners[2].addr.kind, ADDR_FD);
	ck_assert_str_eq(s->summary, "it is ${HOME}");
	ck_assert_str_eq(s->environment[0], "A=${{HOME}}");
	ck_assert_str_eq(s->environment[1], "B=it's");
	ck_assert_str_eq(s->verbs[0], "GET");
	ck_assert_str_eq(s->verbs[1], "PUT");
	ck_assert_uint_eq(s->kill_grace_usec, 2000000);
	ck_assert_int_eq(s->log, SERVICE_LOG_ERRORS);
	ck_assert(s->finish_on_disconnect && !s->idempotent);
	ck_assert_uint_eq(s->n_limits, 3);
	for (size_t i = 0; i < s->n_limits; i++) {
		if (s->limits[i].resource == RLIMIT_CPU)
			ck_assert_uint_eq(s->limits[i].value, 2);
		if (s->limits[i].resource == RLIMIT_NPROC)
			ck_assert_uint_eq(s->limits[i].value, 7);
		if (s->limits[i].resource == RLIMIT_FSIZE)
			ck_assert_uint_eq(s->limits[i].value, 0);
	}
	conf_unref(c);
}
END_TEST

START_TEST(names_are_found_in_any_case)
{
	struct conf *c = load_good("service \"b.x\" { command = {\"/bin/true\"} verb = {\"SAY\"} }\n"
	    "service \"a\" { command = {\"/bin/true\"} }\nservice \"ab\" { command = {\"/bin/true\"} verb = {\"GO\"} }\n");

	ck_assert_str_eq(conf_find_service(c, "A", 1)->name, "a");
	ck_assert_str_eq(conf_find_service(c, "aBc", 2)->name, "ab");
	ck_assert_str_eq(conf_find_service(c, "B.X", 3)->name, "b.x");
	ck_assert_ptr_null(conf_find_service(c, "", 0));
	ck_assert_ptr_null(conf_find_service(c, "b", 1));
	ck_assert_ptr_null(conf_find_service(c, "ab\0", 3));
	ck_assert_ptr_null(conf_find_service(c, "b.xy", 4));
	ck_assert_str_eq(conf_find_verb(c, "say", 3)->name, "b.x");
	ck_assert_str_eq(conf_find_verb(c, "Go", 2)->name, "ab");
	ck_assert_ptr_null(conf_find_verb(c, "g", 1));
	for (uint16_t i = 0; i < c->n_services; i++)
		ck_assert_uint_eq(c->services[i].number, i);
	conf_unref(conf_ref(c));
	conf_unref(c);
}
END_TEST

/* ------------------------------------------------------------- handlers --- */

START_TEST(handlers_have_documented_defaults)
{
	struct conf *c = load_good("service \"h\" { handler = {\"/bin/cat\"} argument \"a\" {} }\n"
	    "service \"c\" { command = {\"/bin/true\"} }\n");
	const struct service *s = conf_find_service(c, "h", 1);
	const struct service_pool *p = &s->pool;

	ck_assert_str_eq(s->handler[0], "/bin/cat");
	ck_assert_ptr_null(s->handler[1]);
	ck_assert_ptr_nonnull(s->command);
	ck_assert_ptr_null(s->command[0]);
	ck_assert(s->finish_on_disconnect && s->idempotent);
	ck_assert_uint_eq(p->min, 1);
	ck_assert_uint_eq(p->max, 4);
	ck_assert_uint_eq(p->idle_usec, 60000000);
	ck_assert_uint_eq(p->requests, 0);
	ck_assert_uint_eq(p->age_usec, 0);
	ck_assert_uint_eq(p->memory, 0);
	ck_assert_uint_eq(p->start_timeout_usec, 10000000);
	ck_assert(!p->ping && !p->context && !p->own_channel);
	ck_assert_uint_eq(p->pipeline, 1);
	/*
	 * The program gets values as data, so a "-" in front of a value has no
	 * meaning.
	 */
	ck_assert(s->args[0].guarded && !s->args[0].dash);

	s = conf_find_service(c, "c", 1);
	ck_assert_ptr_null(s->handler);
	ck_assert(!s->finish_on_disconnect);
	conf_unref(c);
}
END_TEST

static const char warm[] =
    "service \"h\" { handler = {\"/bin/cat\", \"{{a}}\", \"\", \"}}{{\", \"$x \\\" \\\\\", \"--\"}\n"
    "ready = ping context = yes channel = fd3 pipeline = 1000 on-disconnect = kill\n"
    "timeout = 3s kill-grace = 1s queue = 7 queue-timeout = 2s output-limit = 1M verb = {\"WARM\"}\n"
    "log = none input = optional directory = \"/tmp\" umask = 077 idempotent = yes\n"
    "environment = {\"A=b\", \"B={{x}}\"} limits { cpu = 1h memory = 1G }\n"
    "processes { min = 0 max = 1000 idle = 0 requests = 4294967295 age = 1d memory = 1M start-timeout = 100ms }\n"
    "argument \"a\" { dash = yes } argument \"b\" { repeat = yes optional = yes } }\n";

static void
check_warm(const struct service *s)
{
	static const char *const words[] = { "/bin/cat", "{a}", "", "}{", "$x \" \\", "--" };
	const struct service_pool *p = &s->pool;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		ck_assert_str_eq(s->handler[i], words[i]);
	ck_assert_ptr_null(s->handler[ARRAY_LEN(words)]);
	ck_assert_ptr_null(s->command[0]);
	ck_assert(p->ping && p->context && p->own_channel && !s->finish_on_disconnect);
	ck_assert_uint_eq(p->pipeline, 1000);
	ck_assert_uint_eq(p->min, 0);
	ck_assert_uint_eq(p->max, 1000);
	ck_assert_uint_eq(p->idle_usec, 0);
	ck_assert_uint_eq(p->requests, UINT32_MAX);
	ck_assert_uint_eq(p->age_usec, UINT64_C(86400000000));
	ck_assert_uint_eq(p->memory, 1 << 20);
	ck_assert_uint_eq(p->start_timeout_usec, 100000);
	ck_assert_uint_eq(s->timeout_usec, 3000000);
	ck_assert_uint_eq(s->queue, 7);
	ck_assert_int_eq(s->input, INPUT_OPTIONAL);
	ck_assert_str_eq(s->verbs[0], "WARM");
	ck_assert_str_eq(s->environment[1], "B={{x}}");
	ck_assert_uint_eq(s->n_limits, 2);
	ck_assert_uint_eq(s->n_args, 2);
	ck_assert(s->args[0].dash);
}

START_TEST(handlers_are_read)
{
	struct conf *c = load_good(warm);

	check_warm(&c->services[0]);
	conf_unref(c);
}
END_TEST

START_TEST(handlers_have_a_canonical_text)
{
	struct conf_errors errors = { 0 };
	struct conf *c = load_good(warm), *d = NULL, *e = NULL;
	CLEANUP_FREE char *first = conf_format(c), *second = NULL, *all = NULL;

	ck_assert_ptr_nonnull(strstr(first, "handler = {\"/bin/cat\", \"{{a}}\", \"\", \"}}{{\", "));
	ck_assert_ptr_nonnull(strstr(first, "\tprocesses {\n\t\tmin = 0\n\t\tmax = 1000\n"));
	ck_assert_ptr_null(strstr(first, "command = "));
	ck_assert_ptr_null(strstr(first, "concurrency = "));
	ck_assert_msg(conf_parse(first, strlen(first), 2, &d, &errors) == 0, "%s\n%s",
	    errors.n > 0 ? errors.list[0].text : "?", first);
	check_warm(&d->services[0]);
	ck_assert(conf_service_equal(&c->services[0], &d->services[0]));
	second = conf_format(d);
	ck_assert_str_eq(first, second);
	/* The output of reqd -T is a file like any other. */
	e = load_text(first, CONF_DEFAULT, &all);
	ck_assert_msg(e != NULL, "%s", all);
	check_warm(&e->services[0]);
	conf_unref(c);
	conf_unref(d);
	conf_unref(e);
}
END_TEST

START_TEST(commands_have_no_pool_in_canonical_text)
{
	static const char *const absent[] = { "handler =", "processes {", "ready =", "context =",
		"channel =", "pipeline =" };
	struct conf *c = load_good("service \"c\" { command = {\"/bin/true\"} }\n");
	CLEANUP_FREE char *text = conf_format(c);

	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		ck_assert_msg(strstr(text, absent[i]) == NULL, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "concurrency = 32"));
	conf_unref(c);
}
END_TEST

START_TEST(changes_of_a_handler_are_seen)
{
	static const char base[] = "service \"h\" { handler = {\"/bin/cat\"} }\n";
	static const char *const same[] = {
		"\n\n\nservice \"h\" {\nhandler = {\"/bin/cat\"}\n}\n",
		"service \"h\" { handler = {\"/bin/cat\"} on-disconnect = finish processes { idle = 1m } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} http { path = \"/x\" type = \"text/plain\" } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} ready = none channel = stdout processes { memory = 0 } }\n",
	};
	static const char *const other[] = {
		"service \"h\" { command = {\"/bin/cat\"} }\n",
		"service \"h\" { handler = {\"/bin/cat\", \"\"} }\n",
		"service \"h\" { handler = {\"/bin/cat\"} ready = ping }\n",
		"service \"h\" { handler = {\"/bin/cat\"} context = yes }\n",
		"service \"h\" { handler = {\"/bin/cat\"} channel = fd3 }\n",
		"service \"h\" { handler = {\"/bin/cat\"} pipeline = 2 }\n",
		"service \"h\" { handler = {\"/bin/cat\"} on-disconnect = kill }\n",
		"service \"h\" { handler = {\"/bin/cat\"} processes { min = 0 } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} processes { max = 5 } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} processes { idle = 61s } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} processes { requests = 1 } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} processes { age = 1h } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} processes { memory = 1M } }\n",
		"service \"h\" { handler = {\"/bin/cat\"} processes { start-timeout = 11s } }\n",
	};
	struct conf *c = load_good(base);

	for (size_t i = 0; i < ARRAY_LEN(same) + ARRAY_LEN(other); i++) {
		bool is_same = i < ARRAY_LEN(same);
		const char *text = is_same ? same[i] : other[i - ARRAY_LEN(same)];
		struct conf *d = load_good(text);

		ck_assert_msg(conf_service_equal(&c->services[0], &d->services[0]) == is_same, "%s",
		    text);
		conf_unref(d);
	}
	conf_unref(c);
}
END_TEST

/* ------------------------------------------------------------ canonical --- */

static const char rich[] =
    "drain-timeout = 1500ms\ndrain-delay = 2s\nwatch = {\"r2\", \"r1\"}\ncontrol { path = \"/run/a b.sock\" }\n"
    "listen \"tcp://[::1]:99\" { user-timeout = 90s receive-buffer = 64K }\n"
    "listen \"http://127.0.0.1:98\" { proxy { from = {\"10.0.0.2\", \"10.1.0.0/16\"}\n"
    "user = \"X-User\" address = \"X-For\" } }\n"
    "role \"r1\" { net = {\"unix\", \"10.0.0.0/8\", \"fe80::/10\"} user = {\"root\", \"1\"} group = {\"daemon\"} }\n"
    "role \"r2\" { net = {\"127.0.0.1\"} }\n"
    "service \"path\" { command = {\"/bin/true\", \"{a}\"} argument \"a\" {}\n"
    "http { path = \"/x/{a}/y\" type = \"text/html; charset=utf-8\" stream = yes status = {\"3=409\", \"255=599\"} } }\n"
    "service \"odd\" { summary = \"quote \\\" back \\\\ dollar $x ${y} tab \\\\t\"\n"
    "description = \"line\\none\\ttab \\x01 \\xff ${HOME:-x}\" command = {\"/bin/true\", \"{{}}\", \"--\", \"{t}\", \"{i}\"}\n"
    "lock = \"a{t}\" environment = {\"E={d} {s}\", \"F={c}{h}{n}{x}{z}{u}{f}\"}\n"
    "limits { memory = 1G cpu = 90s files = 64 processes = 3 file-size = 10M }\n"
    "argument \"t\" { help = \"any\" secret = yes }\n"
    "argument \"i\" { type = integer min = -5 max = 7 default = -2 }\n"
    "argument \"d\" { type = decimal min = -0.25 max = 1.1 default = \"0.5\" dash = yes }\n"
    "argument \"s\" { type = size min = 1K max = 1G default = 2K }\n"
    "argument \"u\" { type = duration min = 1ms max = 90s default = 2s }\n"
    "argument \"c\" { type = choice values = {\"a b\", \"c\"} default = c }\n"
    "argument \"h\" { type = host default = \"::1\" }\n"
    "argument \"n\" { type = name optional = yes }\n"
    "argument \"x\" { type = pattern pattern = \"[a-z]{1,3}|\\\\$\" default = \"$\" }\n"
    "argument \"f\" { type = flag value = \"\" default = yes }\n"
    "argument \"z\" { type = path below = \"/srv\" optional = yes repeat = yes max-length = 77 }\n"
    "}\n";

START_TEST(canonical_text_is_a_fixed_point)
{
	struct conf_errors errors = { 0 };
	struct conf *c = load_good(rich), *d = NULL;
	CLEANUP_FREE char *first = conf_format(c), *second = NULL;
	const struct service *s;

	ck_assert_ptr_nonnull(first);
	ck_assert_int_eq(setenv("HOME", "/wrong", 1), 0);
	ck_assert_msg(conf_parse(first, strlen(first), 42, &d, &errors) == 0, "%s\n%s",
	    errors.n > 0 ? errors.list[0].text : "?", first);
	second = conf_format(d);
	ck_assert_str_eq(first, second);

	ck_assert_uint_eq(d->generation, 42);
	s = &d->services[0];
	ck_assert_str_eq(s->summary, "quote \" back \\ dollar $x ${y} tab \\t");
	ck_assert_str_eq(s->description, "line\none\ttab \001 \xff ${HOME:-x}");
	ck_assert_str_eq(s->file, c->services[0].file);
	ck_assert_uint_eq(s->line, c->services[0].line);
	ck_assert_uint_eq(s->run_as.uid, c->services[0].run_as.uid);
	ck_assert_int_eq(s->run_as.is_set, c->services[0].run_as.is_set);
	ck_assert_uint_eq(s->run_as.n_groups, c->services[0].run_as.n_groups);
	ck_assert_uint_eq(d->run_as.uid, c->run_as.uid);
	ck_assert_uint_eq(d->roles[0].n_uids, 2);
	ck_assert_uint_eq(d->roles[0].uids[1], 1);
	ck_assert_uint_eq(d->roles[0].n_gids, 1);
	ck_assert(s->args[1].min_int == -5 && s->args[1].max_int == 7 && s->args[1].guarded);
	ck_assert(s->args[2].min_dec == -0.25 && s->args[2].max_dec == 1.1);
	ck_assert_str_eq(s->args[9].value, "");
	ck_assert(s->args[8].matcher != NULL);
	ck_assert_uint_eq(d->watch, 3);
	ck_assert_uint_eq(d->drain_delay_usec, 2000000);
	ck_assert_uint_eq(d->listeners[d->n_listeners - 1].front_from.n_nets, 2);
	s = &d->services[1];
	ck_assert_str_eq(s->web.path, "/x/{a}/y");
	ck_assert(s->web.stream && s->web.n_statuses == 2 && s->web.statuses[1].status == 599);
	ck_assert_uint_eq(d->n_paths, 1);
	conf_unref(c);
	conf_unref(d);
}
END_TEST

static const char *const bounds[] = {
	"0.00001", "-0.25", "100", "1000000000000000", "123456789012345678", "99999999999999999999999",
};

/* A file knows no exponents, so the text that the processes are given has none. */
START_TEST(canonical_bounds_are_read_again)
{
	struct conf_errors errors = { 0 };
	CLEANUP_FREE char *text = NULL, *source = NULL;
	struct conf *c, *d = NULL;

	ck_assert_int_ge(asprintf(&source, "role \"r\" { net = {\"unix\"} }\n"
	    "service \"s\" { command = {\"/bin/true\", \"{d}\"}\n"
	    "argument \"d\" { type = decimal max = %s dash = yes } }\n", bounds[_i]), 0);
	c = load_good(source);
	text = conf_format(c);
	ck_assert_msg(conf_parse(text, strlen(text), 42, &d, &errors) == 0, "%s\n%s",
	    errors.n > 0 ? errors.list[0].text : "?", text);
	ck_assert(d->services[0].args[0].max_dec == c->services[0].args[0].max_dec);
	conf_unref(c);
	conf_unref(d);
}
END_TEST

START_TEST(canonical_text_is_a_valid_file)
{
	struct conf *c, *d;
	CLEANUP_FREE char *text = NULL, *errors = NULL;

	ck_assert_int_eq(mkdir(in_dir("more.d"), 0755), 0);
	write_file(in_dir("more.d/a.conf"), "service \"a\" { command = {\"/bin/true\"} }\n");
	c = load_good("services = \"more.d\"\nrole \"r\" { group = {\"daemon\"} }\n");
	text = conf_format(c);
	d = load_text(text, CONF_DEFAULT, &errors);
	ck_assert_msg(d != NULL, "%s", errors);
	ck_assert_uint_eq(d->n_services, 1);
	ck_assert_uint_eq(d->run_as.uid, c->run_as.uid);
	conf_unref(c);
	conf_unref(d);
}
END_TEST

static void
expect_parse_error(const char *text, const char *expected)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;

	ck_assert_int_eq(conf_parse(text, strlen(text), 1, &c, &errors), -EINVAL);
	ck_assert_uint_ge(errors.n, 1);
	ck_assert_msg(strstr(errors.list[0].text, expected) != NULL, "%s", errors.list[0].text);
	conf_errors_done(&errors);
}

START_TEST(parse_looks_nothing_up)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	static const char text[] = "user = \"no-such-user\" ids = \"77:88:1,2\" listen \"unix:///x\" {}\n"
	    "role \"r\" { user = {\"no-such-user\"} uids = {5} }\n"
	    "service \"x\" { command = {\"/no/such/program\"} user = \"none\" ids = \"3:4\" }\n";

	ck_assert_int_eq(conf_parse(text, strlen(text), 1, &c, &errors), 0);
	ck_assert(c->run_as.is_set && c->run_as.uid == 77 && c->run_as.gid == 88);
	ck_assert(c->run_as.n_groups == 2 && c->run_as.groups[1] == 2);
	ck_assert(c->services[0].run_as.uid == 3 && c->services[0].run_as.n_groups == 0);
	ck_assert_uint_eq(c->roles[0].uids[0], 5);
	conf_unref(c);
	expect_parse_error("listen \"unix:///x\" {} user = \"x\"\n", "has no 'ids'");
	expect_parse_error("listen \"unix:///x\" {} ids = \"1\"\n", "is not UID:GID:GROUPS");
	expect_parse_error("listen \"unix:///x\" {} ids = \"1:2:\"\n", "is not UID:GID:GROUPS");
	expect_parse_error("listen \"unix:///x\" {} ids = \"1:2:3;\"\n", "is not UID:GID:GROUPS");
	expect_parse_error("", "there is no 'listen' section");
}
END_TEST

/* A role reads the text behind the descriptor that the master sends. */
START_TEST(sealed_text_is_read)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "listen \"unix:///run/x.sock\" {}\n", 0 },
		{ "", -EINVAL },
		{ "listen \"unix:///run/x.sock\" {}\nnonsense = 1\n", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(conf_errors_done) struct conf_errors errors = { 0 };
		CLEANUP_CLOSE int fd = fd_sealed("conf", cases[i].text, strlen(cases[i].text));
		struct conf *c = NULL, *d = NULL;
		char why[200] = "", cut[6] = "";

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(conf_read_sealed(fd, 7, &c, why, sizeof(why)), cases[i].result);
		ck_assert_int_eq(conf_parse(cases[i].text, strlen(cases[i].text), 7, &d, &errors),
		    cases[i].result);
		if (cases[i].result == 0) {
			ck_assert_uint_eq(c->generation, 7);
			ck_assert_str_eq(why, "");
		} else {
			ck_assert_ptr_null(c);
			ck_assert_str_eq(why, errors.list[0].text);
			ck_assert_int_eq(conf_read_sealed(fd, 7, &c, cut, sizeof(cut)), -EINVAL);
			ck_assert_mem_eq(cut, why, sizeof(cut) - 1);
		}
		conf_unref(c);
		conf_unref(d);
	}
}
END_TEST

START_TEST(text_that_is_not_sealed_is_refused)
{
	CLEANUP_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct conf *c = NULL;
	char why[200] = "";

	ck_assert_int_lt(conf_read_sealed(fd, 7, &c, why, sizeof(why)), 0);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(why, "cannot read the sealed configuration: "));
}
END_TEST

/* ------------------------------------------------------------- programs --- */

START_TEST(programs_are_checked)
{
	char body[1024], path[512];

	(void)snprintf(path, sizeof(path), "%s", in_dir("prog"));
	(void)snprintf(body, sizeof(body), "service \"x\" { command = {\"%s\"} }\n", path);
	load_bad(body, "No such file");
	ck_assert_int_eq(mkdir(path, 0755), 0);
	load_bad(body, "it is not a regular file");
	ck_assert_int_eq(rmdir(path), 0);
	write_file(path, "#!/bin/sh\n");
	load_bad(body, "it is not executable");
	ck_assert_int_eq(chmod(path, 04755), 0);
	load_bad(body, "it is setuid or setgid");
	ck_assert_int_eq(chmod(path, 0757), 0);
	load_bad(body, "can be changed by everybody");
	ck_assert_int_eq(chmod(path, 0755), 0);
	conf_unref(load_good(body));
	ck_assert_int_eq(chmod(dir, 0757), 0);
	load_bad(body, "can be changed by everybody");
	ck_assert_int_eq(chmod(dir, 0755), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(dir, 0700), 0);
		load_bad(body, "may not pass through /tmp/reqd-conf-");
		ck_assert_int_eq(chmod(dir, 0755), 0);
	}

	(void)snprintf(body, sizeof(body), "service \"x\" {\nsummary = s\nhandler = {\"%s/{{h}}\"} }\n", dir);
	(void)snprintf(path, sizeof(path), "%s", in_dir("{h}"));
	load_bad(body, "main.conf:");
	load_bad(body, ": service \"x\": program /tmp/");
	load_bad(body, "/{h}: No such file");
	write_file(path, "#!/bin/sh\n");
	load_bad(body, "it is not executable");
	ck_assert_int_eq(chmod(path, 04755), 0);
	load_bad(body, "it is setuid or setgid");
	ck_assert_int_eq(chmod(path, 0757), 0);
	load_bad(body, geteuid() == 0 ? "main.conf:5: service \"x\": " : "main.conf:4: service \"x\": ");
	load_bad(body, "/{h} can be changed by everybody");
	ck_assert_int_eq(chmod(path, 0755), 0);
	conf_unref(load_good(body));
	load_bad("service \"x\" { handler = {\"/bin/cat\"} directory = \"/nonexistent\" }\n",
	    "directory /nonexistent: No such file");
	load_bad("service \"x\" { command = {\"/bin/true\"} directory = \"/nonexistent\" }\n",
	    "directory /nonexistent: No such file");
	load_bad("service \"x\" { command = {\"/bin/true\"} directory = \"/bin/true\" }\n",
	    "it is not a directory");
}
END_TEST

struct first_bytes {
	const char *bytes;
	size_t len;		/* 0: as a string */
	const char *wrong;	/* NULL: nothing */
};

static const struct first_bytes first_bytes[] = {
	{ "echo no first line\n", 0, "/prog: it is neither a program nor a script (a script begins with #!)" },
	{ "\xef\xbb\xbf#!/bin/sh\n", 0, "it is neither a program nor a script" },
	{ "", 0, "/prog: it is empty" },
	{ "#!/bin/sh\r\necho\r\n", 0, "its first line ends with a carriage return" },
	{ "#! /bin/sh -e\r\n", 0, "its first line ends with a carriage return" },
	{ "#!/bin/sh\necho\r\n", 0, NULL },
	{ "#!\n", 0, "its first line names no interpreter" },
	{ "#!   \n", 0, "its first line names no interpreter" },
	{ "#!/usr/bin/python2.6 -u\n", 0, "/prog: its interpreter /usr/bin/python2.6: No such file or directory" },
	{ "#!\t/usr/bin/python2.6", 0, "its interpreter /usr/bin/python2.6: No such file or directory" },
	{ "#!/etc/passwd\n", 0, "its interpreter /etc/passwd is not executable for the account" },
	{ "#!/usr/bin\n", 0, "its interpreter /usr/bin is not a regular file" },
	{ "#! /bin/sh", 0, NULL },
	{ "#!/usr/bin/env sh\n", 0, NULL },
	{ "#!/usr/bin/env -S sh -e\n", 0, NULL },
	{ "#!/usr/bin/env A=b python2.6\n", 0, NULL },
	{ "#!/usr/bin/env python2.6\n", 0, "/prog: its interpreter python2.6 is in no directory of PATH" },
	{ "#! /usr/bin/env  python2.6 -u\n", 0, "its interpreter python2.6 is in no directory of PATH" },
	{ "\x7f" "ELF\2\1\1", 7, "it is cut short" },
};

START_TEST(the_kernel_is_asked_beforehand)
{
	const struct first_bytes *c = &first_bytes[_i];
	size_t len = c->len > 0 ? c->len : strlen(c->bytes);
	char body[1024], path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s", in_dir("prog"));
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(c->bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
	(void)snprintf(body, sizeof(body), "service \"x\" { command = {\"%s\"} }\n", path);
	if (c->wrong != NULL)
		load_bad(body, c->wrong);
	else
		conf_unref(load_good(body));
}
END_TEST

START_TEST(what_the_account_may_not_do_is_known)
{
	char body[1024], path[512];

	if (geteuid() != 0)
		return;		/* everything runs as who owns the files */
	(void)snprintf(path, sizeof(path), "%s", in_dir("prog"));
	(void)snprintf(body, sizeof(body), "service \"x\" { command = {\"%s\"} }\n", path);
	write_file(path, "#!/bin/sh\n");
	ck_assert_int_eq(chmod(path, 0711), 0);
	load_bad(body, "the account of the service may not read it");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(body, sizeof(body), "service \"x\" { command = {\"/bin/true\"} directory = "
	    "\"%s\" }\n", path);
	load_bad(body, "the account of the service may not enter /tmp/");
	ck_assert_int_eq(chmod(path, 0711), 0);
	conf_unref(load_good(body));
}
END_TEST

/* ------------------------------------------------------------- a start --- */

/* The same text, as the roles get it. */
static struct conf *
canonical_copy(const struct conf *c)
{
	CLEANUP_FREE char *text = conf_format(c);
	struct conf_errors errors = { 0 };
	struct conf *copy = NULL;

	ck_assert_ptr_nonnull(text);
	if (conf_parse(text, strlen(text), 2, &copy, &errors) < 0)
		ck_abort_msg("%s", errors.list[0].text);
	return copy;
}

START_TEST(a_start_goes_without_what_one_service_lacks)
{
	char body[2048], path[512];
	CLEANUP_FREE char *errors = NULL, *text = NULL;
	struct conf_errors lacks = { 0 };
	struct conf *c = NULL, *copy, *better = NULL;

	(void)snprintf(path, sizeof(path), "%s", in_dir("later"));
	(void)snprintf(body, sizeof(body), "%slisten \"unix:///run/x.sock\" {}\n"
	    "role \"r\" { user = {\"root\", \"reqd-no-such\"} group = {\"reqd-no-such\"} }\n"
	    "service \"a\" { command = {\"/bin/true\"} }\n"
	    "service \"b\" { command = {\"/bin/true\"} directory = \"%s\" }\n"
	    "service \"c\" { command = {\"/bin/true\"} user = \"reqd-no-such\" }\n"
	    "service \"d\" { handler = {\"/nonexistent\"} }\n", user_line(), path);
	write_file(in_dir("main.conf"), body);
	ck_assert_int_eq(conf_load(in_dir("main.conf"), CONF_LENIENT, &c, &lacks), 0);
	ck_assert_uint_eq(lacks.n, 5);
	conf_errors_done(&lacks);
	ck_assert_uint_eq(conf_count_unavailable(c), 3);
	copy = canonical_copy(c);
	for (struct conf *of = c; of != NULL; of = of == c ? copy : NULL) {
		ck_assert_ptr_null(of->services[0].unavailable);
		ck_assert_ptr_nonnull(strstr(of->services[1].unavailable, "/later: No such file"));
		ck_assert_str_eq(of->services[2].unavailable, "there is no account 'reqd-no-such'");
		ck_assert_uint_eq(of->services[2].run_as.uid, (uid_t)-1);
		ck_assert_str_eq(of->services[2].run_as.user, "reqd-no-such");
		ck_assert_str_eq(of->services[3].unavailable,
		    "program /nonexistent: No such file or directory");
		ck_assert_uint_eq(of->roles[0].n_uids, 1);
		ck_assert_uint_eq(of->roles[0].n_gids, 0);
		ck_assert(conf_is_lacking(of));
	}
	text = conf_format(c);
	ck_assert_int_eq(conf_look_again(text, strlen(text), 3, &better, &lacks), 0);
	conf_errors_done(&lacks);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(conf_look_again(text, strlen(text), 3, &better, &lacks), 1);
	conf_errors_done(&lacks);
	ck_assert_uint_eq(better->generation, 3);
	ck_assert_ptr_null(better->services[1].unavailable);
	ck_assert_uint_eq(conf_count_unavailable(better), 2);
	ck_assert_uint_ne(better->services[1].run_as.uid, (uid_t)-1);
	ck_assert_int_eq(rmdir(path), 0);
	/* And strictly nothing of it goes. */
	ck_assert_ptr_null(load_text(body, CONF_DEFAULT, &errors));
	conf_unref(better);
	conf_unref(copy);
	conf_unref(c);
}
END_TEST

START_TEST(a_start_excuses_no_mistake)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	char body[1024];

	(void)snprintf(body, sizeof(body), "%slisten \"unix:///run/x.sock\" {}\n"
	    "service \"a\" { command = {\"/nonexistent\", \"{b}\"} }\n", user_line());
	write_file(in_dir("main.conf"), body);
	ck_assert_int_eq(conf_load(in_dir("main.conf"), CONF_LENIENT, &c, &errors), -EINVAL);
	conf_errors_done(&errors);
	/* A group that the whole lacks may come, too. */
	(void)snprintf(body, sizeof(body), "%slisten \"unix:///run/x.sock\" {}\n"
	    "control { group = \"reqd-no-such\" }\n", user_line());
	write_file(in_dir("main.conf"), body);
	ck_assert_int_eq(conf_load(in_dir("main.conf"), CONF_LENIENT, &c, &errors), -EAGAIN);
	ck_assert_uint_eq(errors.n, 1);
	conf_errors_done(&errors);
}
END_TEST

/* ------------------------------------------------------------- accounts --- */

START_TEST(root_services_run_as_nobody)
{
	struct conf *c;

	if (geteuid() != 0)
		return;		/* the next test has the other half */
	c = load_good("service \"a\" { command = {\"/bin/true\"} }\n"
	    "service \"b\" { command = {\"/bin/true\"} user = \"root\" group = \"daemon\" }\n");
	ck_assert(c->services[0].run_as.is_set);
	ck_assert_str_eq(c->services[0].run_as.user, "nobody");
	ck_assert_uint_eq(c->services[0].run_as.uid, getpwnam("nobody")->pw_uid);
	ck_assert_uint_eq(c->services[1].run_as.uid, 0);
	ck_assert_uint_eq(c->services[1].run_as.gid, getgrnam("daemon")->gr_gid);
	conf_unref(c);
	load_bad("service \"a\" { command = {\"/bin/true\"} user = \"daemon\" }\n",
	    "the account of the workers");
}
END_TEST

/* In a child: loads the installed configuration as that account. */
static int
load_installed(uid_t uid)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	bool as_wanted;
	int r;

	if (uid != geteuid() && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	    setresuid(uid, uid, uid) < 0))
		return 2;
	r = conf_load(in_dir("reqd.conf"), CONF_DEFAULT, &c, &errors);
	conf_errors_print(&errors, stderr);
	conf_errors_done(&errors);
	if (r < 0)
		return 1;
	as_wanted = c->run_as.is_set == (uid == 0) && conf_find_service(c, "disk-usage", 10) &&
	    conf_find_service(c, "count", 5) && !conf_find_service(c, "fail-demo", 9) &&
	    (uid == 0 || c->services[0].run_as.uid == uid);
	conf_unref(c);
	return as_wanted ? 0 : 3;
}

static void
copy_file(const char *from, const char *to, const char *prefix)
{
	char text[16384];
	FILE *f = fopen(from, "r");
	size_t start = strlen(prefix), n;

	ck_assert_ptr_nonnull(f);
	memcpy(text, prefix, start);
	n = fread(text + start, 1, sizeof(text) - start - 1, f);
	text[start + n] = '\0';
	(void)fclose(f);
	write_file(to, text);
}

static void
load_installed_as(uid_t uid)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(load_installed(uid));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(installed_configuration_loads)
{
	static const char *const files[] = { "count.conf", "disk-usage.conf" };

	ck_assert_int_eq(mkdir(in_dir("services.d"), 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char from[512], to[512];

		(void)snprintf(from, sizeof(from), TOP_SRCDIR "/etc/services.d/%s", files[i]);
		(void)snprintf(to, sizeof(to), "%s/services.d/%s", dir, files[i]);
		copy_file(from, to, "");
	}
	copy_file(TOP_SRCDIR "/etc/reqd.conf", in_dir("reqd.conf"), "");
	if (geteuid() != 0) {
		load_installed_as(geteuid());
		return;
	}
	load_installed_as(getpwnam("nobody")->pw_uid);
	/*
	 * The account of the package may be missing when the package is built.
	 */
	copy_file(TOP_SRCDIR "/etc/reqd.conf", in_dir("reqd.conf"), user_line());
	load_installed_as(0);
}
END_TEST

START_TEST(other_accounts_need_root)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;
	int status;
	pid_t pid;

	write_file(in_dir("main.conf"), "listen \"unix:///x\" {}\nservice \"a\" { command = {\"/bin/true\"} user = \"root\" }\n");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (conf_load(in_dir("main.conf"), CONF_DEFAULT, &c, &errors) != -EINVAL)
			_exit(3);
		_exit(strstr(errors.list[0].text, "reqd needs root") != NULL ? 0 : 4);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --------------------------------------------------------------- manual --- */

START_TEST(every_key_is_in_the_manual)
{
	CLEANUP_FREE char *page = calloc(1, 1 << 20);
	FILE *f = fopen(TOP_SRCDIR "/man/reqd.conf.5", "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(page, 1, (1 << 20) - 1, f), 0);
	(void)fclose(f);
	for (const struct section *const *s = sections; *s != NULL; s++) {
		for (size_t i = 0; i < (*s)->n_keys; i++) {
			const struct key *k = &(*s)->keys[i];
			char item[128];

			(void)snprintf(item, sizeof(item), ".It Ic %s ", k->name);
			ck_assert_msg((k->flags & KEY_CANONICAL) != 0 || strstr(page, item) != NULL,
			    "%s of '%s' is not in the manual", k->name, (*s)->kind);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("errors");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, make_dir, drop_dir);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, broken_samples_are_explained);
	tcase_add_test(t, one_mistake_is_one_error);
	tcase_add_test(t, all_errors_of_a_file_are_shown);
	tcase_add_loop_test(t, a_wrong_address_is_told_of_once, 0, 5);
	tcase_add_test(t, a_text_that_ends_too_soon);
	tcase_add_test(t, many_errors_end);
	tcase_add_test(t, errors_of_one_kind_are_counted);
	tcase_add_test(t, large_texts_take_time_by_their_length);
	tcase_add_test(t, services_beyond_the_limit_are_one_error);
	tcase_add_loop_test(t, quotes_keep_their_text, 0, 9);
	tcase_add_test(t, odd_files_are_refused);
	tcase_add_test(t, mistakes_over_files_name_both_places);
	suite_add_tcase(s, t);

	t = tcase_create("values");
	tcase_add_checked_fixture(t, make_dir, drop_dir);
	tcase_add_test(t, services_are_read_in_order);
	tcase_add_test(t, defaults_are_documented_ones);
	tcase_add_test(t, values_are_read);
	tcase_add_test(t, names_of_hosts_become_addresses);
	tcase_add_test(t, names_are_found_in_any_case);
	suite_add_tcase(s, t);

	t = tcase_create("handlers");
	tcase_add_checked_fixture(t, make_dir, drop_dir);
	tcase_add_test(t, handlers_have_documented_defaults);
	tcase_add_test(t, handlers_are_read);
	tcase_add_test(t, handlers_have_a_canonical_text);
	tcase_add_test(t, commands_have_no_pool_in_canonical_text);
	tcase_add_test(t, changes_of_a_handler_are_seen);
	suite_add_tcase(s, t);

	t = tcase_create("canonical");
	tcase_add_checked_fixture(t, make_dir, drop_dir);
	tcase_add_test(t, canonical_text_is_a_fixed_point);
	tcase_add_test(t, canonical_text_is_a_valid_file);
	tcase_add_loop_test(t, canonical_bounds_are_read_again, 0,
	    (int)(sizeof(bounds) / sizeof(*bounds)));
	tcase_add_test(t, parse_looks_nothing_up);
	tcase_add_test(t, sealed_text_is_read);
	tcase_add_test(t, text_that_is_not_sealed_is_refused);
	suite_add_tcase(s, t);

	t = tcase_create("machine");
	tcase_add_checked_fixture(t, make_dir, drop_dir);
	tcase_add_test(t, programs_are_checked);
	tcase_add_loop_test(t, the_kernel_is_asked_beforehand, 0, (int)ARRAY_LEN(first_bytes));
	tcase_add_test(t, what_the_account_may_not_do_is_known);
	tcase_add_test(t, a_start_goes_without_what_one_service_lacks);
	tcase_add_test(t, a_start_excuses_no_mistake);
	tcase_add_test(t, root_services_run_as_nobody);
	tcase_add_test(t, installed_configuration_loads);
	tcase_add_test(t, other_accounts_need_root);
	tcase_add_test(t, every_key_is_in_the_manual);
	suite_add_tcase(s, t);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
