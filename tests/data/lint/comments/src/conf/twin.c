/* SPDX-License-Identifier: ISC */
#include "config.h"

/* A sentence that comes too late, and refers to a rule (R12). */
