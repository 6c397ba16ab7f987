/* SPDX-License-Identifier: ISC */
/*
 * result: from the last reply of a call to a struct reqd_result.
 */
#pragma once

#include "client/client.h"

/*
 * Makes a result of the final reply v of a call whose id may be known already
 * ("" when not); takes the reply from the connection in any case. 0 with *ret,
 * or an error that client_fail has set.
 */
int result_take(struct reqd *c, struct value *v, size_t used, struct reqd_result **ret);
