/* SPDX-License-Identifier: ISC */
/*
 * reqctl status: prints the state of the server, its processes, listeners and
 * services.
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/outjson.h"
#include "ctl/outtable.h"
#include "ctl/remote.h"

enum cell_kind { CELL_TEXT, CELL_COUNT, CELL_USEC, CELL_BYTES };

struct cell {
	struct out_column column;
	const char *key;
	enum cell_kind kind;
};

#define MAX_CELLS 10

/* A number of bytes, in KiB or MiB where it is large. */
static const char *
bytes_of(const json_t *j, const char *key, char text[static OUT_NUMBER])
{
	static const char units[] = { 'B', 'K', 'M', 'G', 'T' };
	uint64_t v = out_json_number(j, key) > 0 ? (uint64_t)out_json_number(j, key) : 0;
	size_t u = 0;

	while (v >= 10240 && u < ARRAY_LEN(units) - 1) {
		v /= 1024;
		u++;
	}
	if (u == 0)
		return out_count((int64_t)v, text);
	(void)snprintf(text, OUT_NUMBER, "%llu%c", (unsigned long long)v, units[u]);
	return text;
}

static const char *
cell_text(const struct cell *cell, const json_t *row, char number[static OUT_NUMBER])
{
	int64_t v = out_json_number(row, cell->key);

	switch (cell->kind) {
	case CELL_TEXT:
		return out_json_text(row, cell->key);
	case CELL_USEC:
		/*
		 * A service has no times if no call of it has run, or all were
		 * refused.
		 */
		return v == 0 && out_json_number(row, "calls") == out_json_number(row, "rejected") ? "-" :
		    out_duration(v > 0 ? (uint64_t)v : 0, number);
	case CELL_BYTES:
		return bytes_of(row, cell->key, number);
	default:
		return out_count(v, number);
	}
}

/* Prints one row for each object of a list. */
static void
print_list(const struct ctl *ctl, const json_t *list, const struct cell *cells, size_t n)
{
	struct out_column columns[MAX_CELLS];
	struct out_table *t;
	const json_t *row;
	size_t i;

	for (i = 0; i < n; i++)
		columns[i] = cells[i].column;
	t = out_table_new(ctl, OUT_TABLE_ALWAYS, columns, n);
	json_array_foreach((json_t *)list, i, row) {
		char numbers[MAX_CELLS][OUT_NUMBER];
		const char *texts[MAX_CELLS];

		for (size_t k = 0; k < n; k++)
			texts[k] = cell_text(&cells[k], row, numbers[k]);
		out_table_row(t, texts);
	}
	out_table_end(t);
}

static const struct cell worker_cells[] = {
	{ { .name = "WORKER", .right = true }, "slot", CELL_COUNT },
	{ { .name = "PID", .right = true }, "pid", CELL_COUNT },
	{ { .name = "STATE" }, "state", CELL_TEXT },
	{ { .name = "CONNECTIONS", .right = true }, "connections", CELL_COUNT },
	{ { .name = "REQUESTS", .right = true }, "requests", CELL_COUNT },
	{ { .name = "RUNNING", .right = true }, "running", CELL_COUNT },
	{ { .name = "KEPT", .right = true }, "kept_bytes", CELL_BYTES },
	{ { .name = "OVER", .right = true }, "over_share", CELL_COUNT },
	{ { .name = "LIMITED", .right = true }, "over_limit", CELL_COUNT },
	{ { .name = "RESTARTS", .right = true }, "restarts", CELL_COUNT },
};

static const struct cell web_cells[] = {
	{ { .name = "WEB", .right = true }, "slot", CELL_COUNT },
	{ { .name = "PID", .right = true }, "pid", CELL_COUNT },
	{ { .name = "STATE" }, "state", CELL_TEXT },
	{ { .name = "CONNECTIONS", .right = true }, "connections", CELL_COUNT },
	{ { .name = "REQUESTS", .right = true }, "requests", CELL_COUNT },
	{ { .name = "RUNNING", .right = true }, "running", CELL_COUNT },
	{ { .name = "KEPT", .right = true }, "kept_bytes", CELL_BYTES },
	{ { .name = "OVER", .right = true }, "over_share", CELL_COUNT },
	{ { .name = "RESTARTS", .right = true }, "restarts", CELL_COUNT },
};

