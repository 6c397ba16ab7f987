/* SPDX-License-Identifier: ISC */
/*
 * edition: a configuration is loaded, and let go of.
 */
#include "config.h"

#include "master/edition.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "conf/errors.h"
#include "master/roletable.h"

/* Its canonical text, sealed, for the other processes. A descriptor, or -errno. */
static int
seal(const struct conf *c)
{
	CLEANUP_FREE char *text = conf_format(c);

	return text == NULL ? -ENOMEM : fd_sealed("reqd-conf", text, strlen(text));
}

int
edition_load(struct edition *ret, const struct master_options *o, uint32_t generation,
    struct conf_errors *errors)
{
	struct edition e = EDITION_NONE;
	int r = conf_load(o->conf_file, CONF_DEFAULT, &e.conf, errors);

	if (r >= 0) {
		if (o->json_log) {
			e.conf->log_format = LOG_FORMAT_JSON;
			e.conf->log_to = LOG_TO_STDERR;
		}
		e.conf->generation = generation;
		e.n_workers = role_workers_wanted(e.conf);
		e.text = r = seal(e.conf);
	}
	if (r < 0) {
		if (errors->n == 0)
			conf_errors_add(errors, o->conf_file, 0, "%s", strerror(-r));
		edition_done(&e);
		return r;
	}
	*ret = e;
	return 0;
}

void
edition_done(struct edition *e)
{
	listen_close(&e->listeners);
	listen_unref(e->control);
	(void)conf_unref(e->conf);
	if (e->text >= 0)
		(void)close(e->text);
	*e = EDITION_NONE;
}
