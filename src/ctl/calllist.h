/* SPDX-License-Identifier: ISC */
/* calllist: the requests that wait or run, as the control socket lists them. */
#pragma once

#include <jansson.h>

#include "client/reqd.h"

struct ctl;

/*
 * Asks for the list, of one service or of all (NULL). 0 with a new array, or an exit status.
 * *ret_n_bad: lines that were left out.
 */
int calllist_ask(const struct ctl *ctl, struct reqd *c, const char *service, json_t **ret,
    size_t *ret_n_bad);
