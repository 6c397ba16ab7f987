/* SPDX-License-Identifier: ISC */
/* sample: a header that needs another one and does not include it. */
#pragma once

uint64_t sample(const struct timespec *t);
