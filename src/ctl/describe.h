/* SPDX-License-Identifier: ISC */
/*
 * describe: the description of a service, as people read it.
 */
#pragma once

#include <jansson.h>

#include "ctl/cmd.h"

void describe_print(const struct ctl *ctl, const json_t *description);
