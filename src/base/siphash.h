/* SPDX-License-Identifier: ISC */
/*
 * siphash: a short hash with a key, for tables whose keys strangers choose: who does not
 * know the key cannot find two texts with one hash. SipHash-2-4.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[static 2], const void *data, size_t len);
