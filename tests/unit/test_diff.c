/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conf/diff.h"

#include <check.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "unit.h"

#define LISTEN "listen \"unix:///run/x.sock\" {}\n"
#define SERVICE(body)                                                                  \
	LISTEN "service \"x\" {\ncommand = {\"/bin/true\", \"{a}\", \"{b}\"}\n" body "}\n"
#define CREDENTIAL(id, body)                                                           \
	"credential \"" id "\" {\nlogin = \"ci\"\nhash = \"" id "\"\n" body "\n}\n"
#define A "argument \"a\" {}\n"
#define B "argument \"b\" {}\n"
#define HANDLER(body) LISTEN "service \"x\" {\nhandler = {\"/bin/cat\"}\n" body "}\n"

static struct conf *
parse(const char *text)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;

	if (conf_parse(text, strlen(text), 1, &c, &errors) < 0)
		ck_abort_msg("%s in:\n%s", errors.n > 0 ? errors.list[0].text : "?", text);
	return c;
}

/* "changed service x: timeout 5s>9s, allow; " */
static void
note(void *arg, const struct diff *d)
{
	struct buf *b = arg;

	(void)buf_printf(b, "%s %s%s%s", diff_change_name(d->change), d->section,
	    d->name != NULL ? " " : "", d->name != NULL ? d->name : "");
	for (size_t i = 0; i < d->n_keys; i++) {
		const struct diff_key *k = &d->keys[i];

		(void)buf_printf(b, "%s%s", i > 0 ? ", " : ": ", k->name);
		if (k->from != NULL)
			(void)buf_printf(b, " %s>%s", k->from, k->to);
		if (k->at_start)
			(void)buf_append_str(b, " at start");
	}
	(void)buf_append_str(b, "; ");
}

