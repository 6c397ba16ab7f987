/* SPDX-License-Identifier: ISC */
/* description: the description of a service, printed for people. */
#pragma once

#include <jansson.h>

#include "ctl/ctl.h"

void description_print(const struct ctl *ctl, const json_t *description);
