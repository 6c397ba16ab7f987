/* SPDX-License-Identifier: ISC */
/* httpaccess: finds services for callers who may call them. */
#include "config.h"

#include "door/http/httpaccess.h"

#include "call/refuse.h"
#include "door/http/httpanswer.h"
#include "net/login.h"

void
http_deny(struct http_session *s, const struct service *service, struct slice name)
{
	bool is_path = name.len > 0 && name.data[0] == '/';
	bool may_log_in = login_may_help(&s->conn);
	bool is_revoked = peer_is_revoked(&s->conn.peer, s->http->conf);

	call_note_refusal(s->http->desk, peer_identity(&s->conn.peer), service, name,
	    OUTCOME_DENIED, "");
	http_answer_problem(s, &(struct http_problem){
		.status = may_log_in ? 401 : 404,
		.code = "NOSERVICE",
		.ran = "no",
		.detail = is_revoked ? SLICE("what you were known by is no longer good for anything here") :
		    is_path && may_log_in ? SLICE("there is nothing at this path for callers without a "
		    "credential: send 'Authorization: Bearer TOKEN'") :
		    is_path ? SLICE("there is nothing at this path, or your roles do not open it") :
		    may_log_in ? SLICE("there is no service of that name for callers without a "
		    "credential: send 'Authorization: Bearer TOKEN'") :
		    SLICE("there is no service of that name, or your roles do not open it"),
		.asks_login = may_log_in,
	});
	http_session_finish(s);
}

const struct service *
http_find_service(struct http_session *s, struct slice name)
{
	const struct service *service = conf_find_service(s->http->conf, name.data, name.len);

	if (service != NULL && http_session_may_call(s, service))
		return service;
	http_deny(s, service, name);
	return NULL;
}

bool
http_has_role(struct http_session *s)
{
	bool may_log_in;

	if (http_session_roles(s) != 0 || s->conn.peer.is_admin)
		return true;
	may_log_in = login_may_help(&s->conn);
	http_answer_problem(s, &(struct http_problem){
		.status = may_log_in ? 401 : 404,
		.detail = SLICE("figures are for callers with a role"),
		.asks_login = may_log_in,
	});
	http_session_finish(s);
	return false;
}
