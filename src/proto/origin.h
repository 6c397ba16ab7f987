/* SPDX-License-Identifier: ISC */
/*
 * origin: the page that a browser speaks for, as the field Origin has it, and hosts compared
 * with each other and with addresses. No I/O.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "proto/httphost.h"

/* Reads http://HOST[:PORT] or https://HOST[:PORT], with nothing behind. False: it is no such text. */
bool origin_parse(struct slice text, bool *ret_is_tls, struct httphost *ret);

/* True if the hosts are the same name or the same address. Says nothing about the ports. */
bool httphost_is_same(const struct httphost *a, const struct httphost *b);

/* True if the host is this address. */
bool httphost_is_address(const struct httphost *a, const union sockaddr_any *addr);
