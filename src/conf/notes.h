/* SPDX-License-Identifier: ISC */
/* notes: settings that are valid, but probably not meant so. */
#pragma once

#include "conf/conf.h"

/*
 * Adds a note for each such thing in a configuration that was read from files: one line,
 * with the place and the remedy. Reads the directory of services, and asks the disk for
 * the scripts of interpreters.
 */
void conf_notes(const struct conf *c, struct conf_errors *notes);