static const struct cell service_cells[] = {
	{ { .name = "SERVICE", .cut = true }, "name", CELL_TEXT },
	{ { .name = "CALLS", .right = true }, "calls", CELL_COUNT },
	{ { .name = "FAILED", .right = true }, "failed", CELL_COUNT },
	{ { .name = "REJECTED", .right = true }, "rejected", CELL_COUNT },
	{ { .name = "QUEUE P50", .right = true }, "queue_p50_usec", CELL_USEC },
	{ { .name = "QUEUE P99", .right = true }, "queue_p99_usec", CELL_USEC },
	{ { .name = "RUN P50", .right = true }, "run_p50_usec", CELL_USEC },
	{ { .name = "RUN P99", .right = true }, "run_p99_usec", CELL_USEC },
};

static const struct cell pool_cells[] = {
	{ { .name = "HANDLER", .cut = true }, "name", CELL_TEXT },
	{ { .name = "STATE" }, "state", CELL_TEXT },
	{ { .name = "PROCESSES", .right = true }, "processes", CELL_COUNT },
	{ { .name = "BUSY", .right = true }, "busy", CELL_COUNT },
	{ { .name = "IDLE", .right = true }, "idle", CELL_COUNT },
	{ { .name = "WAITING", .right = true }, "waiting", CELL_COUNT },
	{ { .name = "STARTED", .right = true }, "started", CELL_COUNT },
	{ { .name = "DIED", .right = true }, "died", CELL_COUNT },
	{ { .name = "RECYCLED", .right = true }, "recycled", CELL_COUNT },
};

static const char *
duration_of(const json_t *j, const char *key, char text[static OUT_NUMBER])
{
	int64_t usec = out_json_number(j, key);

	return out_duration(usec > 0 ? (uint64_t)usec : 0, text);
}

/* The name of an account, where the word is "uid:N" and the account has one. */
static const char *
account_name(const char *word)
{
	const struct passwd *account = NULL;

	if (strncmp(word, "uid:", 4) == 0)
		account = getpwuid((uid_t)strtoul(word + 4, NULL, 10));
	return account != NULL ? account->pw_name : word;
}

/* The level of the log, where it is not what the files say. */
static void
print_level(const json_t *j)
{
	const json_t *set = json_object_get(j, "log_level_set");
	char text[OUT_NUMBER];

	if (set == NULL)
		return;
	(void)printf("log      level ");
	out_word(out_json_text(j, "log_level"));
	(void)printf(" instead of ");
	out_word(out_json_text(set, "configured"));
	(void)printf(", by ");
	out_word(account_name(out_json_text(set, "by")));
	(void)printf(" since ");
	out_word(out_json_text(set, "since"));
	if (json_is_integer(json_object_get(set, "left_usec")))
		(void)printf(", for %s more", duration_of(set, "left_usec", text));
	(void)printf("\n");
}

static void
print_master(const json_t *j)
{
	int64_t up = out_json_number(j, "uptime_usec");
	char text[OUT_NUMBER];
	const json_t *l;
	size_t i;

	(void)printf("reqd ");
	out_word(out_json_text(j, "version"));
	(void)printf(", pid %lld, up %s, configuration %lld\n",
	    (long long)out_json_number(j, "pid"), out_duration(up > 0 ? (uint64_t)up : 0, text),
	    (long long)out_json_number(j, "generation"));
	if (json_is_string(json_object_get(j, "changed_file"))) {
		(void)printf("changed  ");
		out_word(out_json_text(j, "changed_file"));
		(void)printf(", since it was read: 'reqctl reload' puts it into effect\n");
	}
	print_level(j);
	json_array_foreach(json_object_get(j, "listeners"), i, l) {
		(void)printf(i == 0 ? "listens  " : "         ");
		out_word(out_json_text(l, "url"));
		if (json_object_get(l, "pin") != NULL) {
			(void)printf(", ");
			out_word(out_json_text(l, "pin"));
			(void)printf(" until ");
			out_word(out_json_text(l, "certificate_until"));
		}
		(void)printf("\n");
	}
}