static const struct {
	const char *from, *to, *expected;
} pairs[] = {
	{ LISTEN, LISTEN, "" },
	/* Credentials are shown by their ids. */
	{ LISTEN CREDENTIAL("0123456789abcdef", ""), LISTEN CREDENTIAL("0123456789abcdee", ""),
	    "added credential 0123456789abcdee; removed credential 0123456789abcdef; " },
	{ LISTEN CREDENTIAL("0123456789abcdef", ""), LISTEN CREDENTIAL("0123456789abcdef", "off = yes"),
	    "changed credential 0123456789abcdef: off no>yes; " },
	{ LISTEN "role \"a\" {\nlogin = {\"x\"}\n}\n", LISTEN "role \"a\" {\nlogin = {\"y\"}\n}\n",
	    "changed role a: login; " },
	/* The top, and sections without a title. */
	{ LISTEN, LISTEN "workers = 3\nkill-grace = 1s\n",
	    "changed : workers auto>3, kill-grace 5s>1s; " },
	{ LISTEN, LISTEN "log {\nslow = 1500ms\n}\n", "changed log: slow 0s>1500ms; " },
	{ LISTEN "runtime-directory = \"/r\"\n", LISTEN "runtime-directory = \"/r\"\n"
	    "log {\nlevel = debug\n}\ncontrol {\npath = \"/r/c\"\n}\n",
	    "changed log: level info>debug; changed control: path \"/r/control.sock\">\"/r/c\"; " },
	{ LISTEN "user = \"a\"\nids = \"1:1\"\n", LISTEN "user = \"b\"\nids = \"2:1\"\n",
	    "changed : user \"a\">\"b\" at start; " },
	/* The same name means another account. */
	{ LISTEN "user = \"a\"\nids = \"1:1\"\n", LISTEN "user = \"a\"\nids = \"2:1\"\n",
	    "changed : ids \"1:1\">\"2:1\" at start; " },
	/* Listeners: in any order, by address. */
	{ LISTEN "listen \"unix:///run/y.sock\" {}\n", "listen \"unix:///run/y.sock\" {}\n" LISTEN, "" },
	{ LISTEN, "listen \"unix:///run/y.sock\" {}\n",
	    "added listen unix:///run/y.sock; removed listen unix:///run/x.sock; " },
	{ "listen \"tcp://127.0.0.1\" {}\n",
	    "listen \"tcp://127.0.0.1:7373\" {\nbacklog = 9\nfreebind = yes\nsend-buffer = 64K\n}\n",
	    "changed listen tcp://127.0.0.1:7373: backlog 4096>9, send-buffer 0>64K, "
	    "freebind no>yes at start; " },
	{ "listen \"tcp://127.0.0.1\" {\nsend-buffer = 64K\n}\n", "listen \"tcp://127.0.0.1\" {}\n",
	    "changed listen tcp://127.0.0.1:7373: send-buffer 64K>0 at start; " },
	/* Roles; lists are not shown. */
	{ LISTEN "role \"a\" {\nnet = {\"unix\"}\n}\nrole \"b\" {\nnet = {\"unix\"}\n}\n",
	    LISTEN "role \"c\" {\nnet = {\"unix\"}\n}\nrole \"a\" {\nnet = {\"::1/128\"}\n}\n",
	    "added role c; changed role a: net; removed role b; " },
	/* Services. */
	{ LISTEN, SERVICE(A B), "added service x; " },
	{ SERVICE(A B), LISTEN, "removed service x; " },
	{ SERVICE(A B) "role \"r\" { net = {\"unix\"} }\n",
	    SERVICE(A B "deny = {\"r\"}\n") "role \"r\" { net = {\"unix\"} }\n",
	    "changed service x: deny; " },
	{ LISTEN, "listen \"unix:///run/x.sock\" { name = \"n\" }\n",
	    "changed listen unix:///run/x.sock: name >\"n\"; " },
	{ SERVICE(A B) "listen \"unix:///y\" { name = \"n\" }\n",
	    SERVICE(A B "listen = {\"n\"}\n") "listen \"unix:///y\" { name = \"n\" }\n",
	    "changed service x: listen; " },
	{ SERVICE(A B), SERVICE(A B "nice = -7\nstop-signal = USR1\n"),
	    "changed service x: nice >-7, stop-signal TERM>USR1; " },
	{ SERVICE(A B), SERVICE(A B "directory = temporary\n"),
	    "changed service x: directory \"/\">temporary; " },
	{ SERVICE(A B), SERVICE(A B "from = \"elsewhere:7\"\n"), "" },
	{ SERVICE(A B), SERVICE(A B "timeout = 9s\nlimits {\nfiles = 9\n}\n"),
	    "changed service x: timeout 1m>9s, limits.files >9; " },
	{ SERVICE(A B), SERVICE(A B "http {\nstream = yes\nstatus = {\"3=409\"}\n}\n"),
	    "changed service x: http.stream no>yes, http.status; " },
	{ "listen \"http://127.0.0.1:80\" {}\n",
	    "listen \"http://127.0.0.1:80\" {\nproxy {\nfrom = {\"10.0.0.2/32\"}\nuser = \"X-User\"\n}\n}\n",
	    "changed listen http://127.0.0.1:80: proxy.from, proxy.user >\"X-User\"; " },
	{ SERVICE(A B), SERVICE(A "argument \"b\" {\ndash = yes\n}\n"),
	    "changed service x: argument b; " },
	{ SERVICE(A B), SERVICE(B A), "changed service x: the order of the arguments; " },
	{ SERVICE(A B), SERVICE(A B "argument \"c\" {\noptional = yes\n}\nlock = \"{c}\"\n"),
	    "changed service x: lock >\"{c}\", argument c; " },
	{ HANDLER("processes {\nmax = 3\n}\n"), HANDLER("context = yes\n"),
	    "changed service x: context no>yes, processes.max 3>4; " },
	/* Settings that do not exist for both kinds are not reported. */
	{ SERVICE(A B), HANDLER("processes {\nmax = 3\n}\n"),
	    "changed service x: command, handler, on-disconnect kill>finish, argument a, argument b; " },
};

START_TEST(every_change_is_told)
{
	struct conf *from = parse(pairs[_i].from), *to = parse(pairs[_i].to);
	struct buf got = BUF_INIT(0);

	ck_assert_int_eq(conf_diff(from, to, note, &got), 0);
	ck_assert_str_eq(buf_len(&got) > 0 ? buf_text(&got) : "", pairs[_i].expected);
	buf_done(&got);
	(void)conf_unref(from);
	(void)conf_unref(to);
}
END_TEST

UNIT_MAIN("diff", tcase_add_loop_test(tc, every_change_is_told, 0, (int)ARRAY_LEN(pairs)))
