/* SPDX-License-Identifier: ISC */
/*
 * handlerenv: arguments and environment of a handler, all of which the
 * configuration says.
 */
#pragma once

#include <stdint.h>

#include "conf/conf.h"

/* Writes them as a job. No allocation. 0 or -errno; -E2BIG: there is too much of it. */
int handlerenv_write(int job, const struct service *s, uint64_t id);
