/* SPDX-License-Identifier: ISC */
/*
 * reqctl reload: makes reqd read its configuration again, and prints what
 * changed.
 */
#include "config.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/remote.h"

static void
put_value(const char *text)
{
	out_word(*text != '\0' ? text : "unset");
}

/* Prints "timeout 5s -> 9s". */
static void
print_key(const json_t *k)
{
	out_word(out_json_text(k, "key"));
	if (json_object_get(k, "from") != NULL) {
		(void)printf(" ");
		put_value(out_json_text(k, "from"));
		(void)printf(" -> ");
		put_value(out_json_text(k, "to"));
	}
	if (json_is_true(json_object_get(k, "at_start")))
		(void)printf(" (takes effect at the next start of reqd)");
	if (json_object_get(k, "unit") != NULL) {
		(void)printf(" (");
		out_word(out_json_text(k, "unit"));
		(void)printf(" of the systemd socket unit is used instead)");
	}
}

/* Prints "changed  service echo: timeout 5s -> 9s, allow". */
static void
print_change(const json_t *change)
{
	const char *section = out_json_text(change, "section");
	const char *name = out_json_text(change, "name");
	const json_t *k;
	size_t i;

	(void)printf("%-8s ", out_json_text(change, "change"));
	out_word(section);
	(void)printf("%s", *name != '\0' ? " " : "");
	out_word(name);
	json_array_foreach(json_object_get(change, "keys"), i, k) {
		(void)printf("%s", i > 0 ? ", " : *section != '\0' ? ": " : "");
		print_key(k);
	}
	(void)printf("\n");
}

/* Prints "note     /etc/reqd/reqd.conf:3: unix:///run/reqd/reqd.sock: ...". */
static void
print_note(const json_t *note)
{
	const char *file = out_json_text(note, "file");

	(void)printf("%-8s ", "note");
	if (*file != '\0') {
		out_word(file);
		if (out_json_number(note, "line") > 0)
			(void)printf(":%lld", (long long)out_json_number(note, "line"));
		(void)printf(": ");
	}
	out_word(out_json_text(note, "text"));
	(void)printf("\n");
}

static void
print_changes(const struct ctl *ctl, const json_t *j)
{
	const json_t *changes = json_object_get(j, "changes"), *change, *note;
	bool any = json_array_size(changes) > 0;
	size_t i;

	if (ctl->check) {
		out_word(out_json_text(j, "file"));
		(void)printf(": ok, a reload would change %s\n", any ? "this:" : "nothing");
	} else {
		(void)printf("configuration %lld is in use%s\n",
		    (long long)out_json_number(j, "generation"),
		    any ? "" : ", nothing has changed");
	}
	json_array_foreach((json_t *)(uintptr_t)changes, i, change)
		print_change(change);
	json_array_foreach(json_object_get(j, "notes"), i, note)
		print_note(note);
}

static void
print_errors(const struct ctl *ctl, const json_t *j)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(j, "errors"), i, e) {
		int64_t line = out_json_number(e, "line");
		char number[OUT_NUMBER + 1] = "";

		if (line > 0)
			(void)snprintf(number, sizeof(number), "%lld:", (long long)line);
		ctl_message(ctl, "%s%s%s%s%s", out_json_text(e, "file"),
		    *out_json_text(e, "file") != '\0' ? ":" : "", number,
		    *out_json_text(e, "file") != '\0' ? " " : "", out_json_text(e, "text"));
	}
	ctl_message(ctl, "%s", ctl->check ? "a reload would be refused" :
	    "nothing was changed, the old configuration is still in use");
}

static int
reload_run(struct ctl *ctl, size_t n, char **words)
{
	static const char *const request[] = { "RELOAD", "CHECK" };
	CLEANUP(reqd_freep) struct reqd *c = NULL;
	CLEANUP(json_freep) json_t *j = NULL;
	int status = remote_control(ctl, &c);
	bool ok;

	(void)n;
	(void)words;
	if (status == 0)
		status = remote_ask_json(ctl, c, NULL, &j, ctl->check ? 2 : 1, request);
	if (status != 0)
		return status;
	ok = json_is_true(json_object_get(j, "ok"));
	if (ctl->json)
		out_json(ctl, json_incref(j));
	else if (ok)
		print_changes(ctl, j);
	else
		print_errors(ctl, j);
	return ok ? 0 : STATUS_REFUSED;
}

static const struct ctl_opt options[] = {
	{ .name = "check", .kind = OPT_FLAG, .offset = offsetof(struct ctl, check),
	    .help = "only print what a reload would change, or why it fails" },
};

const struct ctl_cmd cmd_reload = {
	.name = "reload",
	.synopsis = "",
	.summary = "read the configuration again (control socket)",
	.details =
	    "Waits until every process uses the new configuration, and prints what has\n"
	    "changed. If the configuration has an error, nothing changes, all errors are\n"
	    "printed, and the exit status is 251.\n",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.run = reload_run,
};
