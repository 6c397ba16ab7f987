/* SPDX-License-Identifier: ISC */
/* clientresult: turns the last reply of a call into a struct reqd_result. */
#pragma once

#include "base/slice.h"
#include "client/reqd.h"
#include "proto/value.h"

/* Makes a new result of an error reply. 0, or REQD_E_NOMEM. */
int clientresult_of_error(struct slice line, struct reqd_result **ret);

/*
 * Makes a new result of the map that CALL --full answers. Takes bytes, which
 * hold the texts of map. 0; REQD_E_NOMEM; or REQD_E_PROTOCOL with the key that
 * is missing or wrong.
 */
int clientresult_of_map(const struct value *map, char *bytes, struct reqd_result **ret,
    const char **ret_wrong);
