/* SPDX-License-Identifier: ISC */
/*
 * certificate: the certificates of TLS listeners: found on the disk, checked, and
 * looked at for their end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/reader.h"

/*
 * Opens the files of each TLS listener and has a child check them. Fills in the
 * certificate and the open file of the key. 0 or -ENOMEM; what is wrong becomes an
 * error of the reading.
 */
int certificate_load(struct reader *r);

/* The seconds from now until the certificate ends; negative: it has ended. */
int64_t certificate_left(const struct certificate *c, int64_t now);

/* Adds a warning for each certificate that is not valid, or will not be in 14 days. */
void certificate_warn(const struct conf *c, struct conf_errors *warnings);

/* True if some listener of the configuration speaks TLS. */
bool certificate_is_needed(const struct conf *c);
