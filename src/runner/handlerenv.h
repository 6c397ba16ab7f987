/* SPDX-License-Identifier: ISC */
/*
 * handlerenv: arguments and environment of a handler, all of which the
 * configuration says. Used between fork and exec only.
 */
#pragma once

#include <stdint.h>

#include "conf/conf.h"
#include "ipc/job.h"

/* No allocation. 0, or -E2BIG when it does not fit the memory set aside. */
int handlerenv_fill(struct job *ret, const struct service *s, uint64_t id);
