/* SPDX-License-Identifier: ISC */
/*
 * handlerenv: the arguments and the environment of a handler, which come from
 * the configuration alone.
 */
#pragma once

#include <stdint.h>

#include "conf/conf.h"

struct jobs;

/*
 * Writes the arguments and the environment as a job. No allocation. 0 or as
 * jobs_write(); -E2BIG: they are too long.
 */
int handlerenv_write(struct jobs *jobs, const struct service *s, uint64_t id,
    uint32_t *ret_job);
