/* SPDX-License-Identifier: ISC */
/*
 * handlerenv: arguments and environment of a handler, all of which the
 * configuration says.
 */
#pragma once

#include <stdint.h>

#include "conf/conf.h"

struct jobs;

/* Writes them as a job. No allocation. 0 or as jobs_write(); -E2BIG: there is too much of it. */
int handlerenv_write(struct jobs *jobs, const struct service *s, uint64_t id,
    uint32_t *ret_job);
