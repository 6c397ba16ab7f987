/* SPDX-License-Identifier: ISC */
/* Counts and records refused calls. */
#include "config.h"

#include "call/refuse.h"

#include "call/call.h"
#include "ipc/logrec.h"
#include "net/identity.h"

#define RECORDS_PER_SECOND 20

static void
log_refusal(struct call_desk *desk, const struct peer_identity *who, bool is_known,
    struct slice name, enum outcome_kind kind, const char *why)
{
	struct logrec r;
	uint64_t omitted;

	if (log_level() < LOG_INFO ||
	    !ratelimit_passes(&desk->refusals, desk->loop->now_usec, RECORDS_PER_SECOND, &omitted))
		return;
	if (name.len > SERVICE_NAME_MAX)
		name.len = SERVICE_NAME_MAX;
	logrec_start(&r, LOG_INFO);
	if (who != NULL) {
		logrec_add_str(&r, LOG_KEY_CALLER, who->text);
		logrec_add_str(&r, LOG_KEY_PEER, who->peer);
		if (who->via != NULL)
			logrec_add_str(&r, LOG_KEY_VIA, who->via);
		if (who->credential[0] != '\0')
			logrec_add_str(&r, LOG_KEY_CREDENTIAL, who->credential);
	}
	/* A name that is no service may be a secret, given before the name. */
	if (is_known || !desk->conf->has_secret)
		logrec_add(&r, LOG_KEY_SERVICE, name);
	else if (*why == '\0')
		why = "the name is not shown, as there are services with secrets";
	logrec_add_str(&r, LOG_KEY_OUTCOME, outcome_word(kind));
	if (*why != '\0')
		logrec_add_str(&r, LOG_KEY_DETAIL, why);
	if (omitted > 0)
		logrec_add_u64(&r, LOG_KEY_DROPPED, omitted);
	log_send(&r);
}

void
call_note_refusal(struct call_desk *desk, const struct peer_identity *who,
    const struct service *s, struct slice name, enum outcome_kind kind, const char *why)
{
	struct outcome o = { .kind = kind };

	if (s != NULL && desk->stats->generation == desk->conf->generation)
		stats_count(&desk->stats->service[s->number], &o);
	if (s == NULL || s->log != SERVICE_LOG_NONE)
		log_refusal(desk, who, s != NULL, name, kind, why);
}
