/* SPDX-License-Identifier: ISC */
/* calllist: asks the control socket for the requests that wait or run. */
#include "config.h"

#include "ctl/calllist.h"

#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/remote.h"

/*
 * Collects the lines of all workers: each element of the reply is the text of
 * one worker, with one JSON object a line. No other process has checked a line,
 * so a wrong line is left out and the others are kept. Returns the number of
 * lines left out.
 */
static size_t
collect_lines(json_t *list, const struct reqd_value *v)
{
	size_t len, n_bad = 0;
	const char *p = reqd_value_data(v, &len);

	while (len > 0) {
		const char *end = memchr(p, '\n', len);
		size_t n = end != NULL ? (size_t)(end - p) : len;

		if (n > 0) {
			json_t *row = remote_json(p, n);

			if (row != NULL)
				(void)json_array_append_new(list, row);
			else
				n_bad++;
		}
		n += end != NULL;
		p += n;
		len -= n;
	}
	return n_bad;
}

int
calllist_ask(const struct ctl *ctl, struct reqd *c, const char *service, json_t **ret,
    size_t *ret_n_bad)
{
	const char *request[] = { "PS", service };
	CLEANUP(reqd_value_freep) struct reqd_value *v = NULL;
	int status = remote_ask(ctl, c, service, &v, service != NULL ? 2 : 1, request);

	if (status != 0)
		return status;
	if (reqd_value_kind(v) != REQD_ARRAY)
		return remote_nonsense(ctl, c, "PS");
	*ret = ctl_need(json_array());
	*ret_n_bad = 0;
	for (size_t i = 0; i < reqd_value_count(v); i++)
		*ret_n_bad += collect_lines(*ret, reqd_value_at(v, i));
	return 0;
}
