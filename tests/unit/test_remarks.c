/* SPDX-License-Identifier: ISC */
/* remarks: the cases in which reqd -t warns, and those in which it does not. */
#include "config.h"

#include "conf/remarks.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/errors.h"
#include "unit.h"

#define ROLES                                                                          \
	"listen \"unix:///run/x.sock\" {}\n"                                           \
	"role \"all\" { net = {\"unix\"} } role \"adm\" { user = {\"root\"} uids = {0} }\n"
/* A service, open to a role, that runs /bin/ctl with these words. */
#define CTL(name, words, role, body)                                                   \
	"service \"" name "\" { command = {\"/bin/ctl\", " words "} allow = {\"" role "\"} " body "}\n"
#define SUB "argument \"sub\" {}"
#define SPELLED "service \"ctl\": argument 'sub' may be 'restart', so that its callers get what "  \
	"service \"restart\" does with other rights; leave that out with 'values' or 'pattern'\n"
#define WARM(name, ids) "service \"" name "\" { handler = {\"/bin/cat\"} user = \"u\" ids = \"" ids "\" }\n"
#define USER(name, ids) "service \"" name "\" { command = {\"/bin/true\"} user = \"u\" ids = \"" ids "\" }\n"

static const struct {
	const char *text, *warnings;
} catch_alls[] = {
	{ CTL("ctl", "\"{sub}\"", "all", SUB) CTL("restart", "\"restart\"", "adm", ""), SPELLED },
	/* A repeated argument, and words before and behind. */
	{ CTL("ctl", "\"{sub}\"", "all", "argument \"sub\" { repeat = yes }")
	  CTL("restart", "\"restart\", \"now\"", "adm", ""), SPELLED },
	{ CTL("ctl", "\"on\", \"{host}\", \"{sub}\"", "all", "argument \"host\" {} " SUB)
	  CTL("restart", "\"on\", \"{h}\", \"restart\"", "adm", "argument \"h\" {}"), SPELLED },
	{ CTL("ctl", "\"{sub}\"", "all", "argument \"sub\" { type = choice values = {\"restart\"} }")
	  CTL("restart", "\"restart\"", "adm", ""), SPELLED },
	/* The same rights: nobody gets more than he has. */
	{ CTL("ctl", "\"{sub}\"", "all", SUB) CTL("restart", "\"restart\"", "all", ""), "" },
	{ CTL("ctl", "\"{sub}\"", "all", SUB) CTL("restart", "\"restart\"", "all",
	  "deny = {\"adm\"}"), SPELLED },
	/* The argument cannot have this value, or stands elsewhere. */
	{ CTL("ctl", "\"{sub}\"", "all", "argument \"sub\" { type = choice values = {\"status\"} }")
	  CTL("restart", "\"restart\"", "adm", ""), "" },
	{ CTL("ctl", "\"{sub}\"", "all", "argument \"sub\" { type = pattern pattern = \"s.*\" }")
	  CTL("restart", "\"restart\"", "adm", ""), "" },
	{ CTL("ctl", "\"{sub}\"", "all", SUB) CTL("restart", "\"--restart\"", "adm", ""), "" },
	{ CTL("ctl", "\"show\", \"{sub}\"", "all", SUB) CTL("restart", "\"restart\"", "adm", ""), "" },
	{ CTL("ctl", "\"{sub}\"", "all", SUB) CTL("restart", "\"restart\", \"now\"", "adm", ""), "" },
	{ CTL("ctl", "\"{sub}\"", "all", SUB)
	  "service \"restart\" { command = {\"/bin/other\", \"restart\"} allow = {\"adm\"} }\n", "" },
};

/* The texts of all lines. */
static void
expect(const struct conf_errors *e, const char *wanted)
{
	char got[4096] = "";

	for (size_t i = 0; i < e->n; i++) {
		(void)strlcat(got, e->list[i].text, sizeof(got));
		(void)strlcat(got, "\n", sizeof(got));
	}
	ck_assert_str_eq(got, wanted);
}

/* Leaves out what the short configurations here all lack. */
static void
drop_slips(struct conf_errors *notes)
{
	size_t n = 0;

	for (size_t i = 0; i < notes->n; i++) {
		struct conf_error *e = &notes->list[i];

		if (e->more == 0 && strstr(e->text, "has no 'allow'") == NULL &&
		    strstr(e->text, "no service is declared") == NULL) {
			notes->list[n++] = *e;
			continue;
		}
		free(e->file);
		free(e->text);
	}
	notes->n = n;
}