static void
print_helpers(const json_t *j)
{
	const json_t *broker = json_object_get(j, "broker"), *log = json_object_get(j, "log");
	const json_t *runner = json_object_get(j, "runner");
	const json_t *control = json_object_get(j, "control");
	const json_t *keys = json_object_get(j, "keys"), *auth = json_object_get(j, "auth");
	char text[OUT_NUMBER];

	(void)printf("broker   pid %lld, %lld running, %lld queued, %lld started, %lld restarts\n",
	    (long long)out_json_number(broker, "pid"),
	    (long long)out_json_number(broker, "running"),
	    (long long)out_json_number(broker, "queued"),
	    (long long)out_json_number(broker, "started"),
	    (long long)out_json_number(broker, "restarts"));
	(void)printf("results  %s in %lld kept, %lld given up, %lld attached, %lld over share\n",
	    bytes_of(broker, "kept_bytes", text),
	    (long long)out_json_number(broker, "kept_results"),
	    (long long)out_json_number(broker, "spent_results"),
	    (long long)out_json_number(broker, "attached"),
	    (long long)out_json_number(broker, "over_share"));
	(void)printf("runner   pid %lld, %lld running, %lld strays, %lld restarts\n",
	    (long long)out_json_number(runner, "pid"),
	    (long long)out_json_number(runner, "running"),
	    (long long)out_json_number(runner, "strays_killed"),
	    (long long)out_json_number(runner, "restarts"));
	(void)printf("control  pid %lld, %lld restarts\n",
	    (long long)out_json_number(control, "pid"),
	    (long long)out_json_number(control, "restarts"));
	/* Only where a listener speaks TLS. */
	if (auth != NULL)
		(void)printf("auth     pid %lld, %lld restarts\n",
		    (long long)out_json_number(auth, "pid"),
		    (long long)out_json_number(auth, "restarts"));
	if (keys != NULL)
		(void)printf("keys     pid %lld, %lld restarts\n",
		    (long long)out_json_number(keys, "pid"),
		    (long long)out_json_number(keys, "restarts"));
	(void)printf("log      pid %lld, %lld records dropped, %lld restarts\n",
	    (long long)out_json_number(log, "pid"), (long long)out_json_number(log, "dropped"),
	    (long long)out_json_number(log, "restarts"));
}

/*
 * Returns the services with handlers, each with the members of its "pool".
 * NULL: there are none.
 */
static json_t *
pools_of(const json_t *services)
{
	json_t *pools = ctl_need(json_array());
	const json_t *s;
	size_t i;

	json_array_foreach((json_t *)services, i, s) {
		json_t *pool = json_deep_copy(json_object_get(s, "pool"));
		bool failing = json_is_true(json_object_get(pool, "failing"));

		if (pool == NULL)
			continue;
		(void)json_object_set_new(pool, "name", json_string(out_json_text(s, "name")));
		(void)json_object_set_new(pool, "state", json_string(failing ? "failing" : "ok"));
		(void)json_array_append_new(pools, pool);
	}
	if (json_array_size(pools) > 0)
		return pools;
	json_decref(pools);
	return NULL;
}

static void
add_death(struct out_table *t, const json_t *pool)
{
	bool failing = json_is_true(json_object_get(pool, "failing"));
	char age[OUT_NUMBER], since[OUT_NUMBER], next[OUT_NUMBER];
	CLEANUP_FREE char *last = NULL;

	if (asprintf(&last, "%s ago: %s", duration_of(pool, "last_death_age_usec", age),
	    out_json_text(pool, "last_death")) < 0)
		(void)ctl_need(NULL);
	out_table_row(t, (const char *const[]){
	    out_json_text(pool, "name"),
	    failing ? duration_of(pool, "failing_usec", since) : "-",
	    !failing ? "-" : out_json_number(pool, "next_try_usec") <= 0 ? "now" :
	    duration_of(pool, "next_try_usec", next),
	    last,
	});
}

/*
 * Prints the last death of handlers, for services that had one. It is too long
 * for the table of all.
 */
