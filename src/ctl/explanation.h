/* SPDX-License-Identifier: ISC */
/* explanation: the answer to CALL --explain, for people. */
#pragma once

#include "client/reqd.h"

/* Prints a table of keys and values in lines of 80 columns, as far as words allow. */
void explanation_print(const struct reqd_value *map);
