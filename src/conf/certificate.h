/* SPDX-License-Identifier: ISC */
/*
 * certificate: the certificates of TLS listeners: found on the disk, checked, and
 * looked at for their end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "conf/reader.h"

/*
 * Opens the files of each TLS listener and has a child check them. Fills in the
 * certificate and the open file of the key. 0 or -ENOMEM; what is wrong becomes an
 * error of the reading.
 */
int certificate_load(struct reader *r);

/* The seconds from now until the certificate ends; negative: it has ended. */
int64_t certificate_left(const struct certificate *c, int64_t now);

/* The warnings of certificate_warn() about an end that is near or has come. */
#define CERTIFICATE_HAS_ENDED "%s: the certificate %s has ended on %s"
#define CERTIFICATE_ENDS "%s: the certificate %s ends in %d days, on %s"

static inline bool
certificate_is_about_end(const struct conf_error *e)
{
	return e->kind != NULL && (strcmp(e->kind, CERTIFICATE_HAS_ENDED) == 0 ||
	    strcmp(e->kind, CERTIFICATE_ENDS) == 0);
}

/* Adds a warning for each certificate that is not valid, or will not be in 14 days. */
void certificate_warn(const struct conf *c, struct conf_errors *warnings);

/* True if some listener of the configuration speaks TLS. */
bool certificate_is_needed(const struct conf *c);
