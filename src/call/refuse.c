/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "call/refuse.h"

#include "base/clock.h"
#include "call/call.h"
#include "ipc/logrec.h"
#include "net/identity.h"

#define RECORDS_PER_SECOND 20

/* Is there room for one more record in this second? */
static bool
may_log(struct refusals *r, uint64_t now_usec)
{
	if (now_usec - r->since_usec >= USEC_PER_SEC) {
		r->since_usec = now_usec;
		r->n_logged = 0;
	}
	if (r->n_logged == RECORDS_PER_SECOND) {
		r->n_omitted++;
		return false;
	}
	r->n_logged++;
	return true;
}

static void
log_refusal(struct call_desk *desk, const struct peer_identity *who, struct slice name,
    enum outcome_kind kind, const char *why)
{
	struct logrec r;

	if (log_level() < LOG_INFO || !may_log(&desk->refusals, desk->loop->now_usec))
		return;
	if (name.len > SERVICE_NAME_MAX)
		name.len = SERVICE_NAME_MAX;
	logrec_start(&r, LOG_INFO);
	if (who != NULL) {
		logrec_add_str(&r, LOG_KEY_CALLER, who->text);
		logrec_add_str(&r, LOG_KEY_PEER, who->peer);
	}
	logrec_add(&r, LOG_KEY_SERVICE, name);
	logrec_add_str(&r, LOG_KEY_OUTCOME, outcome_word(kind));
	if (*why != '\0')
		logrec_add_str(&r, LOG_KEY_DETAIL, why);
	if (desk->refusals.n_omitted > 0)
		logrec_add_u64(&r, LOG_KEY_DROPPED, desk->refusals.n_omitted);
	desk->refusals.n_omitted = 0;
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
		log_refusal(desk, who, name, kind, why);
}