static void
warn(const char *text, const char *stdbuf, struct conf_errors *warnings, struct conf_errors *notes)
{
	struct conf_errors errors = { 0 };
	struct conf *c = NULL;

	if (conf_parse(text, strlen(text), 1, &c, &errors) < 0)
		ck_abort_msg("%s in:\n%s", errors.n > 0 ? errors.list[0].text : "?", text);
	remarks_warn(c, stdbuf, warnings);
	remarks_note(c, notes);
	drop_slips(notes);
	(void)conf_unref(c);
}

START_TEST(a_catch_all_is_told_of)
{
	CLEANUP(conf_errors_done) struct conf_errors warnings = { 0 };
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 };
	char text[4096] = ROLES;

	(void)strlcat(text, catch_alls[_i].text, sizeof(text));
	warn(text, "/", &warnings, &notes);
	expect(&warnings, catch_alls[_i].warnings);
	expect(&notes, "");
}
END_TEST

START_TEST(shared_accounts_are_told_of_once)
{
	CLEANUP(conf_errors_done) struct conf_errors warnings = { 0 };
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 };

	warn(ROLES USER("a", "7:7") USER("b", "8:7") USER("c", "0:0") USER("d", "0:0"), "/", &warnings,
	    &notes);
	expect(&notes, "");
	/* Commands without a secret have nothing to lose to each other. */
	warn(ROLES USER("a", "7:7") USER("b", "7:7"), "/", &warnings, &notes);
	expect(&notes, "");
	warn(ROLES WARM("a", "7:7") USER("b", "7:7") USER("c", "8:8") USER("d", "7:7") USER("e", "9:9")
	    WARM("f", "9:9") USER("g", "9:9"), "/", &warnings, &notes);
	expect(&warnings, "");
	ck_assert_uint_eq(notes.n, 1);
	ck_assert_ptr_nonnull(strstr(notes.list[0].text,
	    "6 services share accounts, such as 'u' ('a', 'b', 'd', 'e', 'f' and 1 more): "));
}
END_TEST

START_TEST(a_missing_stdbuf_is_told_of)
{
	static const char text[] = ROLES
	    "service \"a\" { command = {\"/bin/cat\"} buffering = line }\n"
	    "service \"b\" { command = {\"/bin/cat\"} }\n";
	CLEANUP(conf_errors_done) struct conf_errors warnings = { 0 };
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 };

	warn(text, "/", &warnings, &notes);
	expect(&warnings, "");
	warn(text, "/nonexistent/libstdbuf.so", &warnings, &notes);
	expect(&warnings, "'buffering = line' ('a') works for Python only: /nonexistent/libstdbuf.so, "
	    "which stdbuf(1) uses, is not there\n");
}
END_TEST

START_TEST(a_webhook_without_listener_is_told_of)
{
	static const char hook[] = "service \"a\" { command = {\"/bin/true\"} webhook \"h\" { "
	    "verify = github  secret = {\"/s\"} } }\n";
	CLEANUP(conf_errors_done) struct conf_errors warnings = { 0 };
	CLEANUP(conf_errors_done) struct conf_errors notes = { 0 };
	char text[1024];

	(void)snprintf(text, sizeof(text), "%slisten \"http://127.0.0.1\" {}\n%s", ROLES, hook);
	warn(text, "/", &warnings, &notes);
	expect(&notes, "");
	(void)snprintf(text, sizeof(text), "%slisten \"http://127.0.0.1\" { offer = {\"call\"} }\n%s",
	    ROLES, hook);
	warn(text, "/", &warnings, &notes);
	expect(&warnings, "");
	expect(&notes, "service \"a\" has a webhook, but no listener speaks HTTP and offers hooks\n");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, a_catch_all_is_told_of, 0, (int)ARRAY_LEN(catch_alls));
	tcase_add_test(tc, shared_accounts_are_told_of_once);
	tcase_add_test(tc, a_missing_stdbuf_is_told_of);
	tcase_add_test(tc, a_webhook_without_listener_is_told_of);
}

UNIT_MAIN("remarks", add(tc))
