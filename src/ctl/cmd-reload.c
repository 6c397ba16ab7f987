/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "ctl/cmd.h"
#include "ctl/out.h"
#include "ctl/remote.h"

/* "added a b", "listens tcp://127.0.0.1:7373" */
static size_t
print_names(const json_t *j, const char *key)
{
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(j, key), i, name) {
		const char *s = json_string_value(name);

		(void)printf("%s ", i == 0 ? key : "");
		out_text(stdout, slice_of(s != NULL ? s : "?"), OUT_ONE_LINE);
		(void)printf("%s", i + 1 == json_array_size(json_object_get(j, key)) ? "\n" : "");
	}
	return i;
}

static void
print_changes(const json_t *j)
{
	size_t n;

	(void)printf("configuration %lld is in use\n", (long long)out_json_number(j, "generation"));
	n = print_names(j, "added");
	n += print_names(j, "removed");
	n += print_names(j, "changed");
	n += print_names(j, "listens");
	n += print_names(j, "closed");
	if (n == 0)
		(void)printf("no service changed\n");
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
		ctl_message(ctl, "%s%s%s %s", out_json_text(e, "file"),
		    *out_json_text(e, "file") != '\0' ? ":" : "", number,
		    out_json_text(e, "text"));
	}
	ctl_message(ctl, "nothing was changed, the old configuration is still in use");
}

static int
reload_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(json_freep) json_t *j = NULL;
	int status = remote_control_json(ctl, "RELOAD", &j);
	bool ok;

	(void)n;
	(void)words;
	if (status != 0)
		return status;
	ok = json_is_true(json_object_get(j, "ok"));
	if (ctl->json)
		out_json(ctl, json_incref(j));
	else if (ok)
		print_changes(j);
	else
		print_errors(ctl, j);
	return ok ? 0 : STATUS_REFUSED;
}

const struct ctl_cmd cmd_reload = {
	.name = "reload",
	.synopsis = "",
	.summary = "read the configuration again (control socket)",
	.run = reload_run,
};
