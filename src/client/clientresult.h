/* SPDX-License-Identifier: ISC */
/*
 * clientresult: from the last reply of a call to a struct reqd_result.
 */
#pragma once

#include "base/slice.h"
#include "client/reqd.h"
#include "proto/value.h"

/* A new result of an error reply. 0, or REQD_E_NOMEM. */
int clientresult_of_error(struct slice line, struct reqd_result **ret);

/*
 * A new result of the map that CALL --full answers. Takes bytes, which the texts
 * of map are in. 0; REQD_E_NOMEM; or REQD_E_PROTOCOL with the key that is missing
 * or wrong.
 */
int clientresult_of_map(const struct value *map, char *bytes, struct reqd_result **ret,
    const char **ret_wrong);