static void
print_deaths(const struct ctl *ctl, const json_t *pools)
{
	static const struct out_column columns[] = {
		{ .name = "HANDLER", .cut = true }, { .name = "FAILING", .right = true },
		{ .name = "NEXT TRY", .right = true }, { .name = "LAST DEATH", .cut = true },
	};
	struct out_table *t = NULL;
	const json_t *pool;
	size_t i;

	json_array_foreach((json_t *)pools, i, pool) {
		if (!json_is_string(json_object_get(pool, "last_death")))
			continue;
		if (t == NULL)
			t = out_table_new(ctl, OUT_TABLE_ALWAYS, columns, ARRAY_LEN(columns));
		add_death(t, pool);
	}
	if (t == NULL)
		return;
	(void)printf("\n");
	out_table_end(t);
}

static void
print_pools(const struct ctl *ctl, const json_t *services)
{
	CLEANUP(json_freep) json_t *pools = pools_of(services);

	if (pools == NULL)
		return;
	(void)printf("\n");
	print_list(ctl, pools, pool_cells, ARRAY_LEN(pool_cells));
	print_deaths(ctl, pools);
}

/* Prints the services that are out of order, each with the reason. */
static void
print_unavailable(const struct ctl *ctl, const json_t *services)
{
	static const struct out_column columns[] = {
		{ .name = "OUT OF ORDER", .cut = true }, { .name = "REASON", .cut = true },
	};
	struct out_table *t = NULL;
	const json_t *s;
	size_t i;

	json_array_foreach((json_t *)services, i, s) {
		if (!json_is_string(json_object_get(s, "unavailable")))
			continue;
		if (t == NULL) {
			(void)printf("\n");
			t = out_table_new(ctl, OUT_TABLE_ALWAYS, columns, ARRAY_LEN(columns));
		}
		out_table_row(t, (const char *const[]){
		    out_json_text(s, "name"), out_json_text(s, "unavailable"),
		});
	}
	if (t != NULL)
		out_table_end(t);
}

/* Prints the services that an administrator has drained or paused. */
static void
print_states(const struct ctl *ctl, const json_t *services)
{
	static const struct out_column columns[] = {
		{ .name = "NOT OPEN", .cut = true }, { .name = "STATE" }, { .name = "SINCE" },
		{ .name = "BY" }, { .name = "TEXT", .cut = true },
	};
	struct out_table *t = NULL;
	const json_t *s;
	size_t i;

	json_array_foreach((json_t *)services, i, s) {
		const char *state = out_json_text(s, "state");

		if (*state == '\0' || strcmp(state, "open") == 0)
			continue;
		if (t == NULL) {
			(void)printf("\n");
			t = out_table_new(ctl, OUT_TABLE_ALWAYS, columns, ARRAY_LEN(columns));
		}
		out_table_row(t, (const char *const[]){ out_json_text(s, "name"),
		    strcmp(state, "drain") == 0 ? "drained" : "paused",
		    out_json_text(s, "state_since"), account_name(out_json_text(s, "state_by")),
		    json_is_string(json_object_get(s, "state_text")) ?
		    out_json_text(s, "state_text") : "-" });
	}
	if (t != NULL)
		out_table_end(t);
}

static int
status_run(struct ctl *ctl, size_t n, char **words)
{
	CLEANUP(json_freep) json_t *j = NULL;
	int status = remote_control_json(ctl, "STATUS", &j);

	(void)n;
	(void)words;
	if (status != 0)
		return status;
	if (ctl->json) {
		out_json(ctl, TAKE_PTR(j));
		return 0;
	}
	print_master(j);
	print_helpers(j);
	(void)printf("\n");
	print_list(ctl, json_object_get(j, "workers"), worker_cells, ARRAY_LEN(worker_cells));
	if (json_array_size(json_object_get(j, "web")) > 0) {
		(void)printf("\n");
		print_list(ctl, json_object_get(j, "web"), web_cells, ARRAY_LEN(web_cells));
	}
	(void)printf("\n");
	print_list(ctl, json_object_get(j, "services"), service_cells, ARRAY_LEN(service_cells));
	print_pools(ctl, json_object_get(j, "services"));
	print_unavailable(ctl, json_object_get(j, "services"));
	print_states(ctl, json_object_get(j, "services"));
	return 0;
}

const struct ctl_cmd cmd_status = {
	.name = "status",
	.synopsis = "",
	.summary = "show processes, load and services (control socket)",
	.run = status_run,
};
