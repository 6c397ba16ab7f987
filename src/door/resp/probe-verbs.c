/* SPDX-License-Identifier: ISC */
/*
 * probe-verbs: verbs that client libraries and exporters send unasked. Each verb gets
 * the answer of a server that has no keys, no slow log and no cluster: the promise of
 * such an answer is kept by having nothing. A promise that would have to be kept
 * by work, such as SUBSCRIBE, is refused as an unknown command.
 */
#include "config.h"

#include "base/cleanup.h"
#include "door/resp/session.h"
#include "door/resp/verbs.h"
#include "proto/resp.h"

enum answer { ANSWER_OK, ANSWER_ZERO, ANSWER_ARRAY, ANSWER_MAP, ANSWER_ROLE, ANSWER_NO_CLUSTER };

static const struct probe {
	const char *verb;
	const char *subcommand;		/* NULL: whatever follows */
	const char *values[2];		/* of the next word; NULL: any */
	enum answer answer;
} probes[] = {
	{ "CLIENT", "TRACKING", { "ON", "OFF" }, ANSWER_OK },
	{ "CLIENT", "CACHING", { "YES", "NO" }, ANSWER_OK },
	{ "CLIENT", "NO-EVICT", { "ON", "OFF" }, ANSWER_OK },
	{ "CLIENT", "NO-TOUCH", { "ON", "OFF" }, ANSWER_OK },
	{ "CLIENT", "REPLY", { "ON" }, ANSWER_OK },
	{ "SLOWLOG", "GET", { NULL }, ANSWER_ARRAY },
	{ "SLOWLOG", "LEN", { NULL }, ANSWER_ZERO },
	{ "SLOWLOG", "RESET", { NULL }, ANSWER_OK },
	{ "LATENCY", "LATEST", { NULL }, ANSWER_ARRAY },
	{ "LATENCY", "HISTORY", { NULL }, ANSWER_ARRAY },
	{ "LATENCY", "HISTOGRAM", { NULL }, ANSWER_MAP },
	{ "LATENCY", "RESET", { NULL }, ANSWER_ZERO },
	{ "MODULE", "LIST", { NULL }, ANSWER_ARRAY },
	{ "CLUSTER", NULL, { NULL }, ANSWER_NO_CLUSTER },
	{ "READONLY", NULL, { NULL }, ANSWER_NO_CLUSTER },
	{ "ROLE", NULL, { NULL }, ANSWER_ROLE },
};

static void
answer(struct session *c, enum answer a)
{
	struct buf *b = session_out(c);

	switch (a) {
	case ANSWER_OK:
		resp_simple(b, "OK");
		break;
	case ANSWER_ZERO:
		resp_integer(b, 0);
		break;
	case ANSWER_ARRAY:
		resp_array(b, 0);
		break;
	case ANSWER_MAP:
		resp_map(b, c->version, 0);
		break;
	case ANSWER_NO_CLUSTER:
		session_error(c, "ERR", "This instance has cluster support disabled");
		break;
	case ANSWER_ROLE:
		resp_array(b, 3);
		resp_bulk_str(b, "master");
		resp_integer(b, 0);
		resp_array(b, 0);
		break;
	}
}

static bool
has_value(const struct probe *p, const struct request *r)
{
	if (p->values[0] == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(p->values) && r->argc > 2; i++) {
		if (p->values[i] != NULL && slice_is_nocase(r->argv[2], p->values[i]))
			return true;
	}
	return false;
}

void
verb_probe(struct session *c, const struct request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		const struct probe *p = &probes[i];

		if (!slice_is_nocase(r->argv[0], p->verb))
			continue;
		if (p->subcommand != NULL && !slice_is_nocase(r->argv[1], p->subcommand))
			continue;
		if (has_value(p, r))
			answer(c, p->answer);
		else
			session_error(c, "ERR", "syntax error");
		return;
	}
	session_unknown_subcommand(c, r);
}
